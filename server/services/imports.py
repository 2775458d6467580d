"""Imports: an uploaded file becomes a job, or a preview of one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from loguru import logger
from nanoid import generate

from server.db.pool import Connection, Database
from server.db.queries import queries
from server.errors import Conflict, Invalid, Unavailable
from server.files.model import FileFault
from server.files.paths import require_path
from server.files.texts import known_encoding
from server.services.actors import Actor
from server.services.audit import log_action
from server.services.bulk import enqueue, refuse_others
from server.services.bulk_wire import job_to_wire, shown_counts
from server.services.uploads import FileInfo, Upload

ID_LENGTH = 21
Preview = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""`preview(tenant, job)`: what a job, which is like a row of bulk_jobs, would do."""
Check = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""`check(tenant, job)`: what its file is, `{"detected", "columns", "mapping", "total"}`."""


class Imports:
    """Starts imports, and says what they would do."""

    def __init__(self, database: Database, most_bytes: int, preview: Preview, check: Check) -> None:
        self._database = database
        self._most = most_bytes
        self._preview = preview
        self._check = check

    @asynccontextmanager
    async def uploading(self, actor: Actor) -> AsyncIterator[Upload]:
        """A place for a file, which is gone afterwards unless a job took it.

        Raises `Forbidden` for those who may not import.
        """
        refuse_others(actor)
        upload = Upload(self._database, actor.tenant, self._most)
        try:
            yield upload
        finally:
            if not upload.taken:
                await self._discard(actor.tenant, upload)

    async def _discard(self, tenant: str, upload: Upload) -> None:
        try:
            async with self._database.tenant(tenant) as connection:
                await connection.execute(queries.bulk.delete_parts, tenant, upload.id)
        except Unavailable as error:
            # What became of the file is another matter, and has its own answer.
            logger.warning("An upload is left to the nightly purge: {}", error.details)

    async def start(
        self,
        actor: Actor,
        upload: Upload,
        file: FileInfo,
        asked: Mapping[str, Any],
        key: str | None = None,
    ) -> tuple[dict[str, Any], bool]:
        """The job that imports a file, and whether it is new: a `key` makes it once.

        `asked` is what `schemas.bulk.IMPORT_OPTIONS` gave. Raises `Invalid`, with `row` and
        `column` where they are known, for a file that can't be imported, `Conflict` for a key that
        was used for another file or other options, `Unavailable`.
        """
        job = _like_a_job(actor, upload, file, asked)
        job["options"]["sha256"] = upload.sha256
        # Now, while whoever sent it waits for an answer, and not when the job's turn comes.
        found = await self._check(actor.tenant, job)
        job_id = id_by_key("import", actor, key) if key else generate()
        async with self._database.tenant(actor.tenant) as connection:
            try:
                async with connection.transaction():
                    await _enter(connection, actor, job_id, job)
                    await connection.execute(
                        queries.bulk_jobs.note_checked,
                        *(actor.tenant, job_id),
                        *(_json(found[name]) for name in ("detected", "columns", "mapping")),
                        found["total"],
                    )
                    await enqueue(connection, actor.tenant, job_id)
                    await log_action(connection, "import", "job", job_id, actor, _logged(job))
            except asyncpg.UniqueViolationError:
                fresh = False
                if not await connection.fetchval(
                    queries.bulk_jobs.has_options, actor.tenant, job_id, _json(job["options"])
                ):
                    raise Conflict("This Idempotency-Key was used for another import.") from None
            else:
                fresh = upload.taken = True
            record = await connection.fetchrow(queries.bulk_jobs.read_shown, actor.tenant, job_id)
        assert record is not None
        return job_to_wire(record), fresh

    async def enter(
        self, actor: Actor, upload: Upload, file: FileInfo, asked: Mapping[str, Any]
    ) -> str:
        """The id of a job that no worker takes, for a caller who runs it.

        Raises what `start` does.
        """
        job_id: str = generate()
        job = _like_a_job(actor, upload, file, asked)
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            await _enter(connection, actor, job_id, job)
            await log_action(connection, "import", "job", job_id, actor, _logged(job), origin="sql")
        upload.taken = True
        return job_id

    async def preview(
        self, actor: Actor, upload: Upload, file: FileInfo, asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What the import of a file would do; nothing is written.

        Raises `Invalid`, with `row` and `column` where they are known, for a file that can't be
        imported, `Unavailable`.
        """
        job = _like_a_job(actor, upload, file, asked)
        return preview_to_wire(job, await self._preview(actor.tenant, job))


def _like_a_job(
    actor: Actor, upload: Upload, file: FileInfo, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """What a check or a preview has in place of a row of bulk_jobs. Raises `Invalid`."""
    return {
        "id": upload.id,
        "kind": "import",
        "undoing": False,
        "agent_id": actor.agent_id,
        "device_id": actor.device_id,
        "file_name": file.name,
        "content_type": file.content_type,
        "options": options_of(asked),
    }


async def _enter(connection: Connection, actor: Actor, job_id: str, job: Mapping[str, Any]) -> None:
    """Makes the row of a job, which takes the parts of the upload."""
    await connection.execute(
        queries.bulk.insert_job,
        *(actor.tenant, job_id, "import", actor.agent_id, actor.device_id),
        *(job["file_name"], job["content_type"], _json(job["options"])),
    )
    await connection.execute(queries.bulk_jobs.move_parts, actor.tenant, job["id"], job_id)


def _logged(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log says of an import."""
    return {"file_name": job["file_name"], "options": job["options"]}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def options_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the job's process reads of the parameters. Raises `Invalid` naming one."""
    options = {name: asked[name] for name in asked if name not in ("dry_run", "file_name")}
    if "encoding" in options:
        try:
            options["encoding"] = known_encoding(options["encoding"])
        except FileFault as fault:
            raise Invalid(fields={"encoding": [fault.message]}) from None
    faults = {}
    for column, path in options.get("mapping", {}).items():
        try:
            if path is not None:
                # A table has no column for a whole object; its reader knows what the file is.
                require_path(path, column, objects=True)
        except FileFault as fault:
            faults[f"mapping.{column}"] = [fault.message]
    if faults:
        raise Invalid(fields=faults)
    return options


def preview_to_wire(job: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """A dry run's answer: the shape of a job, and what only a preview shows."""
    shown = shown_counts(
        found["counts"], found.get("mapping"), found.get("columns"), found.get("detected")
    )
    return {
        "dry_run": True,
        "kind": job["kind"],
        "file_name": job["file_name"],
        **shown,
        "progress": found["progress"],
        "samples": found.get("samples", []),
        "preview": found["preview"],
        "differences": found["differences"],
        "new_labels": found.get("new_labels", {}),
        "errors": found["errors"],
        "conflicts": found["conflicts"],
    }


def id_by_key(kind: str, actor: Actor, key: str) -> str:
    """The id of the one job that an agent starts with an Idempotency-Key."""
    named = hashlib.sha256(f"{kind} {actor.agent_id} {key}".encode()).digest()
    return base64.urlsafe_b64encode(named).decode()[:ID_LENGTH]
