"""`python -m server purge --older-than 90d`: removes old tombstones, beside a running server."""

from __future__ import annotations

import argparse
import asyncio
import re
from datetime import timedelta

from server.commands.common import CommandError, find_tenants, running_services
from server.commands.database import migrate_database
from server.db.pool import Database
from server.jobs.purge import Purged, purge_tombstones
from server.logs import set_up_logging
from server.settings import Settings

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
LONGEST = timedelta(days=36_500)


def purge(arguments: list[str]) -> int:
    """Purges the tombstones of one tenant or of all, and says what went."""
    parser = argparse.ArgumentParser(
        prog="python -m server purge",
        description="Remove what remains of rows that were deleted long ago. A device that has "
        "not synced since then syncs anew from the beginning, and keeps its unsent edits.",
        epilog="The history of every row stays. The ledger of writes and the logs need no "
        "command: the server removes what is old of them every night.",
    )
    parser.add_argument(
        "--older-than", required=True, metavar="AGE", help="such as 90d, 12h, 30m or 0s"
    )
    parser.add_argument("--tenant", help="of this company alone (default: of all)")
    chosen = parser.parse_args(arguments)
    older_than = read_age(chosen.older_than)
    settings = Settings.from_environment()
    set_up_logging(settings)
    with running_services(settings, alone=False) as services:
        asyncio.run(_run(services.database_url, older_than, chosen.tenant))
    return 0


def read_age(text: str) -> timedelta:
    """`90d`, `12h`, `30m` or `0s` as a timedelta. Raises `CommandError`."""
    found = re.fullmatch(r"([0-9]{1,12})([dhms])", text)
    # Compared as numbers: a timedelta can't hold what somebody may type.
    if found and int(found[1]) <= LONGEST / timedelta(**{UNITS[found[2]]: 1}):
        return timedelta(**{UNITS[found[2]]: int(found[1])})
    raise CommandError(
        f"--older-than {text!r} is no age: write a number and d, h, m or s, such as 90d; "
        f"at most {LONGEST.days}d."
    )


async def _run(database_url: str, older_than: timedelta, tenant: str | None) -> None:
    await migrate_database(database_url)
    database = await Database.connect(database_url, size=2)
    try:
        for each in await find_tenants(database, tenant):
            print(describe(each, await purge_tombstones(database, each, older_than)), flush=True)
    finally:
        await database.close()


def describe(tenant: str, purged: Purged) -> str:
    """One line for a tenant."""
    if not purged.removed:
        return f"{tenant}: nothing to remove; the floor stays at {purged.floor}."
    parts = ", ".join(f"{rows:,} {plural}" for plural, rows in sorted(purged.removed.items()))
    return f"{tenant}: removed the tombstones of {parts}; the floor is now {purged.floor}."
