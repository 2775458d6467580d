"""What a page's main thread spends on its tasks, by Chromium's own trace."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

from playwright.async_api import Page

CATEGORIES = ["toplevel", "devtools.timeline"]


async def longest_task(page: Page, work: Awaitable[Any]) -> float:
    """The milliseconds of processor time of the longest task while `work` is done.

    Not of the clock: a task that waits for a processor that others use takes no longer by it.
    """
    session = await page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    complete = asyncio.Event()
    session.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    session.on("Tracing.tracingComplete", lambda _: complete.set())
    config = {"includedCategories": CATEGORIES}
    await session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": config})
    await work
    await session.send("Tracing.end")
    await complete.wait()
    await session.detach()
    # The page's thread is the one that its functions ran on.
    threads = Counter(_thread(each) for each in events if each["name"] == "FunctionCall")
    thread, _ = threads.most_common(1)[0]
    tasks = [each for each in events if "RunTask" in each["name"] and _thread(each) == thread]
    return max(float(task["tdur"]) for task in tasks if "tdur" in task) / 1_000


def _thread(event: dict[str, Any]) -> tuple[int, int]:
    return event["pid"], event["tid"]
