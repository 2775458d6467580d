"""What is written in one cell, and what it means. All here is text in, text or faults out.

Whether a phone or an e-mail is a right one is decided later, by the rules of every contact
(`server/schemas/normalise.py`); here a cell is only parted into what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

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
_PHONE_PARTS = re.compile(r":::|\n|;(?!\s*(?:ext|isub|phone-context|postd)=)", re.I)
_PHONE_SIGNS = re.compile(r"[/,|]")
_DIGIT = re.compile(r"[0-9]")
_NAME_PARTS = re.compile(r"[;,\n|]")


def words(text: str) -> frozenset[str]:
    """The words of a line as a set: how this package writes its small dictionaries."""
    return frozenset(text.split())


_TRUE = words("true yes y 1 on x wahr ja j vrai oui o verdadero si sí s vero prawda tak t")
_FALSE = words("false no n 0 off falsch nein faux non falso falsz fałsz nie f")
_SPACES = re.compile(r"[\s_-]+")
_OUT = words("optedout out unsubscribed optout")
_IN = words("optedin in subscribed optin")

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january", "feb february", "mar march", "apr april", "may", "jun june",
            "jul july", "aug august", "sep sept september", "oct october", "nov november",
            "dec december",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_TIME = re.compile(r"(?:T|\s+)[0-9]{1,2}:[0-9]{2}.*", re.S)
_ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})\.?")
_BASIC = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEARLESS = re.compile(r"--([0-9]{2})-?([0-9]{2})")
_DOTS = re.compile(r"([0-9]{1,2})\.\s*([0-9]{1,2})\.\s*([0-9]{4}|[0-9]{2})?")
_SLASHES = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})(?:[/-]([0-9]{4}|[0-9]{2}))?")
_DAY_MONTH = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th|\.)?[\s-]+([a-z]+)\.?(?:,?[\s-]+([0-9]{4}|[0-9]{2}))?"
)
_MONTH_DAY = re.compile(r"([a-z]+)\.?\s+([0-9]{1,2})(?:st|nd|rd|th)?(?:,?\s+([0-9]{4}))?")
# Of five digits: four are a year.
_SERIAL = re.compile(r"([0-9]{5})(?:\.[0-9]+)?")
# A leap year stands for a year that is not known, so that 29 February is accepted.
_ANY_YEAR = 2000
_LONGEST_DATE = 60
_EXCEL_EPOCH = date(1899, 12, 30)

# Where the month is written first; everywhere else the day is.
MONTH_FIRST_REGIONS = words("US PR GU VI AS MP UM FM MH PW PH BZ")


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
        pieces = text.split()
        if len(pieces) > 1 and all(piece.count("@") == 1 for piece in pieces) and "<" not in text:
            found += [piece.strip(",") for piece in pieces]
        else:
            found += _MAIL_COMMA.sub(_ended_by_newline, text).split("\n")
    return [text.strip(" ,") for text in found if text.strip(" ,")]


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
    numbers = [text.strip() for text in found if text.strip()]
    for number in numbers:
        refuse_ruined(number)
    return numbers


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
    return list(dict.fromkeys(label for label in labels if label and not label.startswith("*")))


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
        raise CellFault(f"This must be opted_in or opted_out, not {cell[:50]!r}.") from None
    if yes:
        return yes_means
    return "opted_out" if yes_means == "opted_in" else ""


def read_birthday(cell: str, month_first: bool, today: Callable[[], date] = date.today) -> str:
    """`YYYY-MM-DD`, or `--MM-DD` without a year; "" for Outlook's `0/0/00`, which is none.

    `month_first` decides 4/12/1990 (never a guess from what the day could not be). Raises
    CellFault for what is no date, and for a year of two digits that could be two.
    """
    # What is longer is no date, and not worth the search for a time in it.
    text = _TIME.sub("", cell.strip() if len(cell) <= _LONGEST_DATE else "").strip().lower()
    if match := _ISO.fullmatch(text) or _BASIC.fullmatch(text):
        return _day(cell, match[1], match[2], match[3], today)
    if match := _YEARLESS.fullmatch(text):
        return _day(cell, None, match[1], match[2], today)
    if match := _DOTS.fullmatch(text):
        return _day(cell, match[3], match[2], match[1], today)
    if match := _SLASHES.fullmatch(text):
        month, day = (match[1], match[2]) if month_first else (match[2], match[1])
        return _day(cell, match[3], month, day, today)
    if (match := _DAY_MONTH.fullmatch(text)) and match[2] in _MONTHS:
        return _day(cell, match[3], str(_MONTHS[match[2]]), match[1], today)
    if (match := _MONTH_DAY.fullmatch(text)) and match[1] in _MONTHS:
        return _day(cell, match[3], str(_MONTHS[match[1]]), match[2], today)
    if match := _SERIAL.fullmatch(text):
        return (_EXCEL_EPOCH + timedelta(days=int(match[1]))).isoformat()
    raise CellFault(f"{cell[:50]!r} is no date. Write it as 1990-04-12, or --04-12 without a year.")


def _day(cell: str, year: str | None, month: str, day: str, today: Callable[[], date]) -> str:
    if int(month) == 0 and int(day) == 0:
        return ""
    number = int(year) if year else 0
    if year and len(year) == 2:
        # 1990 and not 2090; but 26 is 1926 as well as 2026.
        if number <= today().year % 100:
            raise CellFault(
                f"The year of {cell[:50]!r} may be 19{year} or 20{year}; write it in full."
            )
        number += 1900
    try:
        found = date(number or _ANY_YEAR, int(month), int(day))
    except ValueError:
        raise CellFault(
            f"There is no such day: {cell[:50]!r}, read as day {int(day)} of month {int(month)}. "
            "Write it as 1990-04-12, or --04-12 without a year."
        ) from None
    return found.isoformat() if number else f"--{found:%m-%d}"
