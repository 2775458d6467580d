"""The cards of a vCard file one by one, and their content lines, unfolded.

An own reader, since vobject needs 566 µs a card, ends at the first line it does not know,
drops the bare types of 2.1 and cuts 4.0's `PHOTO:data:…` (docs/ARCHITECTURE.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from server.files.model import MAX_CELL, MAX_RECORD, FileFault
from server.files.texts import open_text, undecodable

_BEGIN = re.compile(r"BEGIN[ \t]*:[ \t]*VCARD[ \t]*", re.IGNORECASE)
_END = re.compile(r"END[ \t]*:[ \t]*VCARD[ \t]*", re.IGNORECASE)
_PICTURES = re.compile(
    r"(?:[\w-]+\.)?(PHOTO|LOGO|SOUND|KEY|X-MS-CARDPICTURE|X-WALLPAPER)\b", re.IGNORECASE
)
# What an errors file has told of this card.
_TOLD = re.compile(r"X-FIELDBOOK-(?:ROW|FIELD|ERROR)\b", re.IGNORECASE)
# One look spares most lines four.
_SPECIAL = re.compile(
    r"(?:BEGIN|END|VERSION|X-FIELDBOOK|(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY|X-MS-CARDPICTURE|X-WALLPAPER))\b",
    re.IGNORECASE,
)
_BASE64_LINE = re.compile(r"[A-Za-z0-9+/=]+")


class Card(NamedTuple):
    """One card: its number from 1, its content lines unfolded, its text, how many pictures."""

    number: int
    lines: list[str]
    original: str
    pictures: int


def read_cards(path: Path, encoding: str) -> Iterator[Card]:
    """Every card. Raises FileFault for a card without its end, and for what is no card.

    Pictures are counted and let go of: they may be megabytes.
    """
    with open_text(path, encoding) as text:
        number, line_number = 0, 0
        card: _Growing | None = None
        whole = True
        try:
            while line := text.readline(MAX_CELL):
                begins, whole = whole, line[-1] in "\r\n"
                line_number += begins
                line = line.rstrip("\r\n")
                if not begins:
                    if card is None or not card.in_picture:
                        raise FileFault(
                            f"Line {line_number:,} is longer than {MAX_CELL:,} characters.",
                            row=number or 1,
                            unit="contact",
                        )
                elif card is None:
                    if _BEGIN.fullmatch(line):
                        number += 1
                        card = _Growing(number, line_number, line)
                    elif line.strip("\x1a\0 \t\ufeff"):
                        raise FileFault(
                            f"Line {line_number:,} stands between two cards, after END:VCARD: "
                            f"{line[:50]!r}.",
                            row=number,
                            unit="contact",
                        )
                elif card.take(line, line_number):
                    yield card.whole()
                    card = None
        except UnicodeError as error:
            raise undecodable(error, encoding, number or 1) from None
    if card is not None:
        raise FileFault(
            f"The card that begins in line {card.begins:,} has no END:VCARD. Was the file cut off? "
            "Fetch or save it again.",
            row=number,
            unit="contact",
        )


class _Growing:
    """A card whose lines are being read."""

    def __init__(self, number: int, begins: int, first: str) -> None:
        self.number = number
        self.begins = begins
        self.in_picture = False
        self._left_out = False
        # Each in the pieces that it was folded into.
        self._lines: list[list[str]] = []
        self._texts = [first]
        self._size = 0
        self._pictures = 0
        self._nested = 0
        self._old = False
        self._soft = False

    def whole(self) -> Card:
        lines = ["".join(pieces) for pieces in self._lines]
        return Card(self.number, lines, "\n".join(self._texts), self._pictures)

    def take(self, line: str, line_number: int) -> bool:
        """Add a line; True when it is the last one."""
        if self._nested or self._continues(line):
            return self._take_nested(line) if self._nested else self._continue(line)
        self.in_picture = self._left_out = False
        if _SPECIAL.match(line):
            if _END.fullmatch(line):
                self._texts.append(line)
                return True
            if self._take_special(line, line_number):
                return False
        elif not line.strip():
            return False
        self._grow(line)
        self._lines.append([line])
        self._soft = line[-1] == "=" and _is_quoted_printable(line)
        return False

    def _take_special(self, line: str, line_number: int) -> bool:
        """Take a line that is about the card itself, or left out; False if it is kept."""
        if _BEGIN.fullmatch(line):
            self._begin_again(line_number)
            return True
        picture = _PICTURES.match(line)
        if picture:
            self.in_picture = True
            self._pictures += picture.group(1).upper() in ("PHOTO", "X-MS-CARDPICTURE")
        self._left_out = picture is not None or _TOLD.match(line) is not None
        self._old = self._old or line.upper() == "VERSION:2.1"
        return self._left_out

    def _continues(self, line: str) -> bool:
        if self._soft or line[:1] in (" ", "\t"):
            return True
        # Old phones write the base64 of a picture without folding it.
        return self.in_picture and _BASE64_LINE.fullmatch(line) is not None

    def _continue(self, line: str) -> bool:
        if self._left_out or not self._lines:
            return False
        self._grow(line)
        pieces = self._lines[-1]
        if self._soft:
            pieces[-1] = pieces[-1][:-1]
            pieces.append(line)
            self._soft = line.endswith("=")
        else:
            # 2.1 folds at a space, which stays; later versions put one in.
            pieces.append(line if self._old else line[1:])
            self._soft = line.endswith("=") and _is_quoted_printable(pieces[0])
        return False

    def _grow(self, line: str) -> None:
        self._texts.append(line)
        self._size += len(line)
        if self._size > MAX_RECORD:
            raise FileFault(
                f"The card is longer than {MAX_RECORD:,} characters, pictures not counted.",
                row=self.number,
                unit="contact",
            )

    def _begin_again(self, line_number: int) -> None:
        if not (self._lines and self._lines[-1][0].upper().startswith("AGENT")):
            raise FileFault(
                f"Another card begins in line {line_number:,}, before this one (from line "
                f"{self.begins:,}) has its END:VCARD.",
                row=self.number,
                unit="contact",
            )
        # 2.1 nests the card of a contact's agent in theirs.
        self._nested = 1

    def _take_nested(self, line: str) -> bool:
        if _END.fullmatch(line):
            self._nested -= 1
        return False


def _is_quoted_printable(line: str) -> bool:
    return "QUOTED-PRINTABLE" in line.partition(":")[0].upper()
