"""Where a table begins: beneath titles, on which sheet, or without any names of columns."""

from __future__ import annotations

import pytest

from tests.unit.files_support import (
    opened,
    read,
    sheet_rows,
    workbook,
    workbook_of,
    zipped,
)


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("Name,Email\nAnn,a@b.co\n", 2),
        ("My contacts of 2026\n\nName,Email\nAnn,a@b.co\n", 4),
        ("My contacts; all of them\n\nName;Email;Phone\nAnn;a@b.co;\n", 4),
        ("Contacts,,\nExported 2026-01-01,,\n,,\nFirst Name,Last Name,Email\nAnn,,a@b.co\n", 5),
        # Words of the title, or of a filter, that are usual names of columns themselves.
        ("Contact\nName,Email,Phone\nAnn,a@b.co,\n", 3),
        ("Account Name,Acme\n\nFirst Name,Last Name,Email\nAnn,,a@b.co\n", 4),
        ("Export\nRecord ID,First Name,Email\n1,Ann,a@b.co\n", 3),
    ],
)
def test_titles_above_the_names_of_the_columns_are_left_out_and_told(content, row, tmp_path):
    file = opened(tmp_path, content)
    file.check()
    (contact,) = file.rows()
    assert contact.number == row
    assert contact.fields["first_name"] == "Ann"
    assert contact.fields["emails"] == [{"value": "a@b.co"}]
    told = [f"The columns are named in row {row - 1}; what stands above it was left out."]
    assert file.notes == (told if row > 2 else [])


@pytest.mark.parametrize(
    "content",
    [
        "Ref,Farbe,Email\n1,Name,a@b.co\n",
        "Name,Kontaktart\nAnn,Mobile\nPhone,Email\n",
        "Email\na@b.co\nName\n",
        # Two files, one behind the other.
        "Name,Email\nAnn,a@b.co\nName,Email,Phone\n",
    ],
)
def test_a_contact_is_not_taken_for_the_names_of_the_columns(content, tmp_path):
    file = opened(tmp_path, content)
    assert file.check() == content.count("\n") - 1
    assert file.columns == content.split("\n")[0].split(",")
    assert file.notes == []


def test_quotes_behind_a_space_are_quotes(tmp_path):
    content = 'Name, "Email", "Notes"\nAnn, "a@b.co", "x, ""y"""\nBo, b@b.co, "z"\n'
    first, second = read(tmp_path, content)
    assert first.fields["emails"] == [{"value": "a@b.co"}]
    assert first.fields["notes"] == 'x, "y"'
    assert second.fields["notes"] == "z"
    # A quote inside of a text is none.
    (row,) = read(tmp_path, 'Name,Notes\nAnn,5" of "it"\n')
    assert row.fields["notes"] == '5" of "it"'


def test_the_sign_that_ended_files_of_old_is_no_contact(tmp_path):
    assert len(read(tmp_path, "Name,Email\r\nAnn,a@b.co\r\n\x1a")) == 1


def test_a_table_that_does_not_name_its_columns_loses_no_contact(tmp_path):
    content = "Ann Lee,ann@x.co,+1 415 555-2671\nBo Berg,bo@x.co,\n"
    file = opened(tmp_path, content)
    assert file.check() == 2
    assert file.mapping == {"Column 1": "custom.Column 1", "Email": "emails", "Phone": "phones"}
    assert [row.number for row in file.rows()] == [1, 2]
    assert "row 1 is a contact already" in file.notes[0]

    mapped = opened(tmp_path, content, mapping={"Column 1": "name"})
    mapped.check()
    first, second = mapped.rows()
    assert (first.fields["first_name"], first.fields["last_name"]) == ("Ann", "Lee")
    assert second.fields["emails"] == [{"value": "bo@x.co"}]

    # The errors file has a row of names, and is read by the same mapping.
    errors = mapped.errors_header() + mapped.errors_row(first.original, 1, "Email", "wrong")
    again = read(tmp_path, errors, mapping={"Column 1": "name"})
    assert [row.fields for row in again] == [first.fields]


@pytest.mark.parametrize("name", ["Ann Lee", "Ann Lee,Miss"])
def test_no_contact_of_a_table_without_names_is_taken_for_them(name, tmp_path):
    content = f"{name},a@b.co,,\nCy Day,,Email,Mobile,Fax\nBo Berg,b@b.co,Email,Mobile\n"
    file = opened(tmp_path, content)
    assert file.check() == 3
    assert file.columns[-1] == "Email"
    assert "row 1 is a contact already" in file.notes[0]


def test_a_sheet_whose_names_of_columns_are_not_known_is_not_left_out_in_silence(tmp_path):
    sheets = {
        "Read me": sheet_rows([["This workbook holds our contacts."]]),
        "Πελάτες": sheet_rows([["Όνομα", "Επώνυμο", "Ηλ"], ["Ann", "Lee", "a@b.co"]]),
        "Ask": sheet_rows([["Contact"], ["the sales office"]]),
    }
    file = opened(tmp_path, zipped(tmp_path / "a.xlsx", workbook_of(sheets)))
    assert file.check() == 1
    assert file.notes[0].endswith("Πελάτες.")


def test_the_first_sheet_that_begins_like_a_table_of_contacts_is_read(tmp_path):
    sheets = {
        "Read me": sheet_rows([["This workbook holds our contacts."]]),
        "Customers": sheet_rows([["Name", "Email"], ["Ann", "ann@x.co"]]),
        "Suppliers": sheet_rows([["Name", "Email"], ["Bo", "bo@x.co"]]),
    }
    file = opened(tmp_path, zipped(tmp_path / "a.xlsx", workbook_of(sheets)))
    assert file.check() == 1
    assert [row.fields["first_name"] for row in file.rows()] == ["Ann"]
    # Nothing is left out in silence.
    assert "only the sheet Customers was read" in file.notes[0]
    assert file.notes[0].endswith("Suppliers.")


def test_digits_that_a_cells_format_fills_up_with_zeros_are_kept(tmp_path):
    styles = (
        '<styleSheet><numFmts><numFmt numFmtId="170" formatCode="00000"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="170"/></cellXfs></styleSheet>'
    )
    rows = sheet_rows([["Name", "Zip", "Size"]]) + (
        '<row><c t="inlineStr"><is><t>Ann</t></is></c><c s="1"><v>2134</v></c>'
        '<c s="0"><v>2134</v></c></row>'
    )
    (row,) = read(tmp_path, zipped(tmp_path / "a.xlsx", workbook(rows, styles=styles)))
    assert row.fields["addresses"] == [{"postal_code": "02134"}]
    assert row.fields["custom"] == {"Size": "2134"}
