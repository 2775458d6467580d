"""Rules that hold for any table, any JSON, any card, and any bytes at all."""

from __future__ import annotations

import csv
import json
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.files import json_objects as json_objects_module
from server.files.delimited import DELIMITERS, DelimitedTable
from server.files.json_objects import json_objects
from server.files.model import FileFault
from server.files.reading import ReadOptions, open_contact_file
from server.files.texts import detect_encoding

GOLDEN = Path(__file__).parent.parent / "data" / "contact_files"
SEEDS = [path.read_bytes() for path in sorted(GOLDEN.iterdir()) if ".expected" not in path.name]
# A busy machine is no fault.
PATIENT = settings(deadline=None)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp1250", "mac-roman", "cp932")

any_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
latin_text = st.text(st.sampled_from("aß Müñé€\n\r\",;|\t'=+-@0"), max_size=12)


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def written(rows: list[list[str]], delimiter: str, quoting: int, end: str) -> str:
    text = StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


@PATIENT
@given(
    rows=st.lists(st.lists(latin_text, min_size=1, max_size=5), max_size=6),
    delimiter=st.sampled_from(sorted(DELIMITERS)),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\r\n", "\n", "\r"]),
    encoding=st.sampled_from(ENCODINGS[:5]),
)
def test_a_table_of_any_encoding_and_delimiter_comes_back_as_it_was(
    folder, rows, delimiter, quoting, end, encoding
):
    # Python's writer leaves a line break unquoted if it ends lines by another one.
    quoting = quoting if end == "\r\n" else csv.QUOTE_ALL
    content = written([["Name", "Email", "Phone"], *rows], delimiter, quoting, end)
    path = folder / "table.csv"
    path.write_bytes(content.encode(encoding))
    # A text in cp1252 may by chance be UTF-8 as well; that one is for people to choose.
    chosen = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    table = DelimitedTable(path, chosen, None)
    assert table.delimiter == delimiter
    assert [cells for _, cells in table.records()][1:] == rows
    if encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert detect_encoding(path).encoding == chosen


@PATIENT
@given(
    rows=st.lists(st.lists(any_text, min_size=1, max_size=5), max_size=6),
    delimiter=st.sampled_from(sorted(DELIMITERS)),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
)
def test_cells_of_any_characters_come_back_as_they_were(folder, rows, delimiter, encoding):
    content = written([["Name", "Email"], *rows], delimiter, csv.QUOTE_MINIMAL, "\r\n")
    path = folder / "any.csv"
    path.write_bytes(content.encode(encoding))
    table = DelimitedTable(path, encoding, delimiter)
    assert [cells for _, cells in table.records()][1:] == rows


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_encoding_that_is_asked_for_is_read_by(folder, encoding):
    name = (
        "Muñoz"
        if encoding not in ("cp1250", "cp932")
        else "Brückner"
        if encoding == "cp1250"
        else "田中"
    )
    path = folder / "encoded.csv"
    path.write_bytes(f"Name;Email\n{name};a@b.c\n".encode(encoding))
    file = open_contact_file(path, ReadOptions(encoding=encoding))
    (row,) = file.rows()
    assert row.fields["first_name"] == name


def test_what_is_valid_but_for_its_last_byte_is_not_utf_8(folder):
    path = folder / "late.csv"
    path.write_bytes(b"Name,Email\n" + "Zoë,a@b.c\n".encode() * 200_000 + b"Mu\xf1oz,b@b.c\n")
    found = detect_encoding(path)
    assert found.encoding == "cp1252"
    assert "UTF-8 up to line 200,002" in (found.doubt or "")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
json_things = st.lists(
    st.dictionaries(st.sampled_from('abcé\\"'), json_values, max_size=4), max_size=6
)


@PATIENT
@given(
    things=json_things,
    indent=st.sampled_from([None, 0, 2]),
    ascii_=st.booleans(),
    lines=st.booleans(),
    window=st.integers(1, 40),
)
def test_the_objects_of_any_json_come_one_by_one_wherever_the_window_ends(
    folder, things, indent, ascii_, lines, window
):
    path = folder / "things.json"
    if lines:
        text = "\n".join(json.dumps(thing, ensure_ascii=ascii_) for thing in things)
    else:
        text = json.dumps(things, indent=indent, ensure_ascii=ascii_)
    path.write_text(text, encoding="utf-8")
    with patch.object(json_objects_module, "_WINDOW", window):
        found = list(json_objects(path, "utf-8"))
    assert [thing for _, thing, _ in found] == things
    assert [number for number, _, _ in found] == list(range(1, len(things) + 1))
    assert [json.loads(original) for _, _, original in found] == things


def escaped(text: str) -> str:
    for sign, written_as in (("\\", "\\\\"), ("\n", "\\n"), (",", "\\,"), (";", "\\;")):
        text = text.replace(sign, written_as)
    return text


def folded(line: str, at: int, end: str) -> str:
    pieces = [line[:at]]
    pieces += [f" {line[start : start + at]}" for start in range(at, len(line), at)]
    return end.join(pieces)


card_text = st.text(st.sampled_from("ab é,;:\\\n=\"'€"), max_size=40).map(str.strip)


@PATIENT
@given(
    text=card_text,
    at=st.integers(1, 75),
    end=st.sampled_from(["\r\n", "\n"]),
    version=st.sampled_from(["3.0", "4.0"]),
)
def test_a_value_of_a_card_is_what_was_written_however_it_is_folded(folder, text, at, end, version):
    lines = ["BEGIN:VCARD", f"VERSION:{version}", "FN:Ann Lee"]
    lines += [
        folded(f"NOTE:{escaped(text)}", at + 5, end),
        f"ORG:{escaped(text)};x",
        "END:VCARD",
        "",
    ]
    path = folder / "card.vcf"
    path.write_bytes(end.join(lines).encode())
    file = open_contact_file(path, ReadOptions())
    assert file.check() == 1
    (row,) = file.rows()
    assert row.faults == []
    assert row.fields.get("notes", "") == text
    assert row.fields.get("company", "") == text


@PATIENT
@given(
    text=st.text(
        st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs", "Cc"]), max_size=40
    ).map(str.strip),
    width=st.integers(4, 70),
)
def test_quoted_printable_comes_back_from_whatever_soft_breaks(folder, text, width):
    octets = [f"={octet:02X}" for octet in text.replace("\\", "").encode()]
    value = "=\r\n".join(
        "".join(octets[start : start + width]) for start in range(0, len(octets), width)
    )
    head = "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:"
    path = folder / "card21.vcf"
    path.write_bytes(
        f"BEGIN:VCARD\r\nVERSION:2.1\r\nN:Lee;Ann\r\n{head}{value}\r\nEND:VCARD\r\n".encode()
    )
    (row,) = open_contact_file(path, ReadOptions()).rows()
    assert row.fields.get("notes", "") == text.replace("\\", "").strip()


def exhaust(path: Path, options: dict[str, Any]) -> None:
    """Read all there is; a file that can't be read says so by FileFault, and only so."""
    try:
        file = open_contact_file(path, ReadOptions(**options))
        count = file.check()
    except FileFault:
        return
    rows = list(file.rows())
    assert len(rows) == count
    text = file.errors_header()
    for row in rows:
        text += file.errors_row(row.original, row.number, "", "x")
    text.encode()
    json.dumps([row.fields for row in rows], ensure_ascii=False).encode()


@PATIENT
@given(
    content=st.binary(max_size=300),
    begins=st.sampled_from(
        [b"", b"[", b"{", b"BEGIN:VCARD\n", b"PK\x03\x04", b"Name,Email\n", b"\xff\xfe", b"sep=;\n"]
    ),
)
@example(content=b"\r", begins=b"Name,Email\n")
def test_any_bytes_are_read_or_refused_and_nothing_else_happens(folder, content, begins):
    path = folder / "bytes"
    path.write_bytes(begins + content)
    exhaust(path, {})


@given(data=st.data(), seed=st.sampled_from(SEEDS))
@settings(deadline=None, max_examples=300)
def test_golden_files_cut_and_changed_are_read_or_refused_and_nothing_else_happens(
    folder, data, seed
):
    content = bytearray(seed)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "drop", "insert", "copy"]))
        if kind == "set":
            content[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            content = content[: at + 1]
        elif kind == "drop":
            del content[at : at + data.draw(st.integers(1, 20))]
            content = content or bytearray(b" ")
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=4)) + data.draw(
                st.sampled_from([b"", b'"', b"\n", b",", b"\\", b"\0", b"{", b"]", b":", b"\xff"])
            )
        else:
            content[at:at] = content[at // 2 : at // 2 + 50]
    path = folder / "mutant"
    path.write_bytes(content)
    exhaust(
        path, {"encoding": data.draw(st.sampled_from([None, None, "cp1250", "utf-16", "gb18030"]))}
    )
