"""JSON and vCards beyond the golden files: foreign shapes, wishes, and what each row is told."""

from __future__ import annotations

import json

import pytest

from server.files.model import MAX_COLUMNS, FileFault
from tests.unit.files_support import opened, read


def card(*lines: str, version: str = "3.0") -> str:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", "N:Lee;Ann", *lines, "END:VCARD", ""])


@pytest.mark.parametrize(
    ("thing", "field"),
    [
        ({"company": {"name": "Acme"}}, "company"),
        ({"company": ["Acme"]}, "company"),
        ({"tags": [1]}, "tags"),
        ({"tags": {"a": 1}}, "tags"),
        ({"custom": [1]}, "custom"),
        ({"custom": 5}, "custom"),
        ({"preferences": "no"}, "preferences"),
        ({"phones": ["1.5E+10"]}, "phones.0.value"),
        ({"birthday": "soon"}, "birthday"),
        ({"active": "perhaps"}, "active"),
    ],
)
def test_a_value_of_the_wrong_shape_is_a_fault_of_its_row(thing, field, tmp_path):
    rows = read(tmp_path, json.dumps([{"first_name": "Ann"} | thing, {"first_name": "Bo"}]))
    assert [path for path, _ in rows[0].faults] == [field]
    assert rows[1].faults == []


def test_flat_objects_of_other_programs_are_read_by_the_names_of_their_keys(tmp_path):
    thing = {
        "Full Name": "Ann Lee",
        "email": "a@b.c, d@e.f",
        "Mobile": 41791234567,
        "city": "Bern",
        "tags": ["a", {"name": "b"}, "a"],
        "groups": "x; y",
        "owner": {"code": "ANN"},
        "score": 4.5,
        "nested": {"a": [1]},
        "photo": "https://example.com/p.jpg",
        "_error": "said before",
    }
    (row,) = read(tmp_path, json.dumps([thing]))
    assert row.faults == []
    assert row.photos == 1
    assert row.fields == {
        "first_name": "Ann",
        "last_name": "Lee",
        "emails": [{"value": "a@b.c"}, {"value": "d@e.f"}],
        "phones": [{"label": "mobile", "value": "41791234567"}],
        "addresses": [{"city": "Bern"}],
        "tags": ["a", "b"],
        "groups": ["x", "y"],
        "owner": "ANN",
        "custom": {"score": 4.5, "nested": '{"a": [1]}'},
    }


def test_the_text_of_json_is_not_taken_for_a_guarded_cell(tmp_path):
    (row,) = read(tmp_path, json.dumps([{"first_name": "'=Ann"}]))
    assert row.fields == {"first_name": "'=Ann"}


def test_one_key_of_an_object_may_be_left_out_or_sent_elsewhere(tmp_path):
    content = json.dumps([{"first_name": "Ann", "notes": "x", "rank": "A"}])
    (row,) = read(tmp_path, content, mapping={"notes": None, "rank": "job_title"})
    assert row.fields == {"first_name": "Ann", "job_title": "A"}


def test_more_keys_or_properties_than_columns_are_refused(tmp_path):
    with pytest.raises(FileFault, match=f"{MAX_COLUMNS} different keys"):
        opened(tmp_path, json.dumps([{f"key {number}": 1 for number in range(MAX_COLUMNS + 1)}]))
    late = [{"first_name": "Ann"}] * 1_001 + [
        {f"key {number}": 1 for number in range(MAX_COLUMNS + 1)}
    ]
    with pytest.raises(FileFault, match="1,002"):
        read(tmp_path, json.dumps(late))
    with pytest.raises(FileFault, match=f"{MAX_COLUMNS} different properties"):
        opened(tmp_path, card(*(f"X-A{number}:1" for number in range(MAX_COLUMNS + 1))))


def test_a_property_may_be_left_out_or_sent_elsewhere(tmp_path):
    content = card(
        "NOTE:secret", "X-RANK:A", "X-MAIL:x@y.z", "EMAIL:a@b.c", "X-HUE:rot", "X-HUE:blau"
    )
    wish = {
        "NOTE": None,
        "X-RANK": "job_title",
        "X-MAIL": "emails.other",
        "X-HUE": "custom.Colour",
    }
    (row,) = read(tmp_path, content, mapping=wish)
    assert row.fields == {
        "first_name": "Ann",
        "last_name": "Lee",
        "emails": [{"value": "a@b.c"}, {"label": "other", "value": "x@y.z"}],
        "job_title": "A",
        "custom": {"Colour": "rot, blau"},
    }
    with pytest.raises(FileFault, match="X-NONE"):
        read(tmp_path, content, mapping={"X-NONE": "notes"})


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("TEL;CELL;WORK:1", "work mobile"),
        ("TEL;TYPE=CELL:1", "mobile"),
        ("TEL;type=cell,voice:1", "mobile"),
        ('TEL;TYPE="home,fax":1', "home fax"),
        ("TEL;FAX;WORK:1", "work fax"),
        ("TEL;PREF;VOICE:1", None),
        ("TEL;TYPE=x-Desk:1", "Desk"),
        ("TEL:1", None),
    ],
)
def test_the_types_of_a_number_are_its_label_in_every_version(line, label, tmp_path):
    for version in ("2.1", "3.0", "4.0"):
        (row,) = read(tmp_path, card(line, version=version))
        (phone,) = row.fields["phones"]
        assert phone.get("label") == label


@pytest.mark.parametrize(
    "line",
    [
        "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=KLINGON:=41",
        "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=FF",
        "NOTE;ENCODING=BASE64:x",
        "no colon at all",
        ":no name",
        "TEL:1.5E+10",
        "BDAY:1985-13",
        "X-FIELDBOOK-PLANET:Mars",
        "X-FIELDBOOK-ACTIVE:perhaps",
        'X-FIELDBOOK-CUSTOM:a;"half',
    ],
)
def test_a_line_that_can_not_be_read_is_a_fault_of_its_card_alone(line, tmp_path):
    rows = read(tmp_path, card(line, "TITLE:Buyer") + card())
    if '"half' in line:
        # It only begins like JSON.
        assert rows[0].fields["custom"] == {"a": '"half'}
    else:
        assert len(rows[0].faults) == 1
    assert rows[0].fields["job_title"] == "Buyer"
    assert rows[1].faults == []


def test_text_of_any_encoding_in_a_card_of_2_1_is_read(tmp_path):
    head = "NOTE;ENCODING=QUOTED-PRINTABLE"
    for written in (f"{head};CHARSET=ISO-8859-1:M=FC", f"{head}:M=C3=BC", f"{head}:M=FC"):
        (row,) = read(tmp_path, card(written, version="2.1"))
        assert row.fields["notes"] == "Mü"
    (row,) = read(tmp_path, card("NOTE;ENCODING=BASE64:TcO8", version="2.1"))
    assert row.fields["notes"] == "Mü"
    (row,) = read(tmp_path, card("NOTE:Mü", version="2.1").encode("cp1252"))
    assert row.fields["notes"] == "Mü"


def test_own_custom_values_keep_their_kind(tmp_path):
    header = "id,first_name,custom.a,custom.b,custom.c,custom.d,custom.e,custom.f"
    cells = 'c_1,Ann,4.5,true,"""42""",00042,null,"""no json"'
    (row,) = read(tmp_path, f"{header}\n{cells}\n")
    assert row.fields["custom"] == {"a": 4.5, "b": True, "c": "42", "d": "00042", "f": '"no json'}
    (row,) = read(tmp_path, 'id,first_name,custom.a\nc_1,Ann,"""a"" b"""\n')
    assert row.faults == [("custom.a", row.faults[0][1])]


def test_the_custom_values_of_other_tables_are_texts(tmp_path):
    (row,) = read(tmp_path, "Name,Score\nAnn,4.5\n")
    assert row.fields["custom"] == {"Score": "4.5"}


def test_several_addresses_in_one_cell_are_parted_part_by_part(tmp_path):
    header = (
        "First Name,Last Name,Labels,File As,Address 1 - Label,Address 1 - Street,Address 1 - City"
    )
    cells = "Ann,,,,* Work ::: Home,Seeweg 1 ::: Hang 2,Bern ::: Thun"
    (row,) = read(tmp_path, f"{header}\n{cells}\n")
    assert row.fields["addresses"] == [
        {"label": "Work", "street": "Seeweg 1", "city": "Bern"},
        {"label": "Home", "street": "Hang 2", "city": "Thun"},
    ]


def test_an_opt_out_stands_whatever_a_second_column_says(tmp_path):
    header = "Name,Email opt out,Newsletter"
    wish = {"Email opt out": "preferences.email", "Newsletter": "custom.Newsletter"}
    (row,) = read(tmp_path, f"{header}\nAnn,yes,yes\n", mapping=wish)
    assert row.fields["preferences"] == {"email": "opted_out"}


def test_a_fault_in_a_custom_field_of_ours_names_the_field(tmp_path):
    header = "First Name,Last Name,Labels,File As,Custom Field 1 - Label,Custom Field 1 - Value"
    (row,) = read(tmp_path, f"{header}\nAnn,,,,Fieldbook active,perhaps\n")
    assert [path for path, _ in row.faults] == ["active"]


def test_an_email_stands_where_an_object_has_no_list_of_them(tmp_path):
    contacts = [
        {"name": "Ann", "email": "a@b.co", "phone": "044 668 18 00", "owner_id": "abc"},
        {"name": "Bo", "email": "b@b.co", "emails": [{"value": "b@b.co"}], "phones": ["1"]},
        {"name": "Cy", "owner_id": "abc", "owner": "ann"},
    ]
    ann, bo, cy = read(tmp_path, json.dumps(contacts))
    assert ann.fields["emails"] == [{"value": "a@b.co"}]
    assert ann.fields["phones"] == [{"value": "044 668 18 00"}]
    assert (ann.fields["owner"], cy.fields["owner"]) == ("abc", "ann")
    assert bo.fields["emails"] == [{"value": "b@b.co"}]


def test_a_fault_is_named_by_the_list_where_there_is_one(tmp_path):
    file = opened(tmp_path, '[{"name": "Bo", "email": "b", "emails": [{"value": "b"}]}]')
    (row,) = file.rows()
    # Mended in `email`, it would be wrong again.
    assert row.column_of("emails.0.value") is None


def test_objects_mean_the_same_whether_the_whole_file_was_seen_before_or_not(tmp_path):
    early = {"name": "Ann", "email": "a@b.co", "owner_id": "abc"}
    late = {"name": "Bo", "emails": [{"value": "b@b.co"}], "owner": "ann"}
    content = json.dumps([early] * 1_100 + [late])
    checked = read(tmp_path, content)
    # As a run reads it whose file was checked before.
    unchecked = list(opened(tmp_path, content).rows())
    assert [row.fields for row in checked] == [row.fields for row in unchecked]
    assert checked[0].fields["emails"] == [{"value": "a@b.co"}]


@pytest.mark.parametrize(
    ("early", "late", "mapping"),
    [
        ('{"name": "Ann", "title": "x"},', '{"name": "Bo", "memo": "y"}', {"memo": "job_title"}),
        (
            "BEGIN:VCARD\nFN:Ann\nTITLE:x\nEND:VCARD\n",
            "BEGIN:VCARD\nFN:Bo\nX-MEMO:y\nEND:VCARD\n",
            {"X-MEMO": "job_title"},
        ),
    ],
)
def test_a_run_maps_what_comes_early_by_what_the_check_found_late(early, late, mapping, tmp_path):
    content = early * 1_100 + late
    content = f"[{content}]" if content[0] == "{" else content
    checked = opened(tmp_path, content, mapping=mapping)
    checked.check()
    run = opened(tmp_path, content, mapping=mapping)
    run.know(checked.columns)
    assert run.mapping == checked.mapping
    assert [row.fields for row in run.rows()] == [row.fields for row in checked.rows()]
