"""Each quick way answers as the slow one does, and the usual contact takes it."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import email_validator
import marshmallow
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.schemas.base import OptionalSchema, parse
from server.schemas.bulk_rows import load_row
from server.schemas.channels import PhoneNumber, checked_email, normal_email, parsed_phone
from server.schemas.contacts import CONTACT
from server.schemas.dialling import Unsure, quick_number
from server.schemas.fields import Line, Part, Text
from server.schemas.quick import quick_load
from server.schemas.texts import many_lines, one_line

FORMATS = phonenumbers.PhoneNumberFormat
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def usual_rows() -> Iterator[tuple[str, dict[str, Any]]]:
    phones = [("(415) 555-2671", "US"), ("044 668 18 00", "CH"), ("+41 44 668 18 00", "US")]
    phones += [("1-415-555-2671", "US"), ("0041 44 668 18 00", "CH"), ("030/901820-12", "DE")]
    for phone, region in phones:
        yield (
            region,
            {
                "external_id": "crm-17",
                "first_name": "Zoë",
                "last_name": "O'Brien  ",
                "company": "Müller & Söhne GmbH",
                "job_title": "Head of Purchasing",
                "emails": [{"label": "work", "value": "Zoe.O'Brien+x@Mail.Mueller-soehne.de"}],
                "phones": [{"value": phone}],
                "addresses": [{"street": "Main 1", "city": "Zürich", "postal_code": "8001"}],
                "birthday": "1970-02-28",
                "notes": "called\ntwice",
                "custom": {"Lead source": "fair", "visits": 3},
                "preferences": {"email": "opted_in"},
                "active": True,
            },
        )


def out_of_reach(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("The usual contact needs no library.")


@pytest.mark.parametrize(("region", "row"), list(usual_rows()))
def test_the_usual_row_needs_no_library(
    region: str, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = load_row(row, region, False)
    monkeypatch.setattr(marshmallow.Schema, "_do_load", out_of_reach)
    monkeypatch.setattr(email_validator, "validate_email", out_of_reach)
    monkeypatch.setattr(phonenumbers, "parse", out_of_reach)
    assert load_row(row, region, False) == slow
    assert slow["phones"][0]["e164"]


def test_the_usual_edit_needs_no_marshmallow(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"phones": [{"value": "044 668 18 00", "e164": "+41446681800"}], "version": 4}
    edit = {"id": "abcdefgh", "mutation_id": "m", "base_version": 3, "edited_at": None}
    edit |= {"changes": changes}
    slow = parse(CONTACT.update, edit)
    monkeypatch.setattr(marshmallow.Schema, "_do_load", out_of_reach)
    assert parse(CONTACT.update, edit) == slow


class _Inner(OptionalSchema):
    text = Text(5, allow_none=True)


class _Outer(OptionalSchema):
    needed = Line(5, required=True)
    inner = Part(_Inner())


class _Special(OptionalSchema):
    text = Text(5, load_default="x")


def test_a_schema_inside_another_leaves_its_nulls_out_too() -> None:
    loaded = _Outer().load({"needed": " a ", "inner": {"text": None}})
    assert loaded == {"needed": "a", "inner": {}}


def test_what_is_required_or_too_long_is_not_passed_over() -> None:
    quick = quick_load(_Outer())
    assert quick
    for payload in ({}, {"needed": "123456"}, {"needed": "a", "inner": {"text": "123456"}}):
        with pytest.raises(marshmallow.ValidationError):
            quick(payload)
        with pytest.raises(marshmallow.ValidationError):
            _Outer().load(payload)
    assert quick_load(_Special()) is None
    assert _Special().load({}) == {"text": "x"}


def test_what_is_printable_has_no_white_space_but_the_blank() -> None:
    # The short ways of one_line and many_lines rest on this.
    printable = [chr(code) for code in range(0x110000) if chr(code).isprintable()]
    assert [char for char in printable if char.isspace()] == [" "]
    assert not [char for char in printable if unicodedata.category(char) == "Cc"]


@given(text=st.text(max_size=30) | st.text(alphabet="a Ä\u0308\u00a0\t\r\n\x1f\x85 ", max_size=12))
def test_texts_are_tidied_as_without_a_short_way(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    line = re.sub(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]", "", composed)
    # A separator of groups is white space on a line in Unicode, and a control in ASCII.
    assert one_line(text) == " ".join(line.split())
    lines = re.sub(r"\r\n?", "\n", composed)
    assert many_lines(text) == re.sub(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", "", lines).strip()


def answer(read: Any, text: str) -> str:
    try:
        return f"accepted: {read(text)}"
    except ValueError as error:
        return f"refused: {error}"


LOCALS = st.text(alphabet="abzAZ09._+'-!#$%&*/=?^`{|}~\"@ (,<\\é\u212a", max_size=20)
DOMAINS = st.lists(
    st.text(alphabet="abzAZ09-_éß\u212a", max_size=8)
    | st.sampled_from(["xn--", "xn--mnchen-3ya", "a--b", "-a", "a-", "9", "com", "test", "local"])
    | st.text(alphabet="a", min_size=60, max_size=66),
    max_size=5,
).map(".".join)


@settings(deadline=None, max_examples=600)
@given(local=LOCALS | st.sampled_from(["ann.lee", "info", "ann", "a" * 65]), domain=DOMAINS)
def test_an_address_that_is_plain_is_what_the_library_makes_of_it(local: str, domain: str) -> None:
    text = f"{local}@{domain}"
    assert answer(normal_email, text) == answer(checked_email, text)


def example_numbers() -> list[tuple[str, phonenumbers.PhoneNumber]]:
    kinds = phonenumbers.PhoneNumberType.values()
    found = [
        (region, phonenumbers.example_number_for_type(region, kind))
        for region in REGIONS
        for kind in kinds
    ]
    found += [
        ("CH", phonenumbers.example_number_for_non_geo_entity(code))
        for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    ]
    return [(region, number) for region, number in found if number]


EXAMPLES = example_numbers()


def written(number: phonenumbers.PhoneNumber, chance: random.Random) -> str:
    """The number in one of the ways in which it is written, now and then with slips."""
    way = chance.choice(
        [FORMATS.NATIONAL, FORMATS.NATIONAL, FORMATS.INTERNATIONAL, FORMATS.E164, None]
    )
    if way is None:
        text = phonenumbers.format_out_of_country_calling_number(number, chance.choice(REGIONS))
    else:
        text = phonenumbers.format_number(number, way)
    for _ in range(chance.choice([0, 0, 1, 1, 2, 3])):
        place = chance.randrange(len(text) + 1)
        kind = chance.choice(["add", "drop", "punctuate", "change", "lead"])
        if kind == "lead":
            text = chance.choice(["00", "0", "+", "011", "1", "8", "15", "("]) + text
        else:
            new = chance.choice(" ()-./+") if kind == "punctuate" else chance.choice("0123456789")
            text = (
                text[:place]
                + ("" if kind == "drop" else new)
                + text[place + (kind in ("drop", "change")) :]
            )
    return text


def compare(text: str, region: str) -> bool:
    """Whether the quick way was sure; the answer is then the library's."""
    try:
        found = quick_number(text, region)
    except Unsure:
        return False
    quick = PhoneNumber(*found) if found else None
    assert quick == parsed_phone(text, region), (text, region)
    if quick:
        number = phonenumbers.parse(text, region)
        assert quick.e164 == phonenumbers.format_number(number, FORMATS.E164)
        assert quick.international == phonenumbers.format_number(number, FORMATS.INTERNATIONAL)
    return True


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_a_number_is_read_as_the_library_reads_it(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(300):
        region, number = chance.choice(EXAMPLES)
        dialled_in = region if chance.random() < 0.8 else chance.choice(REGIONS)
        compare(written(number, chance), dialled_in)


def test_nearly_every_usual_number_of_every_region_takes_the_quick_way() -> None:
    sure = [
        compare(phonenumbers.format_number(number, way), region)
        for region, number in EXAMPLES
        for way in (FORMATS.NATIONAL, FORMATS.INTERNATIONAL, FORMATS.E164)
    ]
    assert sum(sure) / len(sure) > 0.9


@settings(deadline=None, max_examples=300)
@given(
    text=st.text(alphabet="0123456789+()- ./x*#٣ ", max_size=22) | st.text(max_size=10),
    region=st.sampled_from([*REGIONS, "ZZ", "ch", "001"]),
)
def test_any_text_is_read_as_the_library_reads_it(text: str, region: str) -> None:
    compare(text, region)


def test_an_extension_and_leading_noughts_come_back_in_the_international_form() -> None:
    for text, region, form in (
        ("044 668 18 00 x12", "CH", "+41 44 668 18 00 ext. 12"),
        ("02 3661 8300", "IT", "+39 02 3661 8300"),
    ):
        number = parsed_phone(text, region)
        assert number
        assert number.international == form
