from __future__ import annotations

from typing import Any

import orjson
import pytest

from server.errors import Invalid, TooLarge
from server.schemas.base import parse
from server.schemas.contacts import CONTACT, MAX_CONTACT_BYTES
from server.schemas.mutations import refuse_changed_echoes, split_echoes
from tests.unit.schema_faults import faults

ID = "V1StGXR8_Z5jdHi6B-myT"
OTHER = "V1StGXR8_Z5jdHi6B-other"
FULL: dict[str, Any] = {
    "external_id": "crm-1",
    "first_name": "Ann",
    "last_name": "Lee",
    "company": "Lee & Sons",
    "department": "Sales",
    "job_title": "Head",
    "emails": [{"label": "work", "value": "ann@example.com"}],
    "phones": [{"label": "mobile", "value": "044 668 18 00"}],
    "addresses": [
        {
            "label": "office",
            "street": "Main 1",
            "city": "Zürich",
            "region": "ZH",
            "postal_code": "8001",
            "country": "CH",
        }
    ],
    "websites": [{"label": "shop", "value": "https://example.com"}],
    "birthday": "1980-02-29",
    "notes": "First line\nsecond",
    "custom": {"Tier": "gold", "Since": 1999, "Ratio": 0.5, "Vegan": False, "Gone": None},
    "preferences": {"email": "opted_in", "phone": None, "sms": "opted_out"},
    "tag_ids": [ID],
    "group_ids": {"add": [ID], "remove": [OTHER]},
    "type_ids": [],
    "owner_id": None,
    "active": True,
}


def in_contact(**fields: Any) -> dict[str, list[str]]:
    """What is wrong with these fields of a create, by their path within the contact."""
    found = faults(CONTACT.create, {"contact": fields})
    return {path.removeprefix("contact."): messages for path, messages in found.items()}


def test_every_field_of_the_protocol_is_taken_as_it_came() -> None:
    loaded = parse(CONTACT.create, {"contact": {"id": ID, **FULL}})
    assert loaded == {"contact": {"id": ID, **FULL}}
    changed = parse(CONTACT.update, {"id": ID, "changes": FULL})
    assert changed == {"id": ID, "changes": FULL}


def test_every_field_but_active_can_be_cleared_by_null() -> None:
    cleared = {name: None for name in FULL if name != "active"}
    assert parse(CONTACT.update, {"id": ID, "changes": cleared})["changes"] == cleared
    assert faults(CONTACT.update, {"id": ID, "changes": {"active": None}}) == {
        "changes.active": ["This can't be null."]
    }


def test_the_envelope_is_checked() -> None:
    assert list(faults(CONTACT.create, {})) == ["contact"]
    assert list(faults(CONTACT.create, {"contact": None})) == ["contact"]
    assert list(faults(CONTACT.create, {"contact": []})) == ["contact"]
    assert set(faults(CONTACT.update, {})) == {"id", "changes"}
    assert set(faults(CONTACT.delete, {"changes": {}})) == {"id", "changes"}
    wrong = {"id": "short", "mutation_id": "with space", "edited_at": "now", "base_version": -1}
    assert set(faults(CONTACT.restore, wrong)) == set(wrong)


def test_an_envelope_is_read() -> None:
    payload = {"id": ID, "mutation_id": "m-1", "edited_at": 1_000, "base_version": 7}
    assert parse(CONTACT.delete, payload) == {**payload, "edited_at": 1_000_000}
    assert parse(CONTACT.restore, {"id": ID, "mutation_id": None}) == {"id": ID}


@pytest.mark.parametrize("mutation_id", ["", "x" * 101, 5, "é", "a\nb"])
def test_a_mutation_id_is_a_short_visible_text(mutation_id: object) -> None:
    assert list(faults(CONTACT.delete, {"id": ID, "mutation_id": mutation_id})) == ["mutation_id"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"first_name": 5}, "first_name"),
        ({"first_name": "x" * 501}, "first_name"),
        ({"notes": "x" * 20_001}, "notes"),
        ({"firstname": "Ann"}, "firstname"),
        ({"emails": "ann@example.com"}, "emails"),
        ({"emails": ["ann@example.com"]}, "emails.0"),
        ({"emails": [{"value": 5}]}, "emails.0.value"),
        ({"emails": [{}, {"type": "work"}]}, "emails.1.type"),
        ({"emails": [{}] * 51}, "emails"),
        ({"phones": [{"value": 41446681800}]}, "phones.0.value"),
        ({"addresses": [{"town": "Zürich"}]}, "addresses.0.town"),
        ({"websites": [5]}, "websites.0"),
        ({"birthday": "29.02.1980"}, "birthday"),
        ({"birthday": "1981-02-29"}, "birthday"),
        ({"birthday": "--02-30"}, "birthday"),
        ({"birthday": "-02-03"}, "birthday"),
        ({"birthday": "0000-01-01"}, "birthday"),
        ({"birthday": 19800229}, "birthday"),
        ({"custom": []}, "custom"),
        ({"custom": {"a": ["x"]}}, "custom.a"),
        ({"custom": {"a": {}}}, "custom.a"),
        ({"custom": {"a": "x" * 5_001}}, "custom.a"),
        ({"custom": {"a": 2**53}}, "custom.a"),
        ({"custom": {"a": float("nan")}}, "custom.a"),
        ({"custom": {"a": float("-inf")}}, "custom.a"),
        ({"custom": {"x" * 101: 1}}, f"custom.{'x' * 101}"),
        ({"custom": {f"name {number}": 1 for number in range(201)}}, "custom"),
        ({"preferences": {"email": "yes"}}, "preferences.email"),
        ({"preferences": {"fax": "opted_in"}}, "preferences.fax"),
        ({"preferences": []}, "preferences"),
        ({"tag_ids": "abc"}, "tag_ids"),
        ({"tag_ids": ["short"]}, "tag_ids.0"),
        ({"tag_ids": [ID] * 501}, "tag_ids"),
        ({"tag_ids": {"add": ["short"]}}, "tag_ids.add.0"),
        ({"tag_ids": {"set": []}}, "tag_ids.set"),
        ({"tag_ids": {"add": [ID], "remove": [ID]}}, "tag_ids"),
        ({"owner_id": "me"}, "owner_id"),
        ({"active": "yes"}, "active"),
        ({"id": "short"}, "id"),
        ({"id": None}, "id"),
    ],
)
def test_each_wrong_field_is_named_by_its_path(fields: dict[str, Any], path: str) -> None:
    assert list(in_contact(**fields)) == [path]


def test_29_february_without_a_year_is_a_birthday() -> None:
    assert in_contact(birthday="--02-29") == {}


def test_a_website_may_be_the_address_alone() -> None:
    loaded = parse(CONTACT.create, {"contact": {"websites": ["https://example.com"]}})
    assert loaded["contact"]["websites"] == [{"value": "https://example.com"}]


def test_ids_are_kept_once_and_a_change_has_both_keys() -> None:
    loaded = parse(
        CONTACT.create,
        {"contact": {"tag_ids": [ID, OTHER, ID], "group_ids": {"add": [ID, ID]}}},
    )
    assert loaded["contact"]["tag_ids"] == [ID, OTHER]
    assert loaded["contact"]["group_ids"] == {"add": [ID], "remove": []}


def test_a_contact_above_64_kb_is_too_large() -> None:
    text = "é" * 5_000
    large = {"custom": {str(number): text for number in range(7)}}
    for schema, payload, path in (
        (CONTACT.create, {"contact": large}, "contact"),
        (CONTACT.update, {"id": ID, "changes": large}, "changes"),
        (CONTACT.create_fields, large, ""),
    ):
        with pytest.raises(TooLarge, match="at most 65,536") as caught:
            parse(schema, payload)
        assert list(caught.value.fields or {}) == [path]


def test_the_envelope_does_not_count_towards_a_contacts_size() -> None:
    contact: dict[str, Any] = {
        "first_name": "",
        "notes": "x" * 20_000,
        "custom": {str(number): "x" * 5_000 for number in range(9)},
    }
    contact["first_name"] = "x" * (MAX_CONTACT_BYTES - len(orjson.dumps(contact)))
    assert faults(CONTACT.create, {"mutation_id": "m" * 100, "contact": contact}) == {}
    contact["last_name"] = "x"
    with pytest.raises(TooLarge):
        parse(CONTACT.create, {"contact": contact})


def test_email_and_phone_alone_are_taken_on_create() -> None:
    contact = {"email": "ann@example.com", "phone": "1"}
    assert parse(CONTACT.create, {"contact": contact}) == {"contact": contact}
    assert list(in_contact(email=["ann@example.com"])) == ["email"]


def test_the_servers_fields_are_set_apart() -> None:
    changes = {
        "id": ID,
        "version": 7,
        "display_name": None,
        "email": "ann@example.com",
        "photo": {"hash": "x", "url": "y"},
        "company": "Lee",
        "phones": [{"value": "1", "e164": "+1"}, {"value": "2"}],
    }
    loaded = parse(CONTACT.update, {"id": ID, "changes": changes})
    assert split_echoes(loaded["changes"]) == (
        {"company": "Lee", "phones": [{"value": "1"}, {"value": "2"}]},
        {
            "id": ID,
            "version": 7,
            "display_name": None,
            "email": "ann@example.com",
            "photo": {"hash": "x", "url": "y"},
            "phones.0.e164": "+1",
        },
    )


def test_the_id_of_a_create_is_the_clients() -> None:
    loaded = parse(CONTACT.create, {"contact": {"id": ID, "version": 1}})
    assert split_echoes(loaded["contact"]) == ({"id": ID}, {"version": 1})


STANDING = {
    "id": ID,
    "version": 7,
    "created_at": "2026-03-01T09:30:00.000Z",
    "updated_at": "2026-03-01T09:30:00.123Z",
    "emails": [{"value": "ann@example.com"}, {"value": "lee@example.com"}],
    "phones": [{"value": "044 668 18 00", "e164": "+41446681800"}],
    "photo": {"hash": "x", "url": "y"},
}


def test_the_servers_fields_may_be_sent_back_as_they_stand() -> None:
    echoes = {
        "id": ID,
        "version": 7,
        "created_at": "2026-03-01T10:30:00+01:00",
        "updated_at": 1_772_357_400_123,
        "email": "ann@example.com",
        "phone": "044 668 18 00",
        "photo": {"url": "y", "hash": "x"},
        "phones.0.e164": "+41446681800",
        "display_name": "",
        "updated_by": None,
    }
    refuse_changed_echoes(echoes, STANDING)


def test_the_servers_fields_are_refused_by_name_when_they_differ() -> None:
    echoes = {
        "version": 8,
        "created_at": "2026-03-01T09:30:01Z",
        "updated_at": "yesterday",
        "created_by": "someone",
        "email": "lee@example.com",
        "phone": ["044"],
        "photo": None,
        "phones.0.e164": "+41446681801",
        "phones.1.e164": [],
        "display_name": "Ann",
    }
    with pytest.raises(Invalid) as caught:
        refuse_changed_echoes(echoes, STANDING, prefix="changes")
    wrong = {f"changes.{path}" for path in echoes} - {"changes.phones.1.e164"}
    assert set(caught.value.fields or {}) == wrong


def test_on_create_nothing_of_the_servers_stands_yet() -> None:
    refuse_changed_echoes({"version": None, "display_name": ""}, {})
    refuse_changed_echoes({"phones.0.e164": "+411"}, {}, phones=[{"value": "1", "e164": "+411"}])
    for echo in ({"version": 1}, {"email": "x"}, {"created_at": "2026-03-01T09:30:00Z"}):
        with pytest.raises(Invalid):
            refuse_changed_echoes(echo, {})
