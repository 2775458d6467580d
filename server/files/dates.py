"""Birthdays as people and programs write them, in the usual languages.

A day of the file that can only be one of the two tells whether 4/12/1990 is in April, see
`date_order`; else the region decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import NamedTuple

from server.files.cells import CellFault, says_nothing, words

# January to December: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish,
# Russian, Czech, Swedish, Danish, Turkish; in full and short, as they stand after a day.
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar jänner janvier janv enero ene gennaio gen janeiro januari stycznia "
            "sty января янв ledna ocak",
            "feb february februar feber février févr fév febrero febbraio fevereiro fev februari "
            "lutego lut февраля фев února şubat",
            "mar march märz mär mrz mars marzo março maart mrt marca марта мар března mart",
            "apr april avril avr abril abr aprile kwietnia kwi апреля апр dubna nisan",
            "may mai mayo maggio mag maio mei maja мая května maj mayıs",
            "jun june juni juin junio giugno giu junho czerwca cze июня июн června haziran",
            "jul july juli juillet juil julio luglio lug julho lipca lip июля июл července temmuz",
            "aug august août aou agosto ago augustus sierpnia sie августа авг srpna augusti "
            "ağustos",
            "sep sept september septembre septiembre settembre set setembro września wrz сентября "
            "сен сент září eylül",
            "oct october okt oktober octobre octubre ottobre ott outubro out października paź "
            "октября окт října ekim",
            "nov november novembre noviembre novembro listopada lis ноября ноя listopadu kasım",
            "dec december dez dezember décembre déc diciembre dic dicembre dezembro grudnia gru "
            "декабря дек prosince aralık",
        ),
        1,
    )
    for name in names.split()
}
_TIME = re.compile(r"(?:T|\s+)[0-9]{1,2}:[0-9]{2}.*|(?<=[0-9])T(?:[0-9]{4,6}Z?)?\Z", re.S)
_WEEKDAY = re.compile(
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|wed|thu|fri|sat|sun"
    r"|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend|mo|di|mi|do|fr|sa|so)[.,]*\s+"
)
_ISO = re.compile(r"([0-9]{4})[-/.]\s*([0-9]{1,2})[-/.]\s*([0-9]{1,2})\.?")
_BASIC = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_SIGNS_OF_DATES = re.compile(
    r"(?:([0-9]{4})\s*[年년]\s*)?([0-9]{1,2})\s*[月월]\s*([0-9]{1,2})\s*[日일]"
)
_YEARLESS = re.compile(r"--([0-9]{2})-?([0-9]{2})")
_DOTS = re.compile(r"([0-9]{1,2})\.\s*([0-9]{1,2})\.\s*([0-9]{4}|[0-9]{2})?")
_SLASHES = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})(?:[/-]([0-9]{4}|[0-9]{2}))?")
_DAY_MONTH = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th|er|\.|º)?[\s-]*(?:de |of |d')?([^\W\d_]+)\.?"
    r"(?:,?[\s-]*(?:de |del )?([0-9]{4}|[0-9]{2}))?(?: [гr]\.?)?"
)
_MONTH_DAY = re.compile(r"([^\W\d_]+)\.?\s+([0-9]{1,2})(?:st|nd|rd|th)?(?:,?\s+([0-9]{4}))?")
# Of five digits: four are a year.
_SERIAL = re.compile(r"([0-9]{5})(?:\.[0-9]+)?")
# A leap year stands for a year that is not known, so that 29 February is accepted.
_ANY_YEAR = 2000
_LONGEST_DATE = 60
_EXCEL_EPOCH = date(1899, 12, 30)

# Where the month is written first; everywhere else the day is.
MONTH_FIRST_REGIONS = words("US PR GU VI AS MP UM FM MH PW PH BZ")


def read_birthday(cell: str, month_first: bool, today: Callable[[], date] = date.today) -> str:
    """`YYYY-MM-DD`, or `--MM-DD` without a year; "" for Outlook's `0/0/00`, which is none.

    `month_first` decides 4/12/1990 (never a guess from what the day could not be). Raises
    CellFault for what is no date, and for a year of two digits that could be two.
    """
    # What is longer is no date, and not worth the search for a time in it.
    text = _TIME.sub("", cell.strip() if len(cell) <= _LONGEST_DATE else "").strip().lower()
    text = _WEEKDAY.sub("", text, count=1) if text[:1].isalpha() else text
    if says_nothing(text):
        return ""
    if match := _ISO.fullmatch(text) or _BASIC.fullmatch(text) or _SIGNS_OF_DATES.fullmatch(text):
        return _day(cell, match[1], match[2], match[3], today)
    if match := _YEARLESS.fullmatch(text):
        return _day(cell, None, match[1], match[2], today)
    if match := _DOTS.fullmatch(text):
        return _day(cell, match[3], match[2], match[1], today)
    if match := _SLASHES.fullmatch(text):
        month, day = (match[1], match[2]) if month_first else (match[2], match[1])
        return _day(cell, match[3], month, day, today)
    if (match := _DAY_MONTH.fullmatch(text)) and match[2] in MONTHS:
        return _day(cell, match[3], str(MONTHS[match[2]]), match[1], today)
    if (match := _MONTH_DAY.fullmatch(text)) and match[1] in MONTHS:
        return _day(cell, match[3], str(MONTHS[match[1]]), match[2], today)
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


class Order(NamedTuple):
    """Which of day and month comes first in dates like 4/12/1990.

    `shown_by` is a cell that can only be read the other way than is usual, if there is one;
    `doubtful` one that can be read both ways, if none can be read in one way only.
    """

    month_first: bool
    shown_by: str | None = None
    doubtful: str | None = None


def date_order(cells: Iterable[str], usually_month_first: bool) -> Order:
    """The order of these dates: the usual one, unless more of them, two at least, show the other.

    One alone may be a slip, and would turn the others round.
    """
    usual = other = 0
    shown_by = doubtful = None
    for cell in cells:
        match = _SLASHES.fullmatch(_TIME.sub("", cell) if len(cell) <= _LONGEST_DATE else "")
        if not match or not match[3]:
            continue
        first, second = int(match[1]), int(match[2])
        if 0 < min(first, second) <= 12 < max(first, second) <= 31:
            if (second > 12) == usually_month_first:
                usual += 1
            else:
                other += 1
                shown_by = shown_by or cell
        elif first != second:
            doubtful = doubtful or cell
    turned = other > max(usual, 1)
    sure = usual or turned
    return Order(usually_month_first != turned, shown_by, None if sure else doubtful)
