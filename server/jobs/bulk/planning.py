"""What a bulk job does to one contact: merged by the rules of every other write.

Its stamp is later than all that the contact has, so its values are kept. What it overwrites is in
the history, and listed as a conflict where somebody had edited it a few days before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from server.errors import FieldbookError, Invalid
from server.schemas.base import refuse_oversize
from server.schemas.contacts import MAX_CONTACT_BYTES
from server.schemas.times import rfc3339_of
from server.services.entities import CONTACTS, Fields
from server.services.merging import RowState, Stamp, merge
from server.services.mutations import BULK_MUTATIONS
from server.services.tenants import TenantSettings

DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Author:
    """Who a job writes for, and under which mutation."""

    agent_id: str
    device_id: str | None
    mutation: str
    origin: str

    def stamp(self, at: int) -> Stamp:
        """The stamp of a write at that time, in microseconds."""
        stamp: Stamp = {"at": at, "mutation": self.mutation, "by": self.agent_id}
        if self.device_id:
            stamp["device"] = self.device_id
        return stamp


@dataclass(slots=True)
class Plan:
    """What is to become of one row.

    `outcome` is created, updated, unchanged or error. `row` is the contact afterwards and `stamps`
    those that this write gives; `differences` are `{name: {"from", "to"}}`; `conflicts` are
    `{"field", "from", "to", "by", "at"}`; `faults` say why it is an error.
    """

    outcome: str
    row: RowState | None = None
    stamps: dict[str, Stamp] = field(default_factory=dict)
    differences: dict[str, dict[str, Any]] = field(default_factory=dict)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)


class Planner:
    """Plans a job's writes, by the tenant's settings."""

    def __init__(self, settings: TenantSettings, author: Author) -> None:
        self.settings = settings
        self.author = author

    def create(self, row_id: str, fields: Fields, now: int) -> Plan:
        """A new contact of these fields, whole lists of ids among them. Raises `Invalid`."""
        row = RowState(row_id, 0, False, {"active": True, **fields}, {})
        row.stamps = {"*": self.author.stamp(now)}
        self._check(row)
        return Plan("created", row, row.stamps)

    def change(self, state: RowState, changes: Fields, now: int) -> Plan:
        """Changes of a contact, in the form of an update's; `deleted` may be among them.

        Raises `Invalid` when the contact would not be one any more.
        """
        row = state.copy()
        latest = max((stamp["at"] for stamp in state.stamps.values()), default=0)
        stamp = self.author.stamp(max(now, latest + 1))
        result = merge(CONTACTS, row, changes, stamp, base_version=None)
        if not result.changed:
            return Plan("unchanged", state)
        if not row.deleted:
            self._check(row)
        before, after = result.asked["before"], result.asked["after"]
        return Plan(
            "updated",
            row,
            {name: each for name, each in row.stamps.items() if state.stamps.get(name) != each},
            {name: {"from": before[name], "to": after[name]} for name in after},
            [
                {"field": name, "from": before[name], "to": after[name], **edit}
                for name in after
                if not _only_adds(before[name], after[name])
                and (edit := self._recent_edit(state, name, now, before[name]))
            ],
        )

    def _recent_edit(
        self, state: RowState, name: str, now: int, value: Any
    ) -> dict[str, Any] | None:
        """Who edited a name within the tenant's `conflict_days`, and when.

        What another bulk job wrote is nobody's edit; a value that an earlier row of this one gave
        counts as one.
        """
        known = [
            state.stamps[each] for each in (name, name.partition(".")[0]) if each in state.stamps
        ]
        last = max(known, key=lambda stamp: stamp["at"], default=state.stamps["*"])
        if last["mutation"] == self.author.mutation:
            if value in (None, "", [], {}, False):
                return None
        elif not known or last["mutation"].startswith(BULK_MUTATIONS):
            return None
        if last["at"] < now - self.settings.conflict_days * DAY:
            return None
        return {"by": last.get("by"), "at": rfc3339_of(last["at"])}

    def _check(self, row: RowState) -> None:
        try:
            refuse_oversize(row.fields, MAX_CONTACT_BYTES, "")
        except FieldbookError as error:
            raise Invalid(error.message, fields=error.fields) from None
        CONTACTS.check(row.fields, self.settings, "")

    def record(self, plan: Plan) -> Fields:
        """The contact of a plan as `insert_contacts` and `update_contacts` take it."""
        row, author = plan.row, self.author
        assert row is not None
        return {
            **row.fields,
            "id": row.id,
            "deleted_at": "now" if row.deleted else None,
            "stamps": plan.stamps,
            "written_by": author.agent_id,
            "written_device": author.device_id,
            "written_mutation": author.mutation,
            "written_origin": author.origin,
        }


def _only_adds(before: Any, after: Any) -> bool:
    """Whether a list keeps all that it had."""
    return isinstance(before, list) and bool(after) and all(each in after for each in before)
