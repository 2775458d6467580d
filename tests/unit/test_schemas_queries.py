from __future__ import annotations

import pytest

from server.errors import Invalid
from server.schemas.base import FieldbookSchema, parse
from server.schemas.queries import (
    CONTACT_FILTER,
    CONTACT_LIST,
    DELTA,
    DEVICE_LIST,
    OUTDATED,
    parse_query,
)
from server.schemas.query_fields import Sort

ID = "V1StGXR8_Z5jdHi6B-myT"


def test_a_list_without_parameters_has_its_limit() -> None:
    assert parse_query(CONTACT_LIST, []) == {"limit": 25}
    assert parse_query(DELTA, [("version", "0")]) == {"version": 0, "limit": 1000}


def test_every_filter_is_read() -> None:
    pairs = [
        ("search", " Ann  Lee "),
        ("owner_id", ID),
        ("tag", "VIP"),
        ("tag", ID),
        ("group", "Zurich, north"),
        ("type", "Customer"),
        ("company", "Lee & Sons"),
        ("active", "true"),
        ("has_email", "0"),
        ("has_phone", "1"),
        ("opted_out", "sms"),
        ("updated_since", "1970-01-02"),
        ("deleted", "false"),
        ("sort", "-updated_at"),
        ("limit", "500"),
        ("offset", "75"),
    ]
    assert parse_query(CONTACT_LIST, pairs) == {
        "search": "Ann Lee",
        "owner_id": ID,
        "tag": ["VIP", ID],
        "group": ["Zurich, north"],
        "type": ["Customer"],
        "company": "Lee & Sons",
        "active": True,
        "has_email": False,
        "has_phone": True,
        "opted_out": "sms",
        "updated_since": 86_400_000_000,
        "deleted": False,
        "sort": Sort("updated_at", descending=True),
        "limit": 500,
        "offset": 75,
    }


def test_a_filter_may_be_written_in_json_too() -> None:
    filters = {"tag": ["VIP"], "active": True, "opted_out": True, "updated_since": 1_000}
    assert parse(CONTACT_FILTER, filters) == {
        "tag": ["VIP"],
        "active": True,
        "opted_out": "any",
        "updated_since": 1_000_000,
    }


def test_an_empty_parameter_is_as_good_as_none() -> None:
    pairs = [("search", ""), ("owner_id", ""), ("tag", ""), ("cursor", ""), ("offset", "")]
    assert parse_query(CONTACT_LIST, pairs) == {"limit": 25}


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1000", 1_000_000),
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01T02:00:01+02:00", 1_000_000),
        ("1970-01-01T02:00:01 02:00", 1_000_000),
    ],
)
def test_a_time_may_come_in_every_usual_form(text: str, microseconds: int) -> None:
    assert parse_query(CONTACT_LIST, [("updated_since", text)])["updated_since"] == microseconds


@pytest.mark.parametrize(("word", "meaning"), [("1", "any"), ("false", "none"), ("email", "email")])
def test_opted_out_takes_a_flag_or_a_channel(word: str, meaning: str) -> None:
    assert parse_query(CONTACT_LIST, [("opted_out", word)])["opted_out"] == meaning


def test_contacts_of_nobody_are_asked_for_by_a_word_that_is_no_id() -> None:
    assert parse_query(CONTACT_LIST, [("owner_id", "none")])["owner_id"] == "none"
    assert parse(CONTACT_FILTER, {"owner_id": "none"}) == {"owner_id": "none"}


@pytest.mark.parametrize(
    ("schema", "name", "value"),
    [
        (CONTACT_LIST, "limit", "0"),
        (CONTACT_LIST, "limit", "501"),
        (CONTACT_LIST, "limit", "-1"),
        (CONTACT_LIST, "limit", "٣"),
        (CONTACT_LIST, "limit", "9" * 5_000),
        (CONTACT_LIST, "offset", "1e3"),
        (CONTACT_LIST, "active", "yes"),
        (CONTACT_LIST, "owner_id", "x"),
        (CONTACT_LIST, "owner_id", "None"),
        (CONTACT_LIST, "opted_out", "fax"),
        (CONTACT_LIST, "updated_since", "last week"),
        (CONTACT_LIST, "updated_since", "2026-02-30"),
        (CONTACT_LIST, "sort", "notes"),
        (CONTACT_LIST, "sort", "--version"),
        (CONTACT_LIST, "search", "x" * 201),
        (CONTACT_LIST, "search", "\x00"),
        (CONTACT_LIST, "serch", "x"),
        (DEVICE_LIST, "state", "lost"),
        (OUTDATED, "versions", "many"),
        (OUTDATED, "versions", str(2**52)),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(
    schema: FieldbookSchema, name: str, value: str
) -> None:
    with pytest.raises(Invalid) as caught:
        parse_query(schema, [(name, value)])
    assert list(caught.value.fields or {}) == [name]


def test_a_single_parameter_given_twice_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        parse_query(CONTACT_LIST, [("limit", "5"), ("limit", "6")])
    assert caught.value.fields == {"limit": ["This can be given only once."]}


def test_a_cursor_and_an_offset_contradict_each_other() -> None:
    with pytest.raises(Invalid) as caught:
        parse_query(CONTACT_LIST, [("cursor", "x"), ("offset", "6")])
    assert list(caught.value.fields or {}) == ["offset"]


def test_a_catch_up_by_rest_needs_its_version() -> None:
    with pytest.raises(Invalid) as caught:
        parse_query(DELTA, [("epoch", "x")])
    assert list(caught.value.fields or {}) == ["version"]
