"""Imports and bulk edits: started or tried, and what became of them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from server.rest.openapi import operation
from server.rest.requests import (
    MAX_IDS_BODY,
    actor_of,
    json_answer,
    path_id,
    query_of,
    read_json,
    while_connected,
)
from server.rest.streaming import stream_answer
from server.rest.uploads import receive_upload
from server.schemas.bulk import BULK_UPDATE, IMPORT_OPTIONS, JOB_LIST, UPDATE_QUERY
from server.schemas.bulk_answers import (
    FindingListSchema,
    JobListSchema,
    JobSchema,
    StartedSchema,
)
from server.schemas.queries import PAGE, parse_query
from server.schemas.requests import HISTORY, WRITE_HEADERS, parse_headers
from server.services.bulk import BulkJobs
from server.services.bulk_edits import BulkEdits
from server.services.imports import Imports
from server.services.uploads import FileInfo

JOBS = "/api/bulk/jobs"
MEDIA_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson", "vcf": "text/vcard"}


def import_routes(imports: Imports) -> list[web.RouteDef]:
    """How an import is started, or tried."""

    @operation(
        "import_contacts",
        "bulk",
        "Import contacts from a file",
        description=(
            "The file is the body, with its media type, or the file of a form whose fields may be "
            "the parameters. CSV, XLSX, JSON and vCard are told apart by what is in them. For "
            "managers, admins and programs. Sent again with the same Idempotency-Key, it is "
            "imported only once."
        ),
        headers=WRITE_HEADERS,
        query=IMPORT_OPTIONS,
        answers={200: StartedSchema, 201: JobSchema},
        errors=(400, 409, 413),
        file="file",
    )
    async def start(request: web.Request) -> web.Response:
        actor, key = actor_of(request), key_of(request)
        # Before a long upload, not after it.
        asked = query_of(request, IMPORT_OPTIONS)
        async with imports.uploading(actor) as upload:
            file, pairs = await receive_upload(request, upload)
            asked = parse_query(IMPORT_OPTIONS, [*request.query.items(), *pairs])
            file = FileInfo.of(asked.get("file_name", file.name), file.content_type)
            if asked["dry_run"]:
                previewing = imports.preview(actor, upload, file, asked)
                return json_answer(await while_connected(request, previewing))
            return started(*await imports.start(actor, upload, file, asked, key))

    return [web.post("/api/bulk/import", start)]


def edit_routes(edits: BulkEdits) -> list[web.RouteDef]:
    """How a bulk edit is started, or tried."""

    @operation(
        "update_contacts",
        "bulk",
        "Change or delete many contacts",
        description=(
            "Those of `ids` or of a `filter`. Merged field by field, like all other writes. For "
            "managers, admins and programs. Sent again with the same Idempotency-Key, it is done "
            "only once."
        ),
        headers=WRITE_HEADERS,
        query=UPDATE_QUERY,
        body=BULK_UPDATE,
        answers={200: StartedSchema, 201: JobSchema},
        errors=(409,),
    )
    async def start(request: web.Request) -> web.Response:
        actor, key = actor_of(request), key_of(request)
        asked = query_of(request, UPDATE_QUERY)
        body = await read_json(request, MAX_IDS_BODY)
        if asked["dry_run"]:
            return json_answer(await while_connected(request, edits.preview(actor, body)))
        return started(*await edits.start(actor, body, key))

    return [web.post("/api/bulk/update", start)]


def job_routes(base: str, kind: str | None, jobs: BulkJobs) -> list[web.RouteDef]:
    """What there is to know and do about jobs, all of them or of one kind."""
    noun = kind or "job"

    @operation(
        f"list_{noun}s",
        "bulk",
        f"List {noun}s, newest first",
        description="Who may start none sees their own.",
        query=PAGE if kind else JOB_LIST,
        answers={200: JobListSchema},
    )
    async def list_jobs(request: web.Request) -> web.Response:
        query = query_of(request, PAGE if kind else JOB_LIST)
        return json_answer(await jobs.list(actor_of(request), query, kind))

    @operation(
        f"get_{noun}",
        "bulk",
        f"Say how far one {noun} is",
        description="With the first 100 of its errors and conflicts, and of what an undo left.",
        answers={200: JobSchema},
        errors=(404,),
    )
    async def get_job(request: web.Request) -> web.Response:
        return json_answer(await jobs.get(actor_of(request), path_id(request), kind))

    @operation(
        f"get_{noun}_errors",
        "bulk",
        f"Get the rows of one {noun} that failed",
        description=(
            "In the form and with the columns of the file they came in, and `_row`, `_field` and "
            "`_error`. Mended and sent again, it imports just those."
        ),
        answers={200: "The rows that failed, as a file."},
        errors=(404,),
        produces="text/csv",
    )
    async def get_errors(request: web.Request) -> web.StreamResponse:
        name, pieces = await jobs.errors(actor_of(request), path_id(request), kind)
        media_type = MEDIA_TYPES[name.rpartition(".")[2]]
        return await stream_answer(request, pieces, media_type, name)

    @operation(
        f"list_{noun}_conflicts",
        "bulk",
        f"List the fresh edits that one {noun} overwrote",
        query=HISTORY,
        answers={200: FindingListSchema},
        errors=(404,),
    )
    async def list_conflicts(request: web.Request) -> web.Response:
        return await list_findings(request, "conflict")

    @operation(
        f"list_{noun}_left",
        "bulk",
        f"List the contacts that an undo of one {noun} left",
        description="They were edited since.",
        query=HISTORY,
        answers={200: FindingListSchema},
        errors=(404,),
    )
    async def list_left(request: web.Request) -> web.Response:
        return await list_findings(request, "left")

    async def list_findings(request: web.Request, found: str) -> web.Response:
        query = query_of(request, HISTORY)
        actor, job_id = actor_of(request), path_id(request)
        return json_answer(await jobs.findings(actor, job_id, found, query, kind))

    @operation(
        f"cancel_{noun}",
        "bulk",
        f"Cancel one {noun}",
        description="One that runs stops after its chunk. What was written stays; undo it.",
        answers={200: JobSchema},
        errors=(404, 409),
    )
    async def cancel(request: web.Request) -> web.Response:
        return json_answer(await jobs.cancel(actor_of(request), path_id(request), kind))

    @operation(
        f"undo_{noun}",
        "bulk",
        f"Take back what one {noun} did",
        description="Contacts that were edited since are left, and listed.",
        answers={200: JobSchema},
        errors=(404, 409),
    )
    async def undo(request: web.Request) -> web.Response:
        return json_answer(await jobs.undo(actor_of(request), path_id(request), kind))

    return [
        web.get(base, list_jobs, allow_head=False),
        web.get(f"{base}/{{id}}", get_job, allow_head=False),
        web.get(f"{base}/{{id}}/errors", get_errors, allow_head=False),
        web.get(f"{base}/{{id}}/conflicts", list_conflicts, allow_head=False),
        web.get(f"{base}/{{id}}/left", list_left, allow_head=False),
        web.post(f"{base}/{{id}}/cancel", cancel),
        web.post(f"{base}/{{id}}/undo", undo),
    ]


def bulk_routes(jobs: BulkJobs, imports: Imports, edits: BulkEdits) -> list[web.RouteDef]:
    """All of /api/bulk but the export."""
    return [
        *import_routes(imports),
        *edit_routes(edits),
        *job_routes(JOBS, None, jobs),
        *job_routes("/api/bulk/import", "import", jobs),
    ]


def key_of(request: web.Request) -> str | None:
    """The `Idempotency-Key` of what starts a job."""
    key: str | None = parse_headers(WRITE_HEADERS, request.headers).get("mutation_id")
    return key


def started(job: dict[str, Any], fresh: bool) -> web.Response:
    """The answer to who started a job, or had started it already."""
    url = f"{JOBS}/{job['id']}"
    return json_answer({**job, "url": url}, status=201 if fresh else 200, headers={"Location": url})
