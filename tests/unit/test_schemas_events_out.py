from __future__ import annotations

from typing import Any

import pytest

from server.schemas.events_out import OUTGOING, faults_of_event

ID = "V1StGXR8_Z5jdHi6B-myT"
TIME = "2026-03-01T09:30:00.000Z"
ROW: dict[str, Any] = {"id": ID, "version": 7, "created_at": TIME, "updated_at": TIME}
CONTACT = {
    **ROW,
    "created_by": ID,
    "first_name": "Ann",
    "display_name": "Ann",
    "phones": [{"value": "044 668 18 00", "e164": "+41446681800"}],
    "custom": {"Tier": "gold"},
    "preferences": {"email": "opted_in"},
    "tag_ids": [ID],
    "active": False,
}
TAG = {**ROW, "version": 8, "name": "VIP", "color": "#ffaa00"}
TOMBSTONE = {"id": f"{ID}-gone", "version": 9, "deleted_at": TIME}
CHANGES: dict[str, Any] = {
    "epoch": "e",
    "since": 6,
    "until": 9,
    "contacts": {"put": [CONTACT], "del": [TOMBSTONE]},
    "tags": {"put": [TAG], "del": []},
}
CHECKSUM = {"contacts": {"count": 1, "sum": 7}, "tags": {"count": 0, "sum": 0}}
LIVE = {
    "version": 7,
    "since": 6,
    "until": 7,
    "mutation_id": "m",
    "actor": {"agent": ID},
}
EVENTS: dict[str, dict[str, Any]] = {
    "authenticated": {
        "ok": True,
        "agent": {"id": ID, "code": "ann", "name": "Ann", "role": "agent"},
        "tenant": "default",
        "device_id": None,
        "version": 0,
        "epoch": "e",
        "floor": 0,
        "server_time": TIME,
        "limits": {"page": 5000, "push": 500, "payload_bytes": 1_000_000, "ping_s": 30},
    },
    "sync_response": {
        **CHANGES,
        "request_id": "r",
        "has_more": True,
        "remaining": 5,
        "resume": "opaque",
    },
    "sync_complete": {
        "request_id": None,
        "version": 7,
        "epoch": "e",
        "server_time": TIME,
        "checksum": CHECKSUM,
    },
    "changes": CHANGES,
    "sync_available": {"version": 7},
    "revoked": {"reason": "key_revoked"},
    "agent_changed": {"agent": {"id": ID, "code": "ann", "name": "Ann", "role": "manager"}},
    "draining": {"retry_after_ms": 2_000},
    "job_progress": {
        "job": {
            "id": ID,
            "kind": "import",
            "state": "running",
            "owner": {"id": ID, "code": "ann", "name": "Ann"},
            "file_name": "contacts.csv",
            "counts": dict.fromkeys(
                ("rows", "created", "updated", "unchanged", "conflicts", "errors"), 0
            ),
            "progress": {"done": 0, "total": None},
            "detected": None,
            "mapping": None,
            "photos": 0,
            "notes": [],
            "error": None,
            "created_at": TIME,
            "started_at": TIME,
            "ended_at": None,
            "edit": None,
        }
    },
    "contact_created": {**LIVE, "contact": CONTACT},
    "contact_updated": {**LIVE, "contact": CONTACT},
    "contact_deleted": {**LIVE, "id": ID, "deleted_at": TIME},
    "tag_created": {**LIVE, "tag": TAG},
    "tag_updated": {**LIVE, "tag": TAG},
    "tag_deleted": {**LIVE, "id": ID, "deleted_at": TIME},
    "group_created": {**LIVE, "group": {**ROW, "name": "North"}},
    "group_updated": {**LIVE, "group": {**ROW, "name": "North"}},
    "group_deleted": {**LIVE, "id": ID, "deleted_at": TIME},
    "type_created": {**LIVE, "type": {**ROW, "name": "Customer"}},
    "type_updated": {**LIVE, "type": {**ROW, "name": "Customer"}},
    "type_deleted": {**LIVE, "id": ID, "deleted_at": TIME},
}


def test_there_is_an_example_of_every_event() -> None:
    assert set(EVENTS) == set(OUTGOING)


@pytest.mark.parametrize("event", EVENTS)
def test_the_protocols_own_shape_of_an_event_is_right(event: str) -> None:
    assert faults_of_event(event, EVENTS[event]) == {}


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_with_a_stranger_or_without_a_field_is_wrong(event: str) -> None:
    payload = EVENTS[event]
    assert faults_of_event(event, {**payload, "stranger": 1})
    optional = {"contacts", "tags", "request_id", "resume", "mutation_id"}
    for name in payload.keys() - (optional if event != "sync_complete" else set()):
        without = {key: value for key, value in payload.items() if key != name}
        assert list(faults_of_event(event, without)) == [name]


def test_an_event_that_does_not_exist_is_wrong() -> None:
    assert faults_of_event("contact_moved", {}) == {"": ["There is no event contact_moved."]}


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_nothing_empty_is_sent(empty: object) -> None:
    contact = {**CONTACT, "custom": empty}
    assert faults_of_event("contact_created", {**LIVE, "contact": contact})


def test_a_time_goes_out_in_utc() -> None:
    contact = {**CONTACT, "updated_at": "2026-03-01T10:30:00.000+01:00"}
    assert list(faults_of_event("contact_created", {**LIVE, "contact": contact})) == [
        "contact.updated_at"
    ]


def test_a_change_set_holds_only_rows_of_its_span_each_once() -> None:
    assert list(faults_of_event("changes", {**CHANGES, "since": 7})) == ["contacts"]
    assert list(faults_of_event("changes", {**CHANGES, "until": 8})) == ["contacts"]
    assert list(faults_of_event("changes", {**CHANGES, "until": 5})) == ["until"]
    twice = {"put": [CONTACT, CONTACT], "del": []}
    assert list(faults_of_event("changes", {**CHANGES, "contacts": twice})) == ["contacts"]


def test_a_page_may_be_one_attachment() -> None:
    page = {"epoch": "e", "since": 0, "until": 9, "gzip": b"\x1f\x8b", "has_more": False}
    assert faults_of_event("sync_response", {**page, "remaining": 0}) == {}
