"""Cards as phones and mail programs write them, beyond the standard and short of it."""

from __future__ import annotations

import pytest

from tests.unit.files_support import opened, read


def card(*lines: str, version: str = "3.0") -> str:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", "N:Lee;Ann", *lines, "END:VCARD", ""])


@pytest.mark.parametrize(
    ("line", "birthday"),
    [
        ("BDAY:1970-04-12", "1970-04-12"),
        ("BDAY:19700412", "1970-04-12"),
        ("BDAY:1970-04-12T00:00:00Z", "1970-04-12"),
        ("BDAY:19700412T000000Z", "1970-04-12"),
        ("BDAY;VALUE=DATE:1970-04-12T00:00:00.0000000-08:00", "1970-04-12"),
        ("BDAY:--0412", "--04-12"),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12", "--04-12"),
        ("BDAY:1604-04-12", "--04-12"),
        ("BDAY:12.04.1970", "1970-04-12"),
    ],
)
def test_a_birthday_is_read_in_the_forms_of_all_programs(line, birthday, tmp_path):
    (row,) = read(tmp_path, card(line))
    assert (row.fields["birthday"], row.faults) == (birthday, [])


def test_a_card_of_our_own_means_the_year_it_says(tmp_path):
    (row,) = read(tmp_path, card("BDAY:1604-04-12", "X-FIELDBOOK-ACTIVE:true"))
    assert row.fields["birthday"] == "1604-04-12"


@pytest.mark.parametrize(
    "line", ["BDAY:1970", "BDAY:1970-04", "BDAY:---12", "BDAY;VALUE=text:circa 1800"]
)
def test_a_part_of_a_birthday_is_kept_and_does_not_fail_its_card(line, tmp_path):
    (row,) = read(tmp_path, card(line))
    assert row.faults == []
    assert row.fields["custom"] == {"Birthday": line.partition(":")[2]}


def test_what_is_of_the_card_and_not_of_the_contact_is_left_out(tmp_path):
    design = "<card>" + "x" * 6_000 + "</card>"
    lines = [
        f"X-MS-OL-DESIGN;CHARSET=utf-8:{design}",
        "X-ADDRESSING-GRAMMAR:" + "A" * 6_000,
        "X-SOMETHING;ENCODING=BASE64:" + "QUFB" * 2_000,
        "X-MS-CARDPICTURE;TYPE=JPEG;ENCODING=BASE64:",
        *[" " + "A" * 70] * 100,
        "",
        "TEL:+1 415 555 2671",
    ]
    (row,) = read(tmp_path, card(*lines, version="2.1"))
    assert set(row.fields) == {"first_name", "last_name", "phones"}
    assert (row.faults, row.photos) == ([], 1)


def test_the_labels_that_a_phone_lets_people_make_are_kept(tmp_path):
    lines = [
        "TEL;X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=42=C3=BC=72=6F):030 1234567",
        "TEL;X-CUSTOM(Dach):030 1234568",
        "TEL;TYPE=X-Ferien:030 1234569",
        "TEL;type=IPHONE;type=CELL;type=VOICE:030 1234560",
        "EMAIL;X-INTERNET:ann@example.com",
    ]
    (row,) = read(tmp_path, card(*lines, version="2.1"))
    assert [phone["label"] for phone in row.fields["phones"]] == [
        "Büro",
        "Dach",
        "Ferien",
        "mobile",
    ]
    assert row.fields["emails"] == [{"value": "ann@example.com"}]


def test_a_label_that_can_not_be_decoded_fails_no_card(tmp_path):
    line = "TEL;X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=FF=ZZ):1"
    (row,) = read(tmp_path, card(line, version="2.1"))
    assert row.faults == []
    assert row.fields["phones"][0]["value"] == "1"


def test_a_number_without_end_in_a_property_of_androids_fails_no_card(tmp_path):
    line = f"X-ANDROID-CUSTOM:vnd.android.cursor.item/relation;Bo;{'1' * 5_000};"
    (row,) = read(tmp_path, card(line))
    assert (row.faults, row.fields["custom"]) == ([], {"Related": "Bo"})


def test_a_month_first_country_writes_slashed_birthdays_so(tmp_path):
    for region, birthday in (("US", "1970-04-12"), ("GB", "1970-12-04")):
        file = opened(tmp_path, card("BDAY:4/12/1970"), region=region)
        assert [row.fields["birthday"] for row in file.rows()] == [birthday]


def test_the_labels_that_programs_give_of_themselves_are_no_tags(tmp_path):
    lines = ["CATEGORIES:myContacts,Friends,starred", "X-GROUP-MEMBERSHIP:My contacts"]
    (row,) = read(tmp_path, card(*lines))
    assert row.fields["tags"] == ["Friends"]
    # Our own may be called so.
    (row,) = read(tmp_path, card("CATEGORIES:starred", "X-FIELDBOOK-ACTIVE:true"))
    assert row.fields["tags"] == ["starred"]


def test_a_second_company_or_title_stays_as_a_field_of_ones_own(tmp_path):
    lines = ["ORG:Acme;Sales", "TITLE:Buyer", "ORG:Bern Ltd;Board", "TITLE:Chair", "ORG:Acme"]
    (row,) = read(tmp_path, card(*lines))
    assert row.fields["company"] == "Acme"
    assert (row.fields["department"], row.fields["job_title"]) == ("Sales", "Buyer")
    assert row.fields["custom"] == {
        "Company": "Bern Ltd",
        "Department": "Board",
        "Job Title": "Chair",
    }
