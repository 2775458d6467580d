"""A server of two processes: one port, one truth, and nothing lost when one of them dies."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from server.client.client import DeviceClient
from tests.acceptance.support.command_line import Server, free_port, start
from tests.waiting import until

KEY = "test-admin-key-not-a-secret"
DEVICES = 12
MOST_DEVICES = 100
SECONDS = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="fieldbook-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = start(folder, free_port(), WORKERS="2", ADMIN_API_KEY=KEY)
        server.wait_until_ready()
        yield server
        if server.process.poll() is None:
            server.press_ctrl_c()


def processes(server: Server) -> list[psutil.Process]:
    found = []
    for each in psutil.Process(server.process.pid).children():
        # One that was killed may be gone by now; a zombie is, too.
        with contextlib.suppress(psutil.NoSuchProcess):
            if "work" in each.cmdline():
                found.append(each)
    return found


def served_by(server: Server) -> set[int]:
    """The processes that hold a client's connection."""
    return {
        each.pid
        for each in processes(server)
        if any(
            connection.status == psutil.CONN_ESTABLISHED
            and connection.laddr
            and connection.laddr.port == server.port
            for connection in each.net_connections("tcp")
        )
    }


@contextlib.asynccontextmanager
async def connected_devices(server: Server) -> AsyncIterator[list[DeviceClient]]:
    """A dozen devices, or so many more that each process has some: the system spreads by chance."""
    devices: list[DeviceClient] = []
    try:
        while len(devices) < DEVICES or len(served_by(server)) < 2:
            assert len(devices) < MOST_DEVICES, "all clients are on one process"
            devices.append(DeviceClient(server.url, KEY, batch=len(devices) % 2 == 0))
            await devices[-1].connect(SECONDS)
        yield devices
    finally:
        await asyncio.gather(*(device.disconnect() for device in devices))


def live_spans(device: DeviceClient) -> list[tuple[int, int]]:
    """Where each of the live changes begins and ends that the device hears from now on."""
    spans: list[tuple[int, int]] = []

    def note(event: str, payload: dict[str, Any]) -> None:
        if event in ("changes", "contact_created"):
            spans.append((payload["since"], payload["until"]))

    device.on_event = note
    return spans


def ids(device: DeviceClient) -> set[str]:
    return {row["id"] for row in device.rows("contact")}


async def test_a_contact_made_on_one_process_is_on_the_devices_of_the_other(
    server: Server,
) -> None:
    async with connected_devices(server) as devices:
        heard = [live_spans(device) for device in devices]
        for number, device in enumerate(devices):
            write = device.create("contact", {"first_name": f"Ann {number}"})
            assert (await asyncio.wait_for(write, SECONDS))["ok"]
        for device in devices:
            await device.wait_until(lambda each=device: len(ids(each)) == len(devices), SECONDS)
        # However late it came: what a device is told goes on where it was before.
        for spans in heard:
            assert all(begin <= end for (_, end), (begin, _) in pairwise(spans)), spans


async def test_a_process_that_dies_is_replaced_and_its_devices_catch_up(server: Server) -> None:
    async with connected_devices(server) as devices:
        killed = processes(server)[0]
        killed.send_signal(signal.SIGKILL)
        writes = [device.create("contact", {"company": "Kestrel"}) for device in devices]
        answers = [await asyncio.wait_for(write, SECONDS) for write in writes]
        assert all(answer["ok"] for answer in answers), answers
        for device in devices:
            await asyncio.wait_for(device.settle(), SECONDS)
        held = [ids(device) for device in devices]
        assert all(each == held[0] for each in held)

        def is_replaced() -> bool:
            found = processes(server)
            return len(found) == 2 and killed not in found

        await until(is_replaced, SECONDS)
