"""What a mutation does to a row, judged under the tenant's lock: permission, merge, checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from server.errors import (
    Conflict,
    FieldbookError,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    PreconditionFailed,
)
from server.schemas.base import refuse_oversize
from server.schemas.contacts import MAX_CONTACT_BYTES
from server.schemas.mutations import refuse_changed_echoes
from server.schemas.times import rfc3339_of
from server.schemas.wellformed import join
from server.services.entities import Fields
from server.services.merging import DELETED, Merge, RowState, Stamp, merge, whole_row
from server.services.mutations import Mutation
from server.services.tenants import TenantSettings

OLDEST: Stamp = {"at": -1, "mutation": ""}


@dataclass(slots=True)
class Verdict:
    """What becomes of a mutation: its status for the ledger, and the row to write, if any.

    `error` is what the client is answered: `Gone` and `Forbidden` are remembered with it.
    """

    status: str
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    lost: dict[str, Fields] | None = None
    row: RowState | None = None
    new: bool = False
    error: FieldbookError | None = None


@dataclass(slots=True)
class Judge:
    """Judges mutations by what was read under the lock.

    `roles` are those of the authors who may sign in; `revoked` are devices; `known_ids` are the
    live rows that mutations refer to, `("tags", id)`.
    """

    settings: TenantSettings
    roles: dict[str, str]
    revoked: set[str]
    known_ids: set[tuple[str, str]]

    def judge(self, mutation: Mutation, state: RowState | None, stamp: Stamp) -> Verdict:
        """Judges one mutation. Raises what refuses it without being remembered."""
        self._refuse_outsiders(mutation)
        if mutation.operation == "create":
            return self._create(mutation, state, stamp)
        if state is None:
            raise NotFound(f"There is no {mutation.entity.name} with the id {mutation.id}.")
        if mutation.expected_version not in (None, state.version):
            raise PreconditionFailed(version=state.version)
        refuse_changed_echoes(
            mutation.echoes,
            state.standing,
            mutation.changes.get("phones") or (),
            mutation.prefix,
        )
        return self._change(mutation, state, stamp)

    def learn(self, plural: str, row: RowState) -> None:
        """A tag made in this group may be used in it, and a deleted one no more."""
        if row.deleted:
            self.known_ids.discard((plural, row.id))
        else:
            self.known_ids.add((plural, row.id))

    def _create(self, mutation: Mutation, state: RowState | None, stamp: Stamp) -> Verdict:
        entity = mutation.entity
        if state is not None:
            message = f"There is already a {entity.name} with this id; make another id."
            raise Conflict(message, fields={join(mutation.prefix, "id"): [message]})
        refuse_changed_echoes(
            mutation.echoes, {}, mutation.changes.get("phones") or (), mutation.prefix
        )
        changes = dict(mutation.changes)
        if "owner_id" in entity.fields:
            changes.setdefault("owner_id", mutation.actor.agent_id)
        if "active" in entity.fields:
            changes.setdefault("active", True)
        changes, dropped = self._known_references(mutation, changes, stamp)
        row = RowState(mutation.id, 0, False, {}, {"*": OLDEST})
        merge(entity, row, changes, stamp, base_version=None)
        row.stamps = {"*": stamp}
        self._check(mutation, row)
        status = "merged" if dropped else "applied"
        return Verdict(status, dropped, _with_dropped({}, dropped), row=row, new=True)

    def _change(self, mutation: Mutation, state: RowState, stamp: Stamp) -> Verdict:
        if mutation.operation == "update":
            asked = mutation.changes
            if mutation.replace:
                asked = whole_row(mutation.entity, state, asked)
            changes, dropped = self._known_references(mutation, asked, stamp)
        else:
            changes, dropped = {DELETED: mutation.operation == "delete"}, []
        row = state.copy()
        result = merge(mutation.entity, row, changes, stamp, base_version=mutation.base_version)
        if not self._may_edit(mutation, state):
            message = "You may edit only contacts that you own; ask its owner or a manager."
            lost = _with_dropped(result.asked, dropped)
            return Verdict("forbidden", lost=lost, error=Forbidden(message))
        # Only of an edit: what was let in must always be deletable and restorable.
        if mutation.operation == "update" and result.changed:
            self._check(mutation, row)
        conflicts = dropped + _with_times(result.conflicts)
        if mutation.operation == "update" and state.deleted:
            error = Gone(version=state.version)
            lost = _with_dropped(result.asked, dropped)
            return Verdict("gone", conflicts, lost, _if_written(result, row), error=error)
        status = "merged" if dropped and result.status == "applied" else result.status
        lost = _with_dropped(result.lost, dropped)
        return Verdict(status, conflicts, lost, _if_written(result, row))

    def _refuse_outsiders(self, mutation: Mutation) -> None:
        actor = mutation.actor
        if actor.agent_id not in self.roles:
            message = "This account was disabled. Ask an admin of your company."
            raise Forbidden(message, reason="account_disabled")
        if actor.device_id in self.revoked:
            message = "This device was revoked. Ask an admin of your company."
            raise Forbidden(message, reason="device_revoked")

    def _may_edit(self, mutation: Mutation, state: RowState) -> bool:
        if self.settings.agents_edit == "all" or self.roles[mutation.actor.agent_id] != "agent":
            return True
        owned = "owner_id" in mutation.entity.fields
        return not owned or state.fields.get("owner_id") == mutation.actor.agent_id

    def _check(self, mutation: Mutation, row: RowState) -> None:
        refuse_oversize(row.fields, MAX_CONTACT_BYTES, mutation.prefix)
        if not row.deleted:
            mutation.entity.check(row.fields, self.settings, mutation.prefix)

    def _known_references(
        self, mutation: Mutation, changes: Fields, stamp: Stamp
    ) -> tuple[Fields, list[dict[str, Any]]]:
        """Leaves out ids of tags, groups and types that are not there, and lists them."""
        owner = changes.get("owner_id")
        known_owner = owner in self.roles or ("agents", owner) in self.known_ids
        if owner is not None and not known_owner:
            raise Invalid(fields={join(mutation.prefix, "owner_id"): ["There is no such agent."]})
        kept, dropped = dict(changes), []
        for name, plural in mutation.entity.references.items():
            value = changes.get(name)
            asked = value["add"] if isinstance(value, dict) else value or []
            unknown = [each for each in asked if (plural, each) not in self.known_ids]
            if not unknown:
                continue
            known = [each for each in asked if each not in unknown]
            kept[name] = {**value, "add": known} if isinstance(value, dict) else known
            dropped += [_dropped(f"{name}.{each}", stamp) for each in unknown]
        return kept, dropped


def _dropped(name: str, stamp: Stamp) -> dict[str, Any]:
    at = rfc3339_of(stamp["at"])
    return {"field": name, "yours": True, "theirs": False, "kept": "theirs", "by": None, "at": at}


def _with_dropped(
    lost: dict[str, Fields], dropped: list[dict[str, Any]]
) -> dict[str, Fields] | None:
    """What the history keeps: a tag may come back, and then what it was put on can, too."""
    if not dropped:
        return lost or None
    return {
        side: {**lost.get(side, {}), **{each["field"]: each[said] for each in dropped}}
        for side, said in (("before", "theirs"), ("after", "yours"))
    }


def _with_times(conflicts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**conflict, "at": rfc3339_of(conflict["at"])} for conflict in conflicts]


def _if_written(result: Merge, row: RowState) -> RowState | None:
    return row if result.stamped else None
