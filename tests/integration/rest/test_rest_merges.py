"""Merges of labels over HTTP, run by the real process of a job."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from tests.integration.support.imports import contacts_of, counted, ended
from tests.integration.support.rest import Answer, Api
from tests.integration.support.servers import Company


@pytest.fixture
def server_options() -> dict[str, Any]:
    return {"works": True}


async def named(api: Api, *names: str, plural: str = "tags") -> list[str]:
    made = [await api.post(f"/api/{plural}", {"name": name}) for name in names]
    return [each.json[plural.removesuffix("s")]["id"] for each in made]


async def merge(
    api: Api, old: str, new: Any, *, plural: str = "tags", query: str = "", **headers: str
) -> Answer:
    return await api.post(f"/api/{plural}/{old}/merge{query}", {"into": new}, **headers)


async def test_a_merge_is_tried_done_once_and_taken_back(
    manager: Api, agent: Api, admin: Api
) -> None:
    old, new = await named(agent, "Old", "New")
    for number in range(3):
        made = await agent.post(
            "/api/contacts",
            {"first_name": f"Ann {number}", "tag_ids": [old, new][: number % 2 + 1]},
        )
        assert made.status == 201
    # Somebody tagged one just now: no edit of theirs is lost by the merge.
    first = (await contacts_of(agent))[0]["id"]
    for tags in ([], [old]):
        await agent.patch(f"/api/contacts/{first}", {"tag_ids": tags})

    tried = await merge(manager, old, new, query="?dry_run=true")
    assert tried.status == 200, tried.text
    assert (tried.json["dry_run"], counted(tried.json)) == (True, {"rows": 3, "updated": 3})
    changed = {name for each in tried.json["differences"] for name in each["changes"]}
    assert changed == {f"tag_ids.{old}", f"tag_ids.{new}"}
    assert (await manager.get(f"/api/tags/{old}")).status == 200

    started = await merge(manager, old, new, Idempotency_Key="merge-000001")
    assert (started.status, started.json["kind"]) == (201, "update")
    assert started.headers["Location"] == started.json["url"]
    job = await ended(manager, started)
    assert (job["state"], counted(job)) == ("done", {"rows": 3, "updated": 3})
    assert job["progress"] == {"done": 3, "total": 3}
    assert job["options"]["merge"] == {
        "plural": "tags",
        "from": old,
        "from_name": "Old",
        "into": new,
        "into_name": "New",
    }
    assert {tuple(each["tag_ids"]) for each in await contacts_of(manager)} == {(new,)}
    assert (await manager.get(f"/api/tags/{old}")).status == 410
    assert (await agent.get(f"/api/tags/{old}/history")).json["items"][0]["op"] == "delete"

    # The same again, now that the label is gone; and another by the same key.
    again = await merge(manager, old, new, Idempotency_Key="merge-000001")
    assert (again.status, again.json["id"]) == (200, job["id"])
    other = await merge(manager, new, old, Idempotency_Key="merge-000001")
    assert (other.status, other.code) == (409, "conflict")

    undone = await ended(manager, await manager.post(f"/api/bulk/jobs/{job['id']}/undo"))
    assert (undone["state"], undone["undo"]) == ("undone", {"undone": 3, "left": 0})
    carried = sorted(tuple(sorted(each["tag_ids"])) for each in await contacts_of(manager))
    assert carried == sorted([(old,), tuple(sorted((old, new))), (old,)])
    ops = [entry["op"] for entry in (await admin.get("/api/audit?entity=job")).json["items"]]
    assert ops == ["undo", "merge"]


async def test_a_label_that_nobody_carries_goes_and_comes_back(manager: Api) -> None:
    plural = "groups"
    old, new = await named(manager, "Old", "New", plural=plural)
    job = await ended(manager, await merge(manager, old, new, plural=plural))
    assert (job["state"], counted(job)) == ("done", {})
    assert (await manager.get(f"/api/{plural}/{old}")).status == 410
    undone = await ended(manager, await manager.post(f"/api/bulk/jobs/{job['id']}/undo"))
    assert undone["state"] == "undone"
    assert (await manager.get(f"/api/{plural}/{old}")).status == 200


async def test_what_is_no_merge_is_refused_with_why(
    manager: Api, agent: Api, outsider: Api, owner: asyncpg.Connection, company: Company
) -> None:
    old, new, third = await named(manager, "Old", "New", "Third")
    (group,) = await named(manager, "Group", plural="groups")
    await manager.delete(f"/api/tags/{third}")
    for answer, status, fault in (
        (await merge(agent, old, new), 403, None),
        (await merge(outsider, old, new), 404, None),
        (await merge(manager, "no-such-tag", new), 404, None),
        (await merge(manager, third, new), 410, None),
        (await merge(manager, old, third), 422, "into"),
        (await merge(manager, old, group), 422, "into"),
        (await merge(manager, old, old), 422, "into"),
        (await merge(manager, old, None), 422, "into"),
        (await merge(manager, old, new, query="?dry_run=maybe"), 422, "dry_run"),
        (await merge(manager, old, old, query="?dry_run=true"), 422, "into"),
    ):
        assert answer.status == status, answer.text
        assert fault is None or set(answer.json["fields"]) == {fault}
    # While one is under way, none that it would meet; another into the same label may.
    await owner.execute(
        "INSERT INTO bulk_jobs (tenant_id, id, kind, agent_id, state, options) "
        "VALUES ($1, 'waiting-1', 'update', $2, 'queued', "
        "jsonb_build_object('merge', jsonb_build_object('from', $3::text, 'into', $4::text)))",
        *(company.tenant, company.agents["manager"], old, new),
    )
    for one, other in ((old, new), (new, old)):
        assert (await merge(manager, one, other)).code == "conflict"
    (fourth,) = await named(manager, "Fourth")
    assert (await merge(manager, fourth, new)).status == 201
