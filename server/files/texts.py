"""The text of a file: which encoding it has, and its lines, none of which is held if too long."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple

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
    "mac-roman mac-latin2 mac-cyrillic mac-greek mac-turkish koi8-r koi8-u gb2312 gbk gb18030 "
    "big5 big5hkscs shift_jis cp932 euc_jp iso2022_jp euc_kr cp949 cp950 tis-620 cp874 cp437 cp850 "
    "cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp865 cp866 cp869 "
)
_KNOWN = {
    codecs.lookup(name).name
    for name in (
        *_FAMILIES.split(),
        *(f"cp125{n}" for n in range(9)),
        *(f"iso8859-{n}" for n in (*range(1, 12), *range(13, 17))),
    )
}

# What Windows, and so Excel's CSV, writes by default where it is not Western Europe's cp1252.
_CODE_PAGES = {
    region: encoding
    for encoding, regions in {
        "cp932": "JP",
        "gb18030": "CN SG",
        "cp950": "TW HK MO",
        "cp949": "KR",
        "cp874": "TH",
        "cp1250": "PL CZ SK HU SI HR BA RO AL",
        "cp1251": "RU UA BY BG RS MK KZ KG MN TJ",
        "cp1253": "GR CY",
        "cp1254": "TR AZ",
        "cp1255": "IL",
        "cp1256": "AE BH DZ EG IQ IR JO KW LB LY MA OM PK QA SA SY TN YE",
        "cp1257": "EE LV LT",
        "cp1258": "VN",
    }.items()
    for region in regions.split()
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


class Detected(NamedTuple):
    """An encoding; `doubt` is what to tell the person where the file itself does not say it."""

    encoding: str
    doubt: str | None = None


def detect_encoding(path: Path, region: str = "US") -> Detected:
    """The mark's at the beginning; else UTF-16 or UTF-8; else that of Windows in the region.

    UTF-16 without its mark is known by where its zeros are, UTF-8 is only what is valid to the
    last byte. Nothing is guessed from how often letters occur: such guesses make Muńoz of Muñoz.
    """
    with path.open("rb") as file:
        head = file.read(_PIECE)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return Detected(encoding)
    for encoding, zeros, others in (("utf-16-le", 1, 0), ("utf-16-be", 0, 1)):
        if _is_utf_16(head, encoding, zeros, others):
            return Detected(encoding)
    broken = _first_undecodable(path, "utf-8")
    if broken is None:
        return Detected("utf-8")
    regional = _CODE_PAGES.get(region.upper(), "cp1252")
    encoding = regional if _first_undecodable(path, regional) is None else "cp1252"
    doubt = f"The file does not say its encoding; it was read as {encoding}."
    if broken.after_others:
        doubt += f" It is UTF-8 up to line {broken.line:,}: if names look wrong, mend that line."
    else:
        doubt += " If names look wrong, choose another one."
    return Detected(encoding, doubt)


def _is_utf_16(head: bytes, encoding: str, zeros: int, others: int) -> bool:
    """Whether every second byte is where the zeros are, line ends among them."""
    if b"\0" not in head or head[others::2].count(0) or len(head) % 2:
        return False
    try:
        text = head.decode(encoding)
    except UnicodeDecodeError:
        return False
    return head[zeros::2].count(0) > 1 and ("\n" in text or "\r" in text)


class _Broken(NamedTuple):
    """Where a file is not in an encoding, and whether others than ASCII letters came before."""

    line: int
    after_others: bool


def _first_undecodable(path: Path, encoding: str) -> _Broken | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, others = 1, False
    with path.open("rb") as file:
        while True:
            piece = file.read(_PIECE)
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                whole = error.object[: error.start]
                return _Broken(lines + whole.count(b"\n"), others or not whole.isascii())
            if not piece:
                return None
            lines += piece.count(b"\n")
            others = others or not piece.isascii()


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
        f"{found} near here is none of {encoding}. Choose the file's encoding yourself (such as "
        "cp1250, cp1251, mac-roman, shift_jis or gb18030), or save the file again as UTF-8.",
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
