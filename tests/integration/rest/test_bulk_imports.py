"""Imports over HTTP, run by the real process of a job."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.integration.rest.conftest import SignIn
from tests.integration.support.imports import (
    UPLOAD_LIMIT,
    contacts_of,
    counted,
    ended,
    imported,
    read_job,
    send,
    until_no_file_is_kept,
)
from tests.integration.support.processes import ROOT
from tests.integration.support.rest import Api, RestServer

CUSTOMERS = "\n".join(
    [
        "Name;E-Mail;E-Mail 2;Telefon;Ort",
        "Mia Keller;mia@example.com;;044 668 18 00;Zürich",
        "Jo Meier;jo@example.com;;1.41556E+10;Bern",
        'Li Wu;li@example.com;"li; at example";;Basel',
        "Ada King;ada@example.com;;;",
    ]
)


@pytest.fixture
def server_options() -> dict[str, Any]:
    return {"works": True, "import_max_bytes": UPLOAD_LIMIT}


async def test_a_file_is_tried_then_imported_and_its_failed_rows_come_back_to_be_mended(
    manager: Api,
) -> None:
    tried = await send(manager, CUSTOMERS, dry_run="true", file_name="kunden.csv")
    assert tried.status == 200, tried.text
    preview = tried.json
    assert preview["dry_run"] is True
    assert not {"id", "state"} & preview.keys()
    assert preview["detected"] == {"format": "csv", "encoding": "utf-8", "delimiter": ";"}
    assert list(preview["mapping"]) == ["Name", "E-Mail", "E-Mail 2", "Telefon", "Ort"]
    assert counted(preview) == {"rows": 4, "created": 2, "errors": 2}
    assert preview["preview"][0]["emails"] == [{"value": "mia@example.com"}]
    assert await contacts_of(manager) == []

    started = await send(manager, CUSTOMERS, file_name="kunden.csv")
    assert started.status == 201
    assert started.json["url"] == f"/api/bulk/jobs/{started.json['id']}"
    assert started.headers["Location"] == started.json["url"]
    # A worker may have taken it by now.
    assert started.json["state"] in ("queued", "running")
    job = await ended(manager, started)
    assert job["state"] == "done"
    for name in ("counts", "mapping", "detected", "progress", "errors", "kind", "file_name"):
        assert job[name] == preview[name], name
    assert list(job["mapping"]) == list(preview["mapping"])
    assert job["owner"]["code"] == "manager"
    assert job["options"]["match"] == ["external_id", "email", "phone"]
    assert {error["row"] for error in job["errors"]} == {3, 4}

    # Row and column are named as the file has them.
    places = [(error["row"], error["column"]) for error in job["errors"]]
    assert places == [(3, "Telefon"), (4, "E-Mail 2"), (4, "E-Mail 2")]
    assert job["errors"][1]["message"].startswith("'li': An email address must have")

    errors = await manager.get(f"{started.json['url']}/errors")
    assert errors.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="kunden.errors.csv"' in errors.headers["Content-Disposition"]
    header, *rows = errors.text.splitlines()
    assert header == "\ufeffName;E-Mail;E-Mail 2;Telefon;Ort;_row;_field;_error"
    assert rows[0].startswith("Jo Meier;jo@example.com;;1.41556E+10;Bern;3;Telefon;")
    assert rows[1].startswith('Li Wu;li@example.com;"li; at example";;Basel;4;E-Mail 2;')

    mended = errors.text.replace("1.41556E+10", "044 668 18 01").replace('"li; at example"', "")
    again = await imported(manager, mended, file_name="kunden.errors.csv")
    assert counted(again) == {"rows": 2, "created": 2}
    assert again["detected"] == job["detected"]
    assert {each["display_name"] for each in await contacts_of(manager)} == {
        "Ada King",
        "Jo Meier",
        "Li Wu",
        "Mia Keller",
    }
    # The same file twice moves nothing.
    versions = {each["id"]: each["version"] for each in await contacts_of(manager)}
    assert counted(await imported(manager, mended)) == {"rows": 2, "unchanged": 2}
    assert {each["id"]: each["version"] for each in await contacts_of(manager)} == versions


async def test_each_option_does_what_it_says(manager: Api) -> None:
    first = (
        "external_id,first_name,email,phone,company,tags\n"
        "7,Ann,ann@example.com,044 668 18 00,Lee,VIP\n"
    )
    assert counted(await imported(manager, first)) == {"rows": 1, "created": 1}
    two = "external_id,company\n7,Lee Ltd\n8,Roth\n"
    by_phone = "phone,email,company\n+41446681800,other@example.com,Lee Ltd\n"
    emptied = "external_id,company\n7,\n"
    updated, created = {"rows": 1, "updated": 1}, {"rows": 1, "created": 1}
    mapped = "Nr|Firma\n7|Lee Ltd\n"

    for content, options, expected in (
        (two, {}, {"rows": 2, "created": 1, "updated": 1}),
        (two, {"mode": "create"}, {"rows": 2, "created": 1, "errors": 1}),
        (two, {"mode": "update"}, {"rows": 2, "updated": 1, "errors": 1}),
        (two, {"mode": "skip"}, {"rows": 2, "created": 1, "unchanged": 1}),
        (by_phone, {}, updated),
        (by_phone, {"match": "email"}, created),
        (emptied, {}, {"rows": 1, "unchanged": 1}),
        (emptied, {"on_empty": "clear"}, updated),
        (mapped, {"mapping": '{"Nr":"external_id","Firma":"company"}'}, updated),
        (mapped, {"mapping": '{"Nr":null,"Firma":"company"}'}, created),
        ("external_id|company\n7|Lee Ltd\n", {"delimiter": "|", "format": "csv"}, updated),
        ("external_id;company\n7;Lee Ltd\n", {"delimiter": "semicolon"}, updated),
    ):
        tried = await send(manager, content, dry_run="1", **options)
        assert tried.status == 200, tried.text
        assert counted(tried.json) == expected, options

    # A region and an encoding are taken at their word.
    tried = await send(
        manager,
        "first_name,phone\nZo\u00eb,020 7946 0018\n".encode("cp1252"),
        dry_run="1",
        region="gb",
        encoding="windows-1252",
    )
    assert tried.json["preview"] == [
        {
            "first_name": "Zo\u00eb",
            "phones": [{"value": "020 7946 0018", "e164": "+442079460018"}],
        }
    ]
    assert tried.json["detected"]["encoding"] == "cp1252"


async def test_how_a_file_was_read_is_told_before_it_is_imported_and_after(manager: Api) -> None:
    content = "Customers of 2026\n\nName,Birthday\nZo\u00eb Lee,4/12/1990\n".encode("cp1252")
    tried = await send(manager, content, dry_run="1")
    assert tried.json["detected"] == {"format": "csv", "encoding": "cp1252", "delimiter": ","}
    assert tried.json["preview"][0]["birthday"] == "1990-12-04"
    header, dates, encoding = tried.json["notes"]
    assert header == "The columns are named in row 3; what stands above it was left out."
    assert "4/12/1990 were read with the day first" in dates
    assert "it was read as cp1252" in encoding
    job = await imported(manager, content)
    assert (job["detected"], job["notes"]) == (tried.json["detected"], tried.json["notes"])


async def test_a_workbook_is_told_by_its_bytes_and_gives_its_failed_rows_as_csv(
    manager: Api,
) -> None:
    workbook = (ROOT / "tests/data/contact_files/sheet.xlsx").read_bytes()
    tried = await send(manager, workbook, "application/octet-stream", dry_run="1")
    assert tried.status == 200, tried.text
    assert tried.json["detected"]["format"] == "xlsx"
    assert tried.json["detected"]["delimiter"] is None
    job = await imported(manager, workbook, mode="update", file_name="book.xlsx")
    assert job["counts"]["errors"] == job["counts"]["rows"] == tried.json["counts"]["rows"]
    errors = await manager.get(f"/api/bulk/jobs/{job['id']}/errors")
    assert 'filename="book.errors.csv"' in errors.headers["Content-Disposition"]
    mended = await imported(manager, errors.text)
    assert mended["counts"] == tried.json["counts"]


async def test_a_preview_shows_what_stands_in_each_column_as_the_file_has_it(
    manager: Api,
) -> None:
    file = "2;Mail;1\nx;ann@example.com;\nx;not an address;\ny; bo@example.com ;\n"
    tried = (await send(manager, file, dry_run="true", mapping='{"1": null}')).json
    assert tried["samples"] == [
        {"column": "2", "values": ["x", "y"]},
        {"column": "Mail", "values": ["ann@example.com", "not an address", "bo@example.com"]},
        {"column": "1", "values": []},
    ]


async def test_a_preview_shows_differences_and_conflicts_and_a_run_lists_them(
    manager: Api, agent: Api
) -> None:
    made = await agent.post("/api/contacts", {"external_id": "7", "company": "Lee"})
    contact = made.json["contact"]["id"]
    await agent.patch(f"/api/contacts/{contact}", {"company": "Lee & Sons"})
    file = "external_id,company,tags\n7,Lee Ltd,Key account\n"
    tried = (await send(manager, file, dry_run="true")).json
    assert counted(tried) == {"rows": 1, "updated": 1, "conflicts": 1}
    (difference,) = tried["differences"]
    assert (difference["row"], difference["id"]) == (2, contact)
    assert difference["changes"]["company"] == {"from": "Lee & Sons", "to": "Lee Ltd"}
    assert tried["new_labels"] == {"tags": ["Key account"]}
    (conflict,) = [each for each in tried["conflicts"] if each["field"] == "company"]
    assert conflict["by"] == made.json["contact"]["created_by"]

    job = await imported(manager, file)
    listed = (await manager.get(f"/api/bulk/import/{job['id']}/conflicts")).json
    assert listed["items"] == job["conflicts"] == tried["conflicts"]
    assert listed["total"] == len(listed["items"])
    assert listed["next_cursor"] is None
    assert (await manager.get("/api/tags")).json["total"] == 1


async def test_a_form_may_bring_the_file_and_the_options_after_it(
    manager: Api, stranger: Api
) -> None:
    async def post(form: aiohttp.FormData, query: str = "") -> tuple[int, dict[str, Any]]:
        key = {"X-API-Key": manager.headers["X-API-Key"]}
        url = f"{manager.url}/api/bulk/import{query}"
        async with stranger.session.post(url, data=form, headers=key) as answer:
            body: dict[str, Any] = await answer.json(content_type=None)
            return answer.status, body

    def form(**fields: str) -> aiohttp.FormData:
        # As browsers send it: the name as it is.
        data = aiohttp.FormData(quote_fields=False)
        data.add_field(
            "upload",
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Mia Keller\r\nN:Keller;Mia;;;\r\n"
            b"PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ\r\nEND:VCARD\r\n",
            filename="C:\\phones\\M\u00fcller \U0001f4f1.vcf",
            content_type="text/vcard",
        )
        for name, value in fields.items():
            data.add_field(name, value)
        return data

    status, tried = await post(form(dry_run="true", mode="create"))
    assert status == 200, tried
    assert tried["detected"]["format"] == "vcard"
    assert (tried["file_name"], tried["photos"]) == ("M\u00fcller \U0001f4f1.vcf", 1)
    assert tried["notes"] == ["1 photo was not imported: contacts have no pictures yet."]
    assert [each["last_name"] for each in tried["preview"]] == ["Keller"]

    empty = aiohttp.FormData()
    empty.add_field("mode", "create")
    # aiohttp sends a form without a file in the other encoding, unless it is told.
    empty._is_multipart = True
    two = form()
    two.add_field("more", b"Name\nMia\n", filename="b.csv", content_type="text/csv")
    for bad, query, field in (
        (form(mode="replace"), "", "mode"),
        (form(mode="create"), "?mode=create", "mode"),
        (form(modus="create"), "", "modus"),
        (form(mode="x" * 300_000), "", "mode"),
        (empty, "", "file"),
        (two, "", "file"),
    ):
        status, problem = await post(bad, query)
        assert (status, list(problem["fields"])) in ((422, [field]), (413, [field])), problem
    large = aiohttp.FormData()
    # More than a form may have around its file, so that its length alone does not tell.
    large.add_field("file", b"Name\n" + b"Mia\n" * (UPLOAD_LIMIT // 4), filename="a.csv")
    status, problem = await post(large)
    assert (status, problem["code"], list(problem["fields"])) == (413, "too_large", ["file"])
    assert await contacts_of(manager) == []


async def test_no_name_of_a_file_breaks_the_answer_that_names_it(manager: Api) -> None:
    for name, kept, saved in (
        ("a\r\nX-Evil: 1.csv", "aX-Evil: 1.csv", "aX-Evil: 1.errors.csv"),
        ("../../etc/pass.wd", "pass.wd", "pass.errors.csv"),
        ("C:\\Users\\Ann\\kunden.csv", "kunden.csv", "kunden.errors.csv"),
        # A name that is read backwards, or clears a terminal.
        ('"\u202e".csv', '"".csv', "__.errors.csv"),
        ("\x1b[2Jé.csv", "[2Jé.csv", "[2J_.errors.csv"),
    ):
        job = await imported(manager, "Name,Phone\nAnn,1.2E+12\n", file_name=name)
        assert job["file_name"] == kept
        errors = await manager.get(f"/api/bulk/jobs/{job['id']}/errors")
        assert errors.status == 200, name
        assert f'filename="{saved}"' in errors.headers["Content-Disposition"]
        assert "X-Evil" not in errors.headers


async def test_an_upload_that_is_sent_again_is_imported_once(
    manager: Api, admin: Api, server: RestServer
) -> None:
    file = "Name\nMia Keller\n"
    started = await asyncio.gather(
        *(send(manager, file, Idempotency_Key="k") for _ in range(4)),
        send(admin, "Name\nJo Meier\n", Idempotency_Key="k", mode="create"),
        send(manager, file, Idempotency_Key="k", dry_run="1"),
    )
    assert sorted(each.status for each in started) == [200, 200, 200, 200, 201, 201]
    assert len({each.json["id"] for each in started[:5]}) == 2
    assert "id" not in started[5].json
    for each in started[:5]:
        await ended(manager, each)
    again = await send(manager, file, Idempotency_Key="k")
    assert (again.status, again.json["id"]) == (200, started[0].json["id"])
    assert again.json["state"] == "done"
    for other in (send(manager, file * 2, Idempotency_Key="k"),
                  send(manager, file, Idempotency_Key="k", mode="skip")):  # fmt: skip
        assert (await other).code.startswith("conflict")
    assert len(await contacts_of(manager)) == 2

    pages = [(await manager.get("/api/bulk/jobs?limit=1")).json]
    pages.append((await manager.get(f"/api/bulk/import?cursor={pages[0]['next_cursor']}")).json)
    assert pages[1]["code"] == "invalid"
    pages[1] = (await manager.get(f"/api/bulk/jobs?cursor={pages[0]['next_cursor']}")).json
    assert [page["total"] for page in pages] == [2, 2]
    listed = [job["id"] for page in pages for job in page["items"]]
    assert sorted(listed) == sorted({each.json["id"] for each in started[:5]})
    assert (await manager.get("/api/bulk/jobs?kind=update")).json["items"] == []


async def test_who_may_not_import_is_refused_and_no_company_sees_another(
    agent: Api, manager: Api, outsider: Api, sign_in: SignIn, owner: asyncpg.Connection
) -> None:
    file = "Name\nMia Keller\n"
    assert (await send(agent, file)).code == "forbidden"
    assert (await send(agent, file, dry_run="1")).code == "forbidden"
    job = await imported(sign_in("api"), file)
    for call in ("", "/errors", "/conflicts", "/left"):
        path = f"/api/bulk/jobs/{job['id']}{call}"
        assert (await agent.get(path)).code == "forbidden"
        assert (await outsider.get(path)).code == "not_found"
        assert (await manager.get(path)).status == 200
        assert (await manager.get(path.replace("jobs", "import"))).status == 200
    for call in ("cancel", "undo"):
        path = f"/api/bulk/import/{job['id']}/{call}"
        assert (await agent.post(path)).code == "forbidden"
        assert (await outsider.post(path)).code == "not_found"
    assert (await outsider.get("/api/bulk/jobs")).json["total"] == 0
    assert (await agent.get("/api/bulk/jobs")).json["total"] == 0
    assert (await manager.get("/api/bulk/import")).json["total"] == 1
    # What somebody started stays theirs to see.
    await owner.execute("UPDATE agents SET role = 'agent' WHERE id = $1", job["owner"]["id"])
    assert (await sign_in("api").get("/api/bulk/jobs")).json["total"] == 1
    assert (await read_job(sign_in("api"), job["id"]))["state"] == "done"
    # Two companies have the same contact, each their own.
    assert counted(await imported(outsider, file)) == {"rows": 1, "created": 1}


async def test_a_job_that_waits_is_cancelled_and_writes_nothing(
    manager: Api, server: RestServer, owner: asyncpg.Connection
) -> None:
    rows = "\n".join(f"Mia {number},mia{number}@example.com" for number in range(3_000))
    # Nobody can write meanwhile, so all of them are under way.
    async with owner.transaction():
        await owner.execute("SELECT lock_versions()")
        # Four run at once; what waits behind them can be cancelled before it begins.
        started = [await send(manager, f"Name,Mail\n{rows}") for _ in range(4)]
        last = await send(manager, "Name\nNobody\n")
        cancelled = await manager.post(f"{last.json['url']}/cancel")
        assert (cancelled.status, cancelled.json["state"]) == (200, "cancelled"), cancelled.text
        assert (await manager.post(f"{last.json['url']}/cancel")).code == "conflict"
        assert (await manager.post(f"{last.json['url']}/undo")).code == "conflict"
        running = await manager.post(f"{started[0].json['url']}/cancel")
        assert running.status == 200
    jobs = [await ended(manager, each) for each in started]
    assert jobs[0]["state"] == "cancelled"
    assert [job["state"] for job in jobs[1:]] == ["done"] * 3
    # All of one file, whichever of the jobs wrote a row.
    contacts = (await manager.get("/api/contacts")).json["total"]
    assert contacts == sum(job["counts"]["created"] for job in jobs) == 3_000
    # A job's file goes when its end is written.
    await until_no_file_is_kept(owner)
