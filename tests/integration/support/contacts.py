"""Contacts and labels as tests make them by REST."""

from __future__ import annotations

from typing import Any

from tests.integration.support.rest import Api

ANN = {
    "first_name": "Ann",
    "last_name": "Lee",
    "company": "Lee & Sons",
    "emails": [{"label": "work", "value": "ann@example.com"}, {"value": "lee@example.com"}],
    "phones": [{"value": "044 668 18 00"}],
    "birthday": "--04-12",
    "notes": "Met at the fair.",
    "custom": {"size": 42, "vip": True},
    "preferences": {"email": "opted_in"},
}


async def make_contact(api: Api, **fields: Any) -> dict[str, Any]:
    """A contact of these fields, or Ann."""
    answer = await api.post("/api/contacts", fields or ANN)
    assert answer.status == 201, answer.text
    contact: dict[str, Any] = answer.json["contact"]
    return contact


async def new_contact(api: Api, **fields: Any) -> str:
    """The id of a new contact of these fields."""
    return str((await make_contact(api, **fields))["id"])


async def new_label(api: Api, plural: str, name: str) -> str:
    """The id of a new tag, group or type."""
    made = await api.post(f"/api/{plural}", {"name": name})
    return str(made.json[plural.removesuffix("s")]["id"])
