"""Exports: the exact bytes of each format. What they read back as is in test_export_round_trips."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import asyncpg
import orjson
import pytest

from tests.integration.support.contacts import new_contact, new_label
from tests.integration.support.exports import export, rows_of
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z"
OWN_HEADER = (
    "id,external_id,first_name,last_name,company,department,job_title{lists},birthday,notes,tags,"
    "groups,types,owner,active,preferences.email,preferences.phone,preferences.sms{custom},"
    "created_at,updated_at"
)
ANN: dict[str, Any] = {
    "id": "-ann-0001",
    "external_id": "007",
    "first_name": "=cmd()",
    "last_name": 'O"Neil, "Jr"',
    "company": "::: Lee 🦊 & Sons",
    "department": "'=quoted",
    "job_title": "שלום",
    "emails": [{"label": "work", "value": "ann@example.com"}, {"value": "ann@home.example"}],
    "phones": [
        {"label": "mobile", "value": "+41446681800"},
        {"label": "Dach", "value": "+41 44 668 18 01"},
        {"value": "(415) 555-2671"},
    ],
    "addresses": [
        {
            "label": "office",
            "street": "1 High Street\nRear; left",
            "city": "Zürich",
            "country": "CH",
        },
        {"label": "home", "city": "-Bern"},
    ],
    "websites": [{"value": "https://example.com/?a=1,2"}],
    "birthday": "--04-12",
    "notes": "Line one\nLine two; \\ and ,",
    "custom": {"size": 3, "minus": -2.5, "vip": True, "code": "42", "said": '"so"', "free": "a, b"},
    "preferences": {"email": "opted_out", "sms": "opted_in"},
    "active": False,
}


def without_times(text: str) -> str:
    return re.sub(TIME, "<time>", text)


@pytest.fixture
async def ann(agent: Api) -> dict[str, Any]:
    """One contact that has everything, with a tag, two groups and a type."""
    labels = {
        "tag_ids": [await new_label(agent, "tags", "=VIP"), await new_label(agent, "tags", "a, b")],
        "group_ids": [
            await new_label(agent, "groups", "Fair"),
            await new_label(agent, "groups", "Bern"),
        ],
        "type_ids": [await new_label(agent, "types", "Customer; old")],
    }
    await new_contact(agent, **ANN, **labels)
    contact: dict[str, Any] = (await agent.get(f"/api/contacts/{ANN['id']}")).json
    return contact


async def test_our_own_csv_to_the_byte(agent: Api, ann: dict[str, Any]) -> None:
    answer = await export(agent, "")
    lists = ",emails.1.value,emails.1.label,emails.2.value,emails.2.label"
    lists += "".join(f",phones.{n}.value,phones.{n}.label" for n in (1, 2, 3))
    parts = ("label", "street", "city", "region", "postal_code", "country")
    lists += "".join(f",addresses.{n}.{part}" for n in (1, 2) for part in parts)
    lists += ",websites.1.value,websites.1.label"
    custom = "".join(f",custom.{name}" for name in sorted(ANN["custom"]))

    assert without_times(answer.text) == (
        "\ufeff" + OWN_HEADER.format(lists=lists, custom=custom) + "\r\n"
        '\'-ann-0001,007,\'=cmd(),"O""Neil, ""Jr""",::: Lee 🦊 & Sons,\'\'=quoted,שלום,'
        "ann@example.com,work,ann@home.example,,"
        "+41446681800,mobile,'+41 44 668 18 01,Dach,(415) 555-2671,,"
        'office,"1 High Street\nRear; left",Zürich,,,CH,'
        "home,,'-Bern,,,,"
        '"https://example.com/?a=1,2",,'
        '\'--04-12,"Line one\nLine two; \\ and ,",'
        '"\'=VIP ::: a, b",Bern ::: Fair,Customer; old,agent,false,opted_out,,opted_in,'
        '"""42""","a, b",\'-2.5,"""\\""so\\""""",3,true,'
        "<time>,<time>\r\n"
    )
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="contacts-\d{4}-\d\d-\d\d\.csv"',
        answer.headers["Content-Disposition"],
    )


async def test_google_s_csv(agent: Api, ann: dict[str, Any]) -> None:
    answer = await export(agent, "format=google")
    (row,) = rows_of(answer.text)

    filled = {heading: cell for heading, cell in row.items() if cell}
    customs = {
        filled.pop(f"Custom Field {n} - Label"): filled.pop(f"Custom Field {n} - Value")
        for n in range(1, 16)
        if f"Custom Field {n} - Label" in filled
    }
    assert filled == {
        "First Name": "'=cmd()",
        "Last Name": 'O"Neil, "Jr"',
        "Organization Name": "::: Lee 🦊 & Sons",
        "Organization Title": "שלום",
        "Organization Department": "''=quoted",
        "Birthday": "'--04-12",
        "Notes": "Line one\nLine two; \\ and ,",
        "Labels": "'=VIP ::: a, b ::: * myContacts",
        "E-mail 1 - Label": "work",
        "E-mail 1 - Value": "ann@example.com",
        "E-mail 2 - Value": "ann@home.example",
        "Phone 1 - Label": "mobile",
        "Phone 1 - Value": "+41446681800",
        "Phone 2 - Label": "Dach",
        "Phone 2 - Value": "'+41 44 668 18 01",
        "Phone 3 - Value": "(415) 555-2671",
        "Address 1 - Label": "office",
        "Address 1 - Formatted": "1 High Street\nRear; left\nZürich\nCH",
        "Address 1 - Street": "1 High Street\nRear; left",
        "Address 1 - City": "Zürich",
        "Address 1 - Country": "CH",
        "Address 2 - Label": "home",
        "Address 2 - Formatted": "'-Bern",
        "Address 2 - City": "'-Bern",
        "Website 1 - Value": "https://example.com/?a=1,2",
    }
    assert customs == {
        "Fieldbook id": "'-ann-0001",
        "Fieldbook external_id": "007",
        "Fieldbook groups": "Bern ::: Fair",
        "Fieldbook types": "Customer; old",
        "Fieldbook owner": "agent",
        "Fieldbook active": "false",
        "Fieldbook preferences.email": "opted_out",
        "Fieldbook preferences.sms": "opted_in",
        "code": "42",
        "free": "a, b",
        "minus": "'-2.5",
        "said": '"so"',
        "size": "3",
        "vip": "true",
    }
    assert list(row)[:17] == [
        *("First Name", "Middle Name", "Last Name", "Phonetic First Name", "Phonetic Middle Name"),
        *("Phonetic Last Name", "Name Prefix", "Name Suffix", "Nickname", "File As"),
        *("Organization Name", "Organization Title", "Organization Department", "Birthday"),
        *("Notes", "Photo", "Labels"),
    ]
    assert answer.text.startswith("\ufeffFirst Name,")
    assert answer.text.endswith("\r\n")
    assert "\x1e" not in answer.text
    assert 'filename="contacts-google-' in answer.headers["Content-Disposition"]


async def test_json_is_what_rest_gives_and_the_names(agent: Api, ann: dict[str, Any]) -> None:
    await new_contact(agent, company="A company", owner_id=None, phone="044 668 18 00")

    answer = await export(agent, "format=json")
    first, second = sorted(answer.json, key=lambda contact: contact["version"])

    assert first == ann | {
        "tags": ["=VIP", "a, b"],
        "groups": ["Bern", "Fair"],
        "types": ["Customer; old"],
        "owner": "agent",
    }
    assert second == (await agent.get(f"/api/contacts/{second['id']}")).json
    assert answer.text.startswith('[\n{"id":')
    assert answer.text.endswith("}\n]\n")
    assert answer.text.count("\n") == 4
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_a_vcard_to_the_byte(agent: Api, ann: dict[str, Any]) -> None:
    answer = await export(agent, "format=vcf")

    assert without_times(answer.text) == "\r\n".join(
        [
            "BEGIN:VCARD",
            "VERSION:3.0",
            "UID:-ann-0001",
            'FN:=cmd() O"Neil\\, "Jr"',
            'N:O"Neil\\, "Jr";=cmd();;;',
            "ORG:::: Lee 🦊 & Sons;'=quoted",
            "TITLE:שלום",
            "EMAIL;TYPE=WORK:ann@example.com",
            "EMAIL:ann@home.example",
            "TEL;TYPE=CELL:+41446681800",
            "item4.TEL:+41 44 668 18 01",
            "item4.X-ABLabel:Dach",
            "TEL:(415) 555-2671",
            "item6.ADR:;;1 High Street\\nRear\\; left;Zürich;;;CH",
            "item6.X-ABLabel:office",
            "ADR;TYPE=HOME:;;;-Bern;;;",
            "URL:https://example.com/?a=1\\,2",
            "BDAY:--0412",
            "NOTE:Line one\\nLine two\\; \\\\ and \\,",
            "CATEGORIES:=VIP,a\\, b",
            "X-FIELDBOOK-EXTERNAL-ID:007",
            "X-FIELDBOOK-GROUPS:Bern ::: Fair",
            "X-FIELDBOOK-TYPES:Customer\\; old",
            "X-FIELDBOOK-OWNER:agent",
            "X-FIELDBOOK-ACTIVE:false",
            "X-FIELDBOOK-PREFERENCES-EMAIL:opted_out",
            "X-FIELDBOOK-PREFERENCES-SMS:opted_in",
            "REV:<time>",
            'X-FIELDBOOK-CUSTOM:code;"42"',
            "X-FIELDBOOK-CUSTOM:free;a\\, b",
            "X-FIELDBOOK-CUSTOM:minus;-2.5",
            'X-FIELDBOOK-CUSTOM:said;"\\\\"so\\\\""',
            "X-FIELDBOOK-CUSTOM:size;3",
            "X-FIELDBOOK-CUSTOM:vip;true",
            "END:VCARD",
            "",
        ]
    )
    assert answer.headers["Content-Type"] == "text/vcard; charset=utf-8"


async def test_a_contact_without_a_name_has_its_card_too(agent: Api) -> None:
    await new_contact(agent, id="nameless-1", email="only@example.com", owner_id=None)

    answer = await export(agent, "format=vcf")

    assert without_times(answer.text).split("\r\n") == [
        *("BEGIN:VCARD", "VERSION:3.0", "UID:nameless-1", "FN:only@example.com", "N:;;;;"),
        *("EMAIL:only@example.com", "X-FIELDBOOK-ACTIVE:true", "REV:<time>", "END:VCARD", ""),
    ]


async def test_long_lines_of_a_vcard_are_folded_between_characters(agent: Api) -> None:
    notes = "é" * 40 + "🦊" * 40 + "\n" + "x" * 300
    await new_contact(agent, first_name="Ann", notes=notes)

    async with agent.session.get(
        f"{agent.url}/api/bulk/export?format=vcf", headers=agent.headers
    ) as response:
        body = await response.read()

    lines = body.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert [line.decode() for line in lines]
    assert f"NOTE:{notes}".replace("\n", "\\n") in body.decode().replace("\r\n ", "")


async def test_no_contact_gives_a_header_and_files_that_are_whole(agent: Api) -> None:
    assert (await export(agent, "")).text == "\ufeff" + OWN_HEADER.format(
        lists="", custom=""
    ) + "\r\n"
    assert (await export(agent, "format=google")).text.count("\r\n") == 1
    assert (await export(agent, "format=json")).json == []
    assert (await export(agent, "format=vcf")).text == ""


async def test_a_format_that_is_not_is_refused_by_name(agent: Api) -> None:
    answer = await agent.get("/api/bulk/export?format=xls")

    assert answer.code == "invalid format"
    assert "csv, google, json, vcf" in answer.json["fields"]["format"][0]
    assert (await agent.get("/api/bulk/export?tags=VIP")).code == "invalid tags"
    assert (await agent.get("/api/bulk/export?limit=3")).code == "invalid limit"


async def test_times_are_those_of_the_contact_itself(agent: Api) -> None:
    """Also where a microsecond more would be the next millisecond, or the next second."""
    for number in range(40):
        await new_contact(agent, id=f"contact-{number:03}", company="Times")
    contacts = (await export(agent, "format=json")).json
    cards = (await export(agent, "format=vcf")).text
    revisions = dict(re.findall(r"UID:(.*?)\r\n.*?REV:(.*?)\r\n", cards, re.DOTALL))

    rows = rows_of((await export(agent, "")).text)

    for name in ("created_at", "updated_at"):
        assert {row["id"]: datetime.fromisoformat(row[name]) for row in rows} == {
            contact["id"]: datetime.fromisoformat(contact[name]) for contact in contacts
        }
    assert revisions == {contact["id"]: contact["updated_at"][:19] + "Z" for contact in contacts}


async def test_two_companies_never_mix(agent: Api, outsider: Api) -> None:
    tag = await new_label(agent, "tags", "Ours")
    await new_contact(agent, first_name="Ours", tag_ids=[tag], custom={"ours": 1})
    await new_contact(outsider, first_name="Theirs", custom={"theirs": 2})

    for name in ("csv", "google", "json", "vcf"):
        text = (await export(agent, f"format={name}")).text
        assert "Ours" in text
        assert "heirs" not in text
        assert "heirs" in (await export(outsider, f"format={name}")).text
    assert (await export(outsider, "tag=Ours&format=json")).json == []


async def test_every_export_enters_the_history(agent: Api, admin: Api, company: Company) -> None:
    await new_contact(agent, first_name="Ann")
    await export(agent, "format=vcf&search=ann")

    (entry,) = (await admin.get("/api/audit?op=export")).json["items"]

    assert entry["agent"] == company.agents["agent"]
    assert {name: value["to"] for name, value in entry["changes"].items()} == {
        "format": "vcf",
        "filter": {"search": "ann"},
        "count": 1,
    }


async def test_a_table_of_too_many_columns_is_refused_with_what_to_do(
    agent: Api, owner: asyncpg.Connection, company: Company
) -> None:
    for start in range(0, 1_600, 200):
        await new_contact(
            agent, first_name="Ann", custom={f"field {start + n}": n for n in range(200)}
        )

    for name in ("csv", "google"):
        answer = await agent.get(f"/api/bulk/export?format={name}")
        assert answer.code == "invalid format"
        assert "columns" in answer.json["detail"]
    assert len((await export(agent, "format=json")).json) == 8
    assert (await export(agent, "format=vcf")).text.count("X-FIELDBOOK-CUSTOM:") == 1_600
    assert orjson.loads((await admin_entries(owner, company))[0])["format"] == "json"


async def admin_entries(owner: asyncpg.Connection, company: Company) -> list[str]:
    """What was logged: a refused export is none."""
    records = await owner.fetch(
        "SELECT after::text FROM audit_log WHERE tenant_id = $1 AND op = 'export' ORDER BY id",
        company.tenant,
    )
    return [record["after"] for record in records]
