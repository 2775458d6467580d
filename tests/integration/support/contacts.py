"""Contacts as tests make them by REST."""

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
