"""Exports: the exact bytes of each format. What they read back as is in test_export_round_trips."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from typing import Any

import asyncpg
import orjson
import pytest

from tests.integration.support.rest import Answer, Api, RestServer
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


async def make(api: Api, **fields: Any) -> str:
    made = await api.post("/api/contacts", fields)
    assert made.status == 201, made.text
    return str(made.json["contact"]["id"])


async def named(api: Api, plural: str, name: str) -> str:
    made = await api.post(f"/api/{plural}", {"name": name})
    return str(made.json[plural.removesuffix("s")]["id"])


async def export(api: Api, query: str) -> Answer:
    answer = await api.get(f"/api/bulk/export?{query}")
    assert answer.status == 200, answer.text
    return answer


def without_times(text: str) -> str:
    return re.sub(TIME, "<time>", text)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.fixture
async def ann(agent: Api) -> dict[str, Any]:
    """One contact that has everything, with a tag, two groups and a type."""
    labels = {
        "tag_ids": [await named(agent, "tags", "=VIP"), await named(agent, "tags", "a, b")],
        "group_ids": [await named(agent, "groups", "Fair"), await named(agent, "groups", "Bern")],
        "type_ids": [await named(agent, "types", "Customer; old")],
    }
    await make(agent, **ANN, **labels)
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
    await make(agent, company="A company", owner_id=None, phone="044 668 18 00")

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
    await make(agent, id="nameless-1", email="only@example.com", owner_id=None)

    answer = await export(agent, "format=vcf")

    assert without_times(answer.text).split("\r\n") == [
        *("BEGIN:VCARD", "VERSION:3.0", "UID:nameless-1", "FN:only@example.com", "N:;;;;"),
        *("EMAIL:only@example.com", "X-FIELDBOOK-ACTIVE:true", "REV:<time>", "END:VCARD", ""),
    ]


async def test_long_lines_of_a_vcard_are_folded_between_characters(agent: Api) -> None:
    notes = "é" * 40 + "🦊" * 40 + "\n" + "x" * 300
    await make(agent, first_name="Ann", notes=notes)

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


async def test_the_filters_are_the_list_s(agent: Api, manager: Api, company: Company) -> None:
    vip = await named(agent, "tags", "VIP")
    await make(agent, first_name="Ann", company="Lee & Sons", email="a@example.com", tag_ids=[vip])
    await make(manager, first_name="Bob", company="LÉE & sons", active=False)
    await make(agent, first_name="Cid", phone="044 668 18 00", preferences={"sms": "opted_out"})
    await make(agent, first_name="Eve", owner_id=None)
    dead = await make(agent, first_name="Dan", tag_ids=[vip])
    await agent.delete(f"/api/contacts/{dead}")

    for query in (
        *("", "tag=vip", f"tag={vip}&active=true", "tag=nothing", "search=044%20668", "search=lee"),
        *("company=lee%20%26%20sons", "active=false", "has_email=true", "has_phone=true"),
        *("opted_out=true", "opted_out=sms", f"owner_id={company.agents['manager']}"),
        *("owner_id=none", "owner_id=none&tag=VIP"),
        *("deleted=true", "deleted=true&tag=VIP", "updated_since=2999-01-01"),
    ):
        listed = (await agent.get(f"/api/contacts?{query}&limit=500")).json["items"]
        exported = (await export(agent, f"{query}&format=json")).json
        assert sorted(contact["id"] for contact in exported) == sorted(
            contact["id"] for contact in listed
        ), query
        for name in ("csv", "vcf", "google"):
            text = (await export(agent, f"{query}&format={name}")).text
            assert all(contact["id"] in text for contact in listed), (query, name)


async def test_a_deleted_contact_says_when_that_was(agent: Api) -> None:
    contact = await make(agent, first_name="Ann")
    deleted = (await agent.delete(f"/api/contacts/{contact}")).json["contact"]

    (exported,) = (await export(agent, "deleted=true&format=json")).json

    assert exported["deleted_at"] == deleted["deleted_at"]


async def test_times_are_those_of_the_contact_itself(agent: Api) -> None:
    """Also where a microsecond more would be the next millisecond, or the next second."""
    for number in range(40):
        await make(agent, id=f"contact-{number:03}", company="Times")
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
    tag = await named(agent, "tags", "Ours")
    await make(agent, first_name="Ours", tag_ids=[tag], custom={"ours": 1})
    await make(outsider, first_name="Theirs", custom={"theirs": 2})

    for name in ("csv", "google", "json", "vcf"):
        text = (await export(agent, f"format={name}")).text
        assert "Ours" in text
        assert "heirs" not in text
        assert "heirs" in (await export(outsider, f"format={name}")).text
    assert (await export(outsider, "tag=Ours&format=json")).json == []


async def test_page_contact_ids_answers_for_its_own_tenant_alone(
    owner: asyncpg.Connection, company: Company, other_company: Company
) -> None:
    question = "SELECT ARRAY(SELECT page_contact_ids($1, '{}', '', 5))"
    async with owner.transaction():
        await owner.execute("SELECT set_config('app.tenant', $1, true)", company.tenant)
        assert await owner.fetchval(question, company.tenant) == []
        with pytest.raises(asyncpg.RaiseError, match="another"):
            await owner.fetchval(question, other_company.tenant)


async def test_every_export_enters_the_history(agent: Api, admin: Api, company: Company) -> None:
    await make(agent, first_name="Ann")
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
        await make(agent, first_name="Ann", custom={f"field {start + n}": n for n in range(200)})

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


async def test_looking_through_all_finds_what_an_index_finds(
    agent: Api, server: RestServer, company: Company
) -> None:
    """Above 10,000 contacts the first stands in for the second, as the server's own role."""
    tag = await named(agent, "tags", "VIP")
    await make(agent, first_name="Ann", company="Lee & Sons", tag_ids=[tag])
    await make(agent, first_name="Anna", phone="044 668 18 00")
    await make(agent, first_name="Bob", company="Lee")
    filters = ({"words": ["ann"]}, {"company": "lee"}, {"tag": ["vip"]}, {"words": ["4466818"]})

    async with server.database.tenant(company.tenant) as connection:
        for given in filters:
            text = orjson.dumps(given).decode()
            found = await connection.fetchval(
                "SELECT ARRAY(SELECT page_contact_ids($1, $2::jsonb, '', 100))",
                company.tenant,
                text,
            )
            conditions = await connection.fetchval(
                "SELECT contact_conditions($1, $2::jsonb)", company.tenant, text
            )
            seen = await connection.fetch(f"SELECT id FROM contacts WHERE {conditions}")
            assert sorted(row["id"] for row in seen) == sorted(found) != [], given


async def test_a_body_says_which_where_a_query_has_no_room(
    agent: Api, admin: Api, company: Company
) -> None:
    ids = [await make(agent, first_name=name) for name in ("Ann", "Bob", "Cid", "Dan")]
    await agent.delete(f"/api/contacts/{ids[3]}")

    async def found(body: Any, query: str = "") -> list[str]:
        answer = await agent.post(f"/api/bulk/export{query}", body)
        assert answer.status == 200, answer.text
        return sorted(row["first_name"] for row in rows_of(answer.text))

    # Deleted ones and such as never were are left out.
    assert await found({"ids": [ids[2], ids[0], ids[3], "never-was", ids[0]]}) == ["Ann", "Cid"]
    assert await found({"ids": ["never-was"]}) == []
    assert await found({"filter": {"search": "b"}}) == ["Bob"]
    assert await found({"filter": {"deleted": True}}) == ["Dan"]
    # A hundred thousand, of the longest ids.
    many = [f"{number:064}" for number in range(99_998)]
    assert await found({"ids": [*many, ids[0], ids[1]]}) == ["Ann", "Bob"]

    whole = orjson.loads((await export(agent, "format=json&search=ann")).text)
    chosen = await agent.post("/api/bulk/export?format=json", {"ids": [ids[0]]})
    assert orjson.loads(chosen.text) == whole
    assert chosen.headers["Content-Disposition"].endswith('.json"')

    entries = (await admin.get("/api/audit?op=export&limit=2")).json["items"]
    said = [{name: value["to"] for name, value in each["changes"].items()} for each in entries]
    assert said[0] == {"format": "json", "filter": {}, "ids": 1, "count": 1}
    assert said[1] == {"format": "json", "filter": {"search": "ann"}, "count": 1}


async def test_a_body_that_says_nothing_or_too_much_is_refused_by_name(agent: Api) -> None:
    for body, faults in (
        ({}, {"ids"}),
        ({"ids": ["contact-1"], "filter": {}}, {"ids"}),
        ({"ids": []}, {"ids"}),
        ({"ids": ["no id!"]}, {"ids.0"}),
        ({"filter": {"tags": ["x"]}}, {"filter.tags"}),
        ({"filter": {}, "format": "json"}, {"format"}),
    ):
        answer = await agent.post("/api/bulk/export", body)
        assert (answer.status, set(answer.json["fields"])) == (422, faults), answer.text
    assert (
        await agent.post("/api/bulk/export?format=xls", {"filter": {}})
    ).code == "invalid format"
