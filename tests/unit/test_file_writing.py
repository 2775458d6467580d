"""What is done to COPY's chunks: rows and cards ended, values escaped, lines folded."""

from __future__ import annotations

import csv
import io

import orjson
from hypothesis import given
from hypothesis import strategies as st

from server.files.vcard_writing import CardWriter, fold
from server.files.writing import JsonWriter, TableWriter

LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=400)
# What a text may hold once it was tidied: no control characters but newlines and tabs.
VALUES = st.text(st.sampled_from("ab,;\\\n\tn:é🦊ש"), max_size=60)
CHUNKS = st.lists(st.lists(VALUES, min_size=1, max_size=4), max_size=4)


@given(LINES)
def test_a_folded_line_is_the_same_line_in_pieces_of_75_octets(line: str) -> None:
    pieces = fold(line.encode()).split(b"\r\n")

    assert all(len(piece) <= 75 for piece in pieces)
    assert all(piece[:1] == b" " for piece in pieces[1:])
    # Each piece is text by itself: no character was cut.
    assert pieces[0].decode() + "".join(piece.decode()[1:] for piece in pieces[1:]) == line


def test_lines_are_folded_only_where_they_must_be() -> None:
    assert fold(b"x" * 75) == b"x" * 75
    assert fold(b"x" * 76) == b"x" * 75 + b"\r\n x"
    assert fold("é".encode() * 38) == "é".encode() * 37 + "\r\n é".encode()


@given(CHUNKS)
def test_values_of_a_card_are_escaped_and_its_own_signs_are_not(chunks: list[list[str]]) -> None:
    writer = CardWriter([])
    written = b""
    for values in chunks:
        # As COPY does with quotes of \x01 round what holds a newline.
        rows = [f"NOTE:{value}\x1eN:{value}\x1d{value}\x1eEND:VCARD\x1e" for value in values]
        quoted = [f"\x01{row}\x01" if "\n" in row else row for row in rows]
        written += writer.feed("".join(f"{row}\n" for row in quoted).encode())

    def escaped(value: str) -> str:
        marked = value.replace("\\", "\\\\").replace("\n", "\\n")
        return marked.replace(",", "\\,").replace(";", "\\;")

    expected = [
        line
        for values in chunks
        for value in values
        for line in (f"NOTE:{escaped(value)}", f"N:{escaped(value)};{escaped(value)}", "END:VCARD")
    ]
    unfolded = written.decode().replace("\r\n ", "")
    assert unfolded == "".join(f"{line}\r\n" for line in expected)
    assert writer.begin() == writer.end() == b""


@given(st.lists(st.lists(st.dictionaries(st.text(max_size=5), VALUES), min_size=1), max_size=3))
def test_json_of_any_chunks_is_one_array(chunks: list[list[dict[str, str]]]) -> None:
    writer = JsonWriter([])
    written = writer.begin()
    for objects in chunks:
        written += writer.feed(b"".join(orjson.dumps(each) + b"\n" for each in objects))
    written += writer.end()

    assert orjson.loads(written) == [each for objects in chunks for each in objects]


@given(st.lists(st.lists(VALUES, min_size=2, max_size=2), max_size=5))
def test_rows_end_with_crlf_and_newlines_in_cells_stay(rows: list[list[str]]) -> None:
    writer = TableWriter(["first", "second, quoted"])
    text = io.StringIO()
    # As COPY quotes them, with the mark at the end of each row.
    for first, second in rows:
        cells = [f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in (first, f"{second}\x1e")]
        text.write(",".join(cells) + "\n")

    written = writer.begin() + writer.feed(text.getvalue().replace('\x1e"', '"\x1e').encode())

    assert written.startswith(b"\xef\xbb\xbffirst,")
    read = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    assert read == [["first", "second, quoted"], *rows]
    assert written.count(b"\r\n") == len(rows) + 1
