"""Times as they come in and as they go out; inside they are microseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]"
    r"([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = (datetime(1900, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def read_clock(value: object) -> int:
    """Microseconds since 1970 of an RFC 3339 text or of epoch milliseconds.

    Raises ValueError, with a message for the client, for anything else, for a text
    without its zone, and for years outside 1900 to 9999.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Compared before it is converted: NaN and infinity have no whole number.
        if not _EARLIEST <= value * 1000 <= _LATEST:
            raise ValueError("This must be milliseconds since 1970, in the years 1900 to 9999.")
        return round(value * 1000)
    parts = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if not parts:
        raise ValueError("This must be a time like 2026-03-01T09:30:00Z, or milliseconds.")
    day, time, zone = parts.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{zone.upper()}")
    except ValueError:
        raise ValueError("There is no such time.") from None
    microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
    if not _EARLIEST <= microseconds <= _LATEST:
        raise ValueError("This must be in the years 1900 to 9999.")
    return microseconds


def rfc3339(moment: datetime) -> str:
    """A time as it goes out, as the database writes it too: RFC 3339, UTC, milliseconds."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def rfc3339_of(microseconds: int) -> str:
    """The same for microseconds since 1970, which stamps are in."""
    return rfc3339(_EPOCH + timedelta(microseconds=microseconds))


def rfc3339_now() -> str:
    """The server's time as it goes out."""
    return rfc3339(datetime.now(UTC))
