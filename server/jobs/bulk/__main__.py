"""The process of one bulk job: `python -m server.jobs.bulk`, started by a server and no one else.

Standard input brings one line of JSON, and then says by its end that the server is gone or stops;
standard output takes one line of JSON: what a preview found. The exit code says how a run ended.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import Any

import orjson
import uvloop
from loguru import logger

from server.jobs.bulk.process import EXIT_FAULT, run_assignment

LOG_LINE = "{time:YYYY-MM-DD HH:mm:ss.SSS} {level: <7} {message}"


def main() -> int:
    """Does what the first line says."""
    line = sys.stdin.buffer.readline()
    if not line:
        return EXIT_FAULT
    assignment: dict[str, Any] = orjson.loads(line)
    logger.remove()
    # `diagnose`, which loguru begins with, would write contacts and the database's password.
    logger.add(sys.stderr, level="INFO", format=LOG_LINE, diagnose=False)
    # Devices and people come first: the system gives this process what they leave.
    os.nice(5)

    async def run() -> int:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(target=_await_end, args=(loop, stopping), daemon=True).start()
        return await run_assignment(assignment, stopping)

    try:
        return uvloop.run(run())
    except Exception:  # the last line of defence: the server has it in its log, too
        logger.exception("A bulk job's process failed")
        return EXIT_FAULT


def _await_end(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    """Waits until the server closes its end, or is gone."""
    sys.stdin.buffer.read()
    loop.call_soon_threadsafe(stopping.set)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # The thread that waits for the server may still read.
    os._exit(code)
