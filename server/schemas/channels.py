"""E-mail addresses and phone numbers: how they are checked and brought into one form."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import email_validator
import phonenumbers

from server.schemas.texts import visible_line

# Addresses of example.com, .test and .local are kept: they are written correctly, and who
# tries the server out uses them. The list is the library's documented switch for that.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

_DISPLAY_NAME = re.compile(r"[^<>]*<([^<>]+)>")
_MAILTO = re.compile(r"mailto:([^?]*)(\?.*)?", re.IGNORECASE)

# Devices edit the same contacts again and again; the least number of entries that spares
# them the parsing (about 20 µs each) while it costs a process some 4 MB at most.
_CACHED = 8_192


@lru_cache(maxsize=_CACHED)
def normal_email(text: str) -> str:
    """The address alone, in lower case: `Ann <mailto:Ann@Example.com>` gives `ann@example.com`.

    Raises ValueError with a message for the person who typed it. No DNS is asked.
    """
    address = visible_line(text)
    named = _DISPLAY_NAME.fullmatch(address)
    if named:
        address = named.group(1).strip()
    linked = _MAILTO.fullmatch(address)
    if linked:
        address = linked.group(1).strip()
    checked = email_validator.validate_email(
        address, check_deliverability=False, globally_deliverable=True
    )
    folded = unicodedata.normalize("NFC", checked.normalized.lower())
    if folded != checked.normalized:
        # Lower case may need other code points than were checked: İ becomes two.
        email_validator.validate_email(folded, check_deliverability=False)
    return folded


class PhoneNumber(NamedTuple):
    """What a phone's text says: `+41446681800`, its international form, its extension."""

    e164: str
    international: str
    extension: str


@lru_cache(maxsize=_CACHED)
def phone_number(text: str, region: str) -> PhoneNumber | None:
    """The number that `text` means when dialled in `region` (ISO 3166, two letters).

    None when it can't be a whole number of any country: a note like "ask reception", or a
    local number without its area code.
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return PhoneNumber(
        e164=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        international=phonenumbers.format_number(
            number, phonenumbers.PhoneNumberFormat.INTERNATIONAL
        ),
        extension=number.extension or "",
    )
