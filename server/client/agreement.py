"""Whether devices hold what the database has, and what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence

from server.client.client import DeviceClient, Write
from server.client.replica import Row
from server.client.rest import Rest
from server.client.store import Keep, Store
from server.client.wire import plural_of

NAMED_DIFFERENCES = 5

Rows = dict[str, dict[str, Row]]


def rows_of(store: Store) -> Rows:
    """All live rows of a store by plural and id, without the plurals that have none."""
    rows = {plural: {row["id"]: row for row in store.rows(plural)} for plural in store.plurals()}
    return {plural: each for plural, each in rows.items() if each}


def differing_rows(name: str, held: Rows, true: Rows) -> list[str]:
    """The first rows in which what a device holds differs from the database, one line each."""
    lines: list[str] = []
    for plural in sorted({*held, *true}):
        device, database = held.get(plural, {}), true.get(plural, {})
        differing = [
            row_id
            for row_id in {*device, *database}
            # Most are one object, which is quicker to see than that they are equal.
            if device.get(row_id) is not database.get(row_id)
            and device.get(row_id) != database.get(row_id)
        ]
        lines += [
            f"{name}: {plural}/{row_id} is {device.get(row_id)}, "
            f"in the database {database.get(row_id)}"
            for row_id in sorted(differing)[:NAMED_DIFFERENCES]
        ]
    return lines[:NAMED_DIFFERENCES]


async def compare_all(
    clients: Sequence[DeviceClient], rest: Rest, keep: Keep, patience_s: float
) -> list[str]:
    """The differences of all devices from the database, all at one version.

    Others may be writing: it tries until all cursors are where the database was read.
    """
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        database = await rest.read_everything(keep)
        behind = [
            client
            for client in clients
            if client.store.cursor != database.cursor or client.store.syncing
        ]
        if not behind:
            break
        if asyncio.get_running_loop().time() > deadline:
            return [
                f"device {client.device_id} stands at version {client.store.cursor}, "
                f"the database at {database.cursor}"
                for client in behind
            ]
        await asyncio.sleep(0.3)
    true = rows_of(database)
    return [
        line
        for client in clients
        for line in differing_rows(f"device {client.device_id}", rows_of(client.store), true)
    ]


def healed(clients: Iterable[DeviceClient]) -> list[str]:
    """The devices that a checksum told of rows they lacked or held wrongly.

    They have synced again since and agree by now, but should never have had to.
    """
    return [
        f"device {client.device_id}: {client.counters.mismatches} of its checksums differed"
        for client in clients
        if client.counters.mismatches
    ]


def lost_creations(writes: Iterable[Write], deleted: Collection[str], database: Store) -> list[str]:
    """Acknowledged creations that are not in the database though nobody deleted them."""
    return [
        f"{write.mutation.op} of {write.id} was acknowledged and is not in the database"
        for write in writes
        if write.mutation.action == "create"
        and write.mutation.state == "acknowledged"
        and write.id not in deleted
        and database.row(plural_of(write.mutation.entity), write.id) is None
    ]
