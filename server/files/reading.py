"""The one way in: what a contact file is, its columns, and its rows as contacts."""

from __future__ import annotations

from pathlib import Path

from server.files.cards import CardFile
from server.files.contact_file import ContactFile
from server.files.delimited import DelimitedTable
from server.files.json_files import JsonFile
from server.files.model import FileFault, FileRow, ReadOptions
from server.files.sniffing import sniff
from server.files.spreadsheets import SpreadsheetTable
from server.files.tables import TableFile

__all__ = ["ContactFile", "FileFault", "FileRow", "ReadOptions", "open_contact_file"]


def open_contact_file(path: Path, options: ReadOptions) -> ContactFile:
    """Recognise the file and read its header.

    Reads the whole file once to know its encoding, and never holds it. Raises FileFault that
    says what is wrong and where; nothing else, whatever the file holds.
    """
    kind, (encoding, doubt) = sniff(path, options)
    file: ContactFile
    if kind == "xlsx":
        file = TableFile(SpreadsheetTable(path), "xlsx", options)
    elif kind == "json":
        file = JsonFile(path, encoding, options)
    elif kind == "vcard":
        file = CardFile(path, encoding, options)
    else:
        file = TableFile(DelimitedTable(path, encoding, options.delimiter), "csv", options)
    file.doubt = doubt
    return file
