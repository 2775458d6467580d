"""How text is tidied before it is stored: one rule for every entity, device and import."""

from __future__ import annotations

import re
import unicodedata

# Control characters that no field means to hold, and no export could write.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_CONTROLS_ON_A_LINE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
# Marks that ride along when an address or a number is copied from a page or a phone.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_PHONE_LIKE = re.compile(r"[0-9 \u00a0+\-()/.x]+")
_DIGITS = re.compile(r"[0-9]")

MAX_SEARCH_WORDS = 10


def one_line(text: str) -> str:
    """NFC, trimmed, every run of white space (newlines too) as one space; may give ""."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    # The usual case, and the hot one: what is printable has no controls, and no white space
    # but the blank.
    if not text.isprintable():
        text = _CONTROLS_ON_A_LINE.sub("", text)
    elif "  " not in text:
        return text.strip()
    return " ".join(text.split())


def many_lines(text: str) -> str:
    """NFC, trimmed, newlines as LF; what lies between is left as it was. May give ""."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text.strip()


def visible_line(text: str) -> str:
    """`one_line` without the invisible marks that copied addresses and numbers carry."""
    return one_line(text if text.isascii() else _INVISIBLE.sub("", text))


def search_words(query: str) -> list[str]:
    """The words that a search asks for, all of which a contact must hold: at most 10.

    Accents and capitals are left to the database, which folds words and contacts by one
    function. A text that looks like a phone number becomes one word of its digits without
    leading zeros, which is found in any way of writing the number:
    `+41 (0)44 668` gives `["4144668"]`.
    """
    line = visible_line(query)
    if _PHONE_LIKE.fullmatch(line) and len(_DIGITS.findall(line)) >= 3:
        if line.startswith("+"):
            line = line.replace("(0)", "")
        digits = "".join(_DIGITS.findall(line)).lstrip("0")
        return [digits] if digits else []
    return line.split()[:MAX_SEARCH_WORDS]
