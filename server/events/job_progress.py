"""`job_progress`: how far imports and bulk edits are, to who started them and to the leaders."""

from __future__ import annotations

import asyncio
from typing import Any

from loguru import logger

from server.errors import Unavailable
from server.events.sessions import Session, Sessions
from server.services.actors import LEADERS
from server.services.bulk import BulkJobs
from server.tasks import end

EVERY_SECONDS = 0.25
RETRY_SECONDS = 1.0


class JobProgress:
    """Tells the sockets of this process what was announced of jobs.

    Each job is read once a notice, but at most every 250 ms; what was announced meanwhile is read
    afterwards, so that the last state always goes out. A client that is too slow is told when it
    has caught up, and then only the latest.
    """

    def __init__(self, sessions: Sessions, jobs: BulkJobs) -> None:
        self._sessions = sessions
        self._jobs = jobs
        self._telling: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._announced: set[tuple[str, str]] = set()
        self._looking: set[asyncio.Task[None]] = set()

    def notice(self, tenant: str, job_id: str) -> None:
        """A job was made, or came forward."""
        if not self._sessions.of_tenant(tenant):
            return
        key = (tenant, job_id)
        self._announced.add(key)
        if key not in self._telling:
            self._telling[key] = asyncio.create_task(self._tell(*key))

    def missed(self) -> None:
        """For a while nobody listened: what may have been announced is looked up."""
        for tenant in {each.actor.tenant for each in self._sessions if each.actor}:
            task = asyncio.create_task(self._look(tenant))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    async def stop(self) -> None:
        """Ends everything that runs here."""
        await end(*self._telling.values(), *self._looking)

    async def _look(self, tenant: str) -> None:
        while True:
            try:
                recent = await self._jobs.recent(tenant)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                for job_id in recent:
                    self.notice(tenant, job_id)
                return

    async def _tell(self, tenant: str, job_id: str) -> None:
        key = (tenant, job_id)
        behind: set[Session] = set()
        job: dict[str, Any] | None = None
        try:
            while key in self._announced or behind:
                if key in self._announced:
                    self._announced.discard(key)
                    try:
                        job = await self._jobs.progress(tenant, job_id)
                    except Unavailable:
                        self._announced.add(key)
                        await asyncio.sleep(RETRY_SECONDS)
                        continue
                    behind = set(self._listeners(tenant, job) if job else ())
                behind = {each for each in behind if not self._send(each, job)}
                await asyncio.sleep(EVERY_SECONDS)
        except Exception:  # the last line of defence
            logger.exception("The progress of the job {} could not be told", job_id)
        finally:
            del self._telling[key]

    def _listeners(self, tenant: str, job: dict[str, Any]) -> list[Session]:
        return [
            session
            for session in self._sessions.of_tenant(tenant)
            if session.signed_in.role in LEADERS or session.signed_in.agent_id == job["owner"]["id"]
        ]

    def _send(self, session: Session, job: dict[str, Any] | None) -> bool:
        """Whether a session needs no more telling: it was told, or is gone."""
        if self._sessions.get(session.sid) is not session:
            return True
        if session.channel.paused:
            return False
        session.channel.send("job_progress", {"job": job})
        return True
