"""A content line of a card taken apart: group, name, types, parameters, and its decoded value."""

from __future__ import annotations

import binascii
import codecs
import quopri
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from server.files.cells import CellFault

# What is beyond is no name with types; it bounds what is remembered of heads, too.
MAX_HEAD = 1_000
_HEAD = re.compile(r'((?:[^":]|"[^"]*")*):(.*)', re.DOTALL)
_PARAMETER = re.compile(r'(?:[^";]|"[^"]*")+')
_PIECES = re.compile(r'(?:[^",]|"[^"]*")+')
_NAME = re.compile(r"(?:([\w-]+)\.)?([\w-]+)")
# How Android writes a label of one's own.
_CUSTOM_TYPE = re.compile(
    r"X-CUSTOM\((?:CHARSET=[\w-]+,)?(ENCODING=QUOTED-PRINTABLE,)?(.*)\)", re.IGNORECASE
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Property(NamedTuple):
    """A content line: `item1.TEL;TYPE=cell,pref:+41…` has group item1, and types cell, pref.

    `value` is decoded, but still escaped: structured values are split before.
    """

    group: str
    name: str
    types: tuple[str, ...]
    parameters: Mapping[str, str]
    value: str


def take_apart(line: str) -> Property:
    """A content line in its parts. Raises CellFault for what is none."""
    if '"' in line:
        match = _HEAD.fullmatch(line)
        head, value = match.groups() if match else ("", "")
    else:
        head, _, value = line.partition(":")
    said = read_head(head[:MAX_HEAD]) if ":" in line else None
    if said is None:
        raise CellFault(f"{line[:80]!r} is no line of a vCard; a name and a colon are missing.")
    group, name, types, parameters = said
    return Property(
        group, name, types, parameters, _decoded(value, parameters) if parameters else value
    )


# Few heads are different ones in a file of many cards.
@lru_cache(maxsize=4_096)
def read_head(head: str) -> tuple[str, str, tuple[str, ...], Mapping[str, str]] | None:
    """What stands before a line's value: its group, name, types and parameters; None if nothing."""
    first, *given = _PARAMETER.findall(head)[:50] or [""]
    named = _NAME.fullmatch(first.strip())
    if not named:
        return None
    types: list[str] = []
    parameters: dict[str, str] = {}
    for parameter in given:
        key, equals, text = parameter.partition("=")
        key = key.strip().upper()
        custom = _CUSTOM_TYPE.fullmatch(parameter.strip())
        if custom:
            octets = custom.group(2).encode()
            octets = quopri.decodestring(octets) if custom.group(1) else octets
            parameters["X-CUSTOM"] = octets.decode(errors="replace")
        elif equals and key == "TYPE":
            for piece in _PIECES.findall(text):
                types += piece.strip('" ').split(",")
        elif equals:
            parameters[key] = text.strip().strip('"')
        elif key in ("QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT"):
            parameters["ENCODING"] = key
        else:
            # 2.1 gives types bare.
            types.append(parameter.strip())
    if "PREF" in parameters:
        types.append("pref")
    kinds = tuple(_kind(kind.strip()) for kind in types if kind.strip())
    return named.group(1) or "", named.group(2).upper(), kinds, MappingProxyType(parameters)


def _kind(text: str) -> str:
    """A type in small letters; one of somebody's own as it was written, without its `X-`."""
    if text[:2] in ("X-", "x-"):
        return text[2:] if not text[2:].isupper() else text[2:].lower()
    return text.lower()


def _decoded(value: str, parameters: Mapping[str, str]) -> str:
    coding = parameters.get("ENCODING", "").upper()
    if coding not in ("QUOTED-PRINTABLE", "Q", "BASE64", "B"):
        return value
    try:
        charset = parameters.get("CHARSET")
        octets = value.encode(charset or "utf-8")
        octets = quopri.decodestring(octets) if coding[0] == "Q" else binascii.a2b_base64(octets)
        if charset:
            return octets.decode(codecs.lookup(charset).name)
        try:
            return octets.decode()
        except UnicodeDecodeError:
            return octets.decode("cp1252")
    except (LookupError, ValueError):
        raise CellFault(
            f"{value[:50]!r} is not written in the way it says ({coding.lower()}, "
            f"{parameters.get('CHARSET', 'no CHARSET')})."
        ) from None


def unescaped(text: str) -> str:
    """A value as it is meant: newlines, commas and semicolons without their backslash."""
    return _ESCAPED.sub(_meant, text) if "\\" in text else text


def _meant(match: re.Match[str]) -> str:
    sign = match.group(1)
    if sign in "nN":
        return "\n"
    return sign if sign in '\\,;:"' else match.group()


def split_value(value: str, sign: str) -> list[str]:
    """The parts of a structured value, unescaped and trimmed; `sign` is `;` or `,`."""
    return [unescaped(part).strip() for part in split_raw(value, sign)]


def split_raw(value: str, sign: str) -> list[str]:
    """The parts of a structured value as they are written, parted where `sign` is not escaped."""
    if "\\" not in value:
        return value.split(sign)
    parts, start, at = [], 0, 0
    while at < len(value):
        if value[at] == "\\":
            at += 1
        elif value[at] == sign:
            parts.append(value[start:at])
            start = at + 1
        at += 1
    return [*parts, value[start:]]
