"""Which column of a file a failed row names, and what such a row looks like."""

from __future__ import annotations

import csv
import io
from typing import Any, cast

import orjson
import pytest

from server.files.column_names import ColumnNames
from server.services.failed_rows import FailedRows

CSV = {"format": "csv", "encoding": "utf-8", "delimiter": ";"}
MAPPING: dict[str, str | None] = {
    "Name": "name",
    "Mail": "emails.work",
    "Mail 2": "emails.2.value",
    "Label": "emails.2.label",
    "Ort": "addresses.home.city",
    "Land": "addresses.home.country",
    "Grösse": "custom.size",
    "Fax": None,
}
ROW = ["Mia", "", "mia@example.com", "home", "Bern", "Schweiz", "9", ""]


def finding(field: str | None, message: str = "No.", **more: Any) -> Any:
    """A row of bulk_findings, as far as the file needs it."""
    return {"row": 7, "contact_id": None, "field": field, "message": message, **more}


def named(field: str, cells: list[str]) -> str:
    failed = FailedRows(cast(dict[str, str | None], CSV), list(MAPPING), MAPPING)
    line = failed.row([finding(field, original=orjson.dumps(cells).decode())])
    (row,) = csv.reader(io.StringIO(line), delimiter=";")
    assert row[: len(cells)] == cells
    assert (row[-3], row[-1]) == ("7", "No.")
    return row[-2]


def test_an_edit_lists_the_contacts_so_that_no_spreadsheet_runs_a_cell() -> None:
    failed = FailedRows(None, [], {})
    line = failed.row([finding("company", "-1 is no company.", contact_id="-2-3-4-5")])
    assert list(csv.reader(io.StringIO(line))) == [["'-2-3-4-5", "company", "'-1 is no company."]]


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("emails.work", "Mail"),
        # By its place in the row: the only e-mail there stands in the second column.
        ("emails.0.value", "Mail 2"),
        ("emails.0.label", "Label"),
        ("emails", "Mail 2"),
        # One cell may hold several.
        ("emails.3.value", "Mail 2"),
        ("addresses.0.country", "Land"),
        ("custom.size", "Grösse"),
        ("notes", "notes"),
        ("", ""),
    ],
)
def test_a_fault_is_named_by_the_column_it_came_from(field: str, column: str) -> None:
    assert named(field, ROW) == column


def test_the_second_email_is_the_second_column_that_has_one() -> None:
    cells = ["Mia", "m@example.com", "mia@", "", "", "", "", ""]
    assert [named(f"emails.{number}.value", cells) for number in (0, 1)] == ["Mail", "Mail 2"]


def test_all_that_is_wrong_with_a_row_stands_on_its_one_line() -> None:
    failed = FailedRows(cast(dict[str, str | None], CSV), list(MAPPING), MAPPING)
    line = failed.row(
        [
            finding("name", "Too long.", original=orjson.dumps(ROW).decode()),
            finding("custom.size", "No number."),
            finding("custom.size", "Too large."),
        ]
    )
    assert line.endswith(";7;Name, Grösse;Too long. No number. Too large.\r\n")


def test_json_keeps_its_paths_and_edits_their_ids() -> None:
    failed = FailedRows({"format": "json", "delimiter": None}, ["emails"], {"emails": "emails"})
    line = failed.row([finding("emails.0.value", original='{"emails": ["x"]}')])
    assert orjson.loads(line) == {
        "emails": ["x"],
        "_row": 7,
        "_field": "emails.0.value",
        "_error": "No.",
    }
    edited = FailedRows(None, [], {})
    assert edited.row([finding("id", "Gone.", contact_id="c-1")]) == "c-1,id,Gone.\r\n"
    assert edited.file_name(None) == "edit.errors.csv"


@pytest.mark.parametrize(
    ("kind", "mapping", "field", "cells", "column"),
    [
        # A whole address, or a whole name, in one cell.
        ("csv", {"Anschrift": "addresses"}, "addresses.0.street", ["x"], "Anschrift"),
        ("csv", {"Name": "name"}, "first_name", ["x"], "Name"),
        # Custom fields are told apart by their names, which Google has in cells.
        ("csv", {"Size": "custom.size", "Hue": "custom.hue"}, "custom.hue", ["9", "red"], "Hue"),
        ("csv", {"Size": "custom.size"}, "custom.hue", ["9"], "custom.hue"),
        (
            "google",
            {
                "Field 1 - Label": "customs.Field 1.label",
                "Field 1 - Value": "customs.Field 1.value",
            },
            "custom.hue",
            ["* hue", "red"],
            "Field 1 - Value",
        ),
        ("vcard", {"ADR": "addresses"}, "addresses.0.street", None, "ADR"),
        ("vcard", {"EMAIL": "emails", "N": "name"}, "emails.1.value", None, "EMAIL"),
        # A key that is called as the field is says less than the path.
        ("json", {"emails": "emails"}, "emails.1.value", None, "emails.1.value"),
        ("json", {"mail": "emails"}, "emails.0.value", None, "mail"),
    ],
)
def test_a_column_is_named_in_every_format(
    kind: str, mapping: dict[str, str | None], field: str, cells: list[str] | None, column: str
) -> None:
    assert (ColumnNames(kind, list(mapping), mapping).of(field, cells) or field) == column
