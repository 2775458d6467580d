"""Pages of lists: where a cursor points to, and the page as JSON text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg
import orjson

from server.errors import Invalid

CURSOR_FAULT = "This is no cursor of this list. Leave it out to begin again."


class Place(NamedTuple):
    """The row after which a page begins; None for the list's beginning."""

    sort_key: str | None = None
    id: str | None = None


def read_cursor(cursor: str | None, order: Sequence[Any]) -> Place:
    """Where a `next_cursor` points to. `order` names the list and how it is sorted.

    Raises `Invalid` for what is no cursor, or one of another list or order.
    """
    if cursor is None:
        return Place()
    try:
        *of, sort_key, row_id = orjson.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, TypeError, binascii.Error):
        raise Invalid(fields={"cursor": [CURSOR_FAULT]}) from None
    texts = isinstance(sort_key, str) and isinstance(row_id, str)
    if of != list(order) or not texts or "\0" in sort_key + row_id:
        raise Invalid(fields={"cursor": [CURSOR_FAULT]})
    return Place(sort_key, row_id)


def write_cursor(order: Sequence[Any], sort_key: str, row_id: str) -> str:
    """The opaque text that `read_cursor` reads."""
    return base64.urlsafe_b64encode(orjson.dumps([*order, sort_key, row_id])).decode()


def whole_number(text: str) -> int | None:
    """The number in a text that somebody may have made up; None unless it fits into a bigint."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def number_in_cursor(text: str | None) -> int | None:
    """The number that part of a `Place` holds, None where that is None. Raises `Invalid`."""
    if text is None:
        return None
    number = whole_number(text)
    if number is None:
        raise Invalid(fields={"cursor": [CURSOR_FAULT]})
    return number


def cut_page(
    records: Sequence[asyncpg.Record], limit: int
) -> tuple[Sequence[asyncpg.Record], asyncpg.Record | None]:
    """The records of a page, and its last one when more follow.

    Ask the database for `limit` + 1: the one too many only says that there are more.
    """
    if len(records) <= limit:
        return records, None
    return records[:limit], records[limit - 1]


def page_to_json(record: asyncpg.Record, order: Sequence[Any]) -> str:
    """`{"items", "next_cursor", "total"}` of a query that gave items as text, joined.

    `record` holds `items`, `total`, and the `next_key` and `next_id` of the last row; `next_key`
    is None when no row follows.
    """
    cursor = None
    if record["next_key"] is not None:
        cursor = write_cursor(order, record["next_key"], record["next_id"])
    frame = orjson.dumps({"next_cursor": cursor, "total": record["total"]}).decode()
    return f'{{"items":[{record["items"] or ""}],{frame[1:]}'
