"""What is written in one cell, and what it means."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.files.cells import (
    CellFault,
    guarded,
    read_consent,
    read_flag,
    refuse_ruined,
    split_categories,
    split_emails,
    split_labels,
    split_names,
    split_phones,
    unguarded,
)
from server.files.dates import date_order, read_birthday
from server.files.fields import split_name
from tests.unit.files_support import opened, read

# A busy machine is no fault.
PATIENT = settings(deadline=None)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("a@b.c", ["a@b.c"]),
        ("a@b.c; d@e.f", ["a@b.c", "d@e.f"]),
        ("a@b.c,d@e.f", ["a@b.c", "d@e.f"]),
        ("a@b.c ::: d@e.f:::g@h.i", ["a@b.c", "d@e.f", "g@h.i"]),
        ("a@b.c d@e.f", ["a@b.c", "d@e.f"]),
        ("a@b.c\nd@e.f", ["a@b.c", "d@e.f"]),
        ("Ann Lee <a@b.c>", ["Ann Lee <a@b.c>"]),
        ("Lee, Ann <a@b.c>, Berg, Bo <d@e.f>", ["Lee, Ann <a@b.c>", "Berg, Bo <d@e.f>"]),
        ("mailto:a@b.c;mailto:d@e.f", ["mailto:a@b.c", "mailto:d@e.f"]),
        ("a@b.c / d@e.f | g@h.i & j@k.l", ["a@b.c", "d@e.f", "g@h.i", "j@k.l"]),
        ("a@b.c oder d@e.f", ["a@b.c", "d@e.f"]),
        ("a@b.c.", ["a@b.c"]),
        ("SMTP:a@b.c", ["a@b.c"]),
        ("E-Mail: a@b.c", ["a@b.c"]),
        ("a@b.c (work)", ["a@b.c"]),
        ("Ann Lee (a@b.c)", ["a@b.c"]),
        ("a/b@c.d", ["a/b@c.d"]),
        ("a(at)b.c", ["a(at)b.c"]),
        # What is none stays, so that the row is told and nothing is lost.
        ("not an address", ["not an address"]),
        ("; ,", []),
    ],
)
def test_the_addresses_of_a_cell_are_parted(cell, found):
    assert split_emails(cell) == found


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("(415) 555-2671", ["(415) 555-2671"]),
        ("044 668 18 00 / 079 123 45 67", ["044 668 18 00", "079 123 45 67"]),
        ("0446681800;0791234567", ["0446681800", "0791234567"]),
        ("+1 415 555 2671 ::: +1 415 555 2672", ["+1 415 555 2671", "+1 415 555 2672"]),
        ("+1 415 555 2671\n+1 415 555 2672", ["+1 415 555 2671", "+1 415 555 2672"]),
        # One number: an area code, an extension, a pause, a last digit to choose.
        ("030/1234567", ["030/1234567"]),
        ("tel:+1-418-656-9254;ext=102", ["tel:+1-418-656-9254;ext=102"]),
        ("+1 415 555 2671,,123#", ["+1 415 555 2671,,123#"]),
        ("+49 30 1234567/8", ["+49 30 1234567/8"]),
        ("+1 415 555 2671 x123", ["+1 415 555 2671 x123"]),
        ("ask reception", ["ask reception"]),
        ("0171-1234567 oder 030-1234567", ["0171-1234567", "030-1234567"]),
        ("+1 415 555 2671 and +1 415 555 2672", ["+1 415 555 2671", "+1 415 555 2672"]),
        ("030 1234567 & 0171 1234567", ["030 1234567", "0171 1234567"]),
        ("1-800-FLOWERS", ["1-800-FLOWERS"]),
        ("+44 (0)20 7946 0958 or 12", ["+44 (0)20 7946 0958 or 12"]),
        # What programs leave on a number: a fraction, the mark of a text.
        ("4155552671.0", ["4155552671"]),
        ("'0446681800", ["0446681800"]),
        ("415.555.2671", ["415.555.2671"]),
    ],
)
def test_the_numbers_of_a_cell_are_parted(cell, found):
    assert split_phones(cell) == found


@pytest.mark.parametrize("cell", ["1.41556E+10", "1,41556E+10", "4E+10", "-1.5e+9", "1.2E+123"])
def test_a_number_that_a_spreadsheet_ruined_is_told_with_what_to_do(cell):
    with pytest.raises(CellFault, match=r"Format the column as text") as caught:
        refuse_ruined(cell)
    assert cell in str(caught.value)
    with pytest.raises(CellFault):
        split_phones(f"044 668 18 00 / 079 123 45 67; {cell}")


@pytest.mark.parametrize("cell", ["14155526710", "A1E+5", "1.5", "E+10", "12.5E+3", "+41446681800"])
def test_what_only_looks_a_little_like_a_ruined_number_stays(cell):
    refuse_ruined(cell)


def test_only_what_may_be_a_number_is_taken_for_a_ruined_one(tmp_path):
    header = "Name,Company,Notes,Phone,Zip,Kundennummer,Size"
    (row,) = read(tmp_path, f"{header}\n{','.join(['1E+5'] * 7)}\n")
    assert [path for path, _ in row.faults] == [
        "phones",
        "addresses.1.postal_code",
        "external_id",
        "custom.Size",
    ]
    assert row.fields["first_name"] == row.fields["company"] == row.fields["notes"] == "1E+5"


@pytest.mark.parametrize(
    ("cell", "month_first", "found"),
    [
        ("1990-04-12", True, "1990-04-12"),
        ("1990/4/2", False, "1990-04-02"),
        ("1990.04.12.", False, "1990-04-12"),
        ("19900412", True, "1990-04-12"),
        ("--0412", True, "--04-12"),
        (" --04-12", True, "--04-12"),
        ("--02-29", True, "--02-29"),
        ("12.4.1990", True, "1990-04-12"),
        ("12. 4. 1990", True, "1990-04-12"),
        ("12.04.", True, "--04-12"),
        ("4/12/1990", True, "1990-04-12"),
        ("4/12/1990", False, "1990-12-04"),
        ("12-4-1990", False, "1990-04-12"),
        ("4/12", True, "--04-12"),
        ("4/12/90", True, "1990-04-12"),
        ("12.4.60", True, "1960-04-12"),
        ("April 12, 1990", True, "1990-04-12"),
        ("Apr 12", False, "--04-12"),
        ("12 April 1990", False, "1990-04-12"),
        ("12. april", False, "--04-12"),
        ("12-Sep-1990", True, "1990-09-12"),
        ("12th of never", True, None),
        ("0/0/00", True, ""),
        ("0000-00-00", True, ""),
        ("32975", True, "1990-04-12"),
        ("32975.5", True, "1990-04-12"),
        ("1990-04-12T00:00:00.000Z", True, "1990-04-12"),
        ("1990-04-12 00:00:00", True, "1990-04-12"),
        ("4/12/1990 12:00 AM", True, "1990-04-12"),
        ("13/4/1990", True, None),
        ("30.2.1990", True, None),
        ("1900-02-29", True, None),
        ("12.4.26", True, None),
        ("12.4.05", True, None),
        ("12 avril 1990", False, "1990-04-12"),
        ("1er mai 1990", False, "1990-05-01"),
        ("12. März", False, "--03-12"),
        ("12.Mai 1990", False, "1990-05-12"),
        ("12 de abril de 1990", False, "1990-04-12"),
        ("12 aprile 1990", False, "1990-04-12"),
        ("12 kwietnia 1990", False, "1990-04-12"),
        ("12 апреля 1990 г.", False, "1990-04-12"),
        ("12APR1990", True, "1990-04-12"),
        ("1990年4月12日", False, "1990-04-12"),
        ("4月12日", False, "--04-12"),
        ("1990년 4월 12일", False, "1990-04-12"),
        ("1990. 4. 12.", False, "1990-04-12"),
        ("Thursday, April 12, 1990", True, "1990-04-12"),
        ("Do., 12. April 1990", False, "1990-04-12"),
        ("19900412T000000Z", False, "1990-04-12"),
        ("April", True, None),
        ("1990", True, None),
        ("circa 1800", True, None),
        ("1.41556E+10", True, None),
        ("-", True, ""),
        ("n/a", True, ""),
    ],
)
def test_a_birthday_is_read_in_the_usual_forms_and_never_guessed(cell, month_first, found):
    def today() -> date:
        return date(2026, 11, 25)

    if found is None:
        with pytest.raises(CellFault):
            read_birthday(cell, month_first, today)
    else:
        assert read_birthday(cell, month_first, today) == found


def test_the_order_of_day_and_month_is_the_usual_one_unless_the_dates_show_the_other():
    both, day_first, month_first = "4/12/1990", "31/12/1990", "12/31/1990"
    assert date_order([both, month_first, both], usually_month_first=True) == (True, None, None)
    assert date_order([both, day_first, day_first], True) == (False, day_first, None)
    assert date_order([month_first, month_first], False) == (True, month_first, None)
    # One alone may be a slip, and would turn the others round.
    assert date_order([both, day_first], True) == (True, day_first, both)
    assert date_order([day_first, day_first, month_first, month_first], True).month_first
    assert date_order([both], False) == (False, None, both)
    assert date_order(["5/5/1990", "1990-04-12", "12.4.1990", "", "x" * 99], True) == (
        True,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("content", "region", "birthdays", "says"),
    [
        ("4/12/1990,12/25/1990,12/31/1991", "CH", ["1990-04-12"], "the month first, as 12/25"),
        ("4/12/1990,25/12/1990", "CH", ["1990-12-04"], None),
        ("4/12/1990,", "CH", ["1990-12-04"], "like 4/12/1990 were read with the day first"),
        ("4/12/1990,", "US", ["1990-04-12"], "like 4/12/1990 were read with the month first"),
        ("1990-04-12,12.4.1990", "CH", ["1990-04-12"], None),
    ],
)
def test_the_person_is_told_how_birthdays_were_read_where_it_may_be_otherwise(
    content, region, birthdays, says, tmp_path
):
    rows = "".join(f"Ann{n},{cell}\n" for n, cell in enumerate(content.split(",")))
    file = opened(tmp_path, f"Name,Birthday\n{rows}", region=region)
    file.check()
    assert [row.fields.get("birthday") for row in file.rows()][:1] == birthdays
    assert [says is not None and says in note for note in file.notes] == ([True] if says else [])


@pytest.mark.parametrize("nothing", ["-", "n/a", "N/A", "none", "null", "k.A.", "#N/A", "#REF!"])
def test_a_cell_that_only_says_that_there_is_nothing_is_empty(nothing, tmp_path):
    content = f"Name,Email,Phone,Birthday,Website\nAnn{f',{nothing}' * 4}\n"
    (row,) = read(tmp_path, content)
    assert (row.fields, row.faults) == ({"first_name": "Ann"}, [])


def test_what_programs_write_around_a_text_is_no_part_of_it(tmp_path):
    content = 'Name,Zip,Phone,Notes\n"=""Ann""","=""01067""",="0446681800","say ""="""\n'
    (row,) = read(tmp_path, content)
    assert row.fields["first_name"] == "Ann"
    assert row.fields["addresses"] == [{"postal_code": "01067"}]
    assert row.fields["phones"] == [{"value": "0446681800"}]
    assert row.fields["notes"] == 'say "="'
    # In a table of our own a text may well look so.
    (row,) = read(tmp_path, 'id,first_name,notes\nabcdefgh,#N/A,"\'=""x"""\n')
    assert row.fields["first_name"] == "#N/A"
    assert row.fields["notes"] == '="x"'


@PATIENT
@given(st.text(max_size=30), st.booleans())
def test_a_birthday_is_a_day_or_a_fault_whatever_is_written(cell, month_first):
    try:
        found = read_birthday(cell, month_first)
    except CellFault:
        return
    if found:
        date.fromisoformat(found.replace("--", "2000-", 1) if found.startswith("--") else found)


@PATIENT
@given(st.dates())
def test_every_day_is_read_back_from_each_form(day):
    for form in ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%Y-%m-%dT%H:%M:%S"):
        written = day.strftime(form)
        if len(written.split("-")[0].split(".")[-1].split(" ")[-1]) >= 4 and day.year >= 1000:
            assert read_birthday(written, month_first=True) == day.isoformat()
    assert read_birthday(f"{day.month}/{day.day}/{day.year:04}", True) == day.isoformat()
    assert read_birthday(f"{day.day}/{day.month}/{day.year:04}", False) == day.isoformat()


def test_names_of_tags_are_parted_by_the_ways_of_each_program():
    assert split_names("a, b; a|c") == ["a", "b", "c"]
    assert split_names("a, b ::: c; d") == ["a, b", "c; d"]
    assert split_categories("Kunde; Messe, Halle 3;;Kunde") == ["Kunde", "Messe, Halle 3"]
    assert split_labels("* myContacts ::: Friends, old ::: * starred") == ["Friends, old"]
    assert split_labels("* myContacts") == []
    # A name of one's own may begin with a star.
    assert split_labels("*VIP ::: * starred") == ["*VIP"]


def test_flags_and_consents_are_read_from_the_usual_words():
    for word in ("true", "YES", "1", "ja", "Oui", "sí", "TAK", "vero"):
        assert read_flag(word) is True
    for word in ("False", "no", "0", "nein", "non", "nie"):
        assert read_flag(word) is False
    with pytest.raises(CellFault, match="maybe"):
        read_flag("maybe")
    assert read_consent("opted_out", "opted_in") == "opted_out"
    assert read_consent("Opted in", "opted_out") == "opted_in"
    assert read_consent("Unsubscribed", "opted_in") == "opted_out"
    assert read_consent("1", "opted_out") == "opted_out"
    # Who has not opted out has not therefore agreed.
    assert read_consent("false", "opted_out") == ""
    assert read_consent("no", "opted_in") == "opted_out"
    with pytest.raises(CellFault, match="perhaps"):
        read_consent("perhaps", "opted_in")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ann Lee", ("Ann", "Lee")),
        ("Lee, Ann", ("Ann", "Lee")),
        ("Ludwig van Beethoven", ("Ludwig", "van Beethoven")),
        ("Maria de la Cruz", ("Maria", "de la Cruz")),
        ("Ann Marie Lee", ("Ann Marie", "Lee")),
        ("Madonna", ("Madonna", "")),
        ("Van Gogh", ("Van", "Gogh")),
        (", Ann", ("Ann", "")),
        ("Ann Lee, MD", ("Ann", "Lee, MD")),
        ("Ann Lee, Ph.D., MBA", ("Ann", "Lee, Ph.D., MBA")),
        ("Bob Lee Jr.", ("Bob", "Lee Jr.")),
        ("Ludwig van Beethoven II", ("Ludwig", "van Beethoven II")),
        ("Ann Lee (Acme)", ("Ann", "Lee (Acme)")),
        ("Smith Jr., Bob", ("Bob", "Smith Jr.")),
        ("Ma, Jack", ("Jack", "Ma")),
        # Md is a first name as well.
        ("Rahman, Md", ("Md", "Rahman")),
        ("Mary Jane Ma", ("Mary Jane", "Ma")),
        ("ANN LEE", ("ANN", "LEE")),
        ("山田 太郎", ("山田", "太郎")),
    ],
)
def test_a_whole_name_is_parted(name, parts):
    first, last = split_name(name)
    assert (first.strip(", "), last) == parts


@PATIENT
@given(st.text(alphabet="='+-@\t\r41 x", max_size=20))
def test_the_guard_of_a_cell_is_taken_off_as_it_was_put_on(cell):
    written = guarded(cell)
    if cell.startswith("'"):
        # It may be guarded already, and must not get a second one.
        assert written == cell
    else:
        assert unguarded(written) == cell
    harmless = not written[:1] or written[0] not in "=+-@\t\r"
    assert harmless or written[1:].isdecimal()


def test_a_label_is_no_number_that_a_spreadsheet_ruined(tmp_path):
    content = "Name,phones.1.label,phones.1.value\nAnn,1.5E+10,044 668 18 00\n"
    (row,) = read(tmp_path, content)
    assert row.faults == []
    assert row.fields["phones"] == [{"label": "1.5E+10", "value": "044 668 18 00"}]


def test_a_field_of_our_own_may_begin_with_a_star_in_googles_table_too(tmp_path):
    header = "First Name,Last Name,Labels,File As"
    for n in (1, 2):
        header += f",Custom Field {n} - Label,Custom Field {n} - Value"
    ours = "Fieldbook id,abcdefgh"
    (row,) = read(tmp_path, f"{header}\nAnn,,,,{ours},*Size,9\n")
    assert row.fields["custom"] == {"*Size": "9"}
    (row,) = read(tmp_path, f"{header}\nAnn,,,,Hue,red,* Size,9\n")
    assert row.fields["custom"] == {"Hue": "red", "Size": "9"}


def test_a_label_of_nothing_but_what_joins_labels_is_none(tmp_path):
    header = "First Name,Last Name,Labels,File As,Phone 1 - Label,Phone 1 - Value"
    header += ",Address 1 - Label,Address 1 - City"
    (row,) = read(tmp_path, f"{header}\nAnn,,,,:::,044 668 18 00, ::: ,Bern\n")
    assert row.fields["phones"] == [{"value": "044 668 18 00"}]
    assert row.fields["addresses"] == [{"city": "Bern"}]


def test_each_exchange_address_of_a_row_is_kept(tmp_path):
    header = "First Name,Last Name,E-mail Address,E-mail 2 Address,Mobile Phone"
    (row,) = read(tmp_path, f"{header}\nAnn,,/o=a/cn=1,/o=a/cn=2,\n")
    assert row.fields["custom"] == {"Exchange address": "/o=a/cn=1, /o=a/cn=2"}


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("Ann Lee,Ann,", ("Ann", "Lee")),
        ("Cy van Do,,Van Do", ("Cy", "Van Do")),
        ("Ann Lee,Ann,Lee", ("Ann", "Lee")),
        ("Ann Lee,Anna,Lee", ("Anna", "Lee")),
        ("Annabel Lee,Ann,", ("Ann", None)),
        ("Ann,Ann,", ("Ann", None)),
    ],
)
def test_a_whole_name_fills_up_the_part_that_a_row_has_not(row, names, tmp_path):
    (contact,) = read(tmp_path, f"Full Name,First Name,Last Name,Email\n{row},a@b.co\n")
    assert (contact.fields.get("first_name"), contact.fields.get("last_name")) == names
