"""Whatever is sent, a schema gives a dict or a refusal that goes out as JSON; nothing else."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields

from server.errors import Invalid, TooLarge
from server.schemas import auth, queries, sync
from server.schemas.base import FieldbookSchema, parse
from server.schemas.bulk_rows import load_row
from server.schemas.contacts import CONTACT
from server.schemas.entities import ENTITIES
from server.schemas.fields import read_clock
from server.schemas.mutations import refuse_changed_echoes, split_echoes
from server.schemas.normalise import normalise_contact
from server.schemas.texts import many_lines, one_line, search_words, visible_line

MODULES = (auth, queries, sync)
SCHEMAS: dict[str, FieldbookSchema] = {
    f"{module.__name__}.{name}": schema
    for module in MODULES
    for name, schema in vars(module).items()
    if isinstance(schema, FieldbookSchema)
} | {
    f"{entity.name}.{part}": getattr(entity, part)
    for entity in ENTITIES
    for part in ("create", "update", "delete", "restore", "create_fields", "changes")
}
FUZZ = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

TEXTS = st.text(max_size=30) | st.sampled_from(
    [
        "",
        "\x00",
        "\ud800",
        "abcdefgh",
        "gzip",
        "true",
        "2026-03-01T09:30:00Z",
        "--02-29",
        "2026-13-45",
        "#ffffff",
        "a@b.ch",
        "044 668 18 00",
        "9" * 400,
        "CH",
        "opted_in",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**51, max_value=2**65)
    | st.just(10**400)
    | st.floats()
    | TEXTS
    | st.binary(max_size=5)
)
ODD = SCALARS | st.just(object()) | st.just({1, 2}) | st.tuples(st.integers())
VALUES: st.SearchStrategy[Any] = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXTS | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def near(field: fields.Field[Any]) -> st.SearchStrategy[Any]:
    """Values that come close to what a field takes, so that its own code is reached."""
    if isinstance(field, fields.Nested):
        return payloads(field.schema) | VALUES
    if isinstance(field, fields.List):
        return st.lists(near(field.inner), max_size=3) | VALUES
    return VALUES


def payloads(schema: Any) -> st.SearchStrategy[Any]:
    """Objects with the schema's own names, and now and then a stranger."""
    known = {name: near(field) for name, field in schema.load_fields.items()}
    return st.fixed_dictionaries({}, optional={**known, "stranger": VALUES})


PAYLOADS = {name: payloads(schema) | VALUES for name, schema in SCHEMAS.items()}


@settings(FUZZ, max_examples=400)
@given(name=st.sampled_from(sorted(SCHEMAS)), data=st.data())
def test_a_schema_gives_a_dict_or_a_refusal(name: str, data: st.DataObject) -> None:
    payload = data.draw(PAYLOADS[name])
    try:
        loaded = parse(SCHEMAS[name], payload, data.draw(st.sampled_from(["", "mutations.0"])))
    except (Invalid, TooLarge) as error:
        orjson.dumps(error.to_wire())
    else:
        assert isinstance(loaded, dict)


def answer(schema: FieldbookSchema, payload: Any) -> Any:
    try:
        return parse(schema, payload)
    except (Invalid, TooLarge) as error:
        return error.to_wire()


@settings(FUZZ, max_examples=400)
@given(name=st.sampled_from(sorted(SCHEMAS)), data=st.data())
def test_the_quick_way_gives_what_marshmallow_gives(name: str, data: st.DataObject) -> None:
    payload = data.draw(PAYLOADS[name])
    quick = answer(SCHEMAS[name], payload)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FieldbookSchema, "load", Schema.load)
        slow = answer(SCHEMAS[name], payload)
    # Not by ==, as 1 equals True.
    assert sorted_text(quick) == sorted_text(slow)


def sorted_text(value: Any) -> str:
    """The value as text, whatever the order of its keys."""
    if isinstance(value, dict):
        return str(sorted((repr(key), sorted_text(value[key])) for key in value))
    return str([sorted_text(each) for each in value]) if isinstance(value, list) else repr(value)


@FUZZ
@given(value=VALUES)
def test_a_clock_is_whole_microseconds_or_refused(value: object) -> None:
    try:
        moment = read_clock(value)
    except ValueError:
        return
    assert isinstance(moment, int)
    assert abs(moment) < 2**58


@FUZZ
@given(item=VALUES)
def test_a_pushed_mutation_is_read_or_refused(item: object) -> None:
    try:
        op, payload = sync.read_pushed(item, "mutations.0")
    except Invalid:
        return
    assert isinstance(op, str)
    assert "op" not in payload


@FUZZ
@given(pairs=st.lists(st.tuples(st.sampled_from([*queries.CONTACT_LIST.load_fields, "x"]), TEXTS)))
def test_a_query_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        queries.parse_query(queries.CONTACT_LIST, pairs)
    except Invalid as error:
        orjson.dumps(error.to_wire())


@FUZZ
@given(echoes=st.dictionaries(TEXTS, VALUES), standing=st.dictionaries(TEXTS, VALUES))
def test_what_stands_is_compared_with_anything(
    echoes: dict[str, Any], standing: dict[str, Any]
) -> None:
    try:
        refuse_changed_echoes(echoes, {**standing, "phones": []})
    except Invalid as error:
        orjson.dumps(error.to_wire())


@FUZZ
@given(text=st.text())
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    for tidy in (one_line, many_lines, visible_line):
        assert tidy(tidy(text)) == tidy(text)
        assert not re.search("[\x00-\x08\x7f]", tidy(text))
    assert all(search_words(text))


LABELS = st.none() | st.text(max_size=10)
ADDRESSES = st.sampled_from(["Ann@X.ch", "Ä@ä.ch", "İ@x.ch", "mailto:a@b.ch", "A <b@c.ch>", ""])
PHONES = st.text(alphabet="0123456789+()- /x.ext", max_size=20) | st.text(max_size=10)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "first_name": LABELS,
        "notes": LABELS,
        "email": ADDRESSES,
        "phone": PHONES,
        "emails": st.lists(st.fixed_dictionaries({"label": LABELS, "value": ADDRESSES})),
        "phones": st.lists(st.fixed_dictionaries({"label": LABELS, "value": PHONES})),
        "addresses": st.lists(st.fixed_dictionaries({"street": LABELS, "city": LABELS})),
        "websites": st.lists(st.fixed_dictionaries({"label": LABELS, "value": LABELS})),
        "custom": st.dictionaries(st.text(min_size=1, max_size=5), LABELS | st.integers()),
    },
)


@settings(FUZZ, max_examples=150)
@given(fields=SHAPED, region=st.sampled_from(["CH", "US", "IT", "AR"]), clean=st.booleans())
def test_normalising_twice_changes_nothing_more(
    fields: dict[str, Any], region: str, clean: bool
) -> None:
    try:
        stored = normalise_contact(fields, region, clean)
    except Invalid:
        return
    assert normalise_contact(stored, region, clean) == stored


@settings(FUZZ, max_examples=150)
@given(contact=payloads(CONTACT.create_fields))
def test_what_has_the_shape_of_a_contact_can_be_normalised(contact: dict[str, Any]) -> None:
    try:
        written, echoes = split_echoes(parse(CONTACT.create_fields, contact))
        stored = normalise_contact(written, "CH", prefix="contact")
        refuse_changed_echoes(echoes, {}, stored.get("phones", ()))
    except (Invalid, TooLarge) as error:
        orjson.dumps(error.to_wire())
    else:
        orjson.dumps(stored)
        assert load_row(contact, "CH", False) == normalise_contact(written, "CH")
