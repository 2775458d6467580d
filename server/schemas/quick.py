"""A quick way through a schema, derived from its fields, for what is certainly valid.

marshmallow spends some microseconds on each value, to be able to name every fault. Where
there is none, a fraction of that will do: `quick_load` makes a function of a schema that
gives exactly what its load would give, or raises ValidationError where it is not sure. The
schema's own load then decides, and finds the words. So a rule stands in one place, the field.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, missing, validate
from marshmallow.fields import Field

from server.schemas.fields import Flag, Items, Part, Text

Load = Callable[[Any], Any]


def quick_load(schema: Schema) -> Load | None:
    """The quick way through `schema`; None for one with hooks, defaults or renamed fields."""
    fields = schema.load_fields
    plain = not any(schema._hooks.values()) and schema.unknown == RAISE and not schema.many
    if not plain or any(_is_special(field) for field in fields.values()):
        return None
    required = frozenset(name for name, field in fields.items() if field.required)
    loads = {name: _quick_field(field) for name, field in fields.items()}

    def load(data: Any) -> Any:
        if type(data) is not dict or (required and not required <= data.keys()):
            raise _unsure()
        try:
            return {name: loads[name](value) for name, value in data.items()}
        except KeyError:
            raise _unsure() from None

    return load


def _unsure() -> ValidationError:
    return ValidationError("This needs the schema's own look.")


def _is_special(field: Field[Any]) -> bool:
    renamed = field.data_key is not None or field.attribute is not None
    return renamed or field.load_default is not missing


def _quick_field(field: Field[Any]) -> Load:
    """The quick way of a field's kind, of exactly that kind; else what marshmallow would call."""
    make = _KINDS.get(type(field))
    return (make(field) if make else None) or _own(field)


def _own(field: Field[Any]) -> Load:
    if field.validators or type(field).deserialize is not Field.deserialize:
        return field.deserialize
    read, check_null = field._deserialize, field.deserialize

    def load(value: Any) -> Any:
        return check_null(value) if value is None else read(value, None, None)

    return load


def _text(field: Text) -> Load | None:
    length = field.validators[0] if len(field.validators) == 1 else None
    if type(length) is not validate.Length or length.max is None or length.equal is not None:
        return None
    shortest, longest, allow_none = length.min or 0, length.max, field.allow_none

    def load(value: Any) -> Any:
        if type(value) is str and shortest <= len(value) <= longest:
            return value
        if value is None and allow_none:
            return None
        raise _unsure()

    return load


def _items(field: Items) -> Load | None:
    if field.validators:
        return None
    item, limit, allow_none = _quick_field(field.inner), field.limit, field.allow_none

    def load(value: Any) -> Any:
        if type(value) is list and len(value) <= limit:
            return [item(each) for each in value]
        if value is None and allow_none:
            return None
        raise _unsure()

    return load


def _part(field: Part) -> Load | None:
    if field.validators or field.many or field.unknown is not None:
        return None
    # A schema with a load of its own (that leaves nulls out, say) must be asked for it.
    schema, allow_none = field.schema, field.allow_none
    plain = getattr(schema, "loads_as_it_came", False)
    nested = (quick_load(schema) if plain else None) or schema.load

    def load(value: Any) -> Any:
        return None if value is None and allow_none else nested(value)

    return load


def _flag(field: Flag) -> Load | None:
    def load(value: Any) -> Any:
        if value is True or value is False:
            return value
        raise _unsure()

    return None if field.validators else load


_KINDS: dict[type, Callable[[Any], Load | None]] = {
    Text: _text,
    Items: _items,
    Part: _part,
    Flag: _flag,
}
