"""XLSX as the programs write it: shared and rich texts, styles of dates, sheets, gaps."""

from __future__ import annotations

import pytest

from server.files.model import FileFault
from server.files.reading import ReadOptions, open_contact_file
from server.files.spreadsheets import SpreadsheetTable
from tests.unit.files_support import read, sheet_rows, workbook, zipped

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHARED = (
    f'<sst xmlns="{MAIN}"><si><t>Name</t></si><si><r><t>Zo</t></r><r><t xml:space="preserve">ë '
    "</t></r><r><t>Lee</t></r><rPh><t>said so</t></rPh></si><si><t/></si>"
    "<si><t>a &amp; b</t></si></sst>"
)
# Style 1 is a built-in date, 2 a date of one's own, 3 a number in red with a word in quotes.
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts>'
    '<numFmt numFmtId="164" formatCode="[$-407]d/\\ mmm\\ yy"/>'
    '<numFmt numFmtId="165" formatCode="[Red]0.0&quot; days&quot;"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/>'
    "</cellXfs></styleSheet>"
)


def records(folder, rows: str, properties: str = "", **parts: str) -> list[tuple[int, list[str]]]:
    path = folder / "sheet.xlsx"
    zipped(path, workbook(rows, properties, **parts))
    return list(SpreadsheetTable(path).records())


def test_shared_texts_are_whole_and_without_how_they_are_said(tmp_path):
    cells = "".join(f'<c t="s"><v>{index}</v></c>' for index in range(4))
    assert records(tmp_path, f"<row>{cells}</row>", sharedStrings=SHARED) == [
        (1, ["Name", "Zoë Lee", "", "a & b"])
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<c><v>41446681800</v></c>", "41446681800"),
        ('<c t="n"><v>1069</v></c>', "1069"),
        ("<c><v>0.30000000000000004</v></c>", "0.3"),
        ("<c><v>-12.50</v></c>", "-12.5"),
        # The file has the digits in its own way; past fifteen they are not those typed.
        ("<c><v>1.4155526710000001E10</v></c>", "14155526710"),
        ("<c><v>4.1446681800123456E16</v></c>", "4.14466818001235E+16"),
        ('<c s="1"><v>32975</v></c>', "1990-04-12"),
        ('<c s="2"><v>32975</v></c>', "1990-04-12"),
        ('<c s="2"><v>32975.75</v></c>', "1990-04-12 18:00:00"),
        ('<c s="1"><v>0.25</v></c>', "06:00:00"),
        ('<c s="3"><v>32975</v></c>', "32975"),
        ('<c t="b"><v>1</v></c>', "true"),
        ('<c t="b"><v>0</v></c>', "false"),
        ('<c t="str"><f>A1&amp;"x"</f><v>computed</v></c>', "computed"),
        ('<c t="d"><v>1990-04-12T00:00:00</v></c>', "1990-04-12T00:00:00"),
        ('<c t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>', "ab"),
        ('<c t="e"><v>#N/A</v></c>', ""),
        ("<c><f>1+1</f></c>", ""),
        ('<c t="inlineStr"><is><t>a_x000A_b_x0000_</t></is></c>', "a\nb_x0000_"),
    ],
)
def test_each_kind_of_cell_is_the_text_that_a_person_sees(cell, text, tmp_path):
    rows = f'<row><c t="inlineStr"><is><t>x</t></is></c>{cell}</row>'
    ((_, cells),) = records(tmp_path, rows, styles=STYLES)
    assert cells == (["x", text] if text else ["x"])


def test_days_are_counted_from_1904_where_the_workbook_says_so(tmp_path):
    rows = '<row><c s="1"><v>31513</v></c></row>'
    properties = '<workbookPr date1904="1"/>'
    assert records(tmp_path, rows, properties, styles=STYLES) == [(1, ["1990-04-12"])]


def test_gaps_of_cells_and_rows_stay(tmp_path):
    rows = (
        '<row r="2"><c r="B2"><v>1</v></c><c r="AA2"><v>2</v></c></row><row r="4"/>'
        '<row r="7"><c r="A7"><v>3</v></c><c><v>4</v></c></row><row><c><v>5</v></c></row>'
    )
    assert records(tmp_path, rows) == [
        (2, ["", "1", *[""] * 24, "2"]),
        (7, ["3", "4"]),
        (8, ["5"]),
    ]


def test_elements_with_a_prefix_are_the_same(tmp_path):
    path = tmp_path / "sheet.xlsx"
    sheet = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>Name'
        "</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>"
    )
    zipped(path, workbook("") | {"xl/worksheets/sheet1.xml": sheet})
    assert list(SpreadsheetTable(path).records()) == [(1, ["Name"])]


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="B2" t="s"><v>99</v></c>',
        '<c r="B2" t="s"><v>x</v></c>',
        '<c r="B2"><v>not a number</v></c>',
    ],
)
def test_a_cell_that_is_not_what_it_says_is_refused_by_its_place(cell, tmp_path):
    rows = f'<row r="1"><c t="inlineStr"><is><t>Name</t></is></c></row><row r="2">{cell}</row>'
    with pytest.raises(FileFault) as caught:
        records(tmp_path, rows, sharedStrings=SHARED)
    assert (caught.value.row, caught.value.column) == (2, 2)


@pytest.mark.parametrize("place", ["XFE1", "1", "a1", "ZZZZZZ1"])
def test_a_cell_at_no_place_is_refused(place, tmp_path):
    with pytest.raises(FileFault):
        records(tmp_path, f'<row><c r="{place}"><v>1</v></c></row>')


def test_an_infinite_number_is_refused(tmp_path):
    with pytest.raises(FileFault):
        records(tmp_path, "<row><c><v>inf</v></c></row>")


def test_a_workbook_of_empty_sheets_is_empty(tmp_path):
    with pytest.raises(FileFault, match="empty"):
        records(tmp_path, "<row><c/></row>")


def test_the_table_of_a_program_is_recognised_in_a_sheet_too(tmp_path):
    rows = sheet_rows([["Record ID", "First Name", "Email"], ["7", "Ann", "ann@example.com"]])
    path = tmp_path / "export.xlsx"
    zipped(path, workbook(rows))
    file = open_contact_file(path, ReadOptions())
    assert file.detected == {"format": "hubspot", "encoding": None, "delimiter": None}
    (row,) = read(tmp_path, path.read_bytes())
    assert row.fields["external_id"] == "7"
