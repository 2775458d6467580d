from __future__ import annotations

from typing import Any

import pytest

from server.errors import Invalid
from server.schemas.normalise import normalise_contact, requires_identity
from server.schemas.texts import many_lines, one_line, search_words


def normalised(**fields: Any) -> dict[str, Any]:
    return normalise_contact(fields, "CH")


def faults(prefix: str = "", **fields: Any) -> dict[str, list[str]]:
    with pytest.raises(Invalid) as caught:
        normalise_contact(fields, "CH", prefix=prefix)
    return dict(caught.value.fields or {})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  Ann \t Lee\n", "Ann Lee"),
        ("Zu\u0308rich", "Zürich"),
        ("Ann\u00a0Lee", "Ann Lee"),
        ("Ann\u3000Lee\u2028x", "Ann Lee x"),
        ("A\x01nn\x7f", "Ann"),
        ("Ann\x1fLee", "Ann Lee"),
        ("A\x9fnn é", "Ann é"),
        ("👩\u200d👩", "👩\u200d👩"),
        (" ", ""),
    ],
)
def test_a_line_is_composed_trimmed_and_has_single_spaces(text: str, line: str) -> None:
    assert one_line(text) == line
    assert one_line(line) == line


def test_several_lines_keep_their_breaks() -> None:
    assert many_lines(" a\r\n  b\rc\td\x00 \n") == "a\n  b\nc\td"
    assert many_lines("Zu\u0308rich") == "Zürich"


def test_what_is_absent_stays_absent() -> None:
    assert normalised() == {}
    assert normalised(active=False, owner_id=None, birthday="--02-29") == {
        "active": False,
        "owner_id": None,
        "birthday": "--02-29",
    }


def test_the_given_fields_are_not_changed_in_place() -> None:
    given: dict[str, Any] = {"first_name": " Ann ", "emails": [{"value": "A@B.CH"}], "custom": {}}
    copy = {"first_name": " Ann ", "emails": [{"value": "A@B.CH"}], "custom": {}}
    normalise_contact(given, "CH")
    assert given == copy


@pytest.mark.parametrize(
    "name",
    ["external_id", "first_name", "last_name", "company", "department", "job_title"],
)
def test_each_single_line_is_tidied_and_cleared_when_empty(name: str) -> None:
    assert normalised(**{name: "  Lee \n & Sons "}) == {name: "Lee & Sons"}
    assert normalised(**{name: " \n "}) == {name: None}
    assert normalised(**{name: None}) == {name: None}


def test_notes_keep_their_lines_and_are_cleared_when_empty() -> None:
    assert normalised(notes="a\r\n\r\nb  c ") == {"notes": "a\n\nb  c"}
    assert normalised(notes=" \r\n ") == {"notes": None}


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        (" ann@example.com ", "ann@example.com"),
        ("mailto:Ann@example.com?subject=Hello", "ann@example.com"),
        ("MAILTO:ann@example.com", "ann@example.com"),
        ("Ann Lee <ann@example.com>", "ann@example.com"),
        ('"Lee, Ann" <mailto:ann@example.com>', "ann@example.com"),
        ("\u202aann@example.com\u202c", "ann@example.com"),
        ("ann\u200b@example.com\ufeff", "ann@example.com"),
        ("o'neil+crm@sub.example.co.uk", "o'neil+crm@sub.example.co.uk"),
        ("a@x.test", "a@x.test"),
        ("a@printer.local", "a@printer.local"),
        ("a@example.invalid", "a@example.invalid"),
        ("JÜRGEN@Bücher.example", "jürgen@bücher.example"),
    ],
)
def test_an_email_is_stored_bare_and_in_lower_case(typed: str, stored: str) -> None:
    assert normalised(emails=[{"value": typed}]) == {"emails": [{"value": stored}]}


@pytest.mark.parametrize(
    "typed",
    [
        "ann",
        "ann@",
        "@example.com",
        "ann@localhost",
        "a b@example.com",
        "a@b@c.ch",
        "a@b..ch",
        "<>",
    ],
)
def test_an_email_that_can_not_be_one_is_named_by_its_place(typed: str) -> None:
    found = faults("contact", emails=[{"value": "ok@example.com"}, {"value": typed}])
    assert list(found) == ["contact.emails.1.value"]
    assert found["contact.emails.1.value"][0]


def test_every_wrong_email_is_reported_at_once() -> None:
    assert list(faults(emails=[{"value": "a"}, {"value": "b"}])) == [
        "emails.0.value",
        "emails.1.value",
    ]


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("044 668 18 00", "+41446681800"),
        ("0041 44 668 18 00", "+41446681800"),
        ("+41 (0)44 668 18 00", "+41446681800"),
        ("+1 (415) 555-2671", "+14155552671"),
        ("+1 415 555 2671 x123", "+14155552671"),
        ("tel:+41-44-668-18-00;ext=5", "+41446681800"),
        ("\u202a+41 44 668 18 00\u202c", "+41446681800"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("+39 06 698 12345", "+390669812345"),
    ],
)
def test_a_whole_number_gets_its_e164_form_and_keeps_its_text(typed: str, e164: str) -> None:
    (phone,) = normalised(phones=[{"value": typed}])["phones"]
    assert phone == {"value": typed.strip("\u202a\u202c"), "e164": e164}


def test_the_region_decides_without_a_country_code() -> None:
    fields = {"phones": [{"value": "(415) 555-2671"}]}
    assert normalise_contact(fields, "US")["phones"][0]["e164"] == "+14155552671"
    assert normalise_contact(fields, "ZZ") == {"phones": [{"value": "(415) 555-2671"}]}


@pytest.mark.parametrize("typed", ["ask reception", "118", "12", "x", "+", "0" * 60, "1" * 200])
def test_what_is_no_whole_number_keeps_its_text_alone(typed: str) -> None:
    assert normalised(phones=[{"value": typed}]) == {"phones": [{"value": typed}]}


def test_a_local_number_without_its_area_code_gets_no_e164_form() -> None:
    assert normalise_contact({"phones": [{"value": "555-2671"}]}, "US") == {
        "phones": [{"value": "555-2671"}]
    }


def test_phones_can_be_rewritten_to_their_international_form() -> None:
    fields = {"phones": [{"value": "0446681800 ext. 12"}, {"value": "ask reception"}]}
    cleaned = normalise_contact(fields, "CH", clean_phones=True)
    assert cleaned == {
        "phones": [
            {"value": "+41 44 668 18 00 ext. 12", "e164": "+41446681800"},
            {"value": "ask reception"},
        ]
    }
    assert normalise_contact(cleaned, "CH", clean_phones=True) == cleaned


def test_the_servers_e164_form_is_made_anew() -> None:
    phones = [{"value": "044 668 18 00", "e164": "+999"}, {"value": "118", "e164": "+41118"}]
    assert normalised(phones=phones)["phones"] == [
        {"value": "044 668 18 00", "e164": "+41446681800"},
        {"value": "118"},
    ]


def test_labels_are_tidied_and_dropped_when_empty() -> None:
    emails = [{"label": " my  work ", "value": "a@b.ch"}, {"label": " ", "value": "c@b.ch"}]
    assert normalised(emails=emails)["emails"] == [
        {"label": "my work", "value": "a@b.ch"},
        {"value": "c@b.ch"},
    ]


@pytest.mark.parametrize("name", ["emails", "phones", "addresses", "websites"])
def test_items_with_nothing_but_a_label_are_dropped(name: str) -> None:
    items = [{}, {"label": "work"}, {"label": "home", "value": " "}, {"value": None}]
    if name == "addresses":
        items = [{}, {"label": "work"}, {"street": " \n ", "city": None}]
    assert normalised(**{name: items}) == {name: []}
    assert normalised(**{name: None}) == {name: []}


def test_repeated_emails_are_kept_once_in_order_with_a_label() -> None:
    emails = [
        {"value": "b@x.ch"},
        {"label": "work", "value": "A@x.ch"},
        {"label": "home", "value": "B@x.ch"},
        {"label": "other", "value": "a@x.ch"},
    ]
    assert normalised(emails=emails)["emails"] == [
        {"label": "home", "value": "b@x.ch"},
        {"label": "work", "value": "a@x.ch"},
    ]


def test_one_number_written_twice_is_one_phone_but_two_extensions_are_two() -> None:
    phones = [
        {"value": "044 668 18 00"},
        {"value": "+41446681800"},
        {"value": "044 668 18 00 x12"},
        {"value": "044 668 18 00 x13"},
        {"value": "ask reception"},
        {"value": "ask  reception"},
    ]
    assert [phone["value"] for phone in normalised(phones=phones)["phones"]] == [
        "044 668 18 00",
        "044 668 18 00 x12",
        "044 668 18 00 x13",
        "ask reception",
    ]


def test_addresses_keep_what_is_filled_and_a_streets_lines() -> None:
    address = {
        "label": "office",
        "street": "c/o Lee\r\nMain 1 ",
        "city": " Zürich ",
        "region": "",
        "postal_code": None,
        "country": "CH",
    }
    stored = {"label": "office", "street": "c/o Lee\nMain 1", "city": "Zürich", "country": "CH"}
    assert normalised(addresses=[address, dict(address)]) == {"addresses": [stored]}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (" ch ", "CH"),
        ("Usa", "USA"),
        ("uk", "UK"),
        ("Switzerland", "Switzerland"),
        ("switzerland", "switzerland"),
        ("U.S.", "U.S."),
        ("Çin", "Çin"),
        ("日本", "日本"),
    ],
)
def test_a_country_of_two_or_three_letters_is_a_code(given: str, stored: str) -> None:
    address = {"city": "x", "country": given}
    assert normalised(addresses=[address])["addresses"] == [{"city": "x", "country": stored}]


def test_websites_are_trimmed_and_kept_once() -> None:
    websites = [{"value": " https://example.com "}, {"label": "x", "value": "https://example.com"}]
    assert normalised(websites=websites) == {
        "websites": [{"label": "x", "value": "https://example.com"}]
    }


def test_the_shorthands_become_the_first_of_their_lists() -> None:
    assert normalised(email="Ann@x.ch", phone="044 668 18 00") == {
        "emails": [{"value": "ann@x.ch"}],
        "phones": [{"value": "044 668 18 00", "e164": "+41446681800"}],
    }
    assert normalised(email="ANN@x.ch", emails=[{"label": "work", "value": "ann@x.ch"}]) == {
        "emails": [{"label": "work", "value": "ann@x.ch"}]
    }
    assert normalised(phone="+41446681800", phones=[{"value": "044 668 18 00"}]) == {
        "phones": [{"value": "044 668 18 00", "e164": "+41446681800"}]
    }
    assert normalised(email="", phone=None) == {"emails": [], "phones": []}


def test_a_shorthand_that_differs_from_its_list_is_refused_by_name() -> None:
    message = ["This differs from the first of `emails`; send one of the two."]
    both = {"email": "a@x.ch", "emails": [{"value": "b@x.ch"}, {"value": "a@x.ch"}]}
    assert faults("contact", **both) == {"contact.email": message}
    assert list(faults(phone="1", phones=[{"value": "2"}])) == ["phone"]
    assert list(faults(email="nonsense")) == ["email"]


def test_custom_names_and_texts_are_tidied() -> None:
    custom = {" Tier  one ": " gold\n", "Empty": " ", "Zero": 0, "No": False, "Gone": None}
    assert normalised(custom=custom) == {
        "custom": {"Tier one": "gold", "Empty": None, "Zero": 0, "No": False, "Gone": None}
    }
    assert normalised(custom=None) == {"custom": None}
    assert normalised(custom={}) == {"custom": {}}


def test_custom_names_that_become_one_are_refused() -> None:
    assert faults(custom={"Tier": 1, "Tier ": 2}) == {
        "custom.Tier ": ["The name Tier is given twice."]
    }
    assert list(faults(custom={"\x01": 1})) == ["custom.\x01"]


def test_ids_are_left_alone_and_null_means_none() -> None:
    change = {"add": ["abcdefgh"], "remove": []}
    assert normalised(tag_ids=None, group_ids=["abcdefgh"], type_ids=change) == {
        "tag_ids": [],
        "group_ids": ["abcdefgh"],
        "type_ids": change,
    }


def test_a_contact_needs_something_to_be_known_by() -> None:
    for known in (
        {"first_name": "Ann"},
        {"last_name": "Lee"},
        {"company": "Lee"},
        {"emails": [{"value": "a@x.ch"}]},
        {"phones": [{"value": "1"}]},
    ):
        requires_identity(known)
    with pytest.raises(Invalid, match="needs one of a name") as caught:
        requires_identity({"notes": "x", "first_name": None, "emails": []}, "contact")
    assert list(caught.value.fields or {}) == ["contact.first_name"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Ann Lee", ["Ann", "Lee"]),
        ("  ", []),
        ("Zu\u0308rich", ["Zürich"]),
        ("044 668 18 00", ["446681800"]),
        ("0041 44-668.18/00", ["41446681800"]),
        ("+41 (0)44 668", ["4144668"]),
        ("(415) 555-2671 x12", ["415555267112"]),
        ("000", []),
        ("12", ["12"]),
        ("4th floor", ["4th", "floor"]),
        ("a b c d e f g h i j k l", list("abcdefghij")),
    ],
)
def test_a_search_is_cut_into_words_or_the_digits_of_a_number(query: str, words: list[str]) -> None:
    assert search_words(query) == words
