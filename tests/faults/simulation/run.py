"""One run: start all, let it go wrong for a while, heal, wait, and judge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from loguru import logger

from server.client.agreement import rows_of
from server.client.rest import Rest
from server.client.simulated import World
from tests.faults.simulation.broken import SOUND, Break
from tests.faults.simulation.checks import Report, check_all
from tests.faults.simulation.evidence import read_evidence, read_head
from tests.faults.simulation.phone import Phone, make_phones
from tests.faults.simulation.plan import Step, draw_plan
from tests.faults.simulation.world import Stack
from tests.faults.support.stack import ADMIN_KEY, Databases

PHONES = 24
SECONDS_OF_FAULTS = 8.0
SECONDS_TO_HEAL = 10.0
PATIENCE = 15.0
"""How long the run waits beyond that, to tell what is late from what never comes."""
SECONDS_TO_START = 60.0


@dataclass
class Result:
    """What became of a run; `violations` is empty when all is well."""

    seed: int
    plan: Sequence[Step] = ()
    violations: list[str] = field(default_factory=list)
    mutations: int = 0
    refused: int = 0
    duplicates: int = 0
    resyncs: int = 0
    reconnects: int = 0
    healed_s: float = 0.0
    took_s: float = 0.0

    @property
    def line(self) -> str:
        """The run in one line."""
        state = f"{len(self.violations)} VIOLATIONS" if self.violations else "ok"
        return (
            f"seed {self.seed}: {state} in {self.took_s:.1f} s: {len(self.plan)} faults, "
            f"{self.mutations} mutations ({self.refused} refused, {self.duplicates} answered as "
            f"duplicates), {self.reconnects} reconnects, {self.resyncs} resyncs, "
            f"healed in {self.healed_s:.1f} s"
        )


async def run_seed(
    databases: Databases,
    seed: int,
    *,
    seconds: float = SECONDS_OF_FAULTS,
    count: int = PHONES,
    broken: Break = SOUND,
    plan: Sequence[Step] | None = None,
    seconds_to_heal: float = SECONDS_TO_HEAL,
    patience: float = PATIENCE,
) -> Result:
    """Runs one seed on a fresh database of `databases`.

    `broken` is what to break on purpose; `plan` takes the place of the one drawn from the seed.
    All must have healed after `seconds_to_heal`.
    """
    began = time.monotonic()
    result = Result(seed, draw_plan(seed, seconds, count) if plan is None else plan)
    database_url = await databases.make_database(f"seed_{seed}_{time.time_ns()}")
    await broken.prepare(database_url)
    stack = Stack.of(databases, database_url, broken.command)
    world = World(run=f"seed-{seed}")
    phones: list[Phone] = []
    try:
        await stack.start()
        async with Rest(stack.url, ADMIN_KEY) as rest:
            agents = await rest.register(world.run, count)
        phones = await make_phones([each.key for each in agents], stack.choose_port, world, seed)
        await asyncio.gather(*(phone.client.connect(SECONDS_TO_START) for phone in phones))
        await _go_wrong(stack, phones, result.plan, seconds)
        await _heal(result, phones, database_url, seconds_to_heal, patience)
        await _judge(result, stack, phones, database_url)
    finally:
        ended = await asyncio.gather(*(phone.stop() for phone in phones), return_exceptions=True)
        result.violations += [f"a device failed: {each!r}" for each in ended if each]
        await stack.stop()
    result.took_s = time.monotonic() - began
    return result


async def _go_wrong(
    stack: Stack, phones: Sequence[Phone], plan: Sequence[Step], seconds: float
) -> None:
    """Lets the phones be used while the plan happens; all is as it was when this returns."""
    clock = asyncio.get_running_loop().time
    began = clock()
    parts: dict[str, list[Step]] = {}
    for step in plan:
        parts.setdefault(step.part, []).append(step)
    async with asyncio.TaskGroup() as group:
        for phone in phones:
            group.create_task(phone.use(began + seconds))
        for steps in parts.values():
            group.create_task(_befall(stack, phones, steps, began, seconds))


async def _befall(
    stack: Stack, phones: Sequence[Phone], steps: Sequence[Step], began: float, seconds: float
) -> None:
    """What befalls one part: one step after the other, but for the network's, which overlap."""
    clock = asyncio.get_running_loop().time
    overlapping: list[asyncio.Task[None]] = []
    for step in steps:
        await asyncio.sleep(max(0.0, began + step.at - clock()))
        if clock() > began + seconds:
            # The step before took longer than planned.
            break
        logger.debug("{}", step)
        if step.part == "network":
            suffering = [phones[each] for each in step.phones]
            overlapping.append(asyncio.create_task(_disturb(suffering, step)))
        elif step.part == "phones":
            for each in step.phones:
                await _happen_to(phones[each], step.name)
        else:
            numbers = (int(step.part[-1]),) if step.part.startswith("server") else ()
            await _to_the_end(getattr(stack, step.name)(*numbers, *step.arguments))
    await asyncio.gather(*overlapping)


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Lets nothing cut it off half-way: what is just starting could not be ended afterwards."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _happen_to(phone: Phone, name: str) -> None:
    if name == "crash":
        await phone.crash()
    else:
        phone.jump_clock()


async def _disturb(phones: Sequence[Phone], step: Step) -> None:
    """A fault of the network for some phones, as long as it lasts."""
    lines = [phone.line for phone in phones]
    if step.name == "cut":
        for line in lines:
            line.cut()
        return
    (duration,) = step.arguments
    for line in lines:
        line.suffer(step.name)
    await asyncio.sleep(duration)
    for line in lines:
        line.recover(step.name)


async def _heal(
    result: Result,
    phones: Sequence[Phone],
    database_url: str,
    seconds_to_heal: float,
    patience: float,
) -> None:
    """Waits until every device is at rest and at the head; late is wrong, too."""
    began = time.monotonic()
    for phone in phones:
        phone.line.heal()
    while True:
        head, epoch = await read_head(database_url)
        restless = [phone for phone in phones if not _at_rest(phone, head, epoch)]
        result.healed_s = time.monotonic() - began
        if not restless:
            break
        if result.healed_s > seconds_to_heal + patience:
            result.violations += [
                f"not healed after {result.healed_s:.0f} s: {phone.state}" for phone in restless
            ]
            return
        await asyncio.sleep(0.1)
    if result.healed_s > seconds_to_heal:
        result.violations.append(f"healed only after {result.healed_s:.1f} s")


def _at_rest(phone: Phone, head: int, epoch: str) -> bool:
    client = phone.client
    store = client.store
    return (
        client.online
        and len(client.queue) == 0
        and store.syncing is None
        and (store.cursor, store.epoch) == (head, epoch)
    )


async def _judge(result: Result, stack: Stack, phones: Sequence[Phone], database_url: str) -> None:
    reports = [_report(phone) for phone in phones]
    sent = {each.mutation_id: each for report in reports for each in report.mutations}
    evidence = await read_evidence(database_url, sent)
    result.violations += check_all(reports, evidence, stack.purged)
    counters = [phone.client.counters for phone in phones]
    result.mutations = len(sent)
    result.refused = sum(each.state == "refused" for each in sent.values())
    result.duplicates = sum(each.duplicates for each in counters)
    result.resyncs = sum(each.resyncs for each in counters)
    result.reconnects = sum(each.reconnects for each in counters)


def _report(phone: Phone) -> Report:
    client = phone.client
    return Report(
        name=phone.seen.device,
        device_id=client.device_id,
        cursor=client.store.cursor,
        epoch=client.store.epoch,
        rows=rows_of(client.store),
        mutations=list(phone.seen.mutations.values()),
        resyncs=client.counters.resyncs,
        mismatches=client.counters.mismatches,
        seen=phone.seen,
    )
