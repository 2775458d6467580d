"""Files that come in by HTTP: as the body itself, or as the file of a form; never as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from aiohttp import BodyPartReader, MultipartReader, http_exceptions, web
from aiohttp.multipart import content_disposition_filename, parse_content_disposition

from server.errors import Invalid, TooLarge, Unreadable
from server.services.uploads import FileInfo, Upload

FORM = "multipart/form-data"
FIELDS = 40
FIELD_BYTES = 200_000
FORM_BYTES = 1_000_000
"""What a form may have around its file."""
PIECE_BYTES = 65_536
# What people and programs call files of contacts; what none of these could be is refused.
READABLE = (
    "text/",
    "application/csv",
    "application/json",
    "application/jsonl",
    "application/jsonlines",
    "application/ndjson",
    "application/octet-stream",
    "application/vcard",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/x-csv",
    "application/x-jsonlines",
    "application/x-ndjson",
    "application/x-vcard",
    "application/x-zip-compressed",
    "application/zip",
    # What curl says of --data-binary, and fetch() of nothing.
    "application/x-www-form-urlencoded",
)
# What says nothing about the file.
MEANINGLESS = ("application/octet-stream", "application/x-www-form-urlencoded")
Pairs = list[tuple[str, str]]


async def receive_upload(request: web.Request, upload: Upload) -> tuple[FileInfo, Pairs]:
    """Stores the file of a request: what it is called, and a form's other fields.

    Raises `TooLarge`, `Invalid`, `Unreadable`, `Unavailable`.
    """
    if request.content_type == FORM:
        upload.refuse_size((request.content_length or 0) - FORM_BYTES)
        return await _receive_form(request, upload)
    file = FileInfo.of(
        _disposition_name(request.headers.get("Content-Disposition")),
        readable_type(request.content_type),
    )
    upload.refuse_size(request.content_length or 0)
    await upload.receive(_body(request))
    return file, []


async def _receive_form(request: web.Request, upload: Upload) -> tuple[FileInfo, Pairs]:
    file: FileInfo | None = None
    pairs: Pairs = []
    async for part in _parts(request):
        if isinstance(part, MultipartReader):
            raise Unreadable("A form within the form can't be read. Send one file.")
        if part.headers.get("Content-Transfer-Encoding", "binary").lower() not in (
            "7bit",
            "8bit",
            "binary",
        ):
            raise Unreadable("Send the form's parts as they are, without a transfer encoding.")
        if part.filename is not None or part.name == "file":
            if file:
                message = "Send one file at a time."
                raise Invalid(message, fields={"file": [message]})
            media_type = part.headers.get("Content-Type", MEANINGLESS[0]).partition(";")[0]
            file = FileInfo.of(part.filename, readable_type(media_type))
            await upload.receive(_pieces(request, part))
        elif len(pairs) >= FIELDS:
            raise Invalid(f"A form may have {FIELDS} fields beside its file.")
        else:
            pairs.append((part.name or "", await _field(request, part)))
    if file is None:
        message = "The form has no file. Send it as a part with a filename."
        raise Invalid(message, fields={"file": [message]})
    return file, pairs


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    with _readable_only(request):
        async for piece in request.content.iter_any():
            yield piece


async def _parts(request: web.Request) -> AsyncIterator[MultipartReader | BodyPartReader]:
    with _readable_only(request):
        form = await request.multipart()
        while (part := await form.next()) is not None:
            yield part


async def _pieces(request: web.Request, part: BodyPartReader) -> AsyncIterator[bytes]:
    with _readable_only(request):
        while piece := await part.read_chunk(PIECE_BYTES):
            yield piece


async def _field(request: web.Request, part: BodyPartReader) -> str:
    value = bytearray()
    async for piece in _pieces(request, part):
        value += piece
        if len(value) > FIELD_BYTES:
            message = f"A field of the form may have {FIELD_BYTES:,} bytes."
            raise TooLarge(message, fields={part.name or "": [message]})
    try:
        return value.decode()
    except UnicodeDecodeError:
        message = "This must be text in UTF-8."
        raise Invalid(fields={part.name or "": [message]}) from None


@contextmanager
def _readable_only(request: web.Request) -> Iterator[None]:
    """Turns what breaks a body in the middle into `Unreadable`; only reading stands within it."""
    try:
        yield
    except (
        # What aiohttp says of a form that is none.
        AssertionError,
        ValueError,
        web.RequestPayloadError,
        http_exceptions.HttpProcessingError,
        # Nobody will hear of it; but it is no fault of ours, either.
        ConnectionError,
    ) as error:
        # Nothing more can be read, and aiohttp need not try.
        request.content.feed_eof()
        reason = str(error).rpartition("\n")[2].strip() or "it ends too early"
        raise Unreadable(f"The body can't be read: {reason}.") from None


def readable_type(media_type: str) -> str | None:
    """A media type that a file of contacts may have, in lower case; None where it says nothing.

    Raises `Invalid` for all others.
    """
    kind = media_type.strip().lower()
    if not kind.startswith(READABLE):
        message = (
            f"{kind[:100] or 'This'} is no file of contacts. Send text/csv, application/json, "
            "text/vcard, or an Excel workbook (.xlsx)."
        )
        raise Invalid(message, fields={"Content-Type": [message]})
    return None if kind in MEANINGLESS else kind[:200]


def _disposition_name(header: str | None) -> str | None:
    _, parameters = parse_content_disposition(header)
    return content_disposition_filename(parameters)
