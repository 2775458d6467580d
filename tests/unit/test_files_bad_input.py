"""What is no file of contacts is refused with what is wrong and where, and what to do."""

from __future__ import annotations

import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from server.files.model import MAX_CELL, MAX_COLUMNS, FileFault
from tests.unit.files_support import read, sheet_rows, workbook, zipped

GOLDEN = Path(__file__).parent.parent / "data" / "contact_files"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))
OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)


def refused(folder: Path, content: bytes | str, **options: object) -> FileFault:
    with pytest.raises(FileFault) as caught:
        read(folder, content, **options)
    fault = caught.value
    # The person reads nothing but the message, so it must say where.
    if fault.row is not None:
        assert f"{fault.row:,}" in fault.message
    if fault.column is not None:
        assert str(fault.column) in fault.message
    return fault


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (PNG, "a picture (PNG)"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "a PDF"),
        (OLD_OFFICE, "an old Office file (.xls"),
        (b"\x1f\x8b\x08\x00aaaa", "compressed (gzip)"),
        (b"SQLite format 3\x00", "a database"),
        (bytes(range(256)) * 20, "0x81"),
        (bytes(range(32)) * 200, "no table"),
        ("<!DOCTYPE html><table><tr><td>Name</td></tr></table>", "a web page"),
        ('<?xml version="1.0"?><contacts/>', "a web page or XML"),
        ("Name,Email\nAnn,a@b.c\n".encode("utf-16-le")[:-1], "UTF-16 without its mark"),
        (OLD_OFFICE + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        (b"bplist00\xd4\x01", "a data file of Apple's"),
        ("BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n", "a calendar"),
        ("dn: cn=Ann,mail=ann@x.co\nobjectclass: top\n", "an LDIF file"),
    ],
)
def test_what_is_no_table_is_named(content, says, tmp_path):
    fault = refused(tmp_path, content, content_type="text/csv")
    assert says in fault.message


def test_a_wrong_content_type_is_no_fault_while_the_file_can_be_read(tmp_path):
    content = "Name,Email\nAnn,a@b.c\n"
    for content_type in (
        "application/pdf",
        "application/json",
        "image/png",
        "text/vcard",
        "nonsense",
    ):
        rows = read(tmp_path, content, content_type=content_type, file_name="contacts.xlsx")
        assert [row.number for row in rows] == [2]


def test_a_wrong_content_type_is_told_where_nothing_can_be_read(tmp_path):
    assert "sent as text/csv" in refused(tmp_path, PNG, content_type="text/csv").message


@pytest.mark.parametrize(
    "content", [b"", b"\r\n\r\n  \n", b"\xef\xbb\xbf", b"\xff\xfe", b",,,\n,,\n"]
)
def test_an_empty_file_is_told(content, tmp_path):
    assert "empty" in refused(tmp_path, content).message


@pytest.mark.parametrize(
    "content",
    ["Name,Email\n", "Name,Email\r\n\r\n,\r\n ,\t\r\n", "sep=;\nName;Email", "[]", "[ ]\n"],
)
def test_a_file_of_no_contacts_is_told(content, tmp_path):
    assert "no contact" in refused(tmp_path, content).message


def test_too_many_columns_are_refused(tmp_path):
    header = ",".join(f"column {number}" for number in range(2_000))
    fault = refused(tmp_path, f"{header}\n1,2\n")
    assert (fault.row, fault.column) == (1, MAX_COLUMNS + 1)
    assert "2,000 columns" in fault.message
    assert read(tmp_path, "Name," + ",".join(map(str, range(MAX_COLUMNS - 1))) + "\nAnn\n")


def test_a_cell_of_50_megabytes_is_refused_by_its_place(tmp_path):
    path = tmp_path / "contacts"
    for quote in ("", '"'):
        with path.open("w") as file:
            file.write(f'Name,Email,Notes\nAnn,a@b.c,"two\nlines"\nBo,b@b.c,{quote}')
            for _ in range(50):
                file.write("x" * 1_000_000)
            file.write(f"{quote}\n")
        fault = refused(tmp_path, path.read_bytes())
        assert (fault.row, fault.column) == (3, 3)


def test_a_cell_of_many_long_lines_is_refused_by_its_place(tmp_path):
    lines = ("x" * 1_000 + "\n") * 500
    fault = refused(tmp_path, f'Name,Notes\nAnn,ok\nBo,"{lines}"\n')
    assert (fault.row, fault.column) == (3, 2)
    assert f"{MAX_CELL:,}" in fault.message
    assert len(read(tmp_path, f'Name,Notes\nAnn,"{"x" * (MAX_CELL - 1)}"\n')) == 1


def test_an_unclosed_quote_is_refused_by_its_place(tmp_path):
    fault = refused(tmp_path, 'Name,Email\nAnn,a@b.c\nBo,"b@b.c\nCy,c@b.c\n')
    assert (fault.row, fault.column) == (3, 2)
    assert "never closed" in fault.message


def test_a_nul_is_refused_by_its_place(tmp_path):
    fault = refused(tmp_path, "Name,Email\nAnn,a@b.c\nBo,b\0@b.c\n")
    assert (fault.row, fault.column) == (3, 2)
    assert "NUL" in fault.message


def test_a_byte_that_is_none_of_the_encoding_is_refused_by_its_row(tmp_path):
    content = "Name,Email\n" + "Ann,a@b.c\n" * 20_000 + "Mu\udc81oz,\udce9\n"
    fault = refused(tmp_path, content.encode("utf-8", "surrogateescape"))
    assert "0x81" in fault.message
    assert fault.row is not None
    # Text is decoded in pieces, so it is the beginning of one.
    assert 19_000 < fault.row <= 20_002


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"encoding": "klingon"}, "'klingon'"),
        ({"encoding": "rot13"}, "'rot13'"),
        ({"encoding": "base64"}, "'base64'"),
        ({"encoding": "a\0b"}, "no encoding"),
        ({"encoding": ""}, None),
        ({"delimiter": "x"}, "'x'"),
        ({"delimiter": ",,"}, "',,'"),
        ({"format": "lotus"}, "'lotus'"),
        ({"format": "vcard"}, "vcard was asked for, but the file is a text table"),
        ({"mapping": {"Nmae": "name"}}, "'Nmae'"),
        ({"mapping": {"Name": "nmae"}}, "Did you mean name?"),
        ({"mapping": {"Name": "addresses.home.planet"}}, "addresses.home.planet"),
        ({"mapping": {"Name": "custom."}}, "custom."),
        ({"mapping": {"Name": "custom"}}, "custom"),
        ({"mapping": {"Name": "company", "Email": "company"}}, "both Name and Email to company"),
        ({"mapping": {"Name": None, "Email": None}}, "No column holds a name"),
        ({"mapping": {"Name": "custom.a", "Email": "notes"}}, "Name, Email"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_by_name(options, says, tmp_path):
    content = "Name,Email\nAnn,a@b.c\n"
    if says is None:
        assert read(tmp_path, content, **options)
    else:
        assert says in refused(tmp_path, content, **options).message


def test_columns_without_a_name_a_company_an_email_or_a_phone_are_refused(tmp_path):
    # A table without a header: its first contact would be lost as one.
    assert "names of the columns" in refused(tmp_path, "Ann,Zürich\nBo,Bern\n").message


def test_rows_too_long_are_error_rows_and_rows_too_short_are_filled(tmp_path):
    rows = read(tmp_path, "Name,Email,Phone\nAnn,a@b.c,1,extra\nBo\nCy,c@b.c,2,,\n")
    assert [bool(row.faults) for row in rows] == [True, False, False]
    assert "4 cells, the header 3" in rows[0].faults[0][1]
    assert "'extra'" in rows[0].faults[0][1]
    assert rows[1].fields == {"first_name": "Bo"}


def test_empty_rows_are_neither_rows_nor_counted(tmp_path):
    rows = read(tmp_path, "\n\nName,Email\n\nAnn,a@b.c\n,\n \t , \nBo,b@b.c\n\n")
    assert [row.number for row in rows] == [5, 8]


@pytest.mark.parametrize(
    ("content", "row", "says"),
    [
        ("5", None, "single value"),
        ('"Ann"', None, "single value"),
        ("true", None, "single value"),
        ("[1, 2]", 1, "in braces"),
        ('[{"first_name": "Ann"}, "Bo"]', 2, "in braces"),
        ('[["first_name"], ["Ann"]]', 1, "in braces"),
        ('{"contacts": [{"first_name": "Ann"}]}', None, "'contacts'"),
        ('[{"first_name": "Ann"}, {"first_na', 2, "cut off"),
        ('[{"first_name": "Ann"}, {"first_name": "B', 2, "cut off"),
        ('[{"first_name": "Ann"},', 2, "ends before its list"),
        ('[{"first_name": "Ann"}', 1, "] is missing"),
        ('[{"first_name": "Ann"} {"first_name": "Bo"}]', 1, "a comma"),
        ('[{"first_name": "Ann"}]]', 1, "after the closing ]"),
        ('[{"first_name": Ann}]', 1, "line 1"),
        ('[\n{"first_name": "Ann"},\n{first_name: "Bo"}]', 2, "line 3"),
        ('[{"first_name": NaN}]', 1, "NaN"),
        ('[{"first_name": "Ann", "custom": {"size": 1e400}}]', 1, "1e400 is too large"),
        ('[{"first_name": ' + "[" * 100_000, 1, "too deep"),
        ('{"first_name": "Ann"}\n{"first_name": "Bo"', 2, "cut off"),
        ('[{"first_name": "' + "x" * 1_100_000 + '"}]', 1, "longer than 1,048,576"),
    ],
)
def test_json_that_is_no_list_of_objects_is_refused_by_its_contact(content, row, says, tmp_path):
    fault = refused(tmp_path, content, file_name="contacts.json")
    assert says in fault.message
    assert fault.row == row


@pytest.mark.parametrize(
    ("content", "row", "says"),
    [
        ("BEGIN:VCARD\nVERSION:3.0\nFN:Ann\n", 1, "no END:VCARD"),
        ("BEGIN:VCARD\nFN:A\nEND:VCARD\nBEGIN:VCARD\nFN:B\n", 2, "begins in line 4"),
        ("BEGIN:VCARD\nFN:A\nBEGIN:VCARD\nFN:B\nEND:VCARD\n", 1, "line 3"),
        ("BEGIN:VCARD\nFN:A\nEND:VCARD\nFN:B\n", 1, "stands between two cards"),
        ("BEGIN:VCARD\nNOTE:" + "x" * 200_000 + "\nEND:VCARD\n", 1, "longer than"),
        ("BEGIN:VCARD\nNOTE:" + "\n xxxxxxxxx" * 200_000 + "\nEND:VCARD\n", 1, "longer than"),
    ],
)
def test_a_card_that_does_not_end_is_refused_by_its_number(content, row, says, tmp_path):
    fault = refused(tmp_path, content)
    assert says in fault.message
    assert fault.row == row


def test_a_picture_of_megabytes_is_counted_and_let_go_of(tmp_path):
    line = "PHOTO;ENCODING=b;TYPE=JPEG:" + "A" * 3_000_000
    folded = "PHOTO:data:image/png;base64," + "\n AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" * 60_000
    for picture in (line, folded):
        card = f"BEGIN:VCARD\nVERSION:3.0\nFN:Ann Lee\n{picture}\nTEL:1\nEND:VCARD\n"
        (row,) = read(tmp_path, card)
        assert row.photos == 1
        assert row.fields["phones"] == [{"value": "1"}]
        assert len(row.original) < 200


def test_a_zip_that_is_no_xlsx_is_named(tmp_path):
    for parts, says in (
        ({"contacts.csv": "Name"}, "a ZIP archive"),
        ({"word/document.xml": "<a/>"}, "a Word document"),
        ({"content.xml": "<a/>"}, "OpenDocument"),
        ({"xl/workbook.bin": b"1"}, "binary workbook"),
    ):
        assert says in refused(tmp_path, zipped(tmp_path / "a.zip", parts)).message


def test_an_xlsx_cut_off_or_broken_anywhere_is_a_fault(tmp_path):
    whole = (GOLDEN / "sheet.xlsx").read_bytes()
    for end in range(4, len(whole), 97):
        refused(tmp_path, whole[:end])
    parts = workbook(sheet_rows([["Name"], ["Ann"]]))
    assert read(tmp_path, zipped(tmp_path / "a.xlsx", parts))
    sheet = "xl/worksheets/sheet1.xml"
    for broken in ("", "<worksheet>", "<a></b>", "no xml", b"\xff\xfe\x00"):
        refused(tmp_path, zipped(tmp_path / "a.xlsx", parts | {sheet: broken}))
    del parts[sheet]
    refused(tmp_path, zipped(tmp_path / "a.xlsx", parts))


def bomb(megabytes: int, declared: int | None = None) -> bytes:
    """An XLSX whose sheet unpacks to so many megabytes; its directory may say another size."""
    begins, ends = workbook("@")["xl/worksheets/sheet1.xml"].split("@")  # type: ignore[arg-type]
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in workbook("").items():
            if "sheet1" not in name:
                archive.writestr(name, content)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(begins.encode())
            for _ in range(megabytes):
                sheet.write(b" " * 1_000_000)
            sheet.write(ends.encode())
    data = target.getvalue()
    if declared is not None:
        size = megabytes * 1_000_000 + len(begins) + len(ends)
        data = data.replace(size.to_bytes(4, "little"), declared.to_bytes(4, "little"))
    return data


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    assert len(bomb(100)) < 500_000
    assert "unpacks to more than" in refused(tmp_path, bomb(100)).message


def test_a_zip_bomb_that_lies_about_its_size_unpacks_no_more_than_it_says(tmp_path):
    refused(tmp_path, bomb(100, declared=5_000))


def test_a_sheet_of_entities_that_grow_is_refused(tmp_path):
    laughs = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;&b;">]><worksheet>&c;</worksheet>'
    parts = workbook("") | {"xl/worksheets/sheet1.xml": laughs}
    fault = refused(tmp_path, zipped(tmp_path / "a.xlsx", parts))
    assert "document type" in fault.message


def test_two_cells_in_far_corners_cost_no_memory(tmp_path):
    far = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c></row>'
        '<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>Ann</t></is></c>'
        '<c r="XFD1048576"><v>1</v></c></row>'
    )
    (row,) = read(tmp_path, zipped(tmp_path / "a.xlsx", workbook(far)))
    assert row.number == 1_048_576
    assert row.faults


def test_a_tag_that_does_not_end_is_not_held(tmp_path):
    endless = '<row><c r="' + "A" * 8_000_000 + '"><v>1</v></c></row>'
    fault = refused(tmp_path, zipped(tmp_path / "a.xlsx", workbook(endless)))
    assert "a tag of more than" in fault.message


@pytest.mark.parametrize(
    "cell",
    [
        *(" " * 130_000, ";" * 130_000, "@" * 130_000, "1/" * 65_000, ",a@" * 40_000),
        *("::: " * 30_000, "mail:" * 26_000),
    ],
)
def test_no_cell_takes_more_than_a_moment(cell, tmp_path):
    header = "Name,Email,Phone,Birthday,Tags,Website,preferences.email"
    quoted = f'"a{cell}b"'
    start = time.process_time()
    (row,) = read(tmp_path, f"{header}\nAnn,{quoted},{quoted},{quoted},{quoted},{quoted},no\n")
    assert row.faults
    card = f"BEGIN:VCARD\nVERSION:2.1\nN:Ann\nTEL;X{cell}:1\nNOTE;X{cell}=\nEND:VCARD\n"
    read(tmp_path, card)
    # By a search that tries each beginning again it would be a minute.
    assert time.process_time() - start < 10


def test_a_column_without_an_end_to_its_name_is_refused(tmp_path):
    fault = refused(tmp_path, f"Name,{'x' * 5_000}\nAnn,1\n")
    assert (fault.row, fault.column) == (1, 2)


@pytest.mark.parametrize(
    ("content", "late", "wrong"),
    [
        ('{"first_name": "Ann"}\n' * 1_500 + '{"Farbe": "rot"}\n', "Farbe", "Fabre"),
        (
            "BEGIN:VCARD\nFN:Ann\nEND:VCARD\n" * 1_500 + "BEGIN:VCARD\nX-HUE:rot\nEND:VCARD\n",
            "X-HUE",
            "X-HEU",
        ),
    ],
)
def test_a_mapping_may_name_what_comes_late_in_the_file(content, late, wrong, tmp_path):
    rows = read(tmp_path, content, mapping={late: "custom.Colour"})
    assert rows[-1].fields == {"custom": {"Colour": "rot"}}
    assert wrong in refused(tmp_path, content, mapping={wrong: "custom.Colour"}).message


def test_a_cell_too_long_is_refused_in_a_sheet_too(tmp_path):
    rows = sheet_rows([["Name", "Notes"], ["Ann", "x" * 200_000]])
    fault = refused(tmp_path, zipped(tmp_path / "a.xlsx", workbook(rows)))
    assert (fault.row, fault.column) == (2, 2)


def test_a_row_of_cells_that_share_a_long_text_is_not_held(tmp_path):
    shared = f"<sst><si><t>Name</t></si><si><t>{'x' * 130_000}</t></si></sst>"
    cells = '<c t="s"><v>1</v></c>' * 1_000
    rows = f'<row><c t="s"><v>0</v></c></row><row>{cells}</row>'
    data = zipped(tmp_path / "a.xlsx", workbook(rows, sharedStrings=shared))
    fault = refused(tmp_path, data)
    assert (fault.row, fault.column) == (2, 9)


def test_a_damaged_stream_inside_an_xlsx_is_a_fault(tmp_path):
    data = bytearray(zipped(tmp_path / "a.xlsx", workbook(sheet_rows([["Name"], ["Ann"]] * 500))))
    at = data.index(b"sheet1.xml") + 40
    data[at : at + 8] = b"\xff" * 8
    assert "damaged" in refused(tmp_path, bytes(data)).message
