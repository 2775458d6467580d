"""Merging on the real database: whatever comes, in whatever order, how often and in what groups.

Each example is a contact that up to three devices edit, an order of arrival that keeps each
device's own, repeats, and a division into transactions of two servers. In some, two of the devices
are none, but two browsers of one agent, say, which have one row of mutation ids and stamps. What
came of it is held against `Model`, which says what the protocol says and knows of no database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from nanoid import generate

from server.errors import Conflict, Gone
from server.schemas.times import rfc3339_of
from server.services.actors import Actor
from server.services.entities import CONTACTS
from server.services.history import History
from server.services.merging import value_of
from server.services.mutations import Mutation, Outcome, read_push_item
from server.services.records import row_state
from server.services.rows import Rows, Write
from tests.integration.conftest import ON_THE_SERVERS_LOOP
from tests.integration.support.devices import Payload
from tests.integration.support.merging_model import Model, as_text, same, told
from tests.integration.support.merging_scenarios import (
    IDS,
    MAPS,
    ROLES,
    SETS,
    Edit,
    Scenario,
    fields_with,
    scenarios,
)
from tests.integration.support.servers import Company, Server
from tests.integration.support.writing import now_ms

pytestmark = ON_THE_SERVERS_LOOP

CONFLICT = ("field", "yours", "theirs", "kept")
OF_THE_SERVER = {
    *("id", "version", "created_at", "updated_at", "created_by", "updated_by"),
    "display_name",
}


@dataclass
class Setting:
    """Where the examples happen: a company, tags and the like, one id of each that is of none."""

    company: Company
    servers: list[Server]
    history: History
    ids: dict[str, list[str]]
    latest: int = 0
    """The latest stamp of all runs so far: writers of one agent have one row of stamps."""

    def actor(self, run: str, device: int, *, writer: bool = False) -> Actor:
        role = ROLES[device]
        name = f"{run}-{device}"
        return Actor(
            tenant=self.company.tenant,
            agent_id=self.company.agents[role],
            code=role,
            name=role,
            role=role,
            device_id=None if writer else name,
            writer_id=name if writer else None,
        )

    def names(self) -> set[str]:
        """Every name that an example may write."""
        plain = [name for name in fields_with(IDS) if name not in (*MAPS, *SETS)]
        maps = ["custom.size", "custom.colour", "custom.a.b", "preferences.email"]
        sets = [f"{name}.{each}" for name in SETS for each in self.ids[name][:-1]]
        return {*plain, "first_name", *maps, "preferences.sms", *sets, "deleted"}

    def fields(self, changes: Payload) -> Payload:
        """An edit's changes with real ids."""
        real = dict(changes)
        for name in SETS:
            ids = self.ids[name]
            if isinstance(real.get(name), list):
                real[name] = [ids[each] for each in real[name]]
            elif name in real:
                real[name] = {
                    way: [ids[each] for each in places] for way, places in real[name].items()
                }
        if real.get("owner_id"):
            real["owner_id"] = self.company.agents[real["owner_id"]]
        return real

    async def stamps(self, contact: str) -> dict[str, Payload]:
        parts = self.servers[0].parts
        async with parts.database.tenant(self.company.tenant) as connection:
            text = await connection.fetchval("SELECT stamps FROM contacts WHERE id = $1", contact)
        stamps: dict[str, Payload] = orjson.loads(text)
        return stamps

    async def entries(self, contact: str) -> list[Payload]:
        """The history as GET answers it, oldest first."""
        page = await self.history.of_row(
            self.company.tenant, CONTACTS, contact, {"limit": 200, "cursor": None}
        )
        items: list[Payload] = orjson.loads(page)["items"]
        return items[::-1]


@pytest_asyncio.fixture(loop_scope="module")
async def setting(server: Server, second_server: Server, company: Company) -> Setting:
    parts = server.parts
    rows = Rows(parts.database, parts.tenants, parts.commits)
    setting = Setting(company, [server, second_server], History(parts.database, rows), {})
    actor = setting.actor("made", 1)
    for name in SETS:
        entity = name.removesuffix("_ids")
        setting.ids[name] = sorted(generate() for _ in range(4))
        made = [
            {"op": f"{entity}_create", "mutation_id": each, entity: {"id": each, "name": each}}
            for each in setting.ids[name][:-1]
        ]
        tenant = await parts.tenants.settings(company.tenant)
        mutations = [read_push_item(actor, each, tenant) for each in made]
        outcomes = await parts.commits.submit(company.tenant, mutations)
        assert [each.status for each in outcomes] == ["applied"] * 3
    return setting


class Run:
    """One scenario on a contact of its own."""

    def __init__(self, setting: Setting, scenario: Scenario) -> None:
        self.setting = setting
        self.scenario = scenario
        # The order of the devices' ids, which decides between equal stamps, is that of the edits'.
        self.run = self.contact = generate()
        self.start = max((now_ms() - 3_600_000) * 1_000, (setting.latest // 1_000 + 1) * 1_000)
        self.model = Model(setting.names())
        self.payloads: dict[int, Payload] = {}
        self.first: dict[int, Outcome] = {}
        self.versions = [0]
        self.stamps: dict[str, int] = {}

    def is_writer(self, edit: Edit) -> bool:
        return self.scenario.writers and edit.device > 0

    def name(self, edit: Edit) -> str:
        """The mutation's id: an agent's writers make ids that no other has."""
        return f"{edit.name}{self.run}{edit.device}" if self.is_writer(edit) else edit.name

    def payload(self, index: int) -> Payload:
        """What a device sends, the same each time."""
        if index not in self.payloads:
            edit = self.scenario.edits[index]
            payload: Payload = {
                "op": f"contact_{edit.operation}",
                "mutation_id": self.name(edit),
                "edited_at": self.start // 1_000 + edit.at,
            }
            fields = self.setting.fields(edit.changes)
            if edit.operation == "create":
                payload["contact"] = {"id": self.contact, "first_name": "Ann", **fields}
            else:
                payload["id"] = self.contact
            if edit.operation == "update":
                payload["changes"] = fields
            if edit.seen is not None:
                payload["base_version"] = self.versions[min(edit.seen, len(self.versions) - 1)]
            self.payloads[index] = payload
        return self.payloads[index]

    def stamp(self, edit: Edit) -> tuple[int, str, str]:
        """After the device's previous one, or that of the writers' agent."""
        source = "" if self.is_writer(edit) else f"{self.run}-{edit.device}"
        at = max(self.start + edit.at * 1_000, self.stamps.get(source, 0) + 1)
        self.stamps[source] = at
        self.setting.latest = max(self.setting.latest, at)
        return at, self.name(edit), source

    def actor(self, edit: Edit) -> Actor:
        return self.setting.actor(self.run, edit.device, writer=self.is_writer(edit))

    async def submit(self, group: list[int], server: Server) -> None:
        """One transaction, of which each outcome must be what the model says."""
        company, edits = self.setting.company, self.scenario.edits
        tenant = await server.parts.tenants.settings(company.tenant)
        mutations = [
            read_push_item(self.actor(edits[index]), self.payload(index), tenant) for index in group
        ]
        outcomes = await server.parts.commits.submit(company.tenant, mutations)
        for index, mutation, outcome in zip(group, mutations, outcomes, strict=True):
            if index in self.first:
                self.check_repeated(outcome, self.first[index])
            else:
                self.first[index] = outcome
                self.check_first(edits[index], mutation, outcome)
        self.versions.append(self.first[group[-1]].version)

    def check_first(self, edit: Edit, mutation: Mutation, outcome: Outcome) -> None:
        if edit.operation == "create":
            mutation.changes.setdefault("owner_id", mutation.actor.agent_id)
            mutation.changes.setdefault("active", True)
        gone = self.model.deleted and edit.operation == "update"
        conflicts = self.model.arrive(edit, mutation, self.stamp(edit), outcome.version)
        assert isinstance(outcome.error, Gone) == gone
        assert bool(outcome.error) == gone
        listed = [{key: told(each[key]) for key in CONFLICT} for each in outcome.conflicts]
        expected = [{key: told(each[key]) for key in CONFLICT} for each in conflicts]
        assert sorted(map(as_text, listed)) == sorted(map(as_text, expected))
        if not gone:
            assert outcome.status == self.model.status

    def check_repeated(self, outcome: Outcome, first: Outcome) -> None:
        if isinstance(first.error, Gone):
            assert isinstance(outcome.error, Gone)
            assert outcome.error.to_wire() == {**first.error.to_wire(), "version": first.version}
        else:
            assert (outcome.error, outcome.status) == (None, "duplicate")
            assert (outcome.version, outcome.conflicts) == (first.version, first.conflicts)

    async def check_end(self) -> list[Payload]:
        """The contact, its stamps and its history; gives the entries."""
        stamps = await self.setting.stamps(self.contact)
        for name, register in self.model.registers.items():
            names = ("*", name, name.partition(".")[0])
            known = [
                (each["at"], each["mutation"], each.get("device", ""))
                for each in (stamps[key] for key in names if key in stamps)
            ]
            assert max(known) == register.stamp, name
        entries = await self.setting.entries(self.contact)
        assert [self.told(entry) for entry in entries] == self.model.history
        for entry in entries:
            role = ROLES[self.device_of(entry)]
            assert entry["agent"] == self.setting.company.agents[role]
            assert entry["origin"] == "socket"
            assert entry["at"] >= rfc3339_of(self.start + 3_600_000_000 - 1_000_000)
        assert await self.visible() == self.model.contact()
        return entries

    def told(self, entry: Payload) -> tuple[str, int, str, Payload]:
        changes = {
            name: (told(each["from"]), told(each["to"])) for name, each in entry["changes"].items()
        }
        return entry["mutation_id"], self.device_of(entry), entry["outcome"], changes

    def device_of(self, entry: Payload) -> int:
        """The history knows no writers; here their mutations' ids tell which one it was."""
        return int((entry.get("device") or entry["mutation_id"])[-1])

    async def visible(self) -> Payload:
        """The contact as any device gets it, without what the server adds."""
        row = await self.row()
        if row["deleted"]:
            return {"deleted": True}
        wire: Payload = orjson.loads(row["wire"])
        return {name: value for name, value in wire.items() if name not in OF_THE_SERVER}

    async def row(self) -> Any:
        parts = self.setting.servers[1].parts
        async with parts.database.tenant(self.setting.company.tenant) as connection:
            (row,) = await connection.fetch(
                CONTACTS.queries.read_rows, self.setting.company.tenant, [self.contact]
            )
        return row

    async def put_back(self, entries: list[Payload], place: int) -> None:
        """Restores one entry and looks whether the contact is so."""
        entry, after = entries[place], self.model.contacts[place]
        restored = self.setting.history.restore(
            self.setting.actor(self.run, 1), CONTACTS, self.contact, entry["id"], Write()
        )
        asked = {name: each["to"] for name, each in entry["changes"].items()}
        if entry["outcome"] == "applied" and asked.get("deleted"):
            with pytest.raises(Conflict):
                await restored
            return
        await restored
        if entry["outcome"] == "applied":
            assert await self.visible() == after
            return
        state = row_state(CONTACTS, await self.row())
        for name, value in asked.items():
            kept = value if name in self.model.registers else False
            assert same(value_of(CONTACTS, state, name), kept), name
        assert state.deleted == asked.get("deleted", False)


# Passing takes seconds; a failing example is made small first, and then printed.
@pytest.mark.timeout(300)
@settings(
    deadline=None,
    max_examples=120,
    print_blob=True,
    # Not `explain`: it traces every line of the server for long.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(scenario=scenarios(), places=st.lists(st.integers(0, 9), min_size=1, max_size=3))
async def test_every_order_of_arrival_with_any_repeats_ends_in_the_same_contact_and_loses_no_value(
    setting: Setting, scenario: Scenario, places: list[int]
) -> None:
    note(f"{scenario}, {places}")
    run = Run(setting, scenario)
    for number, group in enumerate(scenario.groups):
        await run.submit(group, setting.servers[number % 2])
    entries = await run.check_end()
    for place in places:
        await run.put_back(entries, place % len(entries))
