"""`python -m server seed --contacts N`: realistic contacts for trying things out."""

from __future__ import annotations

import argparse
import asyncio

from server.commands.common import find_tenants, running_services
from server.commands.database import migrate_database
from server.db.pool import Database
from server.jobs.seed import seed
from server.logs import set_up_logging
from server.settings import Settings


def seed_contacts(arguments: list[str]) -> int:
    """Adds contacts to the database, beside a running server or without one."""
    parser = argparse.ArgumentParser(
        prog="python -m server seed",
        description="Add realistic contacts, tags, groups and types. The same seed gives the "
        "same contacts, so a second run adds nothing.",
    )
    parser.add_argument("--contacts", type=int, default=1_000, help="how many (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default 1)")
    parser.add_argument("--tenant", default="default", help="whose (default: default)")
    chosen = parser.parse_args(arguments)
    if chosen.contacts < 1:
        parser.error("--contacts must be at least 1")
    settings = Settings.from_environment()
    set_up_logging(settings)
    with running_services(settings, alone=False) as services:
        asyncio.run(_run(services.database_url, settings.default_region, chosen))
    return 0


async def _run(database_url: str, region: str, chosen: argparse.Namespace) -> None:
    await migrate_database(database_url)
    database = await Database.connect(database_url, size=2)

    def progress(done: int) -> None:
        print(f"\r{done:,} of {chosen.contacts:,} contacts", end="", flush=True)

    try:
        await find_tenants(database, chosen.tenant)
        await seed(
            database,
            chosen.tenant,
            chosen.contacts,
            seed=chosen.seed,
            region=region,
            progress=progress,
        )
    finally:
        await database.close()
    print()
