"""Which column goes to which field: known programs, usual names in many languages, wishes."""

from __future__ import annotations

import pytest

from server.files.families import recognise
from server.files.mapping import apply_mapping, propose_mapping
from server.files.model import FileFault
from server.files.paths import FieldPath, parse_path
from server.files.usual_names import usual_path
from tests.unit.files_support import opened, read

LANGUAGES = {
    "en": (
        "First name,Last name,Company,Job title,E-mail,Phone,Mobile,"
        "Street,ZIP,City,Country,Notes"
    ),
    "de": (
        "Vorname,Nachname,Firma,Berufsbezeichnung,E-Mail-Adresse,"
        "Telefon,Handy,Straße,PLZ,Ort,Land,Notizen"
    ),
    "fr": (
        "Prénom,Nom,Société,Fonction,Courriel,Téléphone,Portable,Rue,"
        "Code postal,Ville,Pays,Remarques"
    ),
    "es": (
        "Nombre,Apellidos,Empresa,Cargo,Correo electrónico,Teléfono,"
        "Móvil,Calle,Código postal,Ciudad,País,Notas"
    ),
    "it": (
        "Nome,Cognome,Azienda,Qualifica,Indirizzo e-mail,Telefono,"
        "Cellulare,Via,CAP,Città,Paese,Note"
    ),
    "pl": (
        "Imię,Nazwisko,Firma,Stanowisko,E-mail,Telefon,"
        "Telefon komórkowy,Ulica,Kod pocztowy,Miasto,Kraj,Uwagi"
    ),
}  # fmt: skip
FIELDS = [
    "first_name",
    "last_name",
    "company",
    "job_title",
    "emails",
    "phones",
    "phones.mobile",
    "addresses.1.street",
    "addresses.1.postal_code",
    "addresses.1.city",
    "addresses.1.country",
    "notes",
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_usual_names_of_columns_are_known_in_many_languages(language):
    columns = LANGUAGES[language].split(",")
    assert list(propose_mapping("csv", columns).values()) == FIELDS
    shouted = [column.upper().replace(" ", "_") for column in columns]
    assert list(propose_mapping("csv", shouted).values()) == FIELDS


def test_what_no_field_is_for_becomes_a_custom_field_of_its_name():
    columns = ["Name", "Shoe  size", "Company", "Firma", "x" * 150]
    assert propose_mapping("csv", columns) == {
        "Name": "name",
        "Shoe  size": "custom.Shoe size",
        "Company": "company",
        "Firma": "custom.Firma",
        "x" * 150: "custom." + "x" * 100,
    }


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ("Vorname,Name", ["first_name", "last_name"]),
        ("Name,Vorname", ["last_name", "first_name"]),
        ("Nom,Email", ["name", "emails"]),
        ("Prénom,Nom", ["first_name", "last_name"]),
        ("Nombre,Email", ["name", "emails"]),
        ("Nome,Cognome", ["first_name", "last_name"]),
        ("First name,Last name,Name", ["first_name", "last_name", "name"]),
        ("First name,Vorname", ["first_name", "custom.Vorname"]),
        ("Email,Email 2,E-Mail 3", ["emails", "emails", "emails"]),
        ("Phone 1,Phone 2,Mobile 2", ["phones", "phones", "phones.mobile"]),
        ("City,City 2,Zip 2", ["addresses.1.city", "addresses.2.city", "addresses.2.postal_code"]),
        ("Address 1,Address 2", ["addresses.1.street", "addresses.1.street"]),
        ("owner,Account Owner", ["owner", "custom.Account Owner"]),
        ("phones.work,preferences.sms,custom.a", ["phones.work", "preferences.sms", "custom.a"]),
    ],
)
def test_columns_are_understood_by_what_stands_beside_them(columns, fields):
    assert list(propose_mapping("csv", columns.split(",")).values()) == fields


@pytest.mark.parametrize(
    ("columns", "program"),
    [
        ("id,first_name,emails.1.value,custom.x y,updated_at", "own"),
        ("id,name,colour", None),
        ("First Name,Last Name,Labels,Organization Name", "google"),
        ("FIRST NAME,LAST NAME,File As,Labels,E-mail 12 - Value", "google"),
        ("Given Name,Family Name,Group Membership", "google_old"),
        ("First Name,Last Name,E-mail Address,Business Phone", "outlook"),
        ("First Name,Last Name,Given Yomi,Surname Yomi", "outlook_com"),
        ("Record ID,Email", "hubspot"),
        ("Record ID - Contact,First Name,Last Name", "hubspot"),
        ("Id,LastName,FirstName", "salesforce"),
        ("Last Name,Mailing City", "salesforce"),
        ("First Name,Last Name,Account Name,Account Owner", "salesforce"),
        ("First Name,Last Name,Email", None),
        ("Vorname,Nachname", None),
    ],
)
def test_a_program_is_recognised_by_its_columns(columns, program):
    assert recognise(columns.split(",")) == program


def test_numbered_columns_are_taken_however_many_there_are(tmp_path):
    numbers = range(1, 31)
    header = ["First Name", "Last Name", "Labels", "File As"]
    header += [f"Phone {n} - {part}" for n in numbers for part in ("Label", "Value")]
    cells = ["Ann", "", "", ""] + [
        text for n in numbers for text in (f"Line {n}", f"+4144668{n:04}")
    ]
    (row,) = read(tmp_path, ",".join(header) + "\n" + ",".join(cells) + "\n")
    assert row.fields["phones"] == [
        {"label": f"Line {n}", "value": f"+4144668{n:04}"} for n in numbers
    ]


def test_a_custom_field_beyond_the_ninety_ninth_is_one_like_the_others(tmp_path):
    columns = [f"Custom Field {n} - {part}" for n in range(1, 201) for part in ("Label", "Value")]
    cells = [text for n in range(1, 201) for text in (f"field {n}", f"value {n}")]
    header = ["First Name", "Last Name", "Labels", "File As", *columns]
    (row,) = read(tmp_path, ",".join(header) + "\n" + ",".join(["Ann", "", "", "", *cells]) + "\n")
    assert row.fields["custom"] == {f"field {n}": f"value {n}" for n in range(1, 201)}


def test_several_that_google_marks_as_the_primary_one_keep_their_order(tmp_path):
    (row,) = read(
        tmp_path,
        "First Name,Last Name,Labels,File As,E-mail 1 - Label,E-mail 1 - Value,"
        "E-mail 2 - Label,E-mail 2 - Value\nAnn,,,,Home,a@b.c,* Work,d@e.f ::: g@h.i\n",
    )
    assert [item["value"] for item in row.fields["emails"]] == ["d@e.f", "g@h.i", "a@b.c"]


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("first_name", FieldPath("first_name")),
        ("email", FieldPath("emails", "", "value")),
        ("phones.work", FieldPath("phones", "work", "value")),
        ("phones.work fax.label", FieldPath("phones", "work fax", "label")),
        ("emails.2.value", FieldPath("emails", "2", "value")),
        ("addresses.home.city", FieldPath("addresses", "home", "city")),
        ("addresses.street", FieldPath("addresses", "", "street")),
        ("addresses", FieldPath("addresses", "", "formatted")),
        ("custom.a.b", FieldPath("custom", "a.b")),
        ("preferences.sms", FieldPath("preferences", "sms")),
        ("preferences.fax", None),
        ("first_name.x", None),
        ("emails.label", None),
        ("emails.1.valeu", None),
        ("customs.1", None),
        ("planet", None),
        ("", None),
    ],
)
def test_a_field_path_is_taken_apart_or_refused(path, parts):
    assert parse_path(path) == parts


def test_wishes_change_the_proposal_column_by_column():
    proposed = propose_mapping("csv", ["Company", "Client", "Email", "Colour"])
    wished = {"Client": "company", "Colour": None, "Email": "emails.work"}
    assert apply_mapping(proposed, wished) == {
        # What held the field makes room, and loses nothing.
        "Company": "custom.Company",
        "Client": "company",
        "Email": "emails.work",
        "Colour": None,
    }
    assert apply_mapping(proposed, {}) == proposed
    assert apply_mapping(proposed, proposed) == proposed
    with pytest.raises(FileFault, match="both Company and Client"):
        apply_mapping(proposed, {"Company": "company", "Client": "company"})


def test_a_wish_is_read_as_it_says(tmp_path):
    content = "A,B,C,D\nLee,Ann,a@b.c;d@e.f,12/4/1990\n"
    wish = {"A": "last_name", "B": "first_name", "C": "email", "D": "birthday"}
    (row,) = read(tmp_path, content, mapping=wish, region="GB")
    assert row.fields == {
        "first_name": "Ann",
        "last_name": "Lee",
        "emails": [{"value": "a@b.c"}, {"value": "d@e.f"}],
        "birthday": "1990-04-12",
    }


def test_columns_of_one_name_or_of_none_are_told_apart(tmp_path):
    file = opened(tmp_path, "Name,Phone,Phone,,Phone,,\nAnn,1,2,3,4\n")
    assert file.columns == ["Name", "Phone", "Phone (2)", "Column 4", "Phone (3)"]
    (row,) = file.rows()
    assert [phone["value"] for phone in row.fields["phones"]] == ["1", "2", "4"]
    assert row.fields["custom"] == {"Column 4": "3"}


def test_no_usual_name_leads_to_a_field_that_is_none():
    from server.files.usual_names import _PATHS

    assert all(parse_path(path) for path in _PATHS.values())
    assert usual_path("Geschäft Telefon") is None
    assert usual_path("Telefon Geschaeft") == "phones.work"


def test_of_two_columns_that_a_program_has_for_one_field_the_second_stays_too(tmp_path):
    content = "Record ID,First Name,Email,Contact ID\n1,Ann,a@b.co,2\n3,Bo,b@b.co,3\n,Cy,c@b.co,4\n"
    ann, bo, cy = read(tmp_path, content)
    assert (ann.fields["external_id"], ann.fields["custom"]) == ("1", {"Contact ID": "2"})
    assert (bo.fields["external_id"], "custom" in bo.fields) == ("3", False)
    assert (cy.fields["external_id"], "custom" in cy.fields) == ("4", False)
