"""Change sets: rows as the database gave them back, joined as text and never built twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg
import orjson

from server.services.entities import BY_PLURAL

SHARED_BYTES = 256 * 1024


class ChangedRow(NamedTuple):
    """One changed row. `live_version` is None for a tombstone; `wire`, `author` are JSON texts."""

    plural: str
    id: str
    version: int
    live_version: int | None
    wire: str
    author: str


@dataclass(slots=True)
class ChangeSet:
    """Everything of one tenant that changed after `since` up to `until`, each row once."""

    epoch: str
    since: int
    until: int
    rows: Sequence[ChangedRow] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of its rows, about."""
        return sum(len(row.wire) for row in self.rows)

    def to_bytes(self, tenant: str) -> bytes:
        """The set for another process; without its rows when they are too many to be pushed."""
        rows = [list(row) for row in self.rows] if self.size <= SHARED_BYTES else None
        return orjson.dumps([tenant, self.epoch, self.since, self.until, rows])

    @classmethod
    def from_bytes(cls, message: bytes) -> tuple[str, ChangeSet | None]:
        """The tenant and the set of another process, None where it left the rows out."""
        tenant, epoch, since, until, rows = orjson.loads(message)
        if rows is None:
            return tenant, None
        return tenant, cls(epoch, since, until, [ChangedRow(*row) for row in rows])

    def to_json(self) -> str:
        """The set as `changes` sends it."""
        put: dict[str, list[str]] = {}
        gone: dict[str, list[str]] = {}
        for row in self.rows:
            kind = gone if row.live_version is None else put
            kind.setdefault(row.plural, []).append(row.wire)
        parts = [f'"epoch":{_quoted(self.epoch)},"since":{self.since},"until":{self.until}']
        for plural in dict.fromkeys(row.plural for row in self.rows):
            parts.append(
                f'"{plural}":{{"put":[{",".join(put.get(plural, ()))}],'
                f'"del":[{",".join(gone.get(plural, ()))}]}}'
            )
        return "{" + ",".join(parts) + "}"

    def events(self) -> Iterator[tuple[str, str]]:
        """`(event, payload as JSON)` for each row, chained: each `since` is the `until` before."""
        since = self.since
        for index, row in enumerate(self.rows, start=1):
            until = self.until if index == len(self.rows) else row.version
            name = BY_PLURAL[row.plural].name
            chain = f'"since":{since},"until":{until},{row.author[1:]}'
            if row.live_version is None:
                yield f"{name}_deleted", f"{row.wire[:-1]},{chain}"
            else:
                kind = "created" if row.live_version > self.since else "updated"
                yield f"{name}_{kind}", f'{{"{name}":{row.wire},"version":{row.version},{chain}'
            since = until


@dataclass(slots=True)
class Page:
    """One read of the synced rows and the head, from one snapshot."""

    head: int
    epoch: str
    floor: int
    checksum: dict[str, dict[str, int]]
    since: int
    until: int
    has_more: bool
    count: int
    texts: dict[str, bytes]
    """`{"contacts": b'{"put": […], "del": […]}', …}`: each entity's part as JSON."""
    rows: list[ChangedRow]

    @property
    def size(self) -> int:
        """Bytes of its rows."""
        return sum(len(text) for text in self.texts.values())

    @property
    def members(self) -> dict[str, orjson.Fragment]:
        """Its entities, `{"contacts": {"put": […], "del": […]}, …}`, to be put into an event."""
        return {plural: orjson.Fragment(text) for plural, text in self.texts.items()}

    @property
    def change_set(self) -> ChangeSet:
        """The page as a set; only of a page that was read with its rows' details."""
        return ChangeSet(self.epoch, self.since, self.until, self.rows)


def page_from_records(records: list[asyncpg.Record], since: int) -> Page:
    """Builds a page from `sync.read_page`'s answer: a record for each entity that has rows."""
    head = records[0]
    parts = [record for record in records if record["rows"]]
    rows = sorted(_detailed(parts), key=lambda row: row.version)
    has_more = any(record["cut"] for record in records)
    last = max((part["until"] for part in parts), default=since)
    return Page(
        head=head["head"],
        epoch=head["epoch"],
        floor=head["floor"],
        checksum=full_checksum(head["checksum"]),
        since=since,
        until=last if has_more else max(head["head"], since),
        has_more=has_more,
        count=sum(part["rows"] for part in parts),
        texts={
            part["plural"]: b'{"put":[%b],"del":[%b]}' % (part["put"] or b"", part["del"] or b"")
            for part in parts
        },
        rows=rows,
    )


def full_checksum(text: str) -> dict[str, dict[str, int]]:
    """The checksum of every entity, also of one that never had a row."""
    known = orjson.loads(text)
    return {plural: known.get(plural) or {"count": 0, "sum": 0} for plural in BY_PLURAL}


def _detailed(parts: list[asyncpg.Record]) -> Iterator[ChangedRow]:
    for part in parts:
        if part["versions"] is None:
            continue
        details = zip(
            part["versions"], part["live_versions"], part["wires"], part["authors"], strict=True
        )
        for version, live_version, wire, author in details:
            yield ChangedRow(part["plural"], "", version, live_version, wire, author)


def _quoted(value: Any) -> str:
    return orjson.dumps(value).decode()
