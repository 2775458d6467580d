"""The mutations of a device: made at any time, sent in order, unchanged, until answered.

Pure and synchronous: the caller sends what `next_batch` gives and hands the acks to `settle`.
Times are epoch milliseconds of the device's own clock.
"""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from server.client.overlay import lay_over
from server.client.replica import Row
from server.client.wire import Ack
from server.errors import Gone, Internal, RateLimited, TooLarge, Unauthenticated, Unavailable

KEPT_MS = 7 * 24 * 3600 * 1000
# What the event's name, the ack's number and the brackets around a push may take of a message.
FRAME_BYTES = 200
# The server judged nothing: the same mutation is sent again.
TRANSIENT_CODES = frozenset(
    {Unavailable.code, RateLimited.code, Internal.code, Unauthenticated.code}
)


def new_id() -> str:
    """21 random characters of `A-Za-z0-9_-`, as the server makes its own ids."""
    return secrets.token_urlsafe(16)[:21]


@dataclass(eq=False)
class Mutation:
    """One write. `payload` is what the event carries, `mutation_id` included.

    `state`: waiting for its answer, acknowledged (its effect or loss is on the server; also
    `gone`, which is merged into the hidden row), or refused, with `error` as the ack held it.
    `agent` is the id of who made it, None before the device's first sign-in.
    """

    mutation_id: str
    entity: str
    action: Literal["create", "update", "delete", "restore"]
    row_id: str
    payload: dict[str, Any]
    agent: str | None
    made_at: int
    sequence: int
    size: int
    state: Literal["waiting", "acknowledged", "refused"] = "waiting"
    sent_epoch: str | None = None
    status: str | None = None
    version: int | None = None
    settled_at: int | None = None
    error: dict[str, Any] | None = None

    @property
    def op(self) -> str:
        """The name of its event, `contact_update`."""
        return f"{self.entity}_{self.action}"

    def to_push(self) -> dict[str, Any]:
        """The mutation as an item of `sync_push`."""
        return {"op": self.op, **self.payload}


class OfflineQueue:
    """All mutations of one device, in the order in which they were made.

    `agent` is who is signed in; only that agent's mutations are counted, sent and laid over
    the server's rows. Those of others stay until their agent returns.
    """

    def __init__(self, agent: str | None = None) -> None:
        self.agent = agent
        self._sequence = 0
        self._waiting: dict[str, Mutation] = {}
        self._settled: dict[str, Mutation] = {}
        # What still lies over the server's rows, by entity and id.
        self._laid: dict[tuple[str, str], list[Mutation]] = {}
        self._unseen: list[Mutation] = []

    def __len__(self) -> int:
        """How many mutations of this agent wait for their answer."""
        return sum(1 for _ in self._mine())

    def _mine(self) -> Iterable[Mutation]:
        return (each for each in self._waiting.values() if each.agent == self.agent)

    @property
    def oldest_at(self) -> int | None:
        """When the oldest waiting mutation was made, epoch milliseconds."""
        return next((each.made_at for each in self._mine()), None)

    def settled(self) -> list[Mutation]:
        """The acknowledged and refused mutations of the last 7 days, in order of settling."""
        return list(self._settled.values())

    def sign_in(self, agent: str) -> None:
        """Name who is signed in; what was made before the first sign-in becomes theirs."""
        for mutation in self._waiting.values():
            if mutation.agent is None:
                mutation.agent = agent
        self.agent = agent

    # Making and settling

    def add(
        self,
        entity: str,
        action: Literal["create", "update", "delete", "restore"],
        content: Mapping[str, Any],
        *,
        row_id: str,
        now: int,
        base_version: int | None = None,
    ) -> Mutation:
        """Enqueue a write. `content`: a create's fields, an update's changes, else nothing."""
        payload: dict[str, Any] = {"mutation_id": new_id(), "edited_at": now}
        if action == "create":
            payload[entity] = {**copy.deepcopy(dict(content)), "id": row_id}
        else:
            payload["id"] = row_id
            if base_version is not None:
                payload["base_version"] = base_version
            if action == "update":
                payload["changes"] = copy.deepcopy(dict(content))
        self._sequence += 1
        mutation = Mutation(
            payload["mutation_id"], entity, action, row_id, payload, self.agent, now,
            self._sequence, len(json.dumps(payload)) + FRAME_BYTES,
        )  # fmt: skip
        self._waiting[mutation.mutation_id] = mutation
        self._lay(mutation)
        return mutation

    def next_batch(self, count: int, payload_bytes: int) -> list[Mutation]:
        """The oldest waiting mutations that fit one message of at most `payload_bytes`.

        One alone is given even when it is larger; `too_large` tells which are.
        """
        batch: list[Mutation] = []
        room = payload_bytes - FRAME_BYTES
        for mutation in self._mine():
            room -= mutation.size
            if batch and (room < 0 or len(batch) >= count):
                break
            batch.append(mutation)
        return batch

    def too_large(self, mutation: Mutation, payload_bytes: int) -> Ack | None:
        """The ack of a mutation that no message can carry; sent, it would close the socket."""
        if mutation.size <= payload_bytes:
            return None
        return {"ok": False, "error": TooLarge().to_wire()}

    def settle(self, mutation_id: str, ack: Ack, now: int) -> Mutation | None:
        """Take the answer to a waiting mutation; None if it stays, or is not waiting.

        Transient errors leave it where it is, to be sent again.
        """
        mutation = self._waiting.get(mutation_id)
        error = ack.get("error")
        if mutation is None or (error and error["code"] in TRANSIENT_CODES):
            return None
        del self._waiting[mutation_id]
        mutation.settled_at = now
        mutation.error = error
        mutation.version = ack.get("version")
        if error is None:
            mutation.state, mutation.status = "acknowledged", ack.get("status")
        elif error["code"] == Gone.code:
            mutation.state, mutation.status = "acknowledged", Gone.code
        else:
            mutation.state, mutation.status = "refused", None
        self._settled[mutation_id] = mutation
        if _not_seen_yet(mutation):
            self._unseen.append(mutation)
        else:
            self._lift(mutation)
        return mutation

    def seen(self, cursor: int, epoch: str | None) -> None:
        """The rows of `epoch` are held up to `cursor`: edits that it holds need lie there no more.

        Versions of different lives of the database say nothing of one another.
        """
        arrived = [
            each
            for each in self._unseen
            if each.sent_epoch == epoch and (each.version or 0) <= cursor
        ]
        for mutation in arrived:
            self._unseen.remove(mutation)
            self._lift(mutation)

    def new_epoch(self, epoch: str, now: int) -> list[Mutation]:
        """The database has another life: what it acknowledged in the last 7 days waits again.

        It may have lost some of them; those that it still knows answer `duplicate`. Gives the
        mutations that wait again.
        """
        again = [
            mutation
            for mutation in self._settled.values()
            if mutation.state == "acknowledged"
            and mutation.sent_epoch != epoch
            and now - (mutation.settled_at or 0) <= KEPT_MS
        ]
        for mutation in again:
            del self._settled[mutation.mutation_id]
            self._lift(mutation)
            mutation.state, mutation.status, mutation.error = "waiting", None, None
            mutation.version = mutation.settled_at = None
            self._waiting[mutation.mutation_id] = mutation
        # Of what is too old to be sent again, the new life holds what it holds: nothing is to come.
        for mutation in self._unseen:
            if mutation.sent_epoch != epoch and mutation.state == "acknowledged":
                self._lift(mutation)
        self._unseen = [each for each in self._unseen if each.sent_epoch == epoch]
        self._waiting = {
            each.mutation_id: each
            for each in sorted(self._waiting.values(), key=lambda each: each.sequence)
        }
        for mutation in again:
            self._lay(mutation)
        return again

    def forget_old(self, now: int) -> None:
        """Drop what was settled more than 7 days ago."""
        while self._settled:
            oldest = next(iter(self._settled.values()))
            if now - (oldest.settled_at or 0) <= KEPT_MS:
                return
            del self._settled[oldest.mutation_id]

    def wipe(self) -> None:
        """Forget everything, as a device does that was revoked."""
        self.load({"mutations": [], "sequence": self._sequence, "agent": self.agent})

    # Lying over the server's rows

    def overlay(self, entity: str, row_id: str, row: Row | None) -> Row | None:
        """A server row, or None, with this agent's unsent edits over it; None when deleted.

        Edits stay on top until the row that holds them has arrived. `row` is not changed.
        """
        laid = self._laid.get((entity, row_id), ())
        return lay_over(row, [each for each in laid if each.agent == self.agent])

    def laid_over(self, entity: str) -> set[str]:
        """The ids of the rows of an entity that unsent edits lie over, own creations included."""
        return {row_id for name, row_id in self._laid if name == entity}

    def _lay(self, mutation: Mutation) -> None:
        laid = self._laid.setdefault((mutation.entity, mutation.row_id), [])
        laid.append(mutation)
        laid.sort(key=lambda each: each.sequence)

    def _lift(self, mutation: Mutation) -> None:
        key = (mutation.entity, mutation.row_id)
        laid = [each for each in self._laid.get(key, ()) if each is not mutation]
        if laid:
            self._laid[key] = laid
        else:
            self._laid.pop(key, None)

    # Keeping it

    def dump(self) -> dict[str, Any]:
        """Everything, as one JSON object, for `load` in a later process."""
        kept = [*self._settled.values(), *self._waiting.values()]
        return {
            "agent": self.agent,
            "sequence": self._sequence,
            "mutations": [copy.deepcopy(asdict(mutation)) for mutation in kept],
        }

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Take over what `dump` gave; then call `seen` with where the store stands."""
        self.agent = dumped["agent"]
        self._sequence = dumped["sequence"]
        self._waiting, self._settled, self._laid, self._unseen = {}, {}, {}, []
        for each in dumped["mutations"]:
            mutation = Mutation(**copy.deepcopy(each))
            if mutation.state == "waiting":
                self._waiting[mutation.mutation_id] = mutation
                self._lay(mutation)
                continue
            self._settled[mutation.mutation_id] = mutation
            if _not_seen_yet(mutation):
                self._unseen.append(mutation)
                self._lay(mutation)


def _not_seen_yet(mutation: Mutation) -> bool:
    """Whether an acknowledged edit took effect in a version that is still to arrive."""
    return mutation.status in ("applied", "merged", "duplicate") and bool(mutation.version)
