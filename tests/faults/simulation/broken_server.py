"""`python -m tests.faults.simulation.broken_server NAME`: the server with one guarantee less."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import Any

from server.__main__ import main
from server.feed.feed import Feed
from server.services.commits import Commits
from server.services.group import Group
from server.services.mutations import Mutation, Outcome

UNCOMMITTED_SECONDS = 1.0


def early_ack() -> None:
    """Acknowledges what is not committed yet; a crash in between then loses it."""

    async def run(self: Commits, tenant: str, mutations: list[Mutation]) -> list[Outcome]:
        answered: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()

        async def commit() -> None:
            settings = await self._tenants.settings(tenant)
            async with self._database.tenant(tenant) as connection, connection.transaction():
                outcomes, change_set = await Group(connection, tenant, settings).run(mutations)
                answered.set_result(outcomes)
                await asyncio.sleep(UNCOMMITTED_SECONDS)
            if change_set.rows:
                self._publish(tenant, change_set)

        def settle(done: asyncio.Task[None]) -> None:
            if (error := done.exception()) and not answered.done():
                answered.set_exception(error)

        self._committing = asyncio.create_task(commit())  # type: ignore[attr-defined]
        self._committing.add_done_callback(settle)  # type: ignore[attr-defined]
        return await answered

    Commits._run = run  # type: ignore[method-assign]


def no_gap_check() -> None:
    """Takes every set for one that joins on, and does not hear from Postgres what it missed."""

    async def emit_offered(self: Feed) -> None:
        while self._offered:
            change_set = self._offered.popleft()
            if change_set.until > self.head:
                self.broadcaster.send_changes(replace(change_set, since=self.head))
                await self._move(change_set.until, change_set.epoch)

    def notice(_self: Feed, _version: int) -> None:
        return

    Feed._emit_offered = emit_offered  # type: ignore[method-assign]
    Feed.notice = notice  # type: ignore[method-assign]


BROKEN: dict[str, Any] = {"early_ack": early_ack, "no_gap_check": no_gap_check}

if __name__ == "__main__":
    BROKEN[sys.argv[1]]()
    sys.exit(main(["serve"]))
