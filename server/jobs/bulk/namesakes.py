"""Contacts that have nothing to be found by but what they hold: their name, and all the rest.

A row without any key means such a contact if that holds all that the row does. Many may have the
name (a file may call thousands "Unknown"), so they are looked for by their texts, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from typing import Any

import orjson

from server.services.entities import Fields

Key = tuple[str, str]
"""A kind of key (`id`, `external_id`, `email`, `phone`, `name`) and its value."""
TEXTS = ("external_id", "first_name", "last_name", "company", "department", "job_title",
         "birthday", "notes")  # fmt: skip
LISTS = {
    # Where there is an international form, it is that by which two are the same.
    "phones": ("e164", "value"),
    "emails": ("value",),
    "websites": ("value",),
}


def keys_of(fields: Fields) -> Iterator[Key]:
    """By what a contact of these fields is found."""
    if fields.get("external_id"):
        yield "external_id", fields["external_id"]
    for item in fields.get("emails") or ():
        yield "email", item["value"]
    for item in fields.get("phones") or ():
        if "e164" in item:
            yield "phone", item["e164"]


def display_name(fields: Fields) -> str:
    """The name that the database will show, by the rule of its derive_contact_columns()."""
    names = [fields.get("first_name") or "", fields.get("last_name") or ""]
    whole = " ".join(name for name in names if name) or fields.get("company") or ""
    lists = (fields.get("emails"), fields.get("phones"))
    return whole or next((items[0]["value"] for items in lists if items), "")


def is_nameless(fields: Fields, kinds: Collection[str]) -> bool:
    """Whether a contact has no key of these kinds."""
    return not any(kind in kinds for kind, _ in keys_of(fields))


def name_keys(fields: Fields) -> Iterator[Key]:
    """By what an earlier row is found that has no key: its name with each of its texts."""
    name = display_name(fields)
    for field, text in _texts(fields):
        yield _name_key(name, field, text)
    yield _name_key(name, "", "")


def name_key(fields: Fields) -> Key:
    """That of the `name_keys` of a row which the fewest others have: with its longest text."""
    return _name_key(display_name(fields), *longest_text(fields))


def longest_text(fields: Fields) -> tuple[str, str]:
    """What tells a row best from others of its name: a field, or `street`, and its text.

    Both are "" where the row has no text.
    """
    return max(_texts(fields), key=lambda each: len(each[1]), default=("", ""))


def _texts(fields: Fields) -> Iterator[tuple[str, str]]:
    for field in TEXTS:
        if fields.get(field):
            yield field, fields[field]
    # Of mail to "Current Resident" nothing else differs.
    for address in fields.get("addresses") or ():
        if address.get("street"):
            yield "street", address["street"]


def _name_key(name: str, field: str, text: str) -> Key:
    digest = hashlib.blake2b("\0".join((name, field, text)).encode(), digest_size=16)
    return "name", digest.hexdigest()


def held_by(fields: Fields, kinds: Collection[str]) -> str:
    """What find_namesakes() asks of contacts that may be equal to a row, as JSON.

    Only what a contact certainly holds to which the row changes nothing.
    """
    by, text = longest_text(fields)
    asked: dict[str, Any] = {
        "name": display_name(fields),
        "without": sorted(kinds),
        "by": by,
        "text": text,
    }
    asked |= {field: fields[field] for field in TEXTS if fields.get(field)}
    for name, parts in LISTS.items():
        if fields.get(name):
            asked[name] = [_part(item, parts) for item in fields[name]]
    if fields.get("addresses"):
        asked["addresses"] = fields["addresses"]
    texts = {
        member: value
        for member, value in (fields.get("custom") or {}).items()
        if value and isinstance(value, str)
    }
    if texts:
        asked["custom"] = texts
    return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS).decode()


def _part(item: dict[str, Any], parts: tuple[str, ...]) -> dict[str, Any]:
    part = next(each for each in parts if each in item)
    return {part: item[part]}
