"""What the OpenAPI document says of a route, stated above its handler; and the document itself."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar

from aiohttp import web
from aiohttp.web import NotAppKeyWarning
from aiohttp_apispec import AiohttpApiSpec, docs, request_schema, response_schema
from apispec.ext.marshmallow import common

from server.rest.problems import PROBLEM
from server.schemas.base import FieldbookSchema
from server.schemas.requests import HEADERS
from server.schemas.responses import ProblemSchema

Access = Literal["signed_in", "optional", "public"]
Handler = TypeVar("Handler", bound=Callable[[web.Request], Awaitable[web.StreamResponse]])

TITLE = "Fieldbook"
ABOUT = """Contacts that are the same on every device. Devices talk Socket.IO
(docs/PROTOCOL.md); this is what everything else talks. Send your API key as `X-API-Key`, or as
`Authorization: Bearer`. Errors are `application/problem+json`, with a `code` to go by."""
ERRORS = {
    400: "The body can't be read as JSON.",
    401: "Not signed in, or the key is wrong or revoked.",
    403: "Your role does not allow this.",
    404: "There is nothing with this id.",
    405: "There is no such method here.",
    409: "This collides with what is there.",
    410: "This was deleted.",
    412: "It was changed since you read it (If-Match).",
    413: "The body is too large.",
    422: "Something sent has the wrong form; `fields` names it.",
    429: "Too many requests; wait for Retry-After.",
    503: "Not available just now; send the same again.",
}
BODY_ERRORS = (400, 413)
ALWAYS = (422, 503)
SIGNED_IN = (401, 403, 429)


def operation(
    name: str,
    tag: str,
    summary: str,
    *,
    description: str = "",
    access: Access = "signed_in",
    query: FieldbookSchema | None = None,
    headers: FieldbookSchema = HEADERS,
    body: FieldbookSchema | None = None,
    answers: Mapping[int, type[FieldbookSchema] | str],
    errors: Iterable[int] = (),
    produces: str = "application/json",
    file: str | None = None,
) -> Callable[[Handler], Handler]:
    """Describes the handler below for the document, and says who may call it.

    `answers` maps a status to the schema of its body, or to words where there is none; `errors`
    are further statuses than those that any route may have. `file` names the field of a form that
    brings a file; Swagger can't say that the body itself may be it, so the description does.
    """

    def describe(handler: Handler) -> Handler:
        handler.access = access  # type: ignore[attr-defined]
        refusals = {*errors, *ALWAYS, *(BODY_ERRORS if body is not None else ())}
        refusals |= set(SIGNED_IN if access == "signed_in" else ())
        documented = {**dict.fromkeys(sorted(refusals), ProblemSchema), **answers}
        docs(
            operationId=name,
            tags=[tag],
            summary=summary,
            description=description,
            produces=[produces, PROBLEM],
            responses={
                str(status): {"description": words}
                for status, words in documented.items()
                if isinstance(words, str)
            },
            **({"security": []} if access == "public" else {}),
            **(_form_with(file) if file else {}),
        )(handler)
        request_schema(headers, location="headers")(handler)
        if query is not None:
            request_schema(query, location="querystring")(handler)
        if body is not None:
            request_schema(body, location="json", required=True)(handler)
        for status, answer in documented.items():
            if not isinstance(answer, str):
                words = ERRORS[status] if answer is ProblemSchema else answer.__doc__ or ""
                words = words.partition("\n")[0]
                response_schema(_instance(answer), status, description=words)(handler)
        handler.documented = documented  # type: ignore[attr-defined]
        return handler

    return describe


def _form_with(name: str) -> dict[str, Any]:
    parameter = {"in": "formData", "name": name, "type": "file", "required": True}
    return {"consumes": ["multipart/form-data"], "parameters": [parameter]}


@cache
def _instance(schema: type[FieldbookSchema]) -> FieldbookSchema:
    # Made once: most answers are problems, and a schema takes as long as a small request.
    return schema()


def documented_answers(handler: Any) -> dict[int, type[FieldbookSchema] | str]:
    """What a handler may answer, by status; the tests hold its answers against this."""
    answers: dict[int, type[FieldbookSchema] | str] = getattr(handler, "documented", {})
    return answers


def access_of(handler: Any) -> Access:
    """Who may call a handler: `signed_in` unless its operation says otherwise."""
    access: Access = getattr(handler, "access", "signed_in")
    return access


def build_document(routes: Iterable[web.RouteDef], version: str) -> dict[str, Any]:
    """The OpenAPI (Swagger 2.0) document of all routes that have an operation."""
    scratch = web.Application()
    scratch.add_routes(routes)
    spec = AiohttpApiSpec(
        url=None,
        schema_name_resolver=_schema_name,
        title=TITLE,
        version=version,
        info={"description": ABOUT},
        basePath="/",
        consumes=["application/json"],
        securityDefinitions={
            "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "Bearer": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Bearer `, then the key or token.",
            },
        },
        security=[{"ApiKey": []}, {"Bearer": []}],
    )
    with warnings.catch_warnings():
        # It keeps its things in the application under plain names; this one serves nobody.
        warnings.simplefilter("ignore", NotAppKeyWarning)
        spec.register(scratch, in_place=True)
    document: dict[str, Any] = spec.swagger_dict()
    return document


def _schema_name(schema: Any) -> str:
    """`ContactCreate` and the like, whether loaded in part or not."""
    return type(common.resolve_schema_instance(schema)).__name__.removesuffix("Schema")
