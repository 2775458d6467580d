"""What a run of a job stands on: its row, its tenant's settings, its author, its connections."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from server.db.pool import Database
from server.jobs.bulk.planning import Author
from server.services.tenants import TenantSettings


@dataclass(frozen=True, slots=True)
class Context:
    """One run of one job, in its own process.

    `job` is the row of bulk_jobs, or what a preview has in its place; `run` names the run that may
    write. `stopping` is set when the server that started it stops or is gone.
    """

    database: Database
    tenant: str
    job: dict[str, Any]
    run: str
    settings: TenantSettings
    author: Author
    stopping: asyncio.Event

    @property
    def options(self) -> dict[str, Any]:
        """What was asked."""
        options: dict[str, Any] = self.job["options"]
        return options
