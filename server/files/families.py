"""The programs whose tables are known: by which columns, and what each column holds there.

Names are compared in small letters. What a table here does not name is looked up in
`usual_names` (CRMs, whose fields people add to) or becomes `custom.<column>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from server.files.outlook_names import TRANSLATED, is_translated
from server.files.paths import INFORMATION, parse_path

Known = Mapping[str, str | None]

_NUMBERED = re.compile(r"(.+?) ([0-9]{1,4}) - (.+)")
_GOOGLE_LISTS = {"e-mail": "emails", "phone": "phones", "website": "websites"}
_GOOGLE_ADDRESS = {
    "label": "label",
    "type": "label",
    "formatted": "formatted",
    "street": "street",
    "extended address": "street",
    "po box": "street",
    "city": "city",
    "region": "region",
    "postal code": "postal_code",
    "country": "country",
}
_GOOGLE_ORGANIZATION = {"name": "company", "title": "job_title", "department": "department"}
_GOOGLE: Known = {
    "first name": "first_name",
    "middle name": "first_name",
    "last name": "last_name",
    "organization name": "company",
    "organization title": "job_title",
    "organization department": "department",
    "birthday": "birthday",
    "notes": "notes",
    "labels": "tags",
    "photo": None,
}
_GOOGLE_OLD: Known = {
    "name": "name",
    "given name": "first_name",
    "additional name": "first_name",
    "family name": "last_name",
    "birthday": "birthday",
    "notes": "notes",
    "group membership": "tags",
    "photo": None,
}

_OUTLOOK_PHONES = {
    "mobile": "mobile",
    "business": "work",
    "home": "home",
    "primary": "primary",
    "other": "other",
    "company main": "main",
    "car": "car",
    "radio": "radio",
    "assistant's": "assistant",
    "tty/tdd": "tty",
}
_OUTLOOK_ADDRESS = {
    "street": "street",
    "street 2": "street",
    "street 3": "street",
    "address po box": "street",
    "address": "formatted",
    "city": "city",
    "state": "region",
    "postal code": "postal_code",
    "country": "country",
    "country/region": "country",
}
_PLACES = {"business": "work", "home": "home", "other": "other"}


def _outlook() -> dict[str, str | None]:
    known: dict[str, str | None] = {
        "first name": "first_name",
        "middle name": "first_name",
        "last name": "last_name",
        "company": "company",
        "department": "department",
        "job title": "job_title",
        "birthday": "birthday",
        "notes": "notes",
        "categories": "tags",
        "web page": "websites",
        "personal web page": "websites.home",
        "business web page": "websites.work",
        "callback": "phones.callback",
        "isdn": "phones.isdn",
        "pager": "phones.pager",
        "telex": "phones.telex",
        "business fax": "phones.work fax",
        "home fax": "phones.home fax",
        "other fax": "phones.other fax",
        # How Outlook itself files a card, the same for all.
        **dict.fromkeys(("initials", "priority", "private", "sensitivity")),
    }
    for name, label in _OUTLOOK_PHONES.items():
        known |= {f"{name} phone{number}": f"phones.{label}" for number in ("", " 2", " 3")}
    for number in ("", " 2", " 3"):
        known[f"e-mail{number} address"] = "emails"
        known[f"e-mail{number} type"] = known[f"e-mail{number} display name"] = None
    for place, label in _PLACES.items():
        known |= {f"{place} {n}": f"addresses.{label}.{p}" for n, p in _OUTLOOK_ADDRESS.items()}
    return {**TRANSLATED, **known}


def _salesforce() -> dict[str, str | None]:
    known: dict[str, str | None] = {
        "id": "external_id",
        "contact id": "external_id",
        "lead id": "external_id",
        "firstname": "first_name",
        "lastname": "last_name",
        "middle name": "first_name",
        "middlename": "first_name",
        "title": "job_title",
        "phone": "phones.work",
        "business phone": "phones.work",
        "mobile": "phones.mobile",
        "mobilephone": "phones.mobile",
        "homephone": "phones.home",
        "otherphone": "phones.other",
        "asst. phone": "phones.assistant",
        "assistantphone": "phones.assistant",
        "other phone": "phones.other",
        "fax": "phones.work fax",
        "business fax": "phones.work fax",
        "company / account": "company",
        "hasoptedoutofemail": "preferences.email",
        "email opt out": "preferences.email",
        "donotcall": "preferences.phone",
        "do not call": "preferences.phone",
    }
    parts = {
        "street": "street",
        "city": "city",
        "state": "region",
        "postalcode": "postal_code",
        "country": "country",
    }
    labels = {
        "street": "street",
        "address line 1": "street",
        "address line 2": "street",
        "address line 3": "street",
        "city": "city",
        "state/province": "region",
        "state/province (text only)": "region",
        "zip/postal code": "postal_code",
        "country": "country",
        "country (text only)": "country",
    }
    for place, label in (("mailing", "work"), ("other", "other"), ("", "work")):
        known |= {f"{place}{n}": f"addresses.{label}.{p}" for n, p in parts.items()}
        known |= {f"{place} {n}".strip(): f"addresses.{label}.{p}" for n, p in labels.items()}
    return known


# CRMs name their own people as owners; those are no agents of this server.
_HUBSPOT: Known = {
    "record id": "external_id",
    "record id - contact": "external_id",
    "contact id": "external_id",
    "phone number": "phones.work",
    "additional email addresses": "emails",
    "unsubscribed from all email": "preferences.email",
    "opted out of all email": "preferences.email",
    "street address": "addresses.work.street",
    "street address 2": "addresses.work.street",
    "city": "addresses.work.city",
    "state/region": "addresses.work.region",
    "postal code": "addresses.work.postal_code",
    "country/region": "addresses.work.country",
    "country": "addresses.work.country",
}
_TABLES: Mapping[str, Known] = MappingProxyType(
    {
        "google": _GOOGLE,
        "google_old": _GOOGLE_OLD,
        "outlook": _outlook(),
        "outlook_com": _outlook(),
        "hubspot": _HUBSPOT,
        "salesforce": _salesforce(),
    }
)
# Tables whose owners add columns of any name, so that usual names are looked up as well.
OPEN_FAMILIES = frozenset({"hubspot", "salesforce", "csv", "xlsx"})


def recognise(columns: Sequence[str]) -> str | None:
    """The program that wrote a table with these columns; None when it is not known."""
    if "id" in columns and all(column in INFORMATION or parse_path(column) for column in columns):
        return "own"
    names = {column.strip().lower() for column in columns}
    if {"given name", "family name"} <= names and (
        "group membership" in names or any(name.endswith(" - type") for name in names)
    ):
        return "google_old"
    if {"first name", "last name"} <= names:
        if len(names & {"labels", "organization name", "file as", "organization title"}) >= 2:
            return "google"
        if names & {"given yomi", "surname yomi"}:
            return "outlook_com"
        if "e-mail address" in names and names & {
            "business street", "business phone", "mobile phone", "home phone", "business city",
        }:  # fmt: skip
            return "outlook"
    if is_translated(names):
        return "outlook"
    if names & {"record id", "record id - contact"} and names & {"first name", "email"}:
        return "hubspot"
    if "lastname" in names and names & {
        "id", "firstname", "accountid", "ownerid", "mailingstreet", "hasoptedoutofemail",
    }:  # fmt: skip
        return "salesforce"
    if "last name" in names and (
        any(name.startswith("mailing ") for name in names)
        or len(names & {"account name", "account owner", "salutation", "contact owner"}) >= 2
    ):
        return "salesforce"
    return None


def writes_month_first(family: str, columns: Sequence[str]) -> bool:
    """Whether this program writes 4/12/1990 for 12 April wherever it runs: Outlook in English."""
    names = {column.strip().lower() for column in columns}
    return family in ("outlook", "outlook_com") and not is_translated(names)


def family_path(family: str, column: str) -> tuple[bool, str | None]:
    """(whether this program's column is known, the field it holds or None to leave it out)."""
    name = column.strip().lower()
    table = _TABLES.get(family, {})
    if name in table:
        return True, table[name]
    numbered = _NUMBERED.fullmatch(name)
    if numbered and family in ("google", "google_old"):
        return _google_numbered(column, numbered)
    return False, None


def _google_numbered(column: str, numbered: re.Match[str]) -> tuple[bool, str | None]:
    kind, number, part = numbered.groups()
    side = "label" if part in ("label", "type", "service") else part
    if kind in _GOOGLE_LISTS and side in ("label", "value"):
        return True, f"{_GOOGLE_LISTS[kind]}.{number}.{side}"
    if kind == "address":
        address = _GOOGLE_ADDRESS.get(part)
        return address is not None, f"addresses.{number}.{address}" if address else None
    if kind == "organization":
        if part == "type":
            return True, None
        # A second organization has no field; its columns become custom ones.
        known = number == "1" and part in _GOOGLE_ORGANIZATION
        return known, _GOOGLE_ORGANIZATION[part] if known else None
    if kind == "im" and part == "type":
        return True, None
    if side in ("label", "value"):
        # Events, relations, messengers, custom fields: their name is in the label's cell.
        return True, f"customs.{column.rsplit(' - ', 1)[0].replace('.', '')}.{side}"
    return False, None
