"""What the simulator makes of its devices: choices by seed, figures, and differences named."""

from __future__ import annotations

import argparse
import asyncio
import socket
from collections.abc import Iterator

import pytest

from server.client.agreement import differing_rows, healed, lost_creations, rows_of
from server.client.client import DeviceClient
from server.client.counters import Counters, percentile
from server.client.simulated import SimulatedDevice, World
from server.client.simulator import add_arguments, simulate, table
from server.client.store import Store
from server.client.wire import MAX_BACKOFF_S, backoff_s, plural_of, rfc3339
from tests.waiting import PATIENCE


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, and on which nobody can while the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def store_with(*names: str) -> Store:
    store = Store()
    put = [{"id": name, "version": number} for number, name in enumerate(names, start=1)]
    store.begin_sync()
    store.apply_page({"epoch": "one", "since": 0, "until": 9, "contacts": {"put": put}})
    store.complete(9, "one")
    return store


def test_equal_stores_do_not_differ() -> None:
    held = rows_of(store_with("contact-a", "contact-b"))
    assert differing_rows("device x", held, rows_of(store_with("contact-a", "contact-b"))) == []


def test_a_differing_row_is_named_with_both_its_sides() -> None:
    held, true = rows_of(store_with("contact-a")), rows_of(store_with("contact-a", "contact-b"))
    row = {"id": "contact-b", "version": 2}
    assert differing_rows("device x", held, true) == [
        f"device x: contacts/contact-b is None, in the database {row}"
    ]


async def test_an_acknowledged_creation_missing_in_the_database_is_named() -> None:
    client = DeviceClient("http://127.0.0.1:1", "key")
    kept, lost, deleted = (
        client.create("contact", {"first_name": "A"}, row_id) for row_id in ("aaaaaaaa", "b", "c")
    )
    for write in (kept, lost, deleted):
        ack = {"ok": True, "status": "applied", "version": 3}
        assert client.settled(write.mutation, ack, took_ms=1.0)
        assert await write == ack
    lines = lost_creations([kept, lost, deleted], {"c"}, store_with("aaaaaaaa"))
    assert lines == ["contact_create of b was acknowledged and is not in the database"]


async def test_a_device_that_had_to_heal_by_its_checksum_is_named() -> None:
    clients = [DeviceClient("http://127.0.0.1:1", "key", f"device-{each}") for each in "ab"]
    clients[1].counters.mismatches = 2
    assert healed(clients) == ["device device-b: 2 of its checksums differed"]


async def test_the_same_seed_makes_the_same_choices() -> None:
    def contents(seed: str) -> list[object]:
        device = SimulatedDevice(DeviceClient("http://127.0.0.1:1", "key"), World("run"), seed)
        for _ in range(60):
            device.act()
        return [
            {**write.mutation.payload.get("contact", {}), "id": None} for write in device.writes
        ]

    assert contents("7") == contents("7")
    assert contents("7") != contents("8")


async def test_a_device_touches_only_contacts_of_its_own_run() -> None:
    client, world = DeviceClient("http://127.0.0.1:1", "key"), World("run")
    client.store = store_with("somebody-elses-contact")
    device = SimulatedDevice(client, world, "1")
    for _ in range(200):
        device.act()
    touched = {write.id for write in device.writes}
    assert "somebody-elses-contact" not in touched
    assert touched <= {*world.contact_ids, *world.tag_ids}


def test_without_a_key_it_says_what_to_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ADMIN_API_KEY", raising=False)
    assert simulate(["--devices", "2", "--seconds", "1"]) == 2
    assert "--key" in capsys.readouterr().err


def test_without_a_server_it_says_how_to_start_one(
    closed_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    assert simulate(["--url", url, "--key", "x", "--devices", "1"]) == 2
    assert url in capsys.readouterr().err


def test_its_defaults_come_from_the_environment() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser, {"PORT": "3123", "ADMIN_API_KEY": "the-key"})
    parsed = parser.parse_args([])
    assert (parsed.url, parsed.key) == ("http://127.0.0.1:3123", "the-key")
    assert (parsed.devices, parsed.seconds) == (50, 30)


async def test_the_table_adds_up_all_devices() -> None:
    clients = [DeviceClient("http://127.0.0.1:1", "key") for _ in range(2)]
    for client in clients:
        client.counters = Counters(writes=3, acks=2, latencies_ms=[1.0, 9.0])
    lines = [line.split() for line in table(clients).splitlines()]
    assert ["writes", "6"] in lines
    assert ["latency", "p99,", "ms", "9.0"] in lines


def test_percentiles_are_of_the_ordered_values() -> None:
    values = [float(each) for each in range(100, 0, -1)]
    assert percentile(values, 0.5) == 51
    assert percentile(values, 0.99) == 100
    assert percentile([], 0.5) == 0


def test_waiting_grows_and_heeds_what_the_server_asks() -> None:
    later = {"ok": False, "error": {"code": "unavailable", "retry_after_ms": 40_000}}
    assert 40 <= backoff_s(0, [later, {"ok": True}]) <= 60
    assert backoff_s(0, [{"ok": True}]) < backoff_s(6, [{"ok": True}])
    assert backoff_s(1000, []) <= MAX_BACKOFF_S * 1.5


def test_names_and_times_are_written_as_the_protocol_has_them() -> None:
    assert [plural_of(each) for each in ("contact", "tag", "company")] == [
        "contacts", "tags", "companies",
    ]  # fmt: skip
    assert rfc3339(1_700_000_000_123) == "2023-11-14T22:13:20.123Z"


async def test_waiting_for_a_device_that_can_not_connect_ends_with_the_reason(
    closed_port: int,
) -> None:
    client = DeviceClient(f"http://127.0.0.1:{closed_port}", "key", reconnect_s=None)
    with pytest.raises(Exception, match="No connection to"):
        await client.connect(PATIENCE)
    assert not client.online
    going_on = DeviceClient(f"http://127.0.0.1:{closed_port}", "key", reconnect_s=0.05)
    with pytest.raises(TimeoutError):
        await going_on.connect(0.2)
    await going_on.cut()
    assert len(asyncio.all_tasks()) == 1
