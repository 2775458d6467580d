"""The lists of contacts, and what the dashboard counts."""

from __future__ import annotations

from aiohttp import web

from server.rest.openapi import operation
from server.rest.requests import actor_of, json_text, query_of
from server.schemas.answers import StatisticsSchema
from server.schemas.queries import CONTACT_LIST
from server.schemas.responses import LIST_ANSWERS
from server.services.contacts import Contacts


def contact_routes(contacts: Contacts) -> list[web.RouteDef]:
    """What contacts have besides the routes of every entity; it goes before those."""

    @operation(
        "list_contacts",
        "contacts",
        "List and search contacts",
        description="All filters that are given must hold; the words of a search, too.",
        query=CONTACT_LIST,
        answers={200: LIST_ANSWERS["contact"]},
    )
    async def list_contacts(request: web.Request) -> web.Response:
        query = query_of(request, CONTACT_LIST)
        return json_text(await contacts.list(actor_of(request).tenant, query))

    @operation(
        "get_contact_statistics",
        "contacts",
        "Count contacts",
        description="In all, by tag, group, type and owner, and by the day they were made.",
        answers={200: StatisticsSchema},
    )
    async def statistics(request: web.Request) -> web.Response:
        return json_text(await contacts.statistics(actor_of(request).tenant))

    return [
        web.get("/api/contacts", list_contacts, allow_head=False),
        web.get("/api/contacts/stats", statistics, allow_head=False),
    ]
