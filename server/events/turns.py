"""An orderly queue before something scarce."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.errors import Unavailable


class Turns:
    """So many at once; the others wait in the order in which they came, for however long.

    Whoever waited for the database itself, a thousand at a time, would be refused after seconds.
    When it is in trouble, all who wait are told at once: each would wait as long for the same.
    """

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._trouble: Unavailable | None = None
        self._troubles = 0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Waits for a turn, and has it until the end of the block. Raises `Unavailable`."""
        known = self._troubles
        async with self._free:
            if self._trouble and self._troubles != known:
                raise Unavailable(retry_after_ms=self._trouble.retry_after_ms)
            try:
                yield
            except Unavailable as error:
                self._trouble = error
                self._troubles += 1
                raise
