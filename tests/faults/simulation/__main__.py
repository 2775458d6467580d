"""`python -m tests.faults.simulation`: runs seeds, and says how to repeat one that failed."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import sys
import time
from pathlib import Path

from loguru import logger

from tests.faults.simulation.broken import BREAKS, SOUND
from tests.faults.simulation.run import PHONES, SECONDS_OF_FAULTS, Result, run_seed
from tests.faults.support.stack import Databases, running_databases

KEPT_LOGS = Path(".data/faults")
SHOWN_VIOLATIONS = 20


def main() -> int:
    """0 when every seed passed (or, with --break, when none did), else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.simulation",
        description="Break everything around two servers and many devices by a seed, heal it, and "
        "see whether anything was lost, doubled or skipped.",
    )
    parser.add_argument("--seed", type=int, help="the first seed (default: any)")
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after the other (1)")
    parser.add_argument("--devices", type=int, default=PHONES, help=f"how many ({PHONES})")
    parser.add_argument("--seconds", type=float, default=SECONDS_OF_FAULTS,
                        help=f"of faults in each ({SECONDS_OF_FAULTS:g})")  # fmt: skip
    parser.add_argument("--break", dest="broken", choices=BREAKS, default=SOUND.name,
                        help="a guarantee to break on purpose: the run must then fail")  # fmt: skip
    parser.add_argument("--verbose", action="store_true", help="show each fault as it happens")
    chosen = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="DEBUG" if chosen.verbose else "CRITICAL")
    return asyncio.run(run_all(chosen))


async def run_all(chosen: argparse.Namespace) -> int:
    """Runs the seeds one after the other on one Postgres and one Redis."""
    first = secrets.randbelow(1_000_000) if chosen.seed is None else chosen.seed
    began, failed = time.monotonic(), 0
    with running_databases() as databases:
        for seed in range(first, first + chosen.seeds):
            result = await run_seed(
                databases, seed,
                seconds=chosen.seconds, count=chosen.devices, broken=BREAKS[chosen.broken],
            )  # fmt: skip
            print(result.line, flush=True)
            if result.violations:
                failed += 1
                tell(result, chosen, databases)
    print(
        f"{chosen.seeds - failed} of {chosen.seeds} seeds passed in "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    expected = 0 if chosen.broken == SOUND.name else chosen.seeds
    return int(failed != expected)


def tell(result: Result, chosen: argparse.Namespace, databases: Databases) -> None:
    """What is wrong, what happened, and how to see it again; the servers' logs are kept."""
    for violation in result.violations[:SHOWN_VIOLATIONS]:
        print(f"  {violation}")
    if len(result.violations) > SHOWN_VIOLATIONS:
        print(f"  and {len(result.violations) - SHOWN_VIOLATIONS} more")
    for step in result.plan:
        print(f"    {step}")
    logs = KEPT_LOGS / f"seed-{result.seed}"
    logs.mkdir(parents=True, exist_ok=True)
    for log in databases.folder.glob("*.log"):
        shutil.copy(log, logs / log.name)
    options = f"--devices {chosen.devices} --seconds {chosen.seconds:g}"
    if chosen.broken != SOUND.name:
        options += f" --break {chosen.broken}"
    print(f"  The logs are in {logs}. Again: {sys.executable} -m tests.faults.simulation "
          f"--seed {result.seed} {options}", flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
