"""Merging as the protocol says it, for what the database makes of it to be held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from server.services.mutations import Mutation
from tests.integration.support.devices import Payload
from tests.integration.support.merging_scenarios import MAPS, SETS, Edit

EMPTY: tuple[object, ...] = (None, "", [], {})


@dataclass
class Register:
    """What stands under a name, who stamped it last, and at which version the value came."""

    value: Any
    stamp: tuple[int, str, str]
    device: int
    version: int


class Model:
    """A contact by the rules of the protocol: a register a name, of which the later stamp keeps.

    `history` is what must stand there, oldest first: `(mutation_id, device, outcome, {name: (from,
    to)})`; `contacts` how the contact was after each of its entries.
    """

    def __init__(self, names: set[str]) -> None:
        nothing = Register(None, (-1, "", ""), -1, 0)
        self.registers = {name: replace(nothing, value=empty_of(name)) for name in names}
        self.history: list[tuple[str, int, str, Payload]] = []
        self.contacts: list[Payload] = []
        self.status = ""

    def arrive(
        self, edit: Edit, mutation: Mutation, stamp: tuple[int, str, str], version: int
    ) -> list[Payload]:
        """Merges a mutation that left the row at `version`; gives the conflicts that it lists.

        `status` is then what it is answered.
        """
        before, gone = self.contact(), self.deleted and edit.operation == "update"
        conflicts: list[Payload] = []
        lost: Payload = {}
        asked: Payload = {}
        kept = 0
        for name, yours in self.writes(mutation):
            if name not in self.registers:
                asked[name] = lost[name] = (False, True)
                conflicts.append({"field": name, "yours": True, "theirs": False, "kept": "theirs"})
                continue
            known = self.registers[name]
            wins, equal = stamp > known.stamp, same(yours, known.value)
            if wins:
                came = known.version if equal and known.version else version
                self.registers[name] = Register(yours, stamp, edit.device, came)
            kept += wins or equal
            if equal or edit.operation == "create":
                continue
            asked[name] = (known.value, yours)
            if not wins:
                lost[name] = asked[name]
            seen = mutation.base_version
            overtaken = seen is not None and known.version > seen and known.device != edit.device
            if not wins or overtaken:
                side = "yours" if wins else "theirs"
                conflicts.append(
                    {"field": name, "yours": yours, "theirs": known.value, "kept": side}
                )
        if edit.operation == "create":
            # Older edits of what it does not name lose, too.
            for register in self.registers.values():
                register.stamp, register.device, register.version = stamp, edit.device, version
        overruled = any(name in self.registers for name in lost)
        self.status = (
            "superseded" if overruled and not kept else "merged" if conflicts else "applied"
        )
        changed = differences(before, self.contact())
        if changed:
            self.note(edit, mutation, "applied", changed)
        if asked if gone else lost:
            outcome = "refused" if gone else "lost"
            self.note(edit, mutation, outcome, asked if gone else lost)
        return conflicts

    def note(self, edit: Edit, mutation: Mutation, outcome: str, changes: Payload) -> None:
        plain = {name: tuple(map(told, each)) for name, each in changes.items()}
        self.history.append((mutation.mutation_id, edit.device, outcome, plain))
        self.contacts.append(self.contact())

    @property
    def deleted(self) -> bool:
        return bool(self.registers["deleted"].value)

    def contact(self) -> Payload:
        """What of the contact is to be seen, empty fields left out."""
        if self.deleted:
            return {"deleted": True}
        return self.fields()

    def fields(self) -> Payload:
        contact: Payload = {}
        for name, register in sorted(self.registers.items()):
            whole, _, member = name.partition(".")
            if whole in SETS:
                contact.setdefault(whole, []).extend([member] if register.value else [])
            elif whole in MAPS:
                contact.setdefault(whole, {})[member] = register.value
            elif whole != "deleted":
                contact[whole] = register.value
        for name in MAPS:
            kept = {key: value for key, value in contact[name].items() if value is not None}
            contact[name] = kept
        return {name: value for name, value in contact.items() if value not in EMPTY}

    def writes(self, mutation: Mutation) -> Iterator[tuple[str, Any]]:
        """Each register that a mutation writes; the clearing of a map writes all its keys."""
        if mutation.operation in ("delete", "restore"):
            yield "deleted", mutation.operation == "delete"
        for name, value in mutation.changes.items():
            if name in MAPS:
                cleared = {each for each in self.registers if each.startswith(f"{name}.")}
                members = {f"{name}.{member}": each for member, each in (value or {}).items()}
                yield from (dict.fromkeys(cleared) if value is None else members).items()
            elif name in SETS:
                change = value if isinstance(value, dict) else {"add": value, "remove": []}
                known = [each for each in change["remove"] if f"{name}.{each}" in self.registers]
                yield from ((f"{name}.{each}", True) for each in change["add"])
                yield from ((f"{name}.{each}", False) for each in known)
            else:
                yield name, value


def told(value: Any) -> Any:
    """An empty value may be told as any."""
    return None if value in EMPTY else value


def as_text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def empty_of(name: str) -> Any:
    return False if name == "deleted" or name.partition(".")[0] in SETS else None


def same(one: Any, other: Any) -> bool:
    """Empty values are; true is not 1."""
    if one in EMPTY and other in EMPTY:
        return True
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def differences(before: Payload, after: Payload) -> Payload:
    """The changes of an entry of the history: of a deletion or a restore only that."""
    if before.get("deleted") != after.get("deleted") and before:
        return {"deleted": (bool(before.get("deleted")), bool(after.get("deleted")))}
    return {
        name: (before.get(name), after.get(name))
        for name in before.keys() | after.keys()
        if as_text(told(before.get(name))) != as_text(told(after.get(name)))
    }
