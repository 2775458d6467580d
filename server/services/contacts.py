"""Lists of contacts by search, filter and order, and what the dashboard counts."""

from __future__ import annotations

from typing import Any

import orjson

from server.db.pool import Database, fetch_one
from server.db.queries import queries
from server.schemas.query_fields import Sort
from server.schemas.texts import search_words
from server.services.lists import number_in_cursor, page_to_json, read_cursor

BY_NAME = Sort("display_name", descending=False)
NUMBERED = ("version", "created_at", "updated_at")
TOP = 10


class Contacts:
    """Reads lists as JSON text: no contact becomes Python objects on its way."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statistics: dict[str, tuple[object, str]] = {}

    async def list(self, tenant: str, query: dict[str, Any]) -> str:
        """A page, `{"items", "next_cursor", "total"}`, for `schemas.queries.CONTACT_LIST`.

        Raises `Invalid` for a cursor of another order, `Unavailable`.
        """
        sort = query.get("sort", BY_NAME)
        order = ["contacts", *sort]
        after = read_cursor(query.get("cursor"), order)
        if sort.field in NUMBERED:
            number_in_cursor(after.sort_key)
        async with self._database.tenant(tenant) as connection:
            record = await fetch_one(
                connection,
                queries.lists.list_contacts,
                tenant,
                orjson.dumps(contact_filter(query)).decode(),
                sort.field,
                sort.descending,
                after.sort_key,
                after.id,
                query.get("offset", 0),
                query["limit"],
            )
        return page_to_json(record, order)

    async def statistics(self, tenant: str) -> str:
        """What there is, by tag, group, type, owner and day, as JSON. Raises `Unavailable`.

        Counting 100,000 contacts takes a fifth of a second, so the counts of one head are kept:
        nothing changes them but a write, or the next day.
        """
        async with self._database.tenant(tenant) as connection:
            state = await connection.fetchrow(queries.lists.read_statistics_state, tenant)
            known = self._statistics.get(tenant)
            if known and known[0] == state:
                return known[1]
            text: str = await connection.fetchval(queries.lists.read_statistics, tenant, TOP)
        self._statistics[tenant] = (state, text)
        return text


def contact_filter(query: dict[str, Any]) -> dict[str, Any]:
    """The filter that `contact_conditions` takes, of `schemas.queries.ContactFilterSchema`.

    `query` may have `ids`, too.
    """
    names = ("owner_id", "tag", "group", "type", "company", "active", "has_email", "has_phone")
    others = ("opted_out", "updated_since", "ids")
    wanted = {name: query[name] for name in (*names, *others) if name in query}
    if query.get("search"):
        # A search for noughts alone has no digits left; they are looked for as they are.
        wanted["words"] = search_words(query["search"]) or [query["search"]]
    # Not deleted is what a list is without a filter, whose total is at hand.
    if query.get("deleted"):
        wanted["deleted"] = True
    return wanted
