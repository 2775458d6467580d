"""The envelope of every write, and what clients send back of the server's own fields.

An entity's schema file states its writable fields once; `mutation_schemas` makes of them
what `{entity}_create`, `_update`, `_delete` and `_restore` accept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from server.errors import Invalid
from server.schemas.base import FieldbookSchema, OptionalSchema
from server.schemas.fields import Clock, Echo, Echoed, Id, Part, Pattern, Version
from server.schemas.times import read_clock
from server.schemas.wellformed import join

# What the database gives every synced row.
SERVER_FIELDS = ("version", "created_at", "updated_at", "created_by", "updated_by")
_EMPTY: tuple[object, ...] = (None, "", [], {})
_MUTATION_ID = re.compile(r"[!-~]{1,100}")


class MutationId(Pattern):
    """What a client names a write by: 1 to 100 visible ASCII characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            _MUTATION_ID,
            "This must be 1 to 100 visible ASCII characters, for example a nanoid.",
            metadata={"description": "Names the write; sent again, it is applied only once."},
            **kwargs,
        )


class MutationSchema(OptionalSchema):
    """What every write may say of itself."""

    mutation_id = MutationId()
    edited_at = Clock(
        metadata={"description": "When the user made the edit, by the device's own clock."},
    )


class RowMutationSchema(MutationSchema):
    """A write to a row that is already there."""

    id = Id(required=True)
    base_version = Version(
        metadata={"description": "The version that the user saw when editing."},
    )


@dataclass(frozen=True)
class EntitySchemas:
    """The schemas of one entity: its four events, its bare fields as REST's bodies, its row.

    `fields` names what clients may write. A field merges as a whole, but one of `maps` merges
    key by key, one of `sets` id by id.
    """

    name: str
    plural: str
    fields: tuple[str, ...]
    maps: tuple[str, ...]
    sets: tuple[str, ...]
    create: FieldbookSchema
    update: FieldbookSchema
    delete: FieldbookSchema
    restore: FieldbookSchema
    create_fields: FieldbookSchema
    changes: FieldbookSchema
    row: type[FieldbookSchema]


def mutation_schemas(
    name: str,
    writable: type[FieldbookSchema],
    row: type[FieldbookSchema],
    *,
    maps: tuple[str, ...] = (),
    sets: tuple[str, ...] = (),
    create_only: Mapping[str, fields.Field[Any]] | None = None,
    echoes: Iterable[str] = (),
    max_bytes: int | None = None,
) -> EntitySchemas:
    """The schemas of the entity `name`, whose object travels under that name.

    `writable` holds the fields that clients may write; those that are required are so only
    on create. Of them, objects that merge key by key are `maps`; a set of another entity's
    ids that merges id by id is one of `sets`, and is called after that entity: `tag_ids`.
    `row` is the entity as it goes out. Fields `create_only` are echoes on update, like
    `echoes` and the fields that every row has from the server. `max_bytes` bounds the object
    as JSON.
    """
    title = name.capitalize()
    of_server = {field: Echo() for field in (*SERVER_FIELDS, *echoes)}
    at_creation = dict(create_only or {})
    whole = {"": max_bytes} if max_bytes else {}

    create_class: type[FieldbookSchema] = type(
        f"{title}Create",
        (writable,),
        {"id": Id(), **at_creation, **of_server, "max_bytes": whole},
    )
    changes_class: type[FieldbookSchema] = type(
        f"{title}Changes",
        (writable,),
        {"id": Echo(), **{field: Echo() for field in at_creation}, **of_server, "max_bytes": whole},
    )
    # Partial loading skips absent fields early, which halves the time of a small edit.
    needs_fields = any(field.required for field in create_class().fields.values())
    create_fields = create_class(partial=None if needs_fields else True)
    changes = changes_class(partial=True)

    create_event: type[FieldbookSchema] = type(
        f"{title}CreateEvent",
        (MutationSchema,),
        {
            name: Part(create_fields, required=True),
            "max_bytes": {name: max_bytes} if max_bytes else {},
        },
    )
    update_event: type[FieldbookSchema] = type(
        f"{title}UpdateEvent",
        (RowMutationSchema,),
        {
            "changes": Part(changes, required=True),
            "max_bytes": {"changes": max_bytes} if max_bytes else {},
        },
    )
    delete_event: type[FieldbookSchema] = type(f"{title}DeleteEvent", (RowMutationSchema,), {})
    restore_event: type[FieldbookSchema] = type(f"{title}RestoreEvent", (RowMutationSchema,), {})
    return EntitySchemas(
        name=name,
        plural=plural_of(name),
        fields=tuple(writable().fields),
        maps=maps,
        sets=sets,
        create=create_event(),
        update=update_event(),
        delete=delete_event(),
        restore=restore_event(),
        create_fields=create_fields,
        changes=changes,
        row=row,
    )


def plural_of(name: str) -> str:
    """The key of an entity in change sets, its path and its table: tags, companies."""
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def split_echoes(loaded: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the client writes, and what it sends back of the server's, by path.

    `{"company": "A", "version": 7, "phones": [{"value": "1", "e164": "+1"}]}` gives
    `({"company": "A", "phones": [{"value": "1"}]}, {"version": 7, "phones.0.e164": "+1"})`.
    """
    written: dict[str, Any] = {}
    echoes: dict[str, Any] = {}
    for key, value in loaded.items():
        if isinstance(value, Echoed):
            echoes[key] = value.value
        elif isinstance(value, list) and any(map(_has_echo, value)):
            written[key] = [
                _split_item(item, f"{key}.{index}", echoes) if _has_echo(item) else item
                for index, item in enumerate(value)
            ]
        else:
            written[key] = value
    return written, echoes


def _has_echo(item: object) -> bool:
    return type(item) is dict and Echoed in map(type, item.values())


def _split_item(item: dict[str, Any], path: str, echoes: dict[str, Any]) -> dict[str, Any]:
    for key, value in item.items():
        if isinstance(value, Echoed):
            echoes[f"{path}.{key}"] = value.value
    return {key: value for key, value in item.items() if not isinstance(value, Echoed)}


def refuse_changed_echoes(
    echoes: Mapping[str, Any],
    standing: Mapping[str, Any],
    phones: Iterable[Mapping[str, Any]] = (),
    prefix: str = "",
) -> None:
    """Raise Invalid for each of the server's fields that differs from what stands there.

    `standing` is the row as it goes out, `{}` for a create; `phones` are the normalised
    ones about to be written, whose E.164 forms may be sent along with them.
    """
    wrong: dict[str, list[str]] = {}
    for path, value in echoes.items():
        field = path.partition(".")[0]
        if field == "phones":
            numbers = {phone.get("e164") for phone in (*phones, *standing.get("phones", ()))}
            same = value in _EMPTY or (isinstance(value, str) and value in numbers)
        else:
            same = _same(field, value, _standing(standing, field))
        if not same:
            wrong[join(prefix, path)] = ["The server sets this; leave it out or as it was."]
    if wrong:
        raise Invalid(fields=wrong)


def _standing(standing: Mapping[str, Any], field: str) -> object:
    # REST's `email` and `phone` are the first of their lists.
    if field in ("email", "phone"):
        items = standing.get(f"{field}s") or [{}]
        return items[0].get("value")
    return standing.get(field)


def _same(field: str, sent: object, stands: object) -> bool:
    if sent == stands or (sent in _EMPTY and stands in _EMPTY):
        return True
    if not field.endswith("_at") or stands in _EMPTY:
        return False
    try:
        return read_clock(sent) == read_clock(stands)
    except ValueError:
        return False
