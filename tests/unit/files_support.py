"""Small helpers of the tests of server/files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from server.files.reading import ContactFile, FileRow, ReadOptions, open_contact_file

_SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="t" Target="worksheets/sheet1.xml"/></Relationships>'
)
_BOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">{properties}'
    '<sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>'
)


def opened(folder: Path, content: bytes | str, **options: Any) -> ContactFile:
    """The contact file of this content."""
    path = folder / "contacts"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_contact_file(path, ReadOptions(**options))


def read(folder: Path, content: bytes | str, **options: Any) -> list[FileRow]:
    """Its rows, after its structure was checked."""
    file = opened(folder, content, **options)
    rows = file.check()
    found = list(file.rows())
    assert len(found) == rows
    return found


def workbook(rows: str, properties: str = "", **parts: str | bytes) -> dict[str, str | bytes]:
    """The parts of a small XLSX whose sheet has these `<row>` elements."""
    return {
        "xl/workbook.xml": _BOOK.format(properties=properties),
        "xl/_rels/workbook.xml.rels": _RELATIONS,
        "xl/worksheets/sheet1.xml": f"{_SHEET}{rows}</sheetData></worksheet>",
        **{f"xl/{name}.xml": content for name, content in parts.items()},
    }


def workbook_of(sheets: Mapping[str, str]) -> dict[str, str | bytes]:
    """The parts of an XLSX whose sheets, by name, have these `<row>` elements."""
    parts: dict[str, str | bytes] = {}
    named, relations = "", ""
    for number, (name, rows) in enumerate(sheets.items(), 1):
        parts[f"xl/worksheets/sheet{number}.xml"] = f"{_SHEET}{rows}</sheetData></worksheet>"
        named += f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
        relations += f'<Relationship Id="r{number}" Target="worksheets/sheet{number}.xml"/>'
    namespace = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns:r="{namespace}"><sheets>{named}</sheets></workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = f"<Relationships>{relations}</Relationships>"
    return parts


def zipped(path: Path, parts: Mapping[str, str | bytes]) -> bytes:
    """The parts as a ZIP."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path.read_bytes()


def sheet_rows(rows: Iterable[Iterable[str]]) -> str:
    """Rows of inline texts."""
    return "".join(
        "<row>"
        + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
        + "</row>"
        for cells in rows
    )
