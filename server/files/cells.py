"""What is written in one cell, and what it means. All here is text in, text or faults out.

Whether a phone or an e-mail is a right one is decided later, by the rules of every contact
(`server/schemas/normalise.py`); here a cell is only parted into what it holds.
"""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The words of a line as a set: how this package writes its small dictionaries."""
    return frozenset(text.split())


_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_E164 = re.compile(r"\+[0-9]{7,15}")
_RUINED = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,3}")
RUINED = (
    "A spreadsheet has rounded this number ({cell}), and its digits are lost. Format the column "
    "as text, type the number in full and save the file again."
)

# None begins with \s*: on a long run of spaces that would take the square of its length.
_JOINED = re.compile(r":::")
_MAIL_PARTS = re.compile(r":::|;|\n")
_MAIL_COMMA = re.compile(r"(?<=@)([^\s,;@]+),|(?<=>),")
_MAIL_SIGNS = re.compile(r"[\s,/|&]")
# How Exchange writes the kind of an address, and people what it is for.
# With a bound, as it is tried at each "mail:" of a cell; before an @ stand 64 letters at most.
_MAIL_KIND = re.compile(r"(?:smtp|e-?mail|mail):\s*(?=[^\s@]{1,64}@)", re.I)
_MAIL_REMARK = re.compile(r"(?<=[^\s(])\s*\([^()@]*\)")
_MAIL_INSIDE = re.compile(r"[^()<>@]*\(([^()\s@]+@[^()\s@]+)\)")
_PHONE_PARTS = re.compile(r":::|\n|;(?!\s*(?:ext|isub|phone-context|postd)=)", re.I)
_AND = words("and or und oder u. et ou y o e i lub en of и или")
_PHONE_SIGNS = re.compile(
    rf"[/,|&]|(?<=\s)(?:{'|'.join(map(re.escape, sorted(_AND)))})(?=\s)", re.I
)
# A number that was a fraction on its way, as data frames have it, or marked as text.
_AS_FRACTION = re.compile(r"\+?[0-9]{7,15}\.0")
_AS_TEXT = re.compile(r"'[0-9+(]")
_DIGIT = re.compile(r"[0-9]")
_NAME_PARTS = re.compile(r"[;,\n|]")


_TEXT_FORMULA = re.compile(r'="((?:[^"]|"")*)"')
# What Excel writes where a formula has no result, in English, German, French, Spanish and Italian.
_SPREADSHEET_ERRORS = words(
    "#N/A #NV #N/D #NAME? #NOM? #NOMBRE? #NOME? #REF! #BEZUG! #RIF! #¡REF! #VALUE! #WERT! #VALEUR! "
    "#¡VALOR! #VALORE! #DIV/0! #¡DIV/0! #NUM! #ZAHL! #NOMBRE! #¡NUM! #NULL! #NUL! #¡NULO! #NULLO!"
)
_NOTHING = words(
    "- -- --- – — . .. / ? ?? n/a na n.a. n.a none null nil \\n k.a. keine ohne aucun aucune "
    "ninguno nessuno brak nvt n.v.t. 0 http:// https://"
)
_LONGEST_NOTHING = max(map(len, _NOTHING))

_TRUE = words("true yes y 1 on x wahr ja j vrai oui o verdadero si sí s vero prawda tak t")
_FALSE = words("false no n 0 off falsch nein faux non falso falsz fałsz nie f")
_SPACES = re.compile(r"[\s_-]+")
_OUT = words("optedout out unsubscribed optout")
_IN = words("optedin in subscribed optin")


class CellFault(Exception):
    """What is wrong with a cell, as the person reads it in the errors file."""


def unguarded(cell: str) -> str:
    """The cell without the `'` that keeps spreadsheets from running it."""
    return cell[1:] if _GUARDED.match(cell) else cell


def guarded(cell: str) -> str:
    """A raw cell of a file made harmless for spreadsheets; read again it is the same cell.

    E.164 numbers stay, and cells that are guarded already.
    """
    return f"'{cell}" if _FORMULA.match(cell) and not _E164.fullmatch(cell) else cell


def refuse_ruined(cell: str) -> None:
    """Raise CellFault for `1.41556E+10`: a number of which a spreadsheet kept no more."""
    if "+" in cell and _RUINED.fullmatch(cell):
        raise CellFault(RUINED.format(cell=cell))


def split_emails(cell: str) -> list[str]:
    """The addresses of a cell, each still with its `Name <…>` or `mailto:`."""
    found: list[str] = []
    for text in _MAIL_PARTS.split(cell):
        pieces = [piece for piece in _MAIL_SIGNS.split(text) if piece.lower() not in ("", *_AND)]
        if len(pieces) > 1 and all(piece.count("@") == 1 for piece in pieces) and "<" not in text:
            found += pieces
        else:
            found += _MAIL_COMMA.sub(_ended_by_newline, text).split("\n")
    return [address for text in found if (address := _bare_email(text))]


def _bare_email(text: str) -> str:
    """An address without what stands around it: `SMTP:ann@x.co (work).` gives `ann@x.co`."""
    text = text.strip(" ,.")
    if "(" in text:
        inside = _MAIL_INSIDE.fullmatch(text)
        bare = inside.group(1) if inside else _MAIL_REMARK.sub("", text)
        text = bare if "@" in bare else text
    return _MAIL_KIND.sub("", text, count=1) if ":" in text else text


def _ended_by_newline(match: re.Match[str]) -> str:
    return f"{match.group(1) or ''}\n"


def split_phones(cell: str) -> list[str]:
    """The numbers of a cell; a `/` parts them only where both sides are long enough.

    `030/123456` is one number, and so is one with `;ext=5`.
    """
    found: list[str] = []
    for text in _PHONE_PARTS.split(cell):
        pieces = _PHONE_SIGNS.split(text)
        if len(pieces) > 1 and all(len(_DIGIT.findall(piece)) >= 7 for piece in pieces):
            found += pieces
        else:
            found.append(text)
    numbers = [bare_phone(text.strip()) for text in found if text.strip()]
    for number in numbers:
        refuse_ruined(number)
    return numbers


def bare_phone(cell: str) -> str:
    """A number without the marks that programs leave on it: `'0446681800`, `4155552671.0`."""
    if cell[0] == "'" and _AS_TEXT.match(cell):
        return cell[1:]
    return cell[:-2] if cell[-2:] == ".0" and _AS_FRACTION.fullmatch(cell) else cell


def without_artefacts(cell: str) -> str:
    """A cell without what programs put where there is no value, or around a text to keep it one.

    `#N/A` is none, `="0446681800"` is its text; a byte order mark within a file is no letter.
    """
    cell = cell.replace("\ufeff", "")
    if cell in _SPREADSHEET_ERRORS:
        return ""
    as_text = _TEXT_FORMULA.fullmatch(cell)
    return as_text.group(1).replace('""', '"').strip() if as_text else cell


def says_nothing(cell: str) -> bool:
    """Whether a cell of an address or a date only says that there is none: `-`, `n/a`, `none`."""
    return len(cell) <= _LONGEST_NOTHING and cell.casefold() in _NOTHING


def split_joined(cell: str) -> list[str]:
    """What ` ::: ` joins in one cell; one text if nothing is joined."""
    if ":::" not in cell:
        return [cell]
    return [part.strip() for part in _JOINED.split(cell) if part.strip()]


def split_names(cell: str) -> list[str]:
    """Names of tags, groups or types, parted by ` ::: `, else by `;`, `,`, `|` or newlines."""
    parts = _JOINED.split(cell) if ":::" in cell else _NAME_PARTS.split(cell)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def split_categories(cell: str) -> list[str]:
    """Outlook's categories: parted by `;` alone, as a name may hold a comma."""
    return list(dict.fromkeys(part.strip() for part in cell.split(";") if part.strip()))


def split_labels(cell: str) -> list[str]:
    """Google's labels: ` ::: ` between, `* ` before the system's, which are no tags."""
    labels = [part.strip() for part in _JOINED.split(cell)]
    return list(dict.fromkeys(label for label in labels if label and not label.startswith("* ")))


def read_flag(cell: str) -> bool:
    """True or False from the usual words; CellFault for another."""
    word = cell.casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise CellFault(f"This must be true or false (or yes or no), not {cell[:50]!r}.")


def read_consent(cell: str, yes_means: str) -> str:
    """`opted_in`, `opted_out`, or "" where a column of opt-outs says no: that is no consent.

    `yes_means` is what a mere "yes" in this column stands for, by what the column asks.
    """
    word = _SPACES.sub("", cell.casefold())
    if word in _OUT:
        return "opted_out"
    if word in _IN:
        return "opted_in"
    try:
        yes = read_flag(cell)
    except CellFault:
        raise CellFault(
            f"This must be yes or no, or opted_in or opted_out; not {cell[:50]!r}."
        ) from None
    if yes:
        return yes_means
    return "opted_out" if yes_means == "opted_in" else ""
