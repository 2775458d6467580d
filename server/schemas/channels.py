"""E-mail addresses and phone numbers: how they are checked and brought into one form."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import email_validator
import phonenumbers

from server.schemas.dialling import Unsure, quick_number
from server.schemas.texts import visible_line

# Addresses of example.com, .test and .local are kept: they are written correctly, and who
# tries the server out uses them. The list is the library's documented switch for that.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

_DISPLAY_NAME = re.compile(r"[^<>]*<([^<>]+)>")
_MAILTO = re.compile(r"mailto:([^?]*)(\?.*)?", re.IGNORECASE)

# What nearly every address looks like, and what email_validator, which takes 70 µs, accepts as
# it is: dot-atoms, and labels without "--" (which marks an encoded one), the last of letters. 64
# characters in all keep every bound on a part. Anything else is for the library; a test compares.
_PLAIN = re.compile(r"[a-z0-9_+'-]+(?:\.[a-z0-9_+'-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}")
_PLAIN_LENGTH = 64

# Devices edit the same contacts again and again; the least number of entries that spares
# them the parsing (about 20 µs each) while it costs a process some 4 MB at most.
_CACHED = 8_192


def normal_email(text: str) -> str:
    """The address alone, in lower case: `Ann <mailto:Ann@Example.com>` gives `ann@example.com`.

    Raises ValueError with a message for the person who typed it. No DNS is asked.
    """
    folded = text.lower()
    # Capitals of other scripts may become ASCII, like the Kelvin sign.
    plain = len(text) <= _PLAIN_LENGTH and text.isascii() and _PLAIN.fullmatch(folded)
    return folded if plain else checked_email(text)


@lru_cache(maxsize=_CACHED)
def checked_email(text: str) -> str:
    """The same for any address, by email_validator."""
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
    """What a phone's text says: the country's code, the national number, an extension or ""."""

    country_code: str
    national: str
    extension: str = ""

    @property
    def e164(self) -> str:
        """The number as `+41446681800`."""
        return f"+{self.country_code}{self.national}"

    @property
    def international(self) -> str:
        """The number as `+41 44 668 18 00`, with its extension."""
        zeros = len(self.national[:-1]) - len(self.national[:-1].lstrip("0"))
        number = phonenumbers.PhoneNumber(
            country_code=int(self.country_code),
            national_number=int(self.national),
            extension=self.extension or None,
            italian_leading_zero=zeros > 0,
            number_of_leading_zeros=zeros or None,
        )
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def phone_number(text: str, region: str) -> PhoneNumber | None:
    """The number that `text` means when dialled in `region` (ISO 3166, two letters).

    None when it can't be a whole number of any country: a note like "ask reception", or a
    local number without its area code.
    """
    try:
        number = quick_number(text, region)
    except Unsure:
        return parsed_phone(text, region)
    return PhoneNumber(*number) if number else None


@lru_cache(maxsize=_CACHED)
def parsed_phone(text: str, region: str) -> PhoneNumber | None:
    """The same for any text, by phonenumbers."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    national = phonenumbers.national_significant_number(number)
    return PhoneNumber(str(number.country_code), national, number.extension or "")
