"""A contact's fields in the form that is stored: one set of rules for devices and imports.

What comes here has the shape of `contacts.ContactFields`. The rules, each stated once:

- Single lines are NFC, trimmed, white space as one space; notes, a street and texts in
  `custom` keep their newlines. What is empty then is None, which clears the field.
- E-mails are checked without DNS and stored in lower case, without `mailto:` and name.
- A country of two or three letters is a code, and is written in capitals: `ch`, `Usa`.
- Phones keep their text, and get `e164` when that is a whole number, dialled in the
  tenant's region.
- Items of which nothing but the label is left are dropped, repeated ones too.

The display name is made by the database, so that it is the same for every writer: first
and last name, else company, else the first e-mail, else the first phone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from server.errors import Invalid
from server.schemas.channels import normal_email, phone_number
from server.schemas.texts import many_lines, one_line, visible_line
from server.schemas.wellformed import join

Faults = dict[str, list[str]]
Item = dict[str, Any]

_LINES = (
    "external_id",
    "first_name",
    "last_name",
    "company",
    "department",
    "job_title",
)
_IDENTITY = ("first_name", "last_name", "company", "emails", "phones", "email", "phone")


def normalise_contact(
    fields: Mapping[str, Any], region: str, clean_phones: bool = False, prefix: str = ""
) -> dict[str, Any]:
    """The same fields as they are stored; what is absent stays absent.

    The shorthands `email` and `phone` go into their lists, where they must be the first.
    Lists never come out as None, `custom` and `preferences` do when they are cleared as a
    whole. `region` is the tenant's (ISO 3166, two letters); `clean_phones` rewrites phones
    to their international form. Raises Invalid naming `emails.0.value` and the like.
    """
    faults: Faults = {}
    stored = dict(fields)
    for name in _LINES:
        text = stored.get(name)
        if text is not None:
            stored[name] = one_line(text) or None
    if stored.get("notes") is not None:
        stored["notes"] = many_lines(stored["notes"]) or None

    def email(item: Item, path: str) -> Item | None:
        return _email(item, prefix, path, faults)

    def phone(item: Item, path: str) -> Item | None:
        return _phone(item, region, clean_phones)

    def phone_key(item: Item) -> object:
        return _phone_key(item, region)

    if "emails" in stored or "email" in stored:
        stored["emails"] = _items(stored, "emails", email, _value)
    if "email" in stored:
        _lead(stored, "email", email, _value, prefix, faults)
    if "phones" in stored or "phone" in stored:
        stored["phones"] = _items(stored, "phones", phone, phone_key)
    if "phone" in stored:
        _lead(stored, "phone", phone, phone_key, prefix, faults)
    if "addresses" in stored:
        stored["addresses"] = _items(stored, "addresses", _address, _whole)
    if "websites" in stored:
        stored["websites"] = _items(stored, "websites", _website, _value)
    if stored.get("custom") is not None:
        stored["custom"] = _custom(stored["custom"], prefix, faults)
    for name in ("tag_ids", "group_ids", "type_ids"):
        if name in stored and stored[name] is None:
            stored[name] = []
    if faults:
        raise Invalid(fields=faults)
    return stored


def requires_identity(fields: Mapping[str, Any], prefix: str = "") -> None:
    """Raise Invalid when a normalised contact has no name, company, e-mail or phone."""
    if not any(fields.get(name) for name in _IDENTITY):
        message = "A contact needs one of a name, a company, an e-mail or a phone."
        raise Invalid(message, fields={join(prefix, "first_name"): [message]})


def _items(
    stored: Mapping[str, Any],
    name: str,
    normal: Callable[[Item, str], Item | None],
    key: Callable[[Item], object],
) -> list[Item]:
    """The normal forms of a list's items; of several with one key the first, with a label."""
    filled = []
    for index, item in enumerate(stored.get(name) or ()):
        if normalised := normal(item, f"{name}.{index}.value"):
            filled.append(normalised)
    if len(filled) < 2:
        return filled
    kept: dict[object, Item] = {}
    for normalised in filled:
        first = kept.setdefault(key(normalised), normalised)
        if "label" not in first and "label" in normalised:
            kept[key(normalised)] = {"label": normalised["label"], **first}
    return list(kept.values())


def _lead(
    stored: dict[str, Any],
    name: str,
    normal: Callable[[Item, str], Item | None],
    key: Callable[[Item], object],
    prefix: str,
    faults: Faults,
) -> None:
    """Put the shorthand `name` into its list, of which it must be the first."""
    given = stored.pop(name, None)
    item = normal({"value": given}, name) if given else None
    if item is None:
        return
    items = stored[f"{name}s"]
    if not items:
        items.append(item)
    elif key(items[0]) != key(item):
        faults.setdefault(join(prefix, name), []).append(
            f"This differs from the first of `{name}s`; send one of the two."
        )


def _labelled(item: Item) -> Item:
    label = item.get("label")
    return {"label": line} if label and (line := one_line(label)) else {}


def _value(item: Item) -> object:
    return item["value"]


def _whole(item: Item) -> object:
    return tuple(sorted(item.items()))


def _email(item: Item, prefix: str, path: str, faults: Faults) -> Item | None:
    text = visible_line(item.get("value") or "")
    if not text:
        return None
    try:
        return {**_labelled(item), "value": normal_email(text)}
    except ValueError as error:
        faults[join(prefix, path)] = [str(error)]
        return None


def _phone(item: Item, region: str, clean: bool) -> Item | None:
    text = visible_line(item.get("value") or "")
    if not text:
        return None
    number = phone_number(text, region)
    if number is None:
        return {**_labelled(item), "value": text}
    value = number.international if clean else text
    return {**_labelled(item), "value": value, "e164": number.e164}


def _phone_key(item: Item, region: str) -> object:
    # Two extensions of one number are two phones.
    number = phone_number(item["value"], region)
    return (number.e164, number.extension) if number else item["value"]


def _address(item: Item, path: str) -> Item | None:
    filled = {}
    for name, tidy in _ADDRESS_PARTS.items():
        text = item.get(name)
        if text and (tidied := tidy(text)):
            filled[name] = tidied
    return {**_labelled(item), **filled} if filled else None


def _country(text: str) -> str:
    line = one_line(text)
    return line.upper() if _COUNTRY_CODE.fullmatch(line) else line


_COUNTRY_CODE = re.compile(r"[A-Za-z]{2,3}")
_ADDRESS_PARTS: dict[str, Callable[[str], str]] = {
    "street": many_lines,
    "city": one_line,
    "region": one_line,
    "postal_code": one_line,
    "country": _country,
}


def _website(item: Item, path: str) -> Item | None:
    value = visible_line(item.get("value") or "")
    return {**_labelled(item), "value": value} if value else None


def _custom(custom: Mapping[str, Any], prefix: str, faults: Faults) -> dict[str, Any]:
    path = "custom" if not prefix else join(prefix, "custom")
    stored: dict[str, Any] = {}
    for given, value in custom.items():
        name = one_line(given)
        if not name:
            faults[join(path, given)] = ["A name needs at least one visible character."]
        elif name in stored:
            faults[join(path, given)] = [f"The name {name} is given twice."]
        else:
            stored[name] = (many_lines(value) or None) if isinstance(value, str) else value
    return stored
