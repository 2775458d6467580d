from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from server.errors import Invalid
from server.schemas.base import FieldbookSchema, OptionalSchema, flatten, parse
from server.schemas.fields import (
    Choice,
    Clock,
    Flag,
    Id,
    Items,
    Line,
    Lines,
    Number,
    Part,
    Text,
    Version,
    Whole,
    read_clock,
)
from tests.unit.schema_faults import faults


class InnerSchema(FieldbookSchema):
    value = Text(5)


class SampleSchema(FieldbookSchema):
    text = Text(5, min_length=1)
    line = Line(5, allow_none=True)
    lines = Lines(9)
    id = Id()
    version = Version()
    whole = Whole(1, 9)
    number = Number(0, 100)
    flag = Flag()
    choice = Choice("red", "green")
    clock = Clock()
    items = Items(Part(InnerSchema()), limit=2)


class EnvelopeSchema(OptionalSchema):
    needed = Text(5, required=True)
    other = Flag(load_default=False)


SAMPLE = SampleSchema()
ENVELOPE = EnvelopeSchema()


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (None, "null"),
        ([1], "a list"),
        ("x", "a text"),
        (b"x", "binary"),
        (5, "a number"),
        (True, "true or false"),
    ],
)
def test_a_payload_that_is_no_object_is_refused_by_what_it_is(payload: object, said: str) -> None:
    with pytest.raises(Invalid, match=f"Send one JSON object; this is {said}"):
        parse(SAMPLE, payload)


def test_a_prefix_leads_every_path() -> None:
    assert list(faults(SAMPLE, {"text": 5}, "mutations.3")) == ["mutations.3.text"]
    assert list(faults(SAMPLE, [], "mutations.3")) == ["mutations.3"]
    assert list(faults(SAMPLE, {"text": "\x00"}, "mutations.3")) == ["mutations.3.text"]


def test_an_unknown_field_is_refused_by_name_with_the_one_that_was_meant() -> None:
    assert faults(SAMPLE, {"lime": "x"}) == {"lime": ["Unknown field. Did you mean line?"]}
    assert faults(SAMPLE, {"zebra": "x"}) == {"zebra": ["Unknown field."]}


def test_a_field_that_was_sent_is_not_proposed_for_an_unknown_one() -> None:
    assert faults(SAMPLE, {"line": "x", "lime": "x"})["lime"] != [
        "Unknown field. Did you mean line?"
    ]


def test_thousands_of_unknown_fields_are_answered_by_fifty() -> None:
    payload = {f"unknown_{number}": 1 for number in range(5_000)}
    assert len(faults(SAMPLE, payload)) == 50


def test_an_endless_name_is_cut_in_the_answer() -> None:
    (path,) = faults(SAMPLE, {"x" * 10_000: 1})
    assert len(path) == 200


def test_a_nested_error_is_named_by_its_dotted_path() -> None:
    payload = {"items": [{"value": "ok"}, {"value": "too long", "more": 1}]}
    assert faults(SAMPLE, payload) == {
        "items.1.value": ["This is longer than 5 characters."],
        "items.1.more": ["Unknown field."],
    }


def test_flatten_keeps_the_order_and_drops_the_schema_key() -> None:
    messages = {"b": {"_schema": ["whole"], 0: {"c": ["first", "second"]}}, "a": ["last"]}
    assert flatten(messages) == {"b": ["whole"], "b.0.c": ["first", "second"], "a": ["last"]}
    assert flatten("alone", "path") == {"path": ["alone"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 5),
        ("text", True),
        ("text", None),
        ("text", ["x"]),
        ("text", ""),
        ("text", "123456"),
        ("line", 5),
        ("line", "1 2 3 4"),
        ("id", "short"),
        ("id", "x" * 65),
        ("id", "with space"),
        ("id", "abcdefgh\n"),
        ("id", 12345678),
        ("version", -1),
        ("version", 2**52),
        ("version", 1.0),
        ("version", True),
        ("version", "1"),
        ("whole", 0),
        ("whole", 10),
        ("number", 100.5),
        ("number", -0.1),
        ("number", float("nan")),
        ("number", float("inf")),
        ("number", True),
        ("number", "5"),
        ("flag", 1),
        ("flag", "true"),
        ("choice", "blue"),
        ("choice", 1),
        ("choice", ["red"]),
        ("clock", "yesterday"),
        ("items", {}),
        ("items", "x"),
        ("items", [{}, {}, {}]),
    ],
)
def test_each_field_refuses_what_is_not_of_its_kind(field: str, value: Any) -> None:
    found = faults(SAMPLE, {field: value})
    assert list(found) == [field]
    assert found[field][0].startswith(("This", "There", "At most"))


def test_each_field_takes_what_is_of_its_kind() -> None:
    payload = {
        "text": " a ",
        "line": " a \n b ",
        "lines": " a\r\nb ",
        "id": "abc-_XYZ",
        "version": 2**52 - 1,
        "whole": 9,
        "number": 99.5,
        "flag": False,
        "choice": "red",
        "clock": 1_500,
        "items": [{"value": "x"}],
    }
    assert parse(SAMPLE, payload) == {
        **payload,
        "line": "a b",
        "lines": "a\nb",
        "clock": 1_500_000,
    }


def test_an_empty_line_that_may_be_null_is_null() -> None:
    assert parse(SAMPLE, {"line": "  "}) == {"line": None}


def test_binary_anywhere_is_refused_by_its_path() -> None:
    payload = {"text": "x", "items": [{"value": b"\x89PNG"}, bytearray(b"x")]}
    assert faults(SAMPLE, payload) == {
        "items.0.value": ["This is binary; send text."],
        "items.1": ["This is binary; send text."],
    }


def test_a_nul_is_refused_in_values_and_names() -> None:
    message = ["This holds a NUL character, which can't be stored."]
    assert faults(SAMPLE, {"text": "a\x00b"}) == {"text": message}
    assert faults(SAMPLE, {"a\x00b": 1}) == {"a\ufffdb": message}


def test_the_escape_of_a_nul_written_out_is_plain_text() -> None:
    assert parse(SAMPLE, {"lines": "a\\u0000b"}) == {"lines": "a\\u0000b"}


def test_half_a_character_is_refused_in_values_and_names() -> None:
    assert list(faults(SAMPLE, {"text": "\ud83d"})) == ["text"]
    assert list(faults(SAMPLE, {"\ud83d": 1})) == ["?"]


def test_numbers_that_no_database_holds_are_refused() -> None:
    assert faults(SAMPLE, {"whole": 10**400}) == {"whole": ["This number is too large."]}


def test_what_json_does_not_know_is_refused() -> None:
    assert faults(SAMPLE, {"text": {1, 2}}) == {"text": ["This is not a JSON value."]}
    assert faults(SAMPLE, {5: 1}) == {"5": ["Names must be texts."]}


def test_endless_nesting_is_refused_and_does_not_exhaust_the_stack() -> None:
    nested: Any = "x"
    for _ in range(50_000):
        nested = [nested]
    ((path, messages),) = faults(SAMPLE, {"items": nested}).items()
    assert path.startswith("items.0.0.")
    assert messages == ["This is nested more than 254 levels deep."]


@pytest.mark.parametrize(
    ("value", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-01T09:30:00.123456789Z", 1_772_357_400_123_456),
        ("2026-03-01t10:30:00+01:00", 1_772_357_400_000_000),
        ("2026-03-01 09:30:00z", 1_772_357_400_000_000),
        ("1900-01-01T00:00:00Z", -2_208_988_800_000_000),
        (1_772_357_400_123, 1_772_357_400_123_000),
        (1_772_357_400_123.5, 1_772_357_400_123_500),
        (0, 0),
        (-1, -1_000),
    ],
)
def test_a_clock_is_read_to_the_microsecond(value: object, microseconds: int) -> None:
    assert read_clock(value) == microseconds


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01",
        "2026-03-01T09:30:00",
        "2026-02-30T09:30:00Z",
        "2026-03-01T25:30:00Z",
        "1899-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "٢٠٢٦-03-01T09:30:00Z",
        "1772357400123",
        "9999-12-31T23:59:59-14:00",
        1e30,
        -1e30,
        10**30,
        float("nan"),
        float("inf"),
        True,
        None,
        {},
    ],
)
def test_a_clock_that_makes_no_sense_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"This |There "):
        read_clock(value)


def test_null_leaves_an_optional_field_out_but_is_no_value_of_a_required_one() -> None:
    assert parse(ENVELOPE, {"needed": "x", "other": None}) == {"needed": "x", "other": False}
    assert faults(ENVELOPE, {"needed": None}) == {"needed": ["This is missing."]}
    assert faults(ENVELOPE, {"needed": "x", "stranger": None}) == {"stranger": ["Unknown field."]}


def test_an_optional_schema_inside_another_refuses_what_is_no_object() -> None:
    class OuterSchema(FieldbookSchema):
        inner = Part(EnvelopeSchema())

    assert faults(OuterSchema(), {"inner": 5}) == {"inner": ["This must be a JSON object."]}


def test_marshmallows_other_messages_stay() -> None:
    with pytest.raises(ValidationError):
        SAMPLE.load([])  # type: ignore[arg-type]
