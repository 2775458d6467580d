"""Every error that a client may see: one base, one code and one HTTP status each.

`events/dispatch.py` renders them as acks and `rest/middleware.py` as
`application/problem+json` (RFC 9457); nothing else does. The docstring of a class is the
message that is sent when none is given, so it is written to the person who reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

Fields = Mapping[str, list[str]]


class FieldbookError(Exception):
    """Something went wrong on the server. Try again; if it stays, tell your admin."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Fields | None = None,
        retry_after_ms: int | None = None,
        **details: Any,
    ) -> None:
        """`fields` maps a JSON path to messages; `details` are further keys of the error."""
        self.message = message or " ".join((type(self).__doc__ or "").split())
        self.fields = fields
        self.retry_after_ms = retry_after_ms
        self.details = details
        super().__init__(self.message)

    def to_wire(self) -> dict[str, Any]:
        """The `error` object of an ack: `{"code", "message", "fields"?, "retry_after_ms"?}`."""
        wire: dict[str, Any] = {"code": self.code, "message": self.message, **self.details}
        if self.fields:
            wire["fields"] = {path: list(messages) for path, messages in self.fields.items()}
        if self.retry_after_ms is not None:
            wire["retry_after_ms"] = self.retry_after_ms
        return wire


class Internal(FieldbookError):
    """Something went wrong on the server. Try again; if it stays, tell your admin."""


class Unauthenticated(FieldbookError):
    """Sign in first: send `auth` with a valid API key."""

    code = "unauthenticated"
    status = 401
    title = "Not signed in"


class Forbidden(FieldbookError):
    """Your role does not allow this. Ask an admin of your company."""

    code = "forbidden"
    status = 403
    title = "Not allowed"


class Invalid(FieldbookError):
    """The request does not have the right form; `fields` says what to change."""

    code = "invalid"
    status = 422
    title = "Invalid input"


class Unreadable(Invalid):
    """The body could not be read as JSON. Send one JSON object in UTF-8."""

    status = 400
    title = "Unreadable body"


class NotFound(FieldbookError):
    """There is nothing with this id. It may have been removed, or the id is mistyped."""

    code = "not_found"
    status = 404
    title = "Not found"


class Gone(FieldbookError):
    """This was deleted. Your edit is kept in its history; restore it to see the edit."""

    code = "gone"
    status = 410
    title = "Deleted"


class Conflict(FieldbookError):
    """This collides with what is already there."""

    code = "conflict"
    status = 409
    title = "Conflict"


class PreconditionFailed(Conflict):
    """It was changed since you read it. Read it again, then repeat your change."""

    status = 412
    title = "Changed meanwhile"


class TooLarge(FieldbookError):
    """This is larger than the server accepts. Send it in smaller parts."""

    code = "too_large"
    status = 413
    title = "Too large"


class RateLimited(FieldbookError):
    """Too many requests. Wait for `retry_after_ms`, then go on."""

    code = "rate_limited"
    status = 429
    title = "Too many requests"


class Unavailable(FieldbookError):
    """The server can't reach its database just now. Send the same again in a moment."""

    code = "unavailable"
    status = 503
    title = "Not available"


class ResyncRequired(FieldbookError):
    """Your cursor can't be used any more. Sync again from 0; keep your unsent edits."""

    code = "resync_required"
    status = 409
    title = "Sync again from 0"


class UnknownEvent(FieldbookError):
    """There is no such event. See docs/PROTOCOL.md for the events of this server."""

    code = "unknown_event"
    status = 404
    title = "Unknown event"
