"""What phones and mail programs put into cards besides the properties of the standard."""

from __future__ import annotations

import re
from typing import NamedTuple

from server.files.cells import words
from server.files.vcard_properties import Property, split_value, unescaped

# How the card itself is kept, or shown on somebody's screen: nothing of the contact.
TECHNICAL = frozenset(
    (
        "BEGIN", "END", "VERSION", "PRODID", "REV", "SOURCE", "KIND", "CLASS", "SORT-STRING",
        "MAILER", "AGENT", "XML", "CLIENTPIDMAP", "X-ABLABEL", "X-ABADR", "X-ABUID", "X-ABSHOWAS",
        "X-ADDRESSBOOKSERVER-KIND", "X-ADDRESSBOOKSERVER-MEMBER", "MEMBER", "NAME", "PROFILE",
        "X-ABCROP-RECTANGLE", "X-IMAGEHASH", "X-IMAGETYPE", "X-SHARED-PHOTO-DISPLAY-PREF",
        "X-ADDRESSING-GRAMMAR", "X-ACTIVITY-ALERT", "VND-63-SENSITIVE-CONTENT-CONFIG",
        "VND-63-MEMOJI-DETAILS", "X-MS-OL-DESIGN", "X-MS-OL-DEFAULT-POSTAL-ADDRESS", "X-ACCOUNT",
    )
)  # fmt: skip
# Types that say nothing of where a number or an address is.
_SILENT = words(
    "voice internet pref msg x400 text textphone dom intl postal parcel video bbs modem isdn "
    "aim uri iphone applewatch"
)
# Labels that Google and Android give of themselves.
SYSTEM_LABELS = frozenset(("mycontacts", "my contacts", "starred", "starred in android"))
# Properties whose name is in a label, and what they are called without one.
NAMES = {
    "X-ABDATE": "Date",
    "X-ABRELATEDNAMES": "Related",
    "X-SOCIALPROFILE": "Profile",
    "IMPP": "Messenger",
}
# What several programs have under names of their own.
OTHER_NAMES = {
    f"{prefix}{name.upper()}": name
    for prefix in ("X-", "X-MS-", "X-EVOLUTION-")
    for name in ("Anniversary", "Assistant", "Manager", "Nickname", "Spouse")
} | {"X-SKYPE": "Skype", "X-SKYPE-USERNAME": "Skype", "X-MS-IMADDRESS": "Messenger"}
_ANDROID = "vnd.android.cursor.item/"
_EVENTS = {"1": "Anniversary", "2": "Event", "3": "Birthday"}
_RELATIONS = {
    str(number): name
    for number, name in enumerate(
        (
            "Assistant", "Brother", "Child", "Partner", "Father", "Friend", "Manager", "Mother",
            "Parent", "Partner", "Referred by", "Relative", "Sister", "Spouse",
        ),
        1,
    )
}  # fmt: skip
_SCHEME = re.compile(r"([a-z][a-z0-9.+-]*):(?!//)", re.IGNORECASE)
_APPLE_LABEL = re.compile(r"_\$!<(.*)>!\$_")


class Extra(NamedTuple):
    """A field of the tenant's own, called `name`; "Birthday" is the contact's."""

    name: str
    value: str


def apple_label(text: str) -> str:
    """Apple writes its own labels as `_$!<Mobile>!$_`; a person's stay as they are."""
    match = _APPLE_LABEL.fullmatch(text.strip())
    return match.group(1).lower() if match else text.strip()


def labelled_extra(each: Property, label: str) -> Extra:
    """A date, a relation, a messenger or a profile, called as it is labelled: `Anniversary`."""
    value = unescaped(each.value).strip()
    if each.name in ("IMPP", "X-SOCIALPROFILE"):
        scheme = _SCHEME.match(value)
        kinds = [kind for kind in each.types if kind not in ("home", "work", "other", "pref")]
        name = each.parameters.get("X-SERVICE-TYPE") or next(iter(kinds), "")
        name = name or (scheme.group(1) if scheme else "")
        value = value[scheme.end() :] if scheme else value
        return Extra(_titled(name) or NAMES[each.name], value)
    return Extra(_titled(label) or NAMES[each.name], value)


def android_extra(each: Property) -> Extra:
    """What Android's own property holds: `vnd.android.cursor.item/nickname;Annie;1;…`."""
    kind, value, number, label = [*split_value(each.value, ";"), *[""] * 4][:4]
    kind = kind.removeprefix(_ANDROID)
    if kind == "nickname":
        return Extra("Nickname", value)
    if kind == "contact_event":
        return Extra(label or _EVENTS.get(number, "Event"), value)
    if kind == "relation":
        return Extra(label or _RELATIONS.get(number, ""), value)
    return Extra(each.name, unescaped(each.value).strip())


def _titled(label: str) -> str:
    return label[:1].upper() + label[1:]


def type_label(types: tuple[str, ...]) -> str:
    """`work`, `home`, … from the types of an address."""
    said = [kind for kind in types if kind not in _SILENT]
    return " ".join(dict.fromkeys(said))


def phone_label(types: tuple[str, ...]) -> str:
    """`mobile`, `work`, `work fax`, … from the types of a number, in whatever order they stand."""
    kinds = {"mobile" if kind == "cell" else kind for kind in types if kind not in _SILENT}
    ordered = [kind for kind in ("work", "home") if kind in kinds]
    return " ".join([*ordered, *sorted(kinds.difference(ordered))])
