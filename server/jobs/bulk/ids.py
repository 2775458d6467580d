"""Ids for many rows: nanoids, of the alphabet and the length of all others."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator

LENGTH = 21
AT_ONCE = 256
BYTES = 16


def _ids() -> Iterator[str]:
    while True:
        # One call of the system for many: alone it would cost a row more than anything but storing.
        drawn = secrets.token_bytes(AT_ONCE * BYTES)
        for begin in range(0, len(drawn), BYTES):
            # The alphabet of base64url is nanoid's.
            yield base64.urlsafe_b64encode(drawn[begin : begin + BYTES])[:LENGTH].decode()


_IDS = _ids()


def new_id() -> str:
    """A new id, of 126 random bits."""
    return next(_IDS)
