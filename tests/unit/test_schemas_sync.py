from __future__ import annotations

from typing import Any

import pytest

from server.errors import Invalid, TooLarge
from server.schemas.base import parse
from server.schemas.sync import PING, SYNC_PUSH, SYNC_REQUEST, read_pushed
from tests.unit.schema_faults import faults


def test_a_first_sync_needs_only_its_cursor() -> None:
    assert parse(SYNC_REQUEST, {"since": 0}) == {"since": 0, "limit": 1000, "stream": False}


def test_a_cursor_above_0_needs_its_epoch() -> None:
    assert list(faults(SYNC_REQUEST, {"since": 5})) == ["epoch"]
    assert list(faults(SYNC_REQUEST, {"since": 5, "epoch": None})) == ["epoch"]
    assert faults(SYNC_REQUEST, {"since": 5, "epoch": "e"}) == {}


def test_what_a_client_has_not_got_may_be_null() -> None:
    payload = {"since": 0, "epoch": None, "limit": None, "resume": None, "compress": None}
    assert parse(SYNC_REQUEST, payload) == {"since": 0, "limit": 1000, "stream": False}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("since", None),
        ("since", "0"),
        ("since", -1),
        ("since", 2**52),
        ("limit", 0),
        ("limit", 5_001),
        ("stream", 1),
        ("compress", "br"),
        ("resume", "x" * 2_001),
        ("request_id", 5),
        ("cursor", 5),
    ],
)
def test_a_wrong_sync_request_is_refused_by_field(field: str, value: Any) -> None:
    assert list(faults(SYNC_REQUEST, {"since": 0, field: value})) == [field]


def test_a_push_is_only_counted_so_that_each_mutation_is_refused_alone() -> None:
    mutations: list[Any] = [5, b"binary", None, {"op": "\x00"}, {}]
    assert parse(SYNC_PUSH, {"mutations": mutations}) == {"mutations": mutations}
    assert parse(SYNC_PUSH, {"mutations": []}) == {"mutations": []}
    assert list(faults(SYNC_PUSH, {"mutations": {}})) == ["mutations"]
    assert list(faults(SYNC_PUSH, {})) == ["mutations"]
    assert list(faults(SYNC_PUSH, {"mutations": [], "note": b"x"})) == ["note"]


def test_a_push_of_more_than_500_is_too_large() -> None:
    parse(SYNC_PUSH, {"mutations": [{}] * 500})
    with pytest.raises(TooLarge, match="At most 500") as caught:
        parse(SYNC_PUSH, {"mutations": [{}] * 501})
    assert list(caught.value.fields or {}) == ["mutations"]


def test_a_pushed_mutation_gives_its_op_and_payload() -> None:
    item = {"op": "contact_delete", "mutation_id": "m", "id": "x"}
    assert read_pushed(item) == ("contact_delete", {"mutation_id": "m", "id": "x"})
    assert item["op"] == "contact_delete"


@pytest.mark.parametrize(
    ("item", "paths"),
    [
        (5, []),
        (b"x", []),
        ({}, ["op", "mutation_id"]),
        ({"op": 5, "mutation_id": "m"}, ["op"]),
        ({"op": "contact_delete", "mutation_id": None}, ["mutation_id"]),
    ],
)
def test_a_pushed_mutation_without_name_or_id_is_refused(item: object, paths: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        read_pushed(item)
    assert list(caught.value.fields or {}) == paths
    with pytest.raises(Invalid) as caught:
        read_pushed(item, "mutations.2")
    below = [f"mutations.2.{path}" for path in paths]
    assert list(caught.value.fields or {}) == (below or ["mutations.2"])


def test_a_ping_says_how_the_device_is() -> None:
    payload = {
        "clock": "1970-01-01T00:00:01Z",
        "cursor": 5,
        "queue": {"size": 2, "oldest_at": 1_000},
        "battery": 80.5,
        "network": " wifi ",
        "app_version": "2.4.1",
    }
    assert parse(PING, payload) == {
        **payload,
        "clock": 1_000_000,
        "queue": {"size": 2, "oldest_at": 1_000_000},
        "network": "wifi",
    }
    assert parse(PING, {"queue": {"size": 0, "oldest_at": None}}) == {"queue": {"size": 0}}
    assert parse(PING, {}) == {}


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"battery": 101}, "battery"),
        ({"battery": True}, "battery"),
        ({"cursor": "5"}, "cursor"),
        ({"queue": 5}, "queue"),
        ({"queue": {"size": -1}}, "queue.size"),
        ({"queue": {"size": 2**31}}, "queue.size"),
        ({"queue": {"oldest_at": "x"}}, "queue.oldest_at"),
        ({"network": "x" * 51}, "network"),
        ({"clock": {}}, "clock"),
    ],
)
def test_a_wrong_ping_is_refused_by_field(payload: dict[str, Any], path: str) -> None:
    assert list(faults(PING, payload)) == [path]
