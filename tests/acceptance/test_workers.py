"""A server of two processes: one port, one truth, and nothing lost when one of them dies."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from server.client.client import DeviceClient
from tests.acceptance.support.command_line import Server, free_port, start

KEY = "test-admin-key-not-a-secret"
DEVICES = 12


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


async def connect_devices(server: Server) -> list[DeviceClient]:
    devices = [DeviceClient(server.url, KEY, batch=number % 2 == 0) for number in range(DEVICES)]
    await asyncio.gather(*(device.connect(20) for device in devices))
    return devices


def wait_for_both(server: Server) -> None:
    deadline = time.monotonic() + 20
    while len(processes(server)) < 2:
        assert time.monotonic() < deadline, "the process that died was not replaced"
        time.sleep(0.1)


def ids(device: DeviceClient) -> set[str]:
    return {row["id"] for row in device.rows("contact")}


async def test_a_contact_made_on_one_process_is_on_the_devices_of_the_other(
    server: Server,
) -> None:
    devices = await connect_devices(server)
    try:
        assert len(served_by(server)) == 2, "all clients are on one process; nothing is proven"
        for number, device in enumerate(devices):
            await asyncio.wait_for(device.create("contact", {"first_name": f"Ann {number}"}), 20)
        for device in devices:
            await device.wait_until(lambda each=device: len(ids(each)) == DEVICES, 10)
        assert all(device.counters.gaps == 0 for device in devices)
    finally:
        await asyncio.gather(*(device.disconnect() for device in devices))


async def test_a_process_that_dies_is_replaced_and_its_devices_catch_up(server: Server) -> None:
    devices = await connect_devices(server)
    try:
        before = processes(server)
        before[0].send_signal(signal.SIGKILL)
        writes = [device.create("contact", {"company": "Kestrel"}) for device in devices]
        answers = [await asyncio.wait_for(write, 20) for write in writes]
        assert all(answer["ok"] for answer in answers), answers
        for device in devices:
            await asyncio.wait_for(device.settle(), 20)
        held = [ids(device) for device in devices]
        assert all(each == held[0] for each in held)
        await asyncio.to_thread(wait_for_both, server)
    finally:
        await asyncio.gather(*(device.disconnect() for device in devices))
