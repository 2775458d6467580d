"""The text of a file: which encoding it has, and its lines, none of which is held if too long."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from server.files.model import MAX_RECORD, FileFault

_PIECE = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Encodings of text that people have; Python knows others, which are none (rot13, base64).
_FAMILIES = (
    "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be ascii iso8859-1 "
    "mac-roman mac-latin2 mac-cyrillic mac-greek mac-turkish koi8-r koi8-u gb2312 gbk gb18030 big5 "
    "big5hkscs shift_jis cp932 euc_jp iso2022_jp euc_kr cp949 tis-620 cp874 cp437 cp850 cp852 "
    "cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp865 cp866 cp869 "
)
_KNOWN = {
    codecs.lookup(name).name
    for name in (
        *_FAMILIES.split(),
        *(f"cp125{n}" for n in range(9)),
        *(f"iso8859-{n}" for n in (*range(1, 12), *range(13, 17))),
    )
}


def known_encoding(name: str) -> str:
    """The usual name of an encoding that somebody asked for; FileFault if there is none."""
    try:
        found = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        # ValueError: a NUL in the name.
        found = ""
    if found not in _KNOWN:
        raise FileFault(
            f"There is no encoding {name[:50]!r}. Usual ones are utf-8, utf-16, cp1252 "
            "(Windows, Western Europe), cp1250 (Windows, Central Europe) and mac-roman."
        )
    return "utf-8" if found == "utf-8-sig" else found


def detect_encoding(path: Path) -> str:
    """`utf-8`, `utf-16`, `utf-32` by the mark at the beginning, else UTF-8, else cp1252.

    UTF-8 is only what is valid to the last byte. Nothing is guessed from how often letters
    occur: such guesses make Muńoz of Muñoz.
    """
    with path.open("rb") as file:
        piece = file.read(_PIECE)
        for mark, encoding in _MARKS:
            if piece.startswith(mark):
                return encoding
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while piece:
                decoder.decode(piece)
                piece = file.read(_PIECE)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIOWrapper]:
    """The file as text, its line ends as they are, without a byte order mark."""
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    with path.open("rb") as raw, TextIOWrapper(raw, encoding=codec, newline="") as text:
        yield text


def undecodable(error: UnicodeError, encoding: str, row: int) -> FileFault:
    """The fault of a file that is not written in the encoding it is read by."""
    found = "A character"
    if isinstance(error, UnicodeDecodeError) and error.object[error.start : error.start + 1]:
        found = f"The byte 0x{error.object[error.start]:02x}"
    return FileFault(
        f"{found} near here is none of {encoding}. Choose the file's encoding yourself "
        "(cp1250, mac-roman, …), or save the file again as UTF-8.",
        row=row,
    )


class Lines:
    """An iterator of a text's lines that keeps watch for what a parser would not tell.

    `ended`: a line was wanted and there was none. `nul`: there was a NUL in a line. `room`:
    how many characters the present record may still have; who reads records sets it anew.
    """

    def __init__(self, text: TextIOWrapper) -> None:
        self._read = text.readline
        self.ended = False
        self.nul = False
        self.room = MAX_RECORD

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._read(MAX_RECORD)
        if not line:
            self.ended = True
            raise StopIteration
        self.room -= len(line)
        if self.room <= 0:
            raise RecordTooLong
        if "\0" in line:
            self.nul = True
        return line


class RecordTooLong(Exception):
    """A record is longer than any contact could be; the rest of it was not read."""
