"""The parts of an XLSX: guarded against zip bombs, its sheets, its texts, its date styles.

Read with expat from the stream, since python-calamine holds a whole sheet: 1,001 MB for
1,000,000 rows of 10 columns (docs/ARCHITECTURE.md), and as a full rectangle, which two
cells in far corners make larger than any memory.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from xml.parsers import expat

from server.files.model import MAX_CELL, FileFault

_PIECE = 65_536
# 1,000,000 rows of 10 columns are some 630 MB of XML, a thirteenth of that when compressed.
MAX_INFLATED = 2 << 30
MAX_RATIO = 250
_SMALL = 16 << 20
MAX_SHARED = 120 << 20
MAX_SHARED_COUNT = 10_000_000
_MAX_CODE = 300
# Expat holds a tag or a comment until it ends.
_MAX_TAG = 1 << 20
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, KeyError,
)  # fmt: skip
_BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_NOT_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_ZEROS_CODE = re.compile(r"0{2,20}")
_DATE_CODE = re.compile(r"[ymdhs]", re.IGNORECASE)

Attributes = dict[str, str]


class Workbook:
    """An XLSX file. `sheets` are `(part, name)` of its sheets, those first that are not hidden.

    `date_styles` are the cell styles that show a number as a date or time; `zero_styles` those that
    fill one up with zeros, as a postal code or phone, with how many digits they show.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._inflated = 0
        self.dates_from_1904 = False
        self._refuse_bomb(self._declared())
        self.sheets = self._find_sheets()
        self.date_styles, self.zero_styles = self._find_styles()
        self.shared = self._read_shared()

    def _declared(self) -> int:
        with broken_is_a_fault(), zipfile.ZipFile(self._path) as archive:
            self._parts = {info.filename for info in archive.infolist()}
            return sum(info.file_size for info in archive.infolist())

    def _refuse_bomb(self, inflated: int) -> None:
        bound = min(MAX_INFLATED, max(_SMALL, MAX_RATIO * self._size))
        if inflated > bound:
            raise FileFault(
                f"This XLSX of {self._size:,} bytes unpacks to more than {bound:,}, far more than "
                "a sheet of contacts does. Save the sheet alone as a new XLSX, or as CSV."
            )

    def parse(
        self,
        part: str,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None],
        text: Callable[[str], None],
    ) -> Iterator[None]:
        """Parse a part piece by piece, calling back; element names come without their prefix."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.CharacterDataHandler = text
        parser.StartElementHandler = start
        parser.EndElementHandler = end

        def first(name: str, attributes: Attributes) -> None:
            if ":" in name:
                # Rare, and it costs a call for each element.
                parser.StartElementHandler = lambda name, given: start(name.split(":")[-1], given)
                parser.EndElementHandler = lambda name: end(name.split(":")[-1])
            else:
                parser.StartElementHandler = start
            start(name.split(":")[-1], attributes)

        parser.StartElementHandler = first
        self._inflated = 0
        with broken_is_a_fault(), zipfile.ZipFile(self._path) as archive, archive.open(part) as raw:
            try:
                while piece := raw.read(_PIECE):
                    # What is declared may be a lie; what comes out is not.
                    self._inflated += len(piece)
                    self._refuse_bomb(self._inflated)
                    parser.Parse(piece)
                    if self._inflated - parser.CurrentByteIndex > _MAX_TAG:
                        raise FileFault(
                            f"The part {part} of this XLSX has a tag of more than {_MAX_TAG:,} "
                            "bytes, as no spreadsheet program writes."
                        )
                    yield
                parser.Parse(b"", True)
                yield
            except (expat.ExpatError, ValueError) as error:
                raise FileFault(
                    f"The part {part} of this XLSX is broken ({error}). Save it again from your "
                    "spreadsheet program."
                ) from None

    def _collect(self, part: str, start: Callable[[str, Attributes], None]) -> None:
        for _ in self.parse(part, start, lambda name: None, lambda text: None):
            pass

    def _find_sheets(self) -> list[tuple[str, str]]:
        targets: dict[str, str] = {}
        sheets: list[tuple[bool, str, str]] = []

        def relation(name: str, given: Attributes) -> None:
            if name == "Relationship":
                target = given.get("Target", "")
                base = PurePosixPath("/") if target.startswith("/") else PurePosixPath("xl")
                targets[given.get("Id", "")] = str(base / target).lstrip("/")

        def book(name: str, given: Attributes) -> None:
            if name == "workbookPr":
                self.dates_from_1904 = given.get("date1904") in ("1", "true")
            elif name == "sheet":
                key = next((given[key] for key in given if key.split(":")[-1] == "id"), "")
                hidden = given.get("state", "visible") != "visible"
                sheets.append((hidden, targets.get(key, ""), given.get("name", "")))

        self._collect("xl/_rels/workbook.xml.rels", relation)
        self._collect("xl/workbook.xml", book)
        return [
            (part, name)
            for _, part, name in sorted(sheets, key=lambda sheet: sheet[0])
            if part in self._parts
        ]

    def _find_styles(self) -> tuple[frozenset[str], dict[str, int]]:
        """The numbers of the cell styles of dates, and of those with zeros in front."""
        dates = set(map(str, _BUILT_IN_DATES))
        zeros: dict[str, int] = {}
        found: set[str] = set()
        filling: dict[str, int] = {}
        count = 0
        in_cells = False

        def style(name: str, given: Attributes) -> None:
            nonlocal count, in_cells
            if name == "numFmt":
                code = _NOT_CODE.sub("", given.get("formatCode", "")[:_MAX_CODE])
                key = given.get("numFmtId", "")
                (dates.add if _DATE_CODE.search(code) else dates.discard)(key)
                if _ZEROS_CODE.fullmatch(code):
                    zeros[key] = len(code)
            elif name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
                in_cells = name == "cellXfs"
            elif name == "xf" and in_cells:
                key = given.get("numFmtId", "")
                if key in dates:
                    found.add(str(count))
                elif key in zeros:
                    filling[str(count)] = zeros[key]
                count += 1

        if "xl/styles.xml" in self._parts:
            self._collect("xl/styles.xml", style)
        return frozenset(found), filling

    def _read_shared(self) -> SharedTexts:
        shared = SharedTexts()
        if "xl/sharedStrings.xml" in self._parts:
            for _ in self.parse("xl/sharedStrings.xml", shared.start, shared.end, shared.text):
                pass
        return shared


class SharedTexts:
    """The texts that cells share, packed: a list of them would need three times the memory."""

    def __init__(self) -> None:
        self._packed = bytearray()
        self._ends = array("I", [0])
        self._held: list[str] = []
        self._length = 0
        self._taking = False
        self._aside = False

    def start(self, name: str, given: Attributes) -> None:
        """An element begins."""
        if name == "t":
            self._taking = not self._aside
        elif name == "rPh":
            # How the text is pronounced, which is none of the text.
            self._aside = True

    def text(self, text: str) -> None:
        """A piece of text."""
        if self._taking:
            self._length += len(text)
            if self._length > MAX_CELL:
                raise FileFault(f"A cell is longer than {MAX_CELL:,} characters. Shorten it.")
            self._held.append(text)

    def end(self, name: str) -> None:
        """An element ends."""
        if name == "t":
            self._taking = False
        elif name == "rPh":
            self._aside = False
        elif name == "si":
            self._packed += "".join(self._held).encode()
            if len(self._packed) > MAX_SHARED or len(self._ends) > MAX_SHARED_COUNT:
                raise FileFault(
                    f"The texts of this XLSX are more than {MAX_SHARED:,} bytes, or more than "
                    f"{MAX_SHARED_COUNT:,}. Save it as CSV, which is read at any size."
                )
            self._ends.append(len(self._packed))
            self._held.clear()
            self._length = 0

    def __getitem__(self, index: int) -> str:
        return self._packed[self._ends[index] : self._ends[index + 1]].decode()

    def __len__(self) -> int:
        return len(self._ends) - 1


@contextmanager
def broken_is_a_fault() -> Iterator[None]:
    """Give what zipfile raises at a damaged archive to the person, as FileFault."""
    try:
        yield
    except _BROKEN as error:
        raise FileFault(
            f"This XLSX is damaged or protected ({error}). Save it again from your spreadsheet "
            "program, without a password."
        ) from None


def _refuse_doctype(*declared: object) -> None:
    # No spreadsheet has one; it is how entities that grow without end get in.
    raise FileFault("This XLSX declares a document type, which no spreadsheet program writes.")
