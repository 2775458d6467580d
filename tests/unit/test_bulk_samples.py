"""The first values of each column."""

from __future__ import annotations

from server.files.model import FileRow
from server.jobs.bulk.samples import first_values


def test_each_column_shows_its_first_texts_once_and_cut() -> None:
    rows = [["a", " "], ["a", "1"], ["b"], ["c" * 101, "2", ["beyond the header"]], ["d", "2"]]
    found = first_values(["A", "B"], [FileRow(2, {}, [], row) for row in rows])
    assert found == [
        {"column": "A", "values": ["a", "b", "c" * 100]},
        {"column": "B", "values": ["1", "2"]},
    ]


def test_what_lies_beyond_the_header_is_in_no_column() -> None:
    assert first_values(["A", "B"], [FileRow(2, {}, [], ["a", ["b"]])]) == [
        {"column": "A", "values": ["a"]},
        {"column": "B", "values": []},
    ]


def test_rows_without_cells_give_no_values() -> None:
    found = first_values(["FN"], [FileRow(1, {}, [], "BEGIN:VCARD\nFN:Ann\nEND:VCARD")])
    assert found == [{"column": "FN", "values": []}]
