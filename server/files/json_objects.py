"""The objects of a JSON file one by one: of an array, or one after the other (JSON lines).

Done with the decoder of the standard library on a moving window of text, instead of a parser
of events (ijson): it makes each object in C in one go, gives the object's own text for the
errors file for nothing, and tells where it went wrong.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

from server.files.model import MAX_RECORD, FileFault
from server.files.texts import open_text, undecodable

_WINDOW = 131_072
_TOO_LONG = f"it is longer than {MAX_RECORD:,} characters"
_SPACE = re.compile(r"[ \t\r\n]*")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        # It would come back from the errors file as Infinity, which is no JSON.
        raise ValueError(f"the number {text[:50]} is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_float)


def json_objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Each `(number from 1, object, its text)`. Raises FileFault at what is no list of objects.

    Holds no more than one object and the window it lies in, at most 1 MiB of text.
    """
    with open_text(path, encoding) as text:
        window = _Window(text, encoding)
        in_array = window.take("[")
        number = 0
        while True:
            if window.take("]") if in_array else window.at_end():
                break
            if number and in_array and not window.take(","):
                window.refuse(number, "a comma or the closing ] is missing after it")
            number += 1
            yield number, *window.object(number)
        if in_array and not window.at_end():
            window.refuse(number, "something stands after the closing ] of the list")


class _Window:
    """A part of the text, and the place in it up to which all is read."""

    def __init__(self, text: TextIOWrapper, encoding: str) -> None:
        self._text = text
        self._encoding = encoding
        self._held = ""
        self._at = 0
        self._line = 1
        self._number = 0
        self._ended = False

    def _more(self) -> bool:
        """Read on, letting go of what is done; False at the end of the file."""
        if self._ended:
            return False
        self._line += self._held.count("\n", 0, self._at)
        try:
            # As much again as is held, so that a long object is not tried too often.
            piece = self._text.read(max(_WINDOW, len(self._held) - self._at))
        except UnicodeError as error:
            raise undecodable(error, self._encoding, self._number + 1) from None
        self._ended = not piece
        self._held = self._held[self._at :] + piece
        self._at = 0
        return not self._ended

    def _next_sign(self) -> str:
        """The next character that is no space; "" at the end of the file."""
        while True:
            space = _SPACE.match(self._held, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def take(self, sign: str) -> bool:
        """Go past `sign` if it comes next."""
        if self._next_sign() != sign:
            return False
        self._at += 1
        return True

    def at_end(self) -> bool:
        """Whether nothing but spaces is left."""
        return not self._next_sign()

    def object(self, number: int) -> tuple[dict[str, Any], str]:
        """The object that comes next, and its text."""
        self._number = number
        sign = self._next_sign()
        if not sign:
            raise FileFault(
                "The file ends before its list does: the closing ] is missing. Was it cut off? "
                "Fetch or save it again.",
                row=number,
                unit="contact",
            )
        if sign != "{":
            self.refuse(number, f"each must be an object in braces, this begins with {sign!r}")
        while True:
            try:
                found, end = _DECODER.raw_decode(self._held, self._at)
            except json.JSONDecodeError as error:
                # Wrong, or not all of it is here yet; which of the two, only more text tells.
                into = error.pos - self._at
                if len(self._held) - self._at > MAX_RECORD:
                    self.refuse(number, f"{_TOO_LONG}, or {error.msg}")
                if not self._more():
                    self._refuse_the_last(number, error.msg, into)
            except (ValueError, RecursionError) as error:
                reason = (
                    "it is nested too deep" if isinstance(error, RecursionError) else str(error)
                )
                self.refuse(number, reason)
            else:
                if end - self._at > MAX_RECORD:
                    self.refuse(number, _TOO_LONG)
                original = self._held[self._at : end]
                self._at = end
                return found, original

    def _refuse_the_last(self, number: int, reason: str, into: int) -> NoReturn:
        """Refuse what begins here and is wrong `into` characters further on."""
        rest = self._held[self._at :].rstrip()
        if into >= len(rest) or reason.startswith("Unterminated string"):
            raise FileFault(
                "The file ends in the middle of this contact. Was it cut off? Fetch or save it "
                "again.",
                row=number,
                unit="contact",
            )
        self._at += into
        self.refuse(number, reason)

    def refuse(self, number: int, reason: str) -> NoReturn:
        """Raise the FileFault of an item that is no right JSON."""
        line = self._line + self._held.count("\n", 0, self._at)
        raise FileFault(
            f"Not valid as a list of contacts near line {line:,}: {reason}.",
            row=number,
            unit="contact",
        )
