"""What will go wrong when, drawn from a seed before anything runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

Arguments = tuple[float | int, ...]
Draw = Callable[[random.Random], Arguments]


@dataclass(frozen=True)
class Step:
    """One fault: `part` is what it befalls, `at` seconds after the start, `phones` who suffers."""

    part: str
    at: float
    name: str
    arguments: Arguments = ()
    phones: tuple[int, ...] = ()

    def __str__(self) -> str:
        values = ", ".join(f"{each:g}" for each in self.arguments)
        victims = f" of {len(self.phones)} phones" if self.phones else ""
        return f"{self.at:5.1f} s  {self.part}: {self.name}({values}){victims}"


def seconds(least: float, most: float) -> Draw:
    """Draws one duration."""
    return lambda chance: (round(chance.uniform(least, most), 2),)


def nothing(_chance: random.Random) -> Arguments:
    return ()


@dataclass(frozen=True)
class Kind:
    """A fault that may befall a part; `weight` says how often against the others of it."""

    name: str
    draw: Draw
    weight: float = 1


# For each part: the mean pause between two faults in seconds, and what may happen. The first
# argument of each, where it has one, is how long it lasts.
SERVER = (
    4.0,
    (
        Kind("kill_server", seconds(0, 1.5)),
        Kind("restart_server", seconds(0, 1)),
        Kind("hang_server", seconds(0.3, 3)),
    ),
)
REDIS = (
    4.0,
    (Kind("kill_redis", seconds(0.1, 2)), Kind("hang_redis", seconds(0.3, 3))),
)
POSTGRES = (
    3.0,
    (
        Kind("kill_postgres", seconds(0, 1)),
        Kind("restart_postgres", seconds(0, 1)),
        Kind("cut_database_connections", nothing, weight=2),
        Kind("hold_lock", seconds(0.5, 6)),
        Kind("purge", lambda chance: (chance.randint(1, 4),), weight=2),
    ),
)
NETWORK = (
    0.6,
    (
        Kind("cut", nothing, weight=2),
        Kind("delay", seconds(0.5, 3)),
        Kind("deaf", seconds(0.2, 2), weight=2),
        Kind("half_open", seconds(0.5, 4), weight=2),
        Kind("offline", seconds(0.5, 5), weight=2),
    ),
)
PHONES = (1.0, (Kind("crash", nothing, weight=3), Kind("jump_clock", nothing)))
PARTS = {
    "server 0": SERVER,
    "server 1": SERVER,
    "redis": REDIS,
    "postgres": POSTGRES,
    "network": NETWORK,
    "phones": PHONES,
}
SOMETIMES_QUIET = 0.3
MOST_PHONES = 8


def draw_plan(seed: int, duration: float, phones: int) -> list[Step]:
    """The faults of a run that goes wrong for `duration` seconds, in order of time.

    Those of one part follow one another. A part may be left in peace for a whole run, so that
    what the others do to it is seen alone; the network never is.
    """
    chance = random.Random(f"plan-{seed}")
    steps: list[Step] = []
    for part, (pause, kinds) in PARTS.items():
        if part != "network" and chance.random() < SOMETIMES_QUIET:
            continue
        at = chance.expovariate(1 / pause)
        while at < duration:
            (kind,) = chance.choices(kinds, [each.weight for each in kinds])
            arguments = kind.draw(chance)
            step = Step(part, round(at, 2), kind.name, arguments, _victims(chance, part, phones))
            steps.append(step)
            at += chance.expovariate(1 / pause) + (
                arguments[0] if part != "network" and arguments else 0
            )
    return sorted(steps, key=lambda step: step.at)


def _victims(chance: random.Random, part: str, phones: int) -> tuple[int, ...]:
    if part not in ("network", "phones"):
        return ()
    count = chance.randint(1, min(MOST_PHONES, phones))
    return tuple(sorted(chance.sample(range(phones), count)))
