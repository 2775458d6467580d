"""How far off a device's clock is, by what it says and how long that took."""

from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from server.events.sessions import SET_BACK, SKEW_SAMPLES, Channel, Session

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND
CENTURIES = 8_000 * 366 * 24 * 3_600 * SECOND
SKEWS = st.integers(-CENTURIES, CENTURIES)
# A line that is silent for longer is cut.
DELAYS = st.integers(0, 45 * SECOND)


def session() -> Session:
    return Session(cast(Channel, None), "127.0.0.1")


def ping(session: Session, skew: int, delay: int) -> None:
    """The device's clock as it arrives `delay` later; it is `skew` behind ours."""
    session.note_clock(NOW - skew, NOW + delay)


def test_without_a_clock_there_is_no_skew() -> None:
    one = session()
    one.note_clock(None, NOW)
    assert one.skew == 0


@given(skew=SKEWS, delays=st.lists(DELAYS, min_size=1, max_size=20))
def test_the_skew_is_too_great_by_the_smallest_delay_of_the_last_samples(
    skew: int, delays: list[int]
) -> None:
    one = session()
    for delay in delays:
        ping(one, skew, delay)
    assert one.skew == skew + min(delays[-SKEW_SAMPLES:])


@given(skew=SKEWS, jump=SKEWS, before=st.lists(DELAYS, max_size=9), delay=DELAYS)
def test_a_clock_that_is_set_is_followed_at_once_if_it_was_set_by_much(
    skew: int, jump: int, before: list[int], delay: int
) -> None:
    one = session()
    for each in before:
        ping(one, skew, each)
    ping(one, skew + jump, delay)
    if not before or not 0 <= jump <= SET_BACK + 45 * SECOND:
        # To the second that a delay may hide: a step forward is followed by the smallest.
        assert min(skew, skew + jump) <= one.skew
        assert one.skew <= skew + jump + delay
    else:
        assert skew <= one.skew <= skew + jump + delay
