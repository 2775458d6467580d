"""A short form of `make faults`, and the proof that its checks notice what is broken."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.simulation.broken import (
    BARE_SEQUENCE,
    EARLY_ACK,
    NO_GAP_CHECK,
    NO_LEDGER,
    Break,
)
from tests.faults.simulation.plan import Step, draw_plan
from tests.faults.simulation.run import PHONES, run_seed
from tests.faults.support.stack import Databases

SEEDS = (5, 8, 14, 17, 101)
SECONDS = 6.0
# A machine that stands still meanwhile heals later; the 10 s are for `make faults`.
SECONDS_TO_HEAL = 60.0
EVERYBODY = tuple(range(PHONES))


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_doubled_or_skipped_whatever_breaks(
    databases: Databases, seed: int
) -> None:
    result = await run_seed(databases, seed, seconds_to_heal=SECONDS_TO_HEAL)
    again = f"again: make faults SEED={seed} SEEDS=1"
    assert result.violations == [], f"{result.line}\n{again}"
    assert result.mutations > 0


def deaf_now_and_then() -> list[Step]:
    """What the devices send takes effect, and they do not learn of it."""
    return [Step("network", at, "deaf", (0.6,), EVERYBODY) for at in (1.0, 2.0, 3.0, 4.0, 5.0)]


def crashes_of_the_servers() -> list[Step]:
    """In turn, as the devices go to the one that is left."""
    return [
        Step(f"server {number % 2}", at, "kill_server", (0.1,))
        for number, at in enumerate((1.0, 2.5, 4.0, 5.5))
    ]


def a_redis_that_comes_and_goes() -> list[Step]:
    return [Step("redis", at, "kill_redis", (0.2,)) for at in (0.7, 1.9, 3.1, 4.3)]


# Rows that a device lacks in the end, or lacked until it compared checksums.
LACKING = ("differs: ", "seen on ")
# What is broken, what happens, and lines that must be among the violations. Without the lock
# versions are skipped. No edit is lost even so: a contact is written where it was found, and one
# that somebody else has moved meanwhile is not.
BROKEN = [
    (
        NO_LEDGER,
        deaf_now_and_then(),
        ["acknowledged and not in the ledger", "refused and yet applied"],
    ),
    (BARE_SEQUENCE, [], [LACKING]),
    (EARLY_ACK, crashes_of_the_servers(), ["acknowledged and not in the ledger"]),
    (NO_GAP_CHECK, a_redis_that_comes_and_goes(), [LACKING]),
]


@pytest.mark.parametrize(
    ("broken", "plan", "noticed"), BROKEN, ids=[broken.name for broken, _, _ in BROKEN]
)
async def test_a_guarantee_that_is_broken_on_purpose_is_noticed(
    databases: Databases, broken: Break, plan: list[Step], noticed: list[str | tuple[str, ...]]
) -> None:
    result = await run_seed(
        databases, 1,
        seconds=SECONDS, broken=broken, plan=plan, seconds_to_heal=5.0, patience=0.0,
    )  # fmt: skip
    print(result.line, Counter(line.partition(":")[0] for line in result.violations))
    missing = [
        each for each in noticed if not any(line.startswith(each) for line in result.violations)
    ]
    assert missing == [], f"{result.line}: {result.violations[:20]}"


def test_the_same_seed_draws_the_same_faults() -> None:
    assert draw_plan(7, 8.0, PHONES) == draw_plan(7, 8.0, PHONES)
    assert draw_plan(7, 8.0, PHONES) != draw_plan(8, 8.0, PHONES)
