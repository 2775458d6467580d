"""vCard 3.0 as it is written: values escaped, lines folded, of what the database gives."""

from __future__ import annotations

from collections.abc import Sequence

LINE_OCTETS = 75
# The database's marks (sql/functions/export_vcard.sql): it escapes nothing, so a comma or
# semicolon that is the card's own comes as a mark.
LINE_END = b"\x1e"
_OWN_SIGNS = bytes.maketrans(b"\x1c\x1d", b",;")
_COPY_QUOTE = b"\x01"


class CardWriter:
    """Cards of COPY's rows, each the lines of one card."""

    def __init__(self, _header: Sequence[str]) -> None:
        pass

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def feed(self, chunk: bytes) -> bytes:
        """The cards of a chunk, their values escaped and their lines folded."""
        lines = (
            # COPY quotes a card that holds a newline; so all other newlines are of values.
            chunk.replace(_COPY_QUOTE, b"")
            .replace(b"\r", b"")
            .replace(LINE_END + b"\n", LINE_END)
            .replace(b"\\", b"\\\\")
            .replace(b"\n", b"\\n")
            .replace(b",", b"\\,")
            .replace(b";", b"\\;")
            .translate(_OWN_SIGNS)
            .split(LINE_END)
        )
        return b"\r\n".join([line if len(line) <= LINE_OCTETS else fold(line) for line in lines])

    def end(self) -> bytes:
        """Nothing."""
        return b""


def fold(line: bytes) -> bytes:
    """A line of UTF-8 as several of at most 75 octets, which begin with a space but for the first.

    It is cut between characters only: many readers decode each line by itself.
    """
    pieces = []
    start, room = 0, LINE_OCTETS
    while len(line) - start > room:
        end = start + room
        while line[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(line[start:end])
        start, room = end, LINE_OCTETS - 1
    pieces.append(line[start:])
    return b"\r\n ".join(pieces)
