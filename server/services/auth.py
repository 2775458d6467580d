"""Sign-in: from an API key to an actor, and from an actor to one of its devices."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nanoid import generate

from server.db.pool import Database
from server.db.queries import queries
from server.errors import Forbidden, Unauthenticated
from server.services.actors import Actor
from server.services.audit import log_action

KEY_PREFIX = "fb_"
KEY_LENGTH = 32
SHOWN = 8
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Auth:
    """Finds who stands behind a key; keys are kept only as hashes with the server's salt."""

    def __init__(self, database: Database, salt: str) -> None:
        self._database = database
        self._salt = salt.encode()

    def hash(self, api_key: str) -> bytes:
        """What is stored of a key. HMAC-SHA256: a key holds 190 bits, so slowness adds nothing."""
        return hmac.new(self._salt, api_key.encode("utf-8", "replace"), hashlib.sha256).digest()

    @staticmethod
    def make_key() -> str:
        """A new key; shown once, and kept only as its hash and its first characters."""
        key: str = generate(ALPHABET, KEY_LENGTH)
        return KEY_PREFIX + key

    async def authenticate(self, api_key: str) -> Actor:
        """The actor behind a key. Raises `Unauthenticated`, `Unavailable`."""
        async with self._database.any_tenant() as connection:
            row = await connection.fetchrow(queries.auth.find_api_key, self.hash(api_key))
        if row is None or row["revoked"]:
            raise Unauthenticated("This API key is wrong or was revoked. Ask your admin for one.")
        if row["disabled"]:
            raise Unauthenticated("This account was disabled. Ask an admin of your company.")
        return Actor(
            tenant=row["tenant_id"],
            agent_id=row["agent_id"],
            code=row["code"],
            name=row["name"],
            role=row["role"],
            key_id=row["key_id"],
        )

    async def on_device(
        self,
        actor: Actor,
        device_id: str | None,
        details: dict[str, Any],
        writer_id: str | None = None,
    ) -> Actor:
        """The actor on its device, which is entered or brought up to date.

        `details` holds name, model, os, app_version as far as they are known. With neither there
        is no device, and `writer_id` says which installation it is. Raises `Forbidden` when the
        device belongs to another agent or was revoked.
        """
        if device_id is None and not details:
            return replace(actor, writer_id=writer_id)
        device_id = device_id or generate()
        async with self._database.tenant(actor.tenant) as connection:
            row = await connection.fetchrow(
                queries.auth.enter_device,
                actor.tenant,
                device_id,
                actor.agent_id,
                *(details.get(key) for key in ("name", "model", "os", "app_version")),
            )
        if row is None:
            raise Forbidden("This device_id belongs to another agent. Use a new one.")
        if row["revoked_at"]:
            raise Forbidden(
                "This device was revoked. Ask an admin of your company.", reason="device_revoked"
            )
        return replace(actor, device_id=device_id)

    async def log_sign_in(self, actor: Actor, address: str) -> None:
        """Enters a socket's sign-in into the history. Raises `Unavailable`."""
        async with self._database.tenant(actor.tenant) as connection:
            detail = {"address": address, "key_id": actor.key_id}
            await log_action(
                connection, "sign_in", "agent", actor.agent_id, actor, detail, origin="socket"
            )

    async def as_they_are(self, tenant: str, actors: Sequence[Actor]) -> list[Actor]:
        """The same actors with their present names and roles. Raises `Unavailable`."""
        async with self._database.tenant(tenant) as connection:
            records = await connection.fetch(
                queries.auth.read_callings, tenant, list({actor.agent_id for actor in actors})
            )
        callings = {
            record["id"]: {"name": record["name"], "role": record["role"]} for record in records
        }
        return [replace(actor, **callings.get(actor.agent_id, {})) for actor in actors]

    async def notices(
        self, tenant: str, actors: Sequence[Actor]
    ) -> dict[tuple[str, str | None], str]:
        """What the sockets of these actors have to be told.

        Who is shut out, `{("device", id): "device_revoked", ("key", id): "key_revoked",
        ("agent", id): "account_disabled"}`, and who is to sync: `("sync", device_id)`.
        """
        async with self._database.tenant(tenant) as connection:
            records = await connection.fetch(
                queries.auth.find_notices,
                tenant,
                list({actor.agent_id for actor in actors}),
                list({actor.key_id for actor in actors if actor.key_id}),
                list({actor.device_id for actor in actors if actor.device_id}),
            )
        return {(record["kind"], record["id"]): record["reason"] for record in records}
