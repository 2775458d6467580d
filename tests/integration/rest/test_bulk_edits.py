"""Bulk edits and undo over HTTP, run by the real process of a job."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import orjson
import pytest

from server.files.cells import unguarded
from tests.integration.rest.conftest import SignIn
from tests.integration.support.imports import contacts_of, counted, ended, imported, send
from tests.integration.support.rest import Answer, Api
from tests.integration.support.servers import Company


@pytest.fixture
def server_options() -> dict[str, Any]:
    return {"works": True}


async def edit(api: Api, body: dict[str, Any], *, dry_run: bool = False, **headers: str) -> Answer:
    return await api.post(f"/api/bulk/update?dry_run={str(dry_run).lower()}", body, **headers)


async def make(api: Api, count: int) -> list[str]:
    rows = "\n".join(f"{n},Mia {n},mia{n}@example.com,Lee" for n in range(count))
    await imported(api, f"external_id,first_name,email,company\n{rows}\n")
    return [each["id"] for each in await contacts_of(api)]


async def test_many_contacts_are_tried_changed_and_given_back(
    manager: Api, agent: Api, outsider: Api
) -> None:
    ids = await make(manager, 30)
    tag = (await manager.post("/api/tags", {"name": "VIP"})).json["tag"]["id"]
    before = {each["id"]: each for each in await contacts_of(manager)}
    changes = {"company": "  Lee Ltd ", "tag_ids": {"add": [tag]}, "phones": [{"value": "1"}]}
    body = {"filter": {"company": "lee", "has_email": True}, "changes": changes}

    tried = await edit(manager, body, dry_run=True)
    assert tried.status == 200, tried.text
    assert (tried.json["dry_run"], tried.json["kind"]) == (True, "update")
    assert counted(tried.json) == {"rows": 30, "updated": 30}
    assert tried.json["differences"][0]["changes"]["company"] == {"from": "Lee", "to": "Lee Ltd"}
    assert {each["id"]: each for each in await contacts_of(manager)} == before

    started = await edit(manager, body)
    assert started.status == 201
    job = await ended(manager, started)
    assert (job["state"], job["kind"], job["file_name"]) == ("done", "update", None)
    assert job["counts"] == tried.json["counts"]
    assert job["options"]["changes"]["company"] == "Lee Ltd"
    after = await contacts_of(manager)
    assert {each["company"] for each in after} == {"Lee Ltd"}
    assert all(each["tag_ids"] == [tag] for each in after)
    assert (await manager.get(f"/api/bulk/import/{job['id']}")).code == "not_found"

    # What somebody edits afterwards is left by the undo, and listed.
    await agent.patch(f"/api/contacts/{ids[0]}", {"company": "Roth"})
    undoing = await manager.post(f"/api/bulk/jobs/{job['id']}/undo")
    assert undoing.status == 200, undoing.text
    # A worker may have begun with it by now.
    assert undoing.json["undo"].keys() == {"undone", "left"}
    assert (await manager.post(f"/api/bulk/jobs/{job['id']}/undo")).code == "conflict"
    assert (await agent.post(f"/api/bulk/jobs/{job['id']}/undo")).code == "forbidden"
    undone = await ended(manager, undoing)
    assert (undone["state"], undone["undo"]) == ("undone", {"undone": 29, "left": 1})
    assert [each["contact_id"] for each in undone["left"]] == [ids[0]]
    listed = (await manager.get(f"/api/bulk/jobs/{job['id']}/left")).json
    assert (listed["items"], listed["total"]) == (undone["left"], 1)
    assert (await manager.post(f"/api/bulk/jobs/{job['id']}/undo")).code == "conflict"
    companies = sorted(each["company"] for each in await contacts_of(manager))
    assert companies == ["Lee"] * 29 + ["Roth"]

    deleted = await ended(manager, await edit(manager, {"ids": ids[:2], "delete": True}))
    assert counted(deleted)["rows"] == 2
    assert len(await contacts_of(manager)) == 28
    # Ids of another company are nothing here.
    theirs = await ended(outsider, await edit(outsider, {"ids": ids, "delete": True}))
    assert counted(theirs) == {"rows": 30, "errors": 30}
    errors = await outsider.get(f"/api/bulk/jobs/{theirs['id']}/errors")
    assert 'filename="edit.errors.csv"' in errors.headers["Content-Disposition"]
    header, *rows = errors.text.splitlines()
    assert header == "\ufeffid,_field,_error"
    # An id may begin like a formula, with a dash.
    assert sorted(unguarded(row.partition(",")[0]) for row in rows) == sorted(ids)
    assert len(await contacts_of(manager)) == 28


async def test_the_list_of_jobs_says_what_each_edit_was_and_never_its_values(
    manager: Api, company: Company
) -> None:
    ids = await make(manager, 3)
    labels = []
    for name in ("Old", "New"):
        labels.append((await manager.post("/api/tags", {"name": name})).json["tag"]["id"])
    changes = {"owner_id": company.agents["agent"], "custom": {"Size": "secret", "Shoe": 1}}
    started = [
        await edit(manager, {"ids": ids[:2], "delete": True}),
        await edit(manager, {"filter": {}, "changes": {**changes, "preferences": {"sms": None}}}),
        await manager.post(f"/api/tags/{labels[0]}/merge", {"into": labels[1]}),
    ]
    for answer in started:
        assert answer.status == 201, answer.text
        await ended(manager, answer)

    listed = (await manager.get("/api/bulk/jobs")).json["items"]

    nothing = {"contacts": None, "delete": False, "merge": None, "changed": []}
    merge = {"plural": "tags", "from_name": "Old", "into_name": "New"}
    changed = ["custom.Shoe", "custom.Size", "owner_id", "preferences.sms"]
    assert [
        job["edit"] and job["edit"] | {"changed": sorted(job["edit"]["changed"])} for job in listed
    ] == [
        nothing | {"merge": merge},
        nothing | {"changed": changed},
        nothing | {"contacts": 2, "delete": True},
        None,
    ]
    assert "secret" not in orjson.dumps(listed).decode()
    for job in listed[:3]:
        whole = (await manager.get(f"/api/bulk/jobs/{job['id']}")).json
        assert whole["edit"] == job["edit"]
    assert (await manager.get(f"/api/bulk/jobs/{listed[2]['id']}")).json["options"] == {
        "ids": 2,
        "delete": True,
    }


async def test_an_import_is_taken_back_with_its_updates(manager: Api) -> None:
    await make(manager, 2)
    before = {each["id"]: each for each in await contacts_of(manager)}
    job = await imported(manager, "external_id,company\n0,Lee Ltd\n1,Lee Ltd\n2,New Ltd\n")
    assert counted(job) == {"rows": 3, "created": 1, "updated": 2}
    undone = await ended(manager, await manager.post(f"/api/bulk/import/{job['id']}/undo"))
    assert undone["undo"] == {"undone": 3, "left": 0}
    assert undone["counts"] == job["counts"]
    moved = ("version", "updated_at", "updated_by")
    after = {each["id"]: each for each in await contacts_of(manager)}
    assert [{**each, **dict.fromkeys(moved)} for each in after.values()] == [
        {**each, **dict.fromkeys(moved)} for each in before.values()
    ]


async def test_the_audit_log_tells_who_imported_edited_and_took_back_what(
    admin: Api, manager: Api
) -> None:
    (contact,) = await make(manager, 1)
    edited = await ended(manager, await edit(manager, {"ids": [contact], "delete": True}))
    await ended(manager, await manager.post(f"/api/bulk/jobs/{edited['id']}/undo"))
    entries = (await admin.get("/api/audit?entity=job")).json["items"]
    assert [entry["op"] for entry in entries] == ["undo", "bulk_update", "import"]
    assert [entry["origin"] for entry in entries] == ["rest"] * 3
    assert entries[1]["changes"]["ids"]["to"] == 1
    assert entries[2]["changes"]["options"]["to"]["mode"] == "upsert"


async def test_an_edit_that_is_sent_again_is_done_once_and_never_stands_for_another(
    manager: Api,
) -> None:
    (contact,) = await make(manager, 1)
    body = {"ids": [contact], "changes": {"company": "Lee Ltd"}}
    answers = await asyncio.gather(*(edit(manager, body, Idempotency_Key="k") for _ in range(3)))
    assert sorted(each.status for each in answers) == [200, 200, 201]
    assert len({each.json["id"] for each in answers}) == 1
    other = {"ids": [contact], "changes": {"company": "Roth"}}
    assert (await edit(manager, other, Idempotency_Key="k")).code == "conflict"
    await ended(manager, answers[0])
    assert (await manager.get("/api/bulk/jobs?kind=update")).json["total"] == 1
    # An import of the same key is something else.
    assert (await send(manager, "Name\nMia\n", Idempotency_Key="k")).status == 201


async def test_a_job_whose_runner_is_gone_ends_when_it_is_cancelled_twice(
    manager: Api, company: Company, owner: asyncpg.Connection
) -> None:
    (contact,) = await make(manager, 1)
    # As a command leaves it that was killed: it runs, and nobody runs it.
    await owner.execute(
        "INSERT INTO bulk_jobs (tenant_id, id, kind, state, run, agent_id, options)"
        " VALUES ($1, 'a-job-of-nobody', 'update', 'running', 'gone', $2, $3)",
        *(company.tenant, company.agents["admin"]),
        orjson.dumps({"ids": [contact], "delete": True}).decode(),
    )
    path = "/api/bulk/jobs/a-job-of-nobody"
    assert (await manager.post(f"{path}/cancel")).json["state"] == "running"
    # A worker has it now, and may have ended it already.
    assert (await manager.post(f"{path}/cancel")).json["state"] in ("running", "cancelled")
    job = await ended(manager, await manager.get(path))
    assert (job["state"], counted(job)) == ("cancelled", {})
    assert len(await contacts_of(manager)) == 1


async def test_what_makes_no_sense_is_named_and_nothing_is_started(
    manager: Api, agent: Api, sign_in: SignIn, owner: asyncpg.Connection
) -> None:
    ids = {"ids": ["V1StGXR8_Z5jdHi6B-myT"]}
    for body, code in (
        ({}, "invalid changes ids"),
        ({**ids}, "invalid changes"),
        ({**ids, "delete": False}, "invalid changes"),
        ({**ids, "changes": {}}, "invalid changes"),
        ({**ids, "changes": {"fax": "1"}}, "invalid changes.fax"),
        ({**ids, "changes": {"version": 7}}, "invalid changes.version"),
        ({**ids, "changes": {"emails": [{"value": "x"}]}}, "invalid changes.emails.0.value"),
        ({**ids, "changes": {"owner_id": "nobody-there"}}, "invalid changes.owner_id"),
        ({**ids, "changes": {"tag_ids": ["no-such-tag"]}}, "invalid changes.tag_ids"),
        ({"ids": ["x"], "delete": True}, "invalid ids.0"),
        ({"filter": {"colour": "red"}, "delete": True}, "invalid filter.colour"),
        ({"filter": {"deleted": True}, "delete": True}, "invalid filter.deleted"),
    ):
        for dry_run in (False, True):
            answer = await edit(manager, body, dry_run=dry_run)
            assert answer.code == code, (body, answer.text)
    assert (await edit(agent, {**ids, "delete": True})).code == "forbidden"
    assert (await edit(agent, {**ids, "delete": True}, dry_run=True)).code == "forbidden"
    assert (await manager.get("/api/bulk/jobs")).json["total"] == 0


async def test_a_hundred_thousand_ids_are_taken_and_shown_as_a_number(manager: Api) -> None:
    ids = [f"contact-{number:013}" for number in range(100_000)]
    started = await edit(manager, {"ids": ids, "changes": {"company": "Lee"}})
    assert started.status == 201, started.text
    job = await ended(manager, started)
    assert job["options"]["ids"] == 100_000
    assert counted(job).get("updated", 0) == 0
    assert (await edit(manager, {"ids": [*ids, "one-more"], "delete": True})).code == "invalid ids"
