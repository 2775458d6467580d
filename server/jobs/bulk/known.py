"""The contacts that rows may mean: what the database has, and what earlier rows made of it.

In a run, earlier rows are those of the same chunk: what was written is in the database. A preview
writes nothing, so all earlier rows are kept, in a file of SQLite's that has no name: memory stays
flat however many there are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import orjson

from server.jobs.bulk.namesakes import Key, is_nameless, keys_of, name_key, name_keys
from server.services.entities import Fields
from server.services.merging import RowState


def found_by(fields: Fields, kinds: Collection[str]) -> Iterator[Key]:
    """By what later rows find a contact of these fields, where they are matched by these kinds."""
    yield from keys_of(fields)
    if is_nameless(fields, kinds):
        yield from name_keys(fields)


class Earlier(Protocol):
    """What earlier rows made of contacts."""

    def add(self, state: RowState) -> None:
        """Notes a contact as it would stand now."""

    def state(self, contact_id: str) -> RowState | None:
        """A contact that an earlier row was about."""

    def find(self, key: Key) -> list[str]:
        """The ids of contacts that an earlier row gave this key."""


@dataclass(slots=True)
class EarlierInChunk:
    """Earlier rows of one chunk, which are matched by `kinds`."""

    kinds: Collection[str] = ()
    states: dict[str, RowState] = field(default_factory=dict)
    keys: dict[Key, list[str]] = field(default_factory=dict)

    def add(self, state: RowState) -> None:
        """See `Earlier`."""
        self.states[state.id] = state
        for key in found_by(state.fields, self.kinds):
            ids = self.keys.setdefault(key, [])
            if state.id not in ids:
                ids.append(state.id)

    def state(self, contact_id: str) -> RowState | None:
        """See `Earlier`."""
        return self.states.get(contact_id)

    def find(self, key: Key) -> list[str]:
        """See `Earlier`."""
        return self.keys.get(key, [])


class EarlierInPreview:
    """All earlier rows of a preview, on disk."""

    def __init__(self, kinds: Collection[str]) -> None:
        """Rows are matched by `kinds`."""
        self._kinds = kinds
        # An empty name: a temporary file, which SQLite removes.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            """
            PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            CREATE TABLE states (id text PRIMARY KEY, state blob) WITHOUT ROWID;
            CREATE TABLE keys (kind text, key text, id text, PRIMARY KEY (kind, key, id))
                WITHOUT ROWID;
            BEGIN;
            """
        )

    def add(self, state: RowState) -> None:
        """See `Earlier`."""
        kept = orjson.dumps([state.version, state.deleted, state.fields, state.stamps])
        self._database.execute("INSERT OR REPLACE INTO states VALUES (?, ?)", (state.id, kept))
        self._database.executemany(
            "INSERT OR IGNORE INTO keys VALUES (?, ?, ?)",
            [(*key, state.id) for key in found_by(state.fields, self._kinds)],
        )

    def state(self, contact_id: str) -> RowState | None:
        """See `Earlier`."""
        found = self._database.execute(
            "SELECT state FROM states WHERE id = ?", (contact_id,)
        ).fetchone()
        return RowState(contact_id, *orjson.loads(found[0])) if found else None

    def find(self, key: Key) -> list[str]:
        """See `Earlier`."""
        found = self._database.execute("SELECT id FROM keys WHERE kind = ? AND key = ?", key)
        return [row[0] for row in found]


@dataclass(slots=True)
class Known:
    """What stood in the database at `head`, with what earlier rows made of it.

    `now` is the database's clock then, in microseconds.
    """

    head: int
    now: int
    stored: dict[str, RowState]
    found: dict[Key, list[str]]
    earlier: Earlier

    def state(self, contact_id: str) -> RowState | None:
        """A live contact."""
        state = self.earlier.state(contact_id) or self.stored.get(contact_id)
        return None if state is None or state.deleted else state

    def find_all(self, kind: str, value: str) -> list[str]:
        """The ids of all contacts with this key, deleted ones too."""
        key = (kind, value)
        stored, earlier = self.found.get(key, []), self.earlier.find(key)
        if kind == "id" and self.earlier.state(value):
            earlier = [value]
        return list(dict.fromkeys([*stored, *earlier])) if stored and earlier else stored or earlier

    def namesakes(self, fields: Fields, held: str) -> list[RowState]:
        """Live contacts that may hold all of a row's fields; `held` is as `held_by` gives it."""
        ids = [*self.found.get(("name", held), ()), *self.earlier.find(name_key(fields))]
        states = [self.state(contact_id) for contact_id in dict.fromkeys(ids)]
        return [state for state in states if state]

    def find(self, kind: str, values: Iterable[str]) -> list[RowState]:
        """The live contacts that have one of these keys."""
        ids: dict[str, None] = {}
        for value in values:
            ids.update(dict.fromkeys(self.find_all(kind, value)))
        states = [self.state(contact_id) for contact_id in ids]
        wanted = {(kind, value) for value in values}
        # An earlier row may have taken the key off the contact.
        return [
            state
            for state in states
            if state and (kind == "id" or not wanted.isdisjoint(keys_of(state.fields)))
        ]
