"""Several server processes behind one port, started, watched and ended by one beside them."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping

import uvloop
from loguru import logger

from server.commands.answering import SECONDS_TO_ASK, SECONDS_TO_DRAIN, answer, listen, stop_event
from server.commands.common import CommandError, Services
from server.logs import set_up_logging
from server.settings import Settings
from server.tasks import end

READY = "ready"
RESTART_SECONDS = 1.0
SECONDS_TO_LEAVE = 10.0
"""How long a process that has a successor may take to end; nobody waits for that."""
SECONDS_TO_START = 30.0


def work(arguments: list[str]) -> int:
    """`python -m server work`: one of the processes, on a socket that listens already."""
    parser = argparse.ArgumentParser(
        prog="python -m server work",
        description="One process of a server that has several; `serve` starts it.",
    )
    parser.add_argument("--socket", type=int, required=True, help="the number of its open socket")
    chosen = parser.parse_args(arguments)
    # It is for the process that started this one, and may come to the whole group.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    settings = Settings.from_environment()
    set_up_logging(settings)
    if settings.database_url is None:
        parser.error("DATABASE_URL must be set: `serve` starts the databases")
    uvloop.run(
        answer(
            settings,
            settings.database_url,
            settings.redis_url,
            socket.socket(fileno=chosen.socket),
            ready=lambda: print(READY, flush=True),
        )
    )
    return 0


async def supervise(
    settings: Settings,
    services: Services,
    listener: socket.socket,
    *,
    ready: Callable[[], None],
    stopping: Callable[[], None],
) -> None:
    """Runs `settings.workers` processes until a signal comes; one that dies is started anew.

    Each has a socket of its own on the port: from one for all the quickest would accept nearly
    everybody. On SIGUSR1 they are replaced, one after the other. `ready()` is called once all
    answer, `stopping()` when the signal to stop came. Raises `CommandError` when they do not
    start.
    """
    stopped = stop_event()
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, asked.set)
    environment = {**os.environ, "DATABASE_URL": services.database_url}
    if services.redis_url:
        environment["REDIS_URL"] = services.redis_url
    port = listener.getsockname()[1]
    # It has shown that nobody else has the port; from here on the processes share it.
    listener.close()
    workers = [Worker(settings.host, port, environment) for _ in range(settings.workers)]
    try:
        for worker in workers:
            await worker.start()
        for worker in workers:
            await worker.wait_until_ready()
    except CommandError:
        await asyncio.gather(*(worker.end() for worker in workers))
        raise
    watchers = [asyncio.create_task(worker.keep_running()) for worker in workers]
    restarter = asyncio.create_task(_restart_when_asked(workers, asked))
    ready()
    await stopped.wait()
    stopping()
    await end(restarter, *watchers)
    await asyncio.gather(*(worker.end() for worker in workers))


async def _restart_when_asked(workers: list[Worker], asked: asyncio.Event) -> None:
    """Replaces all processes, one after the other, each time that it is asked to."""
    while True:
        await asked.wait()
        # Whoever asks while they are replaced gets them replaced once more, after that.
        asked.clear()
        logger.info("Restarting {} server processes, one after the other", len(workers))
        try:
            for number, worker in enumerate(workers, start=1):
                await worker.replace()
                logger.info("Server process {} of {} is a new one", number, len(workers))
        except CommandError:
            logger.error(
                "A new server process does not start, see above; those that run go on. Mend it, "
                "and send SIGUSR1 again."
            )


class Worker:
    """One of the processes, and the socket that it listens on.

    The socket is kept here too. Who connects while the process is replaced stays in its queue,
    for the next to accept; a process's own socket would take its queue along.
    """

    def __init__(self, host: str, port: int, environment: Mapping[str, str]) -> None:
        self._host = host
        self._port = port
        self._environment = environment
        self._process: Process | None = None
        self._listener: socket.socket | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        # While one is started in the place of another, whichever way.
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Starts its process; `wait_until_ready` says when it answers. Raises `CommandError`."""
        self._listener = listen(self._host, self._port, shared=True)
        self._process = await self._spawn()

    async def wait_until_ready(self) -> None:
        """Raises `CommandError` when the process ended, or took too long."""
        assert self._process is not None
        await _wait_until_ready(self._process)

    async def keep_running(self) -> None:
        """Starts another process when one dies."""
        while True:
            process = self._process
            assert process is not None
            status = await process.wait()
            async with self._changing:
                if process is self._process:
                    await self._start_another(status)

    async def _start_another(self, status: int) -> None:
        if status == 0:
            logger.warning("A server process was told to stop: starting another")
        else:
            logger.error("A server process ended with status {}: starting another", status)
        # Nobody accepts here for a moment: whoever connects shall get to another process.
        assert self._listener is not None
        self._listener.close()
        while True:
            await asyncio.sleep(RESTART_SECONDS)
            try:
                return await self.start()
            except (CommandError, OSError) as error:
                logger.error("No server process can be started: {}", error)

    async def replace(self) -> None:
        """Starts a successor, and ends the process once that one answers.

        Raises `CommandError` when the successor does not start; the process then goes on.
        """
        async with self._changing:
            successor = await self._spawn()
            try:
                await _wait_until_ready(successor)
            except BaseException:
                await self._leave(successor)
                raise
            before, self._process = self._process, successor
            assert before is not None
            await self._leave(before)

    async def end(self) -> None:
        """Ends whatever process is left of it."""
        if self._process:
            await asyncio.gather(_end(self._process), *self._leaving)
        if self._listener:
            self._listener.close()

    async def _spawn(self) -> Process:
        assert self._listener is not None
        number = self._listener.fileno()
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "work", "--socket", str(number)),
            env=self._environment,
            stdout=PIPE,
            pass_fds=[number],
        )

    async def _leave(self, process: Process) -> None:
        """Ends a process, also when whoever asks for it is told to stop meanwhile."""
        task = asyncio.create_task(_end(process, SECONDS_TO_LEAVE))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        await asyncio.shield(task)


async def _wait_until_ready(process: Process) -> None:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), SECONDS_TO_START)
    except TimeoutError:
        line = b""
    if line.strip() != READY.encode():
        raise CommandError("A server process did not start; its message stands above.")


async def _end(process: Process, patience: float = SECONDS_TO_DRAIN + SECONDS_TO_ASK) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), patience)
    except TimeoutError:
        process.kill()
        await process.wait()
