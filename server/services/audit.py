"""What changes no synced row enters the history by `log_action`; triggers write the rest."""

from __future__ import annotations

from typing import Any, Literal

import orjson

from server.db.pool import Connection
from server.db.queries import queries
from server.services.actors import Actor


async def log_action(
    connection: Connection,
    action: str,
    entity: str,
    entity_id: str,
    actor: Actor | None,
    detail: dict[str, Any],
    *,
    origin: Literal["socket", "rest", "sql"] = "rest",
) -> None:
    """Enters an action into the history, in the caller's transaction.

    `actor` is None where nobody is signed in; `detail` is what the entry shows as changed.
    """
    await connection.execute(
        queries.audit.log_action,
        *(action, entity, entity_id),
        *((actor.agent_id, actor.device_id) if actor else (None, None)),
        origin,
        orjson.dumps(detail).decode(),
    )
