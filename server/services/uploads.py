"""A file on its way into the database, part after part: nobody holds it as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from nanoid import generate

from server.db.pool import Database
from server.db.queries import queries
from server.errors import Invalid, TooLarge

PART_BYTES = 1_000_000
MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What its sender calls a file."""

    name: str | None = None
    content_type: str | None = None

    @classmethod
    def of(cls, name: str | None, content_type: str | None = None) -> FileInfo:
        """The last part of a path, as browsers and programs send one, without what nobody sees."""
        last = (name or "").replace("\\", "/").rpartition("/")[2]
        visible = "".join(sign for sign in last if sign.isprintable()).strip()
        return cls(visible[-MAX_NAME:] or None, content_type)


class Upload:
    """A file on its way into the database; nobody's until a job has `taken` it."""

    def __init__(self, database: Database, tenant: str, most: int) -> None:
        self.id = generate()
        self.size = 0
        self.taken = False
        self._database = database
        self._tenant = tenant
        self._most = most
        self._parts = 0
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """What tells the file from another one."""
        return self._hash.hexdigest()

    def refuse_size(self, size: int) -> None:
        """Raises `TooLarge` for a file of more bytes than are accepted."""
        if size > self._most:
            message = (
                f"A file may have {self._most:,} bytes here (IMPORT_MAX_BYTES). Split it, or ask "
                "whoever runs the server to allow more."
            )
            raise TooLarge(message, fields={"file": [message]})

    async def receive(self, pieces: AsyncIterator[bytes]) -> None:
        """Stores a file's bytes as they come. Raises `TooLarge`, `Invalid`, `Unavailable`."""
        kept = bytearray()
        async for piece in pieces:
            self.size += len(piece)
            self.refuse_size(self.size)
            # Some tenths of a millisecond for what comes at once.
            self._hash.update(piece)
            kept += piece
            while len(kept) >= PART_BYTES:
                await self._store(bytes(kept[:PART_BYTES]))
                del kept[:PART_BYTES]
        if kept:
            await self._store(bytes(kept))
        if not self.size:
            message = "The file is empty. Send the file's bytes as the body, or as a form's file."
            raise Invalid(message, fields={"file": [message]})

    async def _store(self, part: bytes) -> None:
        # A connection for each part: an upload may be slow.
        async with self._database.tenant(self._tenant) as connection:
            await connection.execute(
                queries.bulk.insert_part, self._tenant, self.id, self._parts, part
            )
        self._parts += 1
