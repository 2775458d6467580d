"""A company with something of everything, all called by one name: for walks through all views."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.integration.support.rest import Api

ENDED = ("done", "failed", "cancelled")
PARTS = ("contacts", "work", "reports", "administration")


@dataclass(frozen=True, slots=True)
class Furnished:
    """Ids of what was made; `job` is an import with an error and a conflict in it."""

    contact: str
    deleted: str
    tag: str
    group: str
    type: str
    agent: str
    device: str
    job: str

    def addresses(self, part: str | None = None) -> dict[str, str]:
        """Every view, or those of one of PARTS, by a name of it, as the address has it."""
        parts = {
            "contacts": {
                "contacts": "/contacts",
                "contacts filtered": f"/contacts?tag={self.tag}&has_email=true&sort=-updated_at",
                "contacts deleted": "/contacts?deleted=true",
                "nothing found": "/contacts?search=there+is+no+such+contact",
                "contact": f"/contacts/{self.contact}",
                "contact deleted": f"/contacts/{self.deleted}",
                "contact missing": "/contacts/there-is-no-such",
                "contact new": "/contacts/new",
            },
            "work": {
                "import": "/import",
                "jobs": "/jobs",
                "job": f"/jobs/{self.job}",
                "devices": "/devices",
                "device": f"/devices/{self.device}",
            },
            "reports": {
                "statistics": "/statistics",
                "activity": "/activity",
                "activity of one": f"/activity?agent={self.agent}",
            },
            "administration": {
                "tags": "/labels?kind=tag",
                "groups": "/labels?kind=group",
                "types": "/labels?kind=type",
                "agents": "/administration/agents",
                "api keys": "/administration/keys?revoked=true",
                "settings": "/administration/settings",
                "own keys": "/keys?revoked=true",
            },
        }
        chosen = [parts[part]] if part else parts.values()
        return {what: address for views in chosen for what, address in views.items()}


async def furnish(api: Api, name: str) -> Furnished:
    """Makes something of everything as an admin; whatever can be is called `name`."""
    await _done(api.patch("/api/tenant", {"min_app_version": name[:50]}))
    agent = await _done(
        api.post("/api/auth/register", {"agent_code": "some.one", "agent_name": name})
    )
    await _keys(api, name)
    labels = {
        "tag": await _label(api, "tag", name, color="#b91c1c", category=name),
        "group": await _label(api, "group", name, description=name),
        "type": await _label(api, "type", name, description=name),
    }
    await _label(api, "tag", f"{name} 2")
    contact = await _contact(api, name, labels, owner_id=agent["agent"]["id"])
    for number in range(3):
        await _done(api.post("/api/contacts", {"last_name": f"{name} {number}"}))
    change = {"job_title": f"{name} once more", "custom": {name[:100]: "changed"}}
    await _done(api.patch(f"/api/contacts/{contact}", change))
    deleted = await _contact(api, f"{name} gone", labels)
    await _done(api.delete(f"/api/contacts/{deleted}"))
    device = await _done(api.post("/api/devices/enrol", {"agent_code": "some.one", "name": name}))
    await _done(api.post(f"/api/devices/{device['device']['id']}/sync"))
    job = await _import(api, name, contact)
    return Furnished(
        contact=contact,
        deleted=deleted,
        tag=labels["tag"],
        group=labels["group"],
        type=labels["type"],
        agent=agent["agent"]["id"],
        device=device["device"]["id"],
        job=job,
    )


async def _keys(api: Api, name: str) -> None:
    await _done(api.post("/api/auth/keys", {"name": name}))
    revoked = await _done(api.post("/api/auth/keys", {"name": f"{name} revoked"}))
    await _done(api.delete(f"/api/auth/keys/{revoked['key_id']}"))


async def _label(api: Api, kind: str, name: str, **fields: Any) -> str:
    answer = await _done(api.post(f"/api/{kind}s", {"name": name, **fields}))
    label_id: str = answer[kind]["id"]
    return label_id


async def _contact(api: Api, name: str, labels: dict[str, str], **fields: Any) -> str:
    body = {
        "first_name": name,
        "last_name": name,
        "company": name,
        "department": name,
        "job_title": name,
        "emails": [{"label": name, "value": "ann@example.com"}],
        "phones": [{"label": name, "value": "+41 44 668 18 00"}, {"value": name}],
        "addresses": [{"label": name, "street": name, "city": name, "country": name}],
        "websites": [{"label": name, "value": "https://example.com/"}],
        "birthday": "--02-29",
        "notes": f"{name}\n{name}",
        "custom": {name[:100]: name},
        "preferences": {"email": "opted_out"},
        **{f"{kind}_ids": [label] for kind, label in labels.items()},
        **fields,
    }
    answer = await _done(api.post("/api/contacts", body))
    contact_id: str = answer["contact"]["id"]
    return contact_id


async def _import(api: Api, name: str, contact: str) -> str:
    """A file with a new contact, one that was edited lately, and one that is wrong."""
    column = f'"{name}"'
    rows = [
        f"id,First name,Company,Email,{column}",
        f',"{name}","{name}",new@example.com,"{name}"',
        f'{contact},"{name}","{name} Ltd",ann@example.com,"{name}"',
        f',"{name}",,"{name}","{name}"',
    ]
    answer = await api.call(
        "POST",
        f"/api/bulk/import?file_name={quote(name)}.csv",
        raw="\n".join(rows).encode(),
        Content_Type="text/csv",
    )
    assert answer.status == 201, answer.text
    job: dict[str, Any] = answer.json
    while job["state"] not in ENDED:
        await asyncio.sleep(0.05)
        job = await _done(api.get(f"/api/bulk/jobs/{job['id']}"))
    assert job["counts"]["errors"] == 1, job
    job_id: str = job["id"]
    return job_id


async def _done(call: Any) -> dict[str, Any]:
    answer = await call
    assert answer.status < 300, answer.text
    body: dict[str, Any] = answer.json
    return body
