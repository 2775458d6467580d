from __future__ import annotations

from typing import Any

import pytest

from server.errors import Invalid
from server.files.model import FORMATS
from server.schemas import bulk
from server.schemas.base import parse
from server.schemas.queries import parse_query

IDS = ["V1StGXR8_Z5jdHi6B-myT", "b7RtK1xWq4ZsJ9dVf2GuM"]


def faults(body: Any) -> list[str]:
    with pytest.raises(Invalid) as refused:
        parse(bulk.BULK_UPDATE, body)
    return sorted(refused.value.fields or {})


def test_an_import_may_ask_for_every_format_that_is_read_and_no_other() -> None:
    assert bulk.FORMATS == FORMATS


def test_an_import_that_asks_for_nothing_has_the_usual_options() -> None:
    assert parse_query(bulk.IMPORT_OPTIONS, []) == {
        "dry_run": False,
        "mode": "upsert",
        "match": ["external_id", "email", "phone"],
        "on_empty": "keep",
    }


def test_options_are_read_from_texts() -> None:
    asked = {
        "dry_run": "1",
        "match": "phone, id,phone",
        "delimiter": "tab",
        "region": "ch",
        "mapping": '{"Nr": "external_id", "Fax": null}',
    }
    read = parse_query(bulk.IMPORT_OPTIONS, asked.items())
    assert read["match"] == ["phone", "id"]
    assert read["delimiter"] == "\t"
    assert read["region"] == "CH"
    assert read["mapping"] == {"Nr": "external_id", "Fax": None}


def test_an_edit_says_which_contacts_and_what_becomes_of_them() -> None:
    assert parse(bulk.BULK_UPDATE, {"ids": [*IDS, *IDS], "delete": True})["ids"] == IDS
    assert parse(bulk.BULK_UPDATE, {"filter": {"tag": ["VIP"]}, "changes": {}})["contacts"]
    assert faults({}) == ["changes", "ids"]
    assert faults({"delete": True}) == ["ids"]
    assert faults({"ids": IDS, "filter": {}, "delete": True}) == ["ids"]
    assert faults({"ids": IDS}) == ["changes"]
    assert faults({"ids": IDS, "delete": True, "changes": {}}) == ["changes"]
    assert faults({"filter": {"deleted": True}, "delete": True}) == ["filter.deleted"]
    assert faults({"filter": {"colour": "red"}, "delete": True}) == ["filter.colour"]


def test_ids_that_are_none_are_named_wherever_they_stand() -> None:
    many = [f"contact-{number}" for number in range(2_500)]
    assert len(parse(bulk.BULK_UPDATE, {"ids": many, "delete": True})["ids"]) == 2_500
    for bad in (7, "short", "with,comma", None):
        assert faults({"ids": [*many, bad], "delete": True}) == ["ids.2500"], bad
    assert faults({"ids": [], "delete": True}) == ["ids"]
    assert faults({"ids": "contact-1", "delete": True}) == ["ids"]
    too_many = [f"contact-{number}" for number in range(bulk.MAX_EDITED + 1)]
    assert faults({"ids": too_many, "delete": True}) == ["ids"]
