"""What kind of file it is, by its content; name and content type only help to say it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from server.files.model import FORMATS, TABLE_FORMATS, FileFault, ReadOptions
from server.files.texts import Detected, detect_encoding, known_encoding, open_text, undecodable

_HEAD = 65_536
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_VCARD = re.compile(r"BEGIN[ \t]*:[ \t]*VCARD\b", re.IGNORECASE)
_OTHER_TEXTS = (
    (
        re.compile(r"BEGIN[ \t]*:[ \t]*VCALENDAR", re.IGNORECASE),
        "a calendar and no list of contacts. Export the contacts as vCard or CSV",
    ),
    (
        re.compile(r"(?:version: 1\s+)?dn::? ", re.IGNORECASE),
        "an LDIF file. Export the address book as CSV or vCard instead",
    ),
)
_CHARSET = re.compile(r"CHARSET=\"?([\w-]+)", re.IGNORECASE)
_OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# Beginnings of files that people take for tables.
_OTHERS = (
    (b"%PDF", "a PDF. Save the table itself as CSV or XLSX"),
    (b"\x89PNG", "a picture (PNG). Contacts come as CSV, XLSX, JSON or vCard"),
    (b"\xff\xd8\xff", "a picture (JPEG). Contacts come as CSV, XLSX, JSON or vCard"),
    (b"GIF8", "a picture (GIF). Contacts come as CSV, XLSX, JSON or vCard"),
    (b"\x1f\x8b", "compressed (gzip). Unpack it first"),
    (b"BZh", "compressed (bzip2). Unpack it first"),
    (b"7z\xbc\xaf", "an archive (7z). Unpack it and send the file inside"),
    (b"Rar!", "an archive (RAR). Unpack it and send the file inside"),
    (b"SQLite format 3", "a database (SQLite). Export its table as CSV"),
    (b"bplist00", "a data file of Apple's. Export the contacts as vCard"),
    (b"!BDN", "an Outlook data file (PST). In Outlook, export the contacts as CSV"),
    (_OLD_OFFICE, "an old Office file (.xls or such). Save it as XLSX or CSV"),
)


def sniff(path: Path, options: ReadOptions) -> tuple[str, Detected]:
    """`(kind, encoding)`: kind is `table`, `xlsx`, `json` or `vcard`. Raises FileFault.

    A format that was asked for must be what the file is.
    """
    if options.format is not None and options.format not in FORMATS:
        raise FileFault(
            f"There is no format {options.format[:50]!r}; there are {', '.join(FORMATS)}."
        )
    wished_encoding = known_encoding(options.encoding) if options.encoding else None
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_ZIP):
        _require_xlsx(path)
        return _as_wished("xlsx", options), Detected("utf-8")
    if head.startswith(_OLD_OFFICE) and _is_encrypted(path):
        raise FileFault(
            "This workbook is protected by a password. Open it, take the password off (File, Info, "
            "Protect Workbook), and save it again."
        )
    for beginning, what in _OTHERS:
        if head.startswith(beginning):
            raise FileFault(f"This file is {what}.{_said(options)}")
    encoding = (
        Detected(wished_encoding) if wished_encoding else detect_encoding(path, options.region)
    )
    text = _beginning(path, encoding.encoding)
    _refuse_what_is_no_text(text, options)
    kind = _as_wished(_kind_of_text(text, options), options)
    if kind == "vcard" and encoding.doubt:
        encoding = _declared(text) or encoding
    return kind, encoding


def _declared(text: str) -> Detected | None:
    """The encoding that a card of 2.1 names, of which its file then is; None if it names none."""
    for name in _CHARSET.findall(text):
        try:
            encoding = known_encoding(name)
        except FileFault:
            continue
        if encoding != "utf-8":
            return Detected(encoding)
    return None


def _is_encrypted(path: Path) -> bool:
    """Whether an old Office file is the shell around an encrypted new one, which it names."""
    name = "EncryptedPackage".encode("utf-16-le")
    with path.open("rb") as file:
        rest = b""
        while piece := file.read(1 << 20):
            if name in rest + piece:
                return True
            rest = piece[-len(name) :]
    return False


def _beginning(path: Path, encoding: str) -> str:
    """The first text that is not white space, with what follows it; FileFault if there is none."""
    with open_text(path, encoding) as text:
        try:
            while piece := text.read(_HEAD):
                if piece.strip():
                    return piece.lstrip()
        except UnicodeError as error:
            raise undecodable(error, encoding, 1) from None
    raise FileFault("The file is empty.")


def _refuse_what_is_no_text(text: str, options: ReadOptions) -> None:
    # A stray one is reported later, with its row and column.
    controls = len(_CONTROLS.findall(text))
    if controls > 1 + len(text) // 100:
        if text.count("\0") > len(text) // 4:
            raise FileFault(
                "This looks like UTF-16 without its mark. Choose the encoding utf-16-le (or "
                "utf-16-be), or save the file again as UTF-8."
            )
        raise FileFault(
            "This is no table and no list of contacts, but some other kind of file. Contacts come "
            f"as CSV, XLSX, JSON or vCard.{_said(options)}"
        )
    for pattern, what in _OTHER_TEXTS:
        if pattern.match(text):
            raise FileFault(f"This is {what}.")
    if text[:1] == "<":
        raise FileFault(
            "This is a web page or XML, even if it is called a table. Open it in a spreadsheet and "
            "save it as XLSX or CSV."
        )


def _kind_of_text(text: str, options: ReadOptions) -> str:
    if _VCARD.match(text):
        return "vcard"
    if text[0] == "{" or re.match(r"\[\s*(?:[{\]\[\"0-9tfn-]|$)", text):
        return "json"
    name = (options.file_name or "").lower()
    content_type = (options.content_type or "").lower()
    if name.endswith((".json", ".jsonl")) or "json" in content_type:
        if re.match(r'"|-?[0-9.]+\s*$|(?:true|false|null)\s*$', text):
            raise FileFault(
                "This JSON is a single value. It must be a list of objects, one for each contact: "
                '[{"first_name": "Ann"}, …]'
            )
    elif re.fullmatch(r"\s*(?:-?[0-9]+(?:\.[0-9]+)?|true|false|null)\s*", text):
        raise FileFault(
            "This is a single value and no table: a table has a header, and a row for each contact."
        )
    return "table"


def _as_wished(kind: str, options: ReadOptions) -> str:
    wished = options.format
    allowed = {
        "table": (*TABLE_FORMATS, "csv"),
        "xlsx": (*TABLE_FORMATS, "xlsx"),
        "json": ("json", "jsonl"),
        "vcard": ("vcard",),
    }[kind]
    if wished is not None and wished not in allowed:
        raise FileFault(
            f"The format {wished} was asked for, but the file is {_NAMES[kind]}. Leave the format "
            "out, and it is recognised."
        )
    return kind


_NAMES = {"table": "a text table", "xlsx": "XLSX", "json": "JSON", "vcard": "vCard"}


def _said(options: ReadOptions) -> str:
    """What the sender called it, since that is what they believe it to be."""
    return f" It was sent as {options.content_type[:100]}." if options.content_type else ""


def _require_xlsx(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
        raise FileFault(
            "This begins like an XLSX or ZIP file, but its end is missing or broken. Was it cut "
            "off? Fetch or save it again."
        ) from None
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        if "xl/workbook.bin" in names:
            raise FileFault("This is a binary workbook (.xlsb). Save it as XLSX or CSV.")
        return
    if "content.xml" in names:
        raise FileFault("This is an OpenDocument file. Save it as XLSX or CSV.")
    if "word/document.xml" in names:
        raise FileFault("This is a Word document. Save its table as XLSX or CSV.")
    if any(name.endswith(".iwa") for name in names):
        raise FileFault("This is a document of Apple's Numbers. Export it as CSV or Excel (XLSX).")
    raise FileFault("This is a ZIP archive, no XLSX. Unpack it and send the file inside.")
