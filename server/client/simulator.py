"""`python -m server simulate`: many devices against a running server, and whether all agree.

Each device is a real Socket.IO client with an offline queue. They touch only the contacts that
they made themselves. At the end every device must hold the rows that the database has.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, TextIO

from server.client.agreement import compare_all, healed, lost_creations, rows_of
from server.client.client import DeviceClient
from server.client.connection import ConnectionLost
from server.client.counters import Counters, percentile
from server.client.rest import Agent, Rest, SimulationError
from server.client.simulated import SimulatedDevice, World
from server.errors import FieldbookError

SETTLE_S = 60.0
SHOWN_DIFFERENCES = 20


def add_arguments(
    parser: argparse.ArgumentParser, environment: Mapping[str, str] | None = None
) -> None:
    """Add the command's options; defaults come from PORT and ADMIN_API_KEY of `environment`."""
    given = os.environ if environment is None else environment
    url = f"http://127.0.0.1:{given.get('PORT') or 3000}"
    parser.add_argument("--devices", type=at_least_one, default=50, help="how many (50)")
    parser.add_argument("--seconds", type=float, default=30, help="how long they work (30)")
    parser.add_argument("--pause", type=float, default=1.5,
                        help="seconds between two acts of a device, on average (1.5)")  # fmt: skip
    parser.add_argument("--url", default=url, help=f"the server ({url})")
    parser.add_argument("--key", default=given.get("ADMIN_API_KEY") or None,
                        help="an admin's API key (ADMIN_API_KEY of the environment)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=None, help="repeats what the devices do")
    parser.add_argument("--clean", action="store_true",
                        help="delete the contacts and tags of this run at its end")  # fmt: skip


def at_least_one(text: str) -> int:
    """A number of devices. Raises ValueError, which argparse shows."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def simulate(arguments: list[str]) -> int:
    """The command: parses its arguments, runs, gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m server simulate", description=__doc__)
    add_arguments(parser)
    try:
        return asyncio.run(run(parser.parse_args(arguments)))
    except KeyboardInterrupt:
        return 130


async def run(arguments: argparse.Namespace) -> int:
    """Run a simulation: 0 when all devices end like the database, 1 if not, 2 if it can't start."""
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(1_000_000)
    world = World(run=f"simulation-{seed}-{secrets.token_hex(3)}")
    try:
        if not arguments.key:
            raise SimulationError(
                "Which key? Pass --key with an admin's API key, or set ADMIN_API_KEY. The server "
                "prints the admin's key at its first start."
            )
        async with Rest(arguments.url, arguments.key) as rest:
            agents = await rest.register(world.run, arguments.devices)
            if agents and agents[0].id is None:
                say("This key may not register agents: all devices sign in with it.")
            say(f"{arguments.devices} devices, {arguments.seconds:g} s, seed {seed}")
            try:
                return await simulate_devices(arguments, world, seed, agents, rest)
            finally:
                for failure in await rest.disable(agents):
                    say(failure, sys.stderr)
    except SimulationError as error:
        say(str(error), sys.stderr)
        return 2


async def simulate_devices(
    arguments: argparse.Namespace, world: World, seed: int, agents: Sequence[Agent], rest: Rest
) -> int:
    """Let the devices work, come to rest and be compared; gives the exit status."""
    devices = [
        SimulatedDevice(
            make_client(arguments.url, agent.key, number, world), world, f"{seed}-{number}"
        )
        for number, agent in enumerate(agents)
    ]
    fresh = make_client(arguments.url, agents[0].key, 0, world)
    clients = [*(device.client for device in devices), fresh]
    try:
        await start([device.client for device in devices])
        await work(devices, arguments.seconds, arguments.pause)
        differences = await settle([*(device.come_back() for device in devices), fresh.connect()])
        differences += await settle([client.settle() for client in clients])
        differences += await compare_all(clients, rest, world.keep, SETTLE_S)
        differences += healed(clients)
        writes = [write for device in devices for write in device.writes]
        differences += lost_creations(writes, world.deleted_ids, fresh.store)
        say(table(clients[:-1]))
        for refusal, count in refusals(clients).most_common():
            say(f"  refused {count} times: {refusal}")
        rows = sorted(rows_of(fresh.store).items())
        if arguments.clean:
            await clean(fresh, world)
    finally:
        await asyncio.gather(*(client.disconnect() for client in clients))
    if differences:
        say(f"\nNot all devices ended like the database ({len(differences)} differences):")
        for difference in differences[:SHOWN_DIFFERENCES]:
            say(f"  {difference}")
        return 1
    counts = ", ".join(f"{len(each)} {plural}" for plural, each in rows)
    say(f"\nEvery device ended with the same rows as the database: {counts or 'none'}.")
    return 0


async def start(clients: Sequence[DeviceClient]) -> None:
    """Connect and sync for the first time. Raises SimulationError when the server won't."""
    try:
        await asyncio.gather(*(connect_and_sync(client) for client in clients))
    except (FieldbookError, ConnectionLost, TimeoutError) as error:
        raise SimulationError(f"The devices can't begin: {str(error) or 'no answer'}") from error


async def connect_and_sync(client: DeviceClient) -> None:
    """Connect, which begins the first sync, and wait until that is complete."""
    await client.connect(SETTLE_S)
    await client.wait_until(lambda: client.counters.first_syncs > 0, SETTLE_S)


async def work(devices: Sequence[SimulatedDevice], seconds: float, pause_s: float) -> None:
    """Let all work for so long, with a progress line each second."""
    clock = asyncio.get_running_loop().time
    began = clock()
    until = began + seconds
    busy = [asyncio.create_task(device.use(until, pause_s)) for device in devices]
    while clock() < until:
        await asyncio.sleep(min(1.0, max(0.0, until - clock())))
        say(progress_line(clock() - began, [device.client for device in devices]))
    await asyncio.gather(*busy)


def make_client(url: str, key: str, number: int, world: World) -> DeviceClient:
    """A device; by its number it speaks the protocol one way or the other."""
    client = DeviceClient(
        url,
        key,
        batch=number % 5 != 4,
        sign_in="event" if number % 4 == 3 else "connect",
        stream=number % 7 != 6,
        compress=number % 3 == 2,
        details={"name": f"Simulated phone {number + 1}", "os": "Android 16", "app_version": "1.0"},
        keep=world.keep,
    )
    client.condition = {"battery": 100 - number % 80, "network": "wifi" if number % 2 else "lte"}
    return client


# What it says


def say(text: str, stream: TextIO | None = None) -> None:
    """Write a line, at once."""
    print(text, file=stream or sys.stdout, flush=True)


def total_of(clients: Iterable[DeviceClient]) -> Counters:
    """The counters of all devices added up."""
    total = Counters()
    for client in clients:
        total.add(client.counters)
    return total


def progress_line(seconds: float, clients: Sequence[DeviceClient]) -> str:
    """One second's state of the run."""
    total = total_of(clients)
    online = sum(client.online for client in clients)
    waiting = sum(len(client.queue) for client in clients)
    return (
        f"{seconds:4.0f} s  {online}/{len(clients)} online  {total.writes} writes  "
        f"{total.acks} acknowledged  {waiting} waiting  {total.catch_ups} catch-ups  "
        f"p99 {percentile(total.latencies_ms, 0.99):.0f} ms"
    )


def table(clients: Sequence[DeviceClient]) -> str:
    """The run in figures."""
    total = total_of(clients)
    rows = [
        ("devices", f"{len(clients)}"),
        ("writes", f"{total.writes}"),
        ("acknowledged", f"{total.acks}"),
        ("latency p50, ms", f"{percentile(total.latencies_ms, 0.5):.1f}"),
        ("latency p99, ms", f"{percentile(total.latencies_ms, 0.99):.1f}"),
        ("live sets received", f"{total.live_sets}"),
        ("catch-ups", f"{total.catch_ups}"),
        ("reconnects", f"{total.reconnects}"),
        ("conflicting fields", f"{total.conflicts}"),
        ("answered as duplicates", f"{total.duplicates}"),
        ("refused", f"{total.refused}"),
        ("sent again", f"{total.retries}"),
        ("gaps noticed", f"{total.gaps}"),
        ("checksums that differed", f"{total.mismatches}"),
    ]
    return "\n" + "\n".join(f"  {name:<24}{value:>10}" for name, value in rows)


def refusals(clients: Iterable[DeviceClient]) -> Counter[str]:
    """The refused writes by event and error."""
    return Counter(
        f"{each.op}: {each.error}"
        for client in clients
        for each in client.queue.settled()
        if each.state == "refused"
    )


async def settle(waits: Iterable[Coroutine[Any, Any, None]]) -> list[str]:
    """Wait for all of them, at most a minute; what did not come to rest, one line each."""
    tasks = [asyncio.create_task(each) for each in waits]
    await asyncio.wait(tasks, timeout=SETTLE_S)
    late = [task for task in tasks if not task.done()]
    for task in late:
        task.cancel()
    failed = [error for task in tasks if task.done() and (error := task.exception())]
    lines = [f"a device failed: {error!r}" for error in failed]
    return lines + [f"{len(late)} devices did not come to rest in {SETTLE_S:g} s"] * bool(late)


async def clean(client: DeviceClient, world: World) -> None:
    """Delete what the run made."""
    rows = [("contact", row_id) for row_id in world.contact_ids]
    rows += [("tag", row_id) for row_id in world.tag_ids]
    for entity, row_id in rows:
        if client.row(entity, row_id) is not None:
            client.delete(entity, row_id)
    await client.settle(SETTLE_S)
