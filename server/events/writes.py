"""The writes of every synced entity, and the push of an offline queue."""

from __future__ import annotations

import asyncio
import time

from server.errors import FieldbookError
from server.events.dispatch import Event, Payload, event
from server.events.journal import Journal
from server.events.sessions import Session
from server.schemas.sync import SYNC_PUSH
from server.services.commits import Commits
from server.services.entities import Entity
from server.services.mutations import (
    OPERATIONS,
    Mutation,
    Operation,
    Outcome,
    read_mutation,
    read_push_item,
)
from server.services.tenants import Tenants

SLICE_SECONDS = 0.004
"""How long a push may be parsed before others get the event loop."""


def entity_events(entity: Entity, commits: Commits, tenants: Tenants) -> list[Event]:
    """`{entity}_create`, `_update`, `_delete` and `_restore`."""

    def write(operation: Operation) -> Event:
        # No schema here: read_mutation parses, as it does for a push and for REST.
        @event(f"{entity.name}_{operation}", None)
        async def handler(session: Session, payload: object) -> Payload:
            # Hazard: whoever awaited before taking `order` could be overtaken.
            async with session.order:
                actor = session.signed_in
                settings = await tenants.settings(actor.tenant)
                mutation = read_mutation(
                    actor, entity, operation, payload, settings, skew=session.skew
                )
                answer = commits.submit(actor.tenant, [mutation])
            (outcome,) = await answer
            if outcome.error:
                raise outcome.error
            return outcome.to_wire(entity.name)

        return handler

    return [write(operation) for operation in OPERATIONS]


def push_events(commits: Commits, tenants: Tenants, journal: Journal) -> list[Event]:
    """`sync_push`."""

    @event("sync_push", SYNC_PUSH)
    async def sync_push(session: Session, payload: Payload) -> Payload:
        started = time.time()
        async with session.order:
            actor = session.signed_in
            mutations = await _read_all(session, payload["mutations"], tenants)
            readable = [each for each in mutations if isinstance(each, Mutation)]
            answer = commits.submit(actor.tenant, readable)
        outcomes = iter(await answer)
        results = [
            next(outcomes) if isinstance(each, Mutation) else Outcome(error=each)
            for each in mutations
        ]
        refused = sum(1 for each in results if each.error)
        journal.pushed(session, started, len(results), refused)
        version = max((each.version for each in results), default=0)
        return {"ok": True, "results": [each.to_wire() for each in results], "version": version}

    return [sync_push]


async def _read_all(
    session: Session, items: list[object], tenants: Tenants
) -> list[Mutation | FieldbookError]:
    """Each item as a mutation, or what is wrong with it, so that it is refused alone."""
    actor = session.signed_in
    settings = await tenants.settings(actor.tenant)
    read: list[Mutation | FieldbookError] = []
    slice_end = time.monotonic() + SLICE_SECONDS
    for item in items:
        try:
            read.append(read_push_item(actor, item, settings, skew=session.skew))
        except FieldbookError as error:
            read.append(error)
        if time.monotonic() > slice_end:
            await asyncio.sleep(0)
            slice_end = time.monotonic() + SLICE_SECONDS
    return read
