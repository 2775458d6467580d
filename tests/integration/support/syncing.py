"""Contacts to sync, and what pages must be like."""

from __future__ import annotations

import asyncpg
import orjson
from nanoid import generate

from tests.integration.support.devices import Device, Payload
from tests.integration.support.servers import Company

MADE = 60


async def make_contacts(device: Device, number: int, **fields: object) -> list[Payload]:
    """Makes contacts by one push; gives id and version of each, in order."""
    mutations = [
        {
            "op": "contact_create",
            "mutation_id": generate(),
            "contact": {"id": generate(), "company": f"Company {index}", **fields},
        }
        for index in range(number)
    ]
    answer = await device.call("sync_push", {"mutations": mutations})
    pairs = zip(mutations, answer["results"], strict=True)
    return [{"id": each["contact"]["id"], "version": done["version"]} for each, done in pairs]


async def stored(sql: asyncpg.Connection, company: Company) -> dict[str, Payload]:
    """The live contacts as the database has them."""
    records = await sql.fetch(
        "SELECT id, wire FROM contacts WHERE tenant_id = $1 AND deleted_at IS NULL", company.tenant
    )
    return {record["id"]: orjson.loads(record["wire"]) for record in records}


def check_chain(pages: list[Payload], since: int, until: int) -> None:
    """Pages join on to one another, in version order, and only the last is the last."""
    for page in pages:
        assert page["since"] == since
        versions = [row["version"] for each in rows_of(page) for row in each]
        assert all(since < version <= page["until"] for version in versions)
        since = page["until"]
    assert since == until
    assert [page["has_more"] for page in pages] == [True] * (len(pages) - 1) + [False]
    remaining = [page["remaining"] for page in pages]
    assert remaining == sorted(remaining, reverse=True)
    assert [each == 0 for each in remaining] == [not page["has_more"] for page in pages]


def rows_of(page: Payload) -> list[list[Payload]]:
    entities = ("contacts", "tags", "groups", "types")
    return [page[entity][kind] for entity in entities if entity in page for kind in ("put", "del")]


def checksum(rows: dict[str, Payload]) -> dict[str, int]:
    return {"count": len(rows), "sum": sum(row["version"] for row in rows.values()) % 2**52}
