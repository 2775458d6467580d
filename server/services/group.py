"""One group of mutations in one transaction: lock, read, judge in order, write, remember."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from server.db.pool import Connection, fetch_one
from server.db.queries import queries
from server.errors import Conflict, FieldbookError, Gone
from server.schemas.wellformed import join
from server.services.changes import ChangedRow, ChangeSet
from server.services.entities import CONTACTS, ENTITIES, Entity
from server.services.judging import Judge, Verdict
from server.services.merging import RowState, Stamp
from server.services.mutations import Mutation, Outcome
from server.services.records import Pending, ledger_entry, named_ids, row_record, row_state
from server.services.tenants import TenantSettings

RowKey = tuple[str, str]
MutationKey = tuple[str, str]


@dataclass(slots=True)
class Group:
    """Mutations of one tenant that share a transaction, which the caller has opened."""

    connection: Connection
    tenant: str
    settings: TenantSettings
    rows: dict[RowKey, RowState] = field(default_factory=dict)
    ledger: dict[MutationKey, dict[str, Any]] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)
    changed: dict[RowKey, ChangedRow] = field(default_factory=dict)
    round: dict[RowKey, Pending] = field(default_factory=dict)
    judged: dict[MutationKey, Pending] = field(default_factory=dict)
    now: int = 0

    async def run(self, mutations: list[Mutation]) -> tuple[list[Outcome], ChangeSet]:
        """Answers each mutation, in order, with the change set that they make together.

        Nothing counts before the caller commits. A refused mutation is answered alone; what the
        database itself refuses raises, and the caller repeats the group one by one.
        """
        # The lock comes alone and first: a statement that took it and read would still read
        # what stood there before it waited.
        await self.connection.execute(queries.mutations.lock_versions)
        judge, head, epoch = await self._read_judge(mutations)
        await self._read_rows(mutations)
        outcomes = [await self._answer(judge, mutation) for mutation in mutations]
        await self._write_round()
        await self._write_ledger(list(self.judged))
        rows = sorted(self.changed.values(), key=lambda row: row.version)
        until = rows[-1].version if rows else head
        return outcomes, ChangeSet(epoch, head, until, rows)

    async def _read_judge(self, mutations: list[Mutation]) -> tuple[Judge, int, str]:
        actors = [mutation.actor for mutation in mutations]
        record = await fetch_one(
            self.connection,
            queries.mutations.read_ledger,
            self.tenant,
            [actor.source for actor in actors],
            [mutation.mutation_id for mutation in mutations],
            list({actor.agent_id for actor in actors}),
            list({actor.device_id for actor in actors if actor.device_id}),
        )
        self.now = record["now"]
        self.stamps = orjson.loads(record["stamps"])
        for row in orjson.loads(record["ledger"]):
            self.ledger[row["source"], row["mutation_id"]] = row
        judge = Judge(
            settings=self.settings,
            roles=orjson.loads(record["roles"]),
            revoked=set(orjson.loads(record["revoked"])),
            known_ids=await self._find_references(mutations),
        )
        return judge, record["head"], record["epoch"]

    async def _find_references(self, mutations: list[Mutation]) -> set[RowKey]:
        named = {name for mutation in mutations for name in named_ids(mutation)}
        if not named:
            return set()
        records = await self.connection.fetch(
            queries.mutations.find_references, self.tenant, list(named)
        )
        return {(record["plural"], record["id"]) for record in records}

    async def _read_rows(self, mutations: list[Mutation]) -> None:
        wanted: dict[str, set[str]] = {}
        for mutation in mutations:
            wanted.setdefault(mutation.entity.name, set()).add(self._row_id(mutation))
        for name, ids in wanted.items():
            entity = ENTITIES[name]
            records = await self.connection.fetch(entity.queries.read_rows, self.tenant, list(ids))
            for record in records:
                self.rows[entity.plural, record["id"]] = row_state(entity, record)

    def _row_id(self, mutation: Mutation) -> str:
        """The row's id: a repeated create without one means the row that it made at first."""
        known = self.ledger.get((mutation.actor.source, mutation.mutation_id))
        return known["entity_id"] if known else mutation.id

    async def _answer(self, judge: Judge, mutation: Mutation) -> Outcome:
        key = (mutation.actor.source, mutation.mutation_id)
        row_key = (mutation.entity.plural, self._row_id(mutation))
        # A row is written once a round: the next mutation of it merges into what came of that.
        if row_key in self.round:
            await self._write_round()
        try:
            known = self.ledger.get(key)
            if known and known["body_hash"] != mutation.body_hash:
                raise Conflict(
                    "This mutation_id was used for another write; each write needs its own.",
                    fields={"mutation_id": ["Used already, with another body."]},
                )
            if known and known["outcome"] != "forbidden":
                return self._duplicate(known, row_key)
            duplicates = await self._find_duplicates(mutation)
            stamp = self._stamp(mutation, known)
            verdict = judge.judge(mutation, self.rows.get(row_key), stamp)
        except FieldbookError as error:
            return Outcome(error=error)
        outcome = self._accept(judge, mutation, verdict, stamp)
        outcome.duplicates = duplicates
        return outcome

    async def _find_duplicates(self, mutation: Mutation) -> list[str]:
        """Contacts with an e-mail or number of a new one, as far as the tenant wants to know."""
        policy = self.settings.duplicates
        if policy == "allow" or mutation.operation != "create" or mutation.entity is not CONTACTS:
            return []
        await self._write_round()
        emails = [email["value"] for email in mutation.changes.get("emails") or ()]
        phones = mutation.changes.get("phones") or ()
        records = await self.connection.fetch(
            queries.contacts.find_duplicates,
            self.tenant,
            emails,
            [phone["e164"] for phone in phones if "e164" in phone],
        )
        found = [record["id"] for record in records]
        if found and policy == "refuse":
            message = "There is already a contact with this e-mail or phone."
            path = join(mutation.prefix, "emails" if emails else "phones")
            raise Conflict(message, fields={path: [message]}, duplicates=found)
        return found

    def _accept(self, judge: Judge, mutation: Mutation, verdict: Verdict, stamp: Stamp) -> Outcome:
        outcome = Outcome(status=verdict.status, conflicts=verdict.conflicts, error=verdict.error)
        standing = self.rows.get(_row_key(mutation))
        if standing:
            outcome.version, outcome.row = standing.version, standing.shown
        pending = Pending(mutation, verdict, outcome, stamp)
        # One that was forbidden a moment ago, in this group, stands there anew.
        self.judged[mutation.actor.source, mutation.mutation_id] = pending
        # A forbidden mutation that is tried again brings its first stamp, which may be old.
        last = self.stamps.get(mutation.actor.source, -1)
        self.stamps[mutation.actor.source] = max(last, stamp["at"])
        self.ledger[mutation.actor.source, mutation.mutation_id] = {
            "body_hash": mutation.body_hash,
            "stamp": stamp["at"],
            "entity_id": mutation.id,
            "outcome": verdict.status,
            "pending": outcome,
        }
        if verdict.row:
            self.round[_row_key(mutation)] = pending
            if mutation.entity is not CONTACTS:
                judge.learn(mutation.entity.plural, verdict.row)
        return outcome

    def _duplicate(self, known: dict[str, Any], row_key: RowKey) -> Outcome:
        first: Outcome | None = known.get("pending")
        version = first.version if first else known["version"]
        if known["outcome"] == "gone":
            return Outcome(error=Gone(version=version))
        row = self.rows.get(row_key)
        return Outcome(
            status="duplicate",
            version=version,
            row=row.shown if row else None,
            conflicts=first.conflicts if first else known["conflicts"],
        )

    def _stamp(self, mutation: Mutation, known: dict[str, Any] | None) -> Stamp:
        """The mutation's stamp, fixed at its first arrival (docs/PROTOCOL.md, Merging)."""
        if known and "stamp" in known:
            at = known["stamp"]
        else:
            at = self.now if mutation.edited_at is None else min(mutation.edited_at, self.now)
            at = max(at, self.stamps.get(mutation.actor.source, -1) + 1)
        stamp = {"at": at, "mutation": mutation.mutation_id, "by": mutation.actor.agent_id}
        if mutation.actor.device_id:
            stamp["device"] = mutation.actor.device_id
        elif mutation.actor.writer_id:
            stamp["writer"] = mutation.actor.writer_id
        return stamp

    async def _write_round(self) -> None:
        """Writes the rows judged since the last round, each once, and fills in their versions.

        Values that lost or were refused enter the history with their ledger rows, each before or
        after what was written to its row: the history is in order, and can be taken back.
        """
        await self._write_ledger(
            [key for key, each in self.judged.items() if each.verdict.lost and not each.verdict.row]
        )
        for entity in ENTITIES.values():
            for new in (True, False):
                batch = [
                    pending
                    for pending in self.round.values()
                    if pending.mutation.entity is entity and pending.verdict.new is new
                ]
                if batch:
                    query = entity.queries.insert_rows if new else entity.queries.update_rows
                    await self._write(entity, query, batch)
        self.round.clear()
        await self._write_ledger([key for key, each in self.judged.items() if each.verdict.lost])

    async def _write(self, entity: Entity, query: str, batch: list[Pending]) -> None:
        records = await self.connection.fetch(
            query, self.tenant, orjson.dumps([row_record(pending) for pending in batch]).decode()
        )
        written = {record["id"]: record for record in records}
        for pending in batch:
            record, row = written[pending.mutation.id], pending.verdict.row
            assert row is not None
            moved = record["version"] != row.version
            row.version, row.shown = record["version"], record["wire"]
            if not row.deleted:
                row.standing = orjson.loads(record["wire"])
            for stamp in row.stamps.values():
                stamp.setdefault("version", row.version)
            key = (entity.plural, row.id)
            self.rows[key] = row
            pending.outcome.version, pending.outcome.row = row.version, row.shown
            if moved:
                live_version = None if record["deleted"] else record["live_version"]
                self.changed[key] = ChangedRow(
                    entity.plural,
                    row.id,
                    row.version,
                    live_version,
                    row.shown or "",
                    record["wire_author"],
                )

    async def _write_ledger(self, keys: list[MutationKey]) -> None:
        entries = [ledger_entry(self.judged.pop(key)) for key in keys]
        if entries:
            await self.connection.execute(
                queries.mutations.insert_ledger, self.tenant, orjson.dumps(entries).decode()
            )


def _row_key(mutation: Mutation) -> RowKey:
    return mutation.entity.plural, mutation.id
