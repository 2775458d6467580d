from __future__ import annotations

import asyncio
import logging

import aiohttp
import pytest
from aiohttp import web

from server.rest.middleware import render_errors
from server.rest.requests import while_connected
from tests.waiting import PATIENCE


async def test_long_work_ends_without_a_noise_when_its_caller_is_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return "done"

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=await while_connected(request, work()))

    app = web.Application(middlewares=[render_errors()])
    app.router.add_get("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        call = asyncio.create_task(session.get(f"http://127.0.0.1:{port}/"))
        async with asyncio.timeout(PATIENCE):
            await began.wait()
        assert not ended.is_set()
        call.cancel()
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
        with pytest.raises(asyncio.CancelledError):
            await call
    await runner.cleanup()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
