from __future__ import annotations

import warnings

import pytest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from server.schemas import auth, queries, responses, sync
from server.schemas.base import FieldbookSchema, parse
from server.schemas.entities import ENTITIES
from server.schemas.events_out import OUTGOING
from server.schemas.groups import GROUP
from server.schemas.mutations import EntitySchemas
from server.schemas.tags import TAG
from server.schemas.types import TYPE
from tests.unit.schema_faults import faults

ID = "V1StGXR8_Z5jdHi6B-myT"


def test_the_plurals_are_those_of_the_protocol() -> None:
    assert [(entity.name, entity.plural) for entity in ENTITIES] == [
        ("contact", "contacts"),
        ("tag", "tags"),
        ("group", "groups"),
        ("type", "types"),
    ]


@pytest.mark.parametrize("entity", [TAG, GROUP, TYPE], ids=lambda entity: entity.name)
def test_a_name_is_needed_only_on_create(entity: EntitySchemas) -> None:
    assert list(faults(entity.create, {entity.name: {}})) == [f"{entity.name}.name"]
    assert faults(entity.update, {"id": ID, "changes": {}}) == {}
    assert list(faults(entity.update, {"id": ID, "changes": {"name": None}})) == ["changes.name"]
    assert list(faults(entity.update, {"id": ID, "changes": {"name": "  "}})) == ["changes.name"]
    assert list(faults(entity.create_fields, {"name": "x" * 101})) == ["name"]


def test_a_tag_is_tidied() -> None:
    tag = {"id": ID, "name": "  Very \n important ", "color": "#FFAA00", "category": " "}
    assert parse(TAG.create, {"tag": tag})["tag"] == {
        "id": ID,
        "name": "Very important",
        "color": "#ffaa00",
        "category": None,
    }


@pytest.mark.parametrize("color", ["red", "#fff", "#12345g", "#1234567", 5, "#12345６"])
def test_a_color_has_six_hexadecimal_digits(color: object) -> None:
    assert list(faults(TAG.create, {"tag": {"name": "x", "color": color}})) == ["tag.color"]


@pytest.mark.parametrize("entity", [GROUP, TYPE], ids=lambda entity: entity.name)
def test_a_description_keeps_its_lines(entity: EntitySchemas) -> None:
    loaded = parse(entity.create_fields, {"name": "x", "description": " a\r\n b "})
    assert loaded == {"name": "x", "description": "a\n b"}
    assert list(faults(entity.create_fields, {"name": "x", "color": "#ffffff"})) == ["color"]


def test_every_schema_can_be_shown_in_the_openapi_document() -> None:
    plugin = MarshmallowPlugin()
    document = APISpec("Fieldbook", "1", "2.0", plugins=[plugin])
    shown: set[type[FieldbookSchema]] = set()
    for entity in ENTITIES:
        shown |= {type(entity.create), type(entity.update), type(entity.delete), entity.row}
        shown |= {responses.WRITE_ANSWERS[entity.name], responses.LIST_ANSWERS[entity.name]}
    shown |= {type(schema) for schema in OUTGOING.values()}
    for module in (auth, queries, responses, sync):
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, FieldbookSchema):
                shown.add(found)
    with warnings.catch_warnings():
        # Two schemas of one name would be shown as Name and Name1.
        warnings.simplefilter("error")
        for schema in sorted(shown - {FieldbookSchema}, key=lambda schema: schema.__name__):
            plugin.converter.resolve_nested_schema(schema)  # type: ignore[union-attr]
    contact = document.to_dict()["definitions"]["Contact"]
    assert contact["properties"]["created_at"]["format"] == "date-time"
    assert contact["additionalProperties"] is False
