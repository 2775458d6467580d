"""Imports and bulk edits: what is asked of them, by parameters and bodies."""

from __future__ import annotations

import re
from typing import Any

import orjson
from marshmallow import ValidationError, fields, validates_schema

from server.errors import Invalid
from server.schemas.auth import Region
from server.schemas.base import FieldbookSchema
from server.schemas.fields import Choice, Flag, Id, Items, Line, Part, Text, Worded
from server.schemas.queries import EXPORT_FORMATS, ContactFilterSchema, PageQuerySchema
from server.schemas.query_fields import QueryFlag
from server.schemas.wellformed import refuse_what_is_not_json

KINDS = ("import", "update")
MODES = ("upsert", "create", "update", "skip")
MATCHES = ("external_id", "email", "phone", "id")
DEFAULT_MATCH = ["external_id", "email", "phone"]
ON_EMPTY = ("keep", "clear")
# Those of server/files, which schemas may not import; a test compares the two.
FORMATS = (
    "google",
    "google_old",
    "outlook",
    "outlook_com",
    "hubspot",
    "salesforce",
    "own",
    "csv",
    "xlsx",
    "json",
    "jsonl",
    "vcard",
)
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
MAX_MAPPED = 1_500
MAX_COLUMN = 1_000
MAX_PATH = 200
MAX_EDITED = 100_000


class Match(Worded, fields.Field[list[str]]):
    """By what rows are matched, with commas between: gives a list, nothing twice."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        kinds = [kind.strip() for kind in value.split(",")] if isinstance(value, str) else [""]
        if not set(kinds) <= set(MATCHES):
            raise ValidationError(
                f"This must be some of {', '.join(MATCHES)}, in the order in which they count, "
                "with commas between."
            )
        return list(dict.fromkeys(kinds))


class Delimiter(Worded, fields.String):
    """What stands between cells, as the sign or by its name: gives the sign."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"type": "string", "enum": [*DELIMITERS, *DELIMITERS.values()]}
        super().__init__(metadata=metadata | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        sign = DELIMITERS.get(value, value) if isinstance(value, str) else ""
        if sign not in DELIMITERS.values():
            raise ValidationError(f"This must be one of {', '.join(DELIMITERS)}, or its sign.")
        return sign


class Mapping(Worded, fields.Field[dict[str, Any]]):
    """`{column: field path, or null to leave the column out}`, as JSON text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> dict[str, str | None]:
        try:
            mapping = orjson.loads(value)
        except (orjson.JSONDecodeError, TypeError):
            mapping = None
        if not isinstance(mapping, dict):
            raise ValidationError('This must be a JSON object like {"Mail": "emails"}.')
        if len(mapping) > MAX_MAPPED:
            raise ValidationError(f"At most {MAX_MAPPED} columns; these are {len(mapping)}.")
        try:
            refuse_what_is_not_json(mapping, "")
        except Invalid as error:
            raise ValidationError(dict(error.fields or {})) from None
        wrong = {
            column: ["This must be a field like emails.work or custom.size, or null."]
            for column, path in mapping.items()
            if not (path is None or (isinstance(path, str) and 0 < len(path) <= MAX_PATH))
            or len(column) > MAX_COLUMN
        }
        if wrong:
            raise ValidationError(wrong)
        return mapping


class ImportOptionsSchema(FieldbookSchema):
    """What is asked of an import: parameters of the query, or fields of the form."""

    dry_run = QueryFlag(
        load_default=False, metadata={"description": "Say what would happen, and write nothing."}
    )
    mode = Choice(
        *MODES,
        load_default=MODES[0],
        metadata={
            "description": "create: a row whose contact is there is an error; update: one whose "
            "contact is not there is; skip: leave those that are there as they are."
        },
    )
    match = Match(
        load_default=lambda: list(DEFAULT_MATCH),
        metadata={"description": "By what a row's contact is found: external_id,email,phone."},
    )
    on_empty = Choice(
        *ON_EMPTY,
        load_default=ON_EMPTY[0],
        metadata={"description": "What an empty cell does to what stands."},
    )
    region = Region(2, metadata={"description": "Where phones without a country code are."})
    format = Choice(*FORMATS, metadata={"description": "Left out: by what is in the file."})
    encoding = Line(50, metadata={"description": "Left out: UTF-8, UTF-16, else Windows's."})
    delimiter = Delimiter(metadata={"description": "Left out: by what is in the file."})
    mapping = Mapping(
        metadata={
            "description": "Which column is which field, or null to leave it out, as JSON: "
            '{"Mail": "emails", "Fax": null}. It overrides what is proposed.'
        }
    )
    file_name = Text(255)


class UpdateQuerySchema(FieldbookSchema):
    """`POST /api/bulk/update`."""

    dry_run = QueryFlag(
        load_default=False, metadata={"description": "Say what would happen, and write nothing."}
    )


class Ids(Items):
    """Many ids, each once; looked at a thousand at a time, as there may be 100,000."""

    _ALL = re.compile(r"(?:[A-Za-z0-9_-]{8,64},)*")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Id(), limit=MAX_EDITED, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list) or not 0 < len(value) <= MAX_EDITED:
            raise ValidationError(f"This must be a list of 1 to {MAX_EDITED:,} ids.")
        for begin in range(0, len(value), 1_000):
            part = value[begin : begin + 1_000]
            texts = all(isinstance(each, str) for each in part)
            if not texts or not self._ALL.fullmatch(",".join([*part, ""])):
                self._name_what_is_none(part, begin)
        return list(dict.fromkeys(value))

    def _name_what_is_none(self, part: list[Any], begin: int) -> None:
        try:
            super()._deserialize(part, None, None)
        except ValidationError as error:
            found = dict(error.messages_dict)
            raise ValidationError({begin + int(at): found[at] for at in found}) from None


class BulkUpdateSchema(FieldbookSchema):
    """A bulk edit: which contacts, and what becomes of them."""

    ids = Ids()
    contacts = Part(
        ContactFilterSchema(),
        data_key="filter",
        metadata={"description": "As for the list of contacts; {} for all of them."},
    )
    changes = fields.Dict(
        metadata={
            "description": 'As in PATCH; sets also as lists, or {"add": [], "remove": []}.',
            "example": {"company": "Lee Ltd", "tag_ids": {"add": ["V1StGXR8_Z5jdHi6B-myT"]}},
        }
    )
    delete = Flag()

    @validates_schema
    def require_one_of_each(self, data: dict[str, Any], **kwargs: Any) -> None:
        """One way to say which, one thing to do."""
        faults = {}
        if ("ids" in data) == ("contacts" in data):
            faults["ids"] = ["Send one of ids and filter."]
        if ("changes" in data) == bool(data.get("delete")):
            faults["changes"] = ['Send one of changes and "delete": true.']
        if data.get("contacts", {}).get("deleted"):
            faults["filter.deleted"] = ["Deleted contacts can't be edited; restore them."]
        if faults:
            raise ValidationError(faults)


class ExportFormatSchema(FieldbookSchema):
    """`POST /api/bulk/export`: how the file is written."""

    format = Choice(*EXPORT_FORMATS, load_default="csv")


class BulkExportSchema(FieldbookSchema):
    """Which contacts to export, where a query has no room for it."""

    ids = Ids()
    contacts = Part(
        ContactFilterSchema(),
        data_key="filter",
        metadata={"description": "As for the list of contacts; {} for all of them."},
    )

    @validates_schema
    def require_one(self, data: dict[str, Any], **kwargs: Any) -> None:
        """One way to say which."""
        if ("ids" in data) == ("contacts" in data):
            raise ValidationError("Send one of ids and filter.", "ids")


class LabelMergeSchema(FieldbookSchema):
    """`POST /api/tags/{id}/merge`, and the same of groups and types."""

    into = Id(required=True, metadata={"description": "The one that stays."})


class JobListQuerySchema(PageQuerySchema):
    """`GET /api/bulk/jobs`."""

    kind = Choice(*KINDS)


IMPORT_OPTIONS = ImportOptionsSchema()
UPDATE_QUERY = UpdateQuerySchema()
BULK_UPDATE = BulkUpdateSchema()
EXPORT_FORMAT = ExportFormatSchema()
BULK_EXPORT = BulkExportSchema()
LABEL_MERGE = LabelMergeSchema()
JOB_LIST = JobListQuerySchema()
