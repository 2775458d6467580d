"""Each format has a file with its traps, and beside it what must come out of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.files.error_files import errors_suffix
from server.files.model import FORMATS
from server.files.reading import ContactFile, ReadOptions, open_contact_file

FOLDER = Path(__file__).parent.parent / "data" / "contact_files"
EXPECTED = sorted(FOLDER.glob("*.expected.json"))
NAMES = [path.name.removesuffix(".expected.json") for path in EXPECTED]


def read_expected(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.expected.json").read_text(encoding="utf-8"))


def opened(name: str) -> ContactFile:
    return open_contact_file(FOLDER / name, ReadOptions(region=read_expected(name)["region"]))


def as_told(file: ContactFile) -> list[dict[str, Any]]:
    told = []
    for row in file.rows():
        each: dict[str, Any] = {"number": row.number, "fields": row.fields}
        if row.faults:
            each["faults"] = [list(fault) for fault in row.faults]
        if row.photos:
            each["photos"] = row.photos
        told.append(each)
    return told


def test_every_format_has_a_golden_file():
    assert {read_expected(name)["detected"]["format"] for name in NAMES} == set(FORMATS)


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_file_is_recognised_and_read_without_a_mapping(name):
    expected = read_expected(name)
    file = opened(name)
    assert file.detected == expected["detected"]
    assert file.check() == len(expected["rows"])
    # JSON and vCard learn their columns as they are read through.
    assert file.mapping == expected["mapping"]
    assert list(file.mapping) == file.columns
    assert as_told(file) == expected["rows"]


@pytest.mark.parametrize("name", NAMES)
def test_rows_done_earlier_are_skipped(name):
    every = as_told(opened(name))
    for skip in range(len(every) + 1):
        file = opened(name)
        assert [row.number for row in file.rows(skip)] == [row["number"] for row in every[skip:]]


@pytest.mark.parametrize("name", NAMES)
def test_the_proposed_mapping_sent_back_changes_nothing(name):
    file = opened(name)
    file.check()
    options = ReadOptions(region=read_expected(name)["region"], mapping=file.mapping)
    again = open_contact_file(FOLDER / name, options)
    again.check()
    assert again.mapping == file.mapping
    assert as_told(again) == as_told(file)


@pytest.mark.parametrize("name", NAMES)
def test_the_file_of_failed_rows_is_read_as_the_original_was(name, tmp_path):
    region = read_expected(name)["region"]
    file = opened(name)
    file.check()
    text = file.errors_header()
    for row in file.rows():
        text += file.errors_row(
            row.original, row.number, "phones, birthday", 'no; "good", really\n'
        )
    errors = tmp_path / f"errors.{errors_suffix(file.detected)}"
    errors.write_text(text, encoding="utf-8", newline="")

    again = open_contact_file(errors, ReadOptions(region=region))
    again.check()
    kin = {"json": "jsonl", "xlsx": "csv"}
    told = file.detected["format"]
    assert again.detected["format"] == kin.get(told, told)
    assert again.columns == file.columns
    assert again.mapping == file.mapping
    pictures = again.detected["format"] != "vcard"
    for was, now in zip(file.rows(), again.rows(), strict=True):
        assert (now.fields, now.faults) == (was.fields, was.faults)
        # Pictures are not imported, and so they are not sent back in cards.
        assert now.photos == (was.photos if pictures else 0)

    # And once more: the columns that say what was wrong do not pile up.
    text = again.errors_header()
    for row in again.rows():
        text += again.errors_row(row.original, row.number, "phones", "x")
    assert text.count("_error") <= max(1, len(as_told(file)))
    assert text.count("X-FIELDBOOK-ERROR") <= len(as_told(file))
