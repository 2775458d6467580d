"""Rows of a file become plans: matched, held against the mode, merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from loguru import logger

from server.db.pool import fetch_one
from server.db.queries import queries
from server.errors import Invalid
from server.jobs.bulk.changing import SETS, Changing
from server.jobs.bulk.context import Context
from server.jobs.bulk.drafts import FAILED, Draft, distinct, faults_of
from server.jobs.bulk.ids import new_id
from server.jobs.bulk.known import Earlier, Known
from server.jobs.bulk.labels import PLURALS, Labels, checked_names
from server.jobs.bulk.matching import FIELDS, KINDS, WORDS, Match, shown
from server.jobs.bulk.namesakes import Key, display_name, held_by, is_nameless, name_key
from server.jobs.bulk.planning import Plan, Planner
from server.schemas.contacts import MAX_IDS
from server.services.entities import CONTACTS, Fields
from server.services.merging import RowState
from server.services.records import row_state

EMPTY: tuple[object, ...] = (None, "", [], {})


@dataclass(slots=True)
class Owners:
    """The agents that a file may name, by id, by code and by name, capitals aside."""

    ids: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    async def load(cls, context: Context) -> Owners:
        """Reads the tenant's agents."""
        owners = cls()
        async with context.database.tenant(context.tenant) as connection:
            for agent in await connection.fetch(queries.bulk.list_authors, context.tenant):
                # An id or a code means one agent; a name may be that of several.
                owners.ids[agent["id"]] = owners.ids[agent["code"].casefold()] = [agent["id"]]
                owners.ids.setdefault(agent["name"].casefold(), []).append(agent["id"])
        return owners

    def find(self, text: str) -> str:
        """The id of an agent. Raises `Invalid`."""
        found = self.ids.get(text) or self.ids.get(text.strip().casefold()) or []
        ids = distinct(found)
        if len(ids) != 1:
            problem = f"{len(ids)} agents are called so" if ids else "There is no such agent"
            raise Invalid(fields={"owner": [f"{problem}: write an agent's code."]})
        return ids[0]


@dataclass(slots=True)
class Judging:
    """Judges an import's rows, in their order."""

    context: Context
    match: Match
    mode: str
    changing: Changing
    planner: Planner
    labels: Labels
    owners: Owners

    async def known(self, drafts: Sequence[Draft], earlier: Earlier) -> Known:
        """Reads what the rows may mean, and finds the labels that they name.

        Raises `Unavailable`.
        """
        while True:
            since = self.labels.head
            labelled = await self._find_labels(drafts)
            known = await self._read(drafts, earlier)
            # A label that was known from earlier rows may be gone; of what is deleted from now on
            # the writing takes care.
            if not labelled or not await self.labels.deleted(since, known.head):
                return known

    async def _read(self, drafts: Sequence[Draft], earlier: Earlier) -> Known:
        by_kind = {
            kind: distinct(
                value for draft in drafts if not draft.faults for value in draft.keys.get(kind, ())
            )
            if kind in self.match.kinds
            else []
            for kind in KINDS
        }
        held = distinct(
            held_by(draft.fields, self.match.kinds)
            for draft in drafts
            if not draft.faults and not self.match.keys(draft)
        )
        tenant = self.context.tenant
        async with self.context.database.tenant(tenant) as connection:
            record = await fetch_one(
                connection,
                *(queries.bulk.find_matches, tenant, by_kind["id"], by_kind["external_id"]),
                *(by_kind["email"] + by_kind["phone"], held),
            )
            found: dict[Key, list[str]] = {}
            for contact_id in record["ids"]:
                found["id", contact_id] = [contact_id]
            for value, contact_id in record["external_ids"]:
                found.setdefault(("external_id", value), []).append(contact_id)
            for value, contact_id in record["keys"]:
                kind = "email" if "@" in value else "phone"
                found.setdefault((kind, value), []).append(contact_id)
            for place, contact_id in record["names"]:
                found.setdefault(("name", held[int(place) - 1]), []).append(contact_id)
            ids = distinct(contact_id for each in found.values() for contact_id in each)
            rows = await connection.fetch(queries.contacts.read_rows, tenant, ids) if ids else []
        stored = {row["id"]: row_state(CONTACTS, row) for row in rows}
        return Known(record["head"], record["now"], stored, found, earlier)

    async def _find_labels(self, drafts: Sequence[Draft]) -> bool:
        """Looks up the ids of the drafts' labels; whether there are any."""
        wanted: dict[str, list[str]] = {plural: [] for plural in PLURALS}
        for draft in drafts:
            if not draft.faults and draft.labels:
                try:
                    for plural, names in draft.labels.items():
                        most = MAX_IDS if plural != "tags" else self.context.settings.max_tags
                        draft.labels[plural] = checked_names(plural, names, most)
                except Invalid as error:
                    draft.faults = faults_of(error)
                    continue
                for plural, names in draft.labels.items():
                    wanted[plural] += names
        ids = {
            plural: await self.labels.find(plural, distinct(names))
            for plural, names in wanted.items()
        }
        for draft in drafts:
            if not draft.faults:
                draft.sets = {
                    SETS[plural]: distinct(ids[plural][name] for name in names)
                    for plural, names in draft.labels.items()
                }
        return any(wanted.values())

    def judge(self, draft: Draft, known: Known) -> Plan:
        """What becomes of a row; later rows will find it among the earlier ones."""
        if draft.faults:
            return Plan("error", faults=draft.faults)
        try:
            plan = self._judge(draft, known)
        except Invalid as error:
            return Plan("error", faults=faults_of(error))
        except Exception:  # the last line of defence: one row must not stop the others
            logger.exception("Row {} could not be judged", draft.number)
            return Plan("error", faults=[("", FAILED)])
        if plan.row and plan.outcome != "unchanged":
            known.earlier.add(plan.row)
        return plan

    def _judge(self, draft: Draft, known: Known) -> Plan:
        fields = dict(draft.fields)
        if draft.owner:
            fields["owner_id"] = self.owners.find(draft.owner)
        sets = draft.sets
        state = self.match.find(draft, known)
        equal = None if state else self._equal(draft, fields, sets, known)
        if equal and self.mode == "create":
            raise Invalid(fields={"": [f"There is already just this contact: {shown(equal)}."]})
        if equal:
            return Plan("unchanged", equal)
        if state is None:
            if self.mode == "update":
                raise Invalid(fields={"": [self._nobody(draft)]})
            # An id of our own export that no contact has, or had, is used again.
            free = draft.id and not known.find_all("id", draft.id)
            row_id = draft.id if draft.id and free else new_id()
            return self.planner.create(row_id, _created(fields, sets), known.now)
        if self.mode == "create":
            kind = self.match.found_by(draft, state)
            message = f"There is already a contact with this {WORDS[kind]}: {shown(state)}."
            raise Invalid(fields={FIELDS[kind]: [message]})
        if self.mode == "skip":
            return Plan("unchanged", state)
        return self.planner.change(state, self.changing.changes(state, fields, sets), known.now)

    def _equal(
        self, draft: Draft, fields: Fields, sets: dict[str, list[str]], known: Known
    ) -> RowState | None:
        """A contact of the same name that holds all that the row does, neither having any key.

        So a file of nothing but names, too, makes no contact twice.
        """
        if self.match.keys(draft):
            return None
        for state in known.namesakes(draft.fields, held_by(draft.fields, self.match.kinds)):
            if not is_nameless(state.fields, self.match.kinds):
                # It was given a key since.
                continue
            changes = self.changing.changes(state, fields, sets)
            if self.planner.change(state, changes, known.now).outcome == "unchanged":
                return state
        return None

    def _nobody(self, draft: Draft) -> str:
        kinds = [WORDS[kind] for kind in self.match.kinds if kind in draft.keys]
        if not kinds:
            return (
                "The row has nothing to find its contact by; give it an external id or an e-mail."
            )
        return f"No contact has this {' or '.join(kinds)}, and mode=update creates none."


def _created(fields: Fields, sets: dict[str, list[str]]) -> Fields:
    """A new contact's fields: a row's, without what would only clear something."""
    whole = {name: value for name, value in fields.items() if value not in EMPTY}
    for name in ("custom", "preferences"):
        if name in whole:
            members = {key: value for key, value in whole[name].items() if value is not None}
            whole[name] = members
    for name, ids in sets.items():
        whole[name] = sorted(ids)
    return whole


def label_ids_of(plan: Plan) -> set[str]:
    """The labels that a contact carries afterwards."""
    fields = plan.row.fields if plan.row else {}
    return {each for name in CONTACTS.sets for each in fields.get(name) or ()}


def asked_by(match: Match, drafts: Sequence[Draft]) -> tuple[set[Key], set[str]]:
    """The keys by which rows are matched, and what is shown of those that have none."""
    keys: set[Key] = set()
    names: set[str] = set()
    for draft in drafts:
        if draft.faults:
            continue
        mine = match.keys(draft)
        keys.update(mine)
        if not mine:
            keys.add(name_key(draft.fields))
            names.add(display_name(draft.fields))
    return keys, names


def touched(drafts: Sequence[Draft], known: Known) -> set[str]:
    """The contacts that rows may be about: what nobody else may write meanwhile."""
    ids = {contact_id for found in known.found.values() for contact_id in found}
    ids.update(draft.id for draft in drafts if draft.id)
    return ids
