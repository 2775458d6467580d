"""The server as people start it: `python -m server`, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

START_SECONDS = 50
ROOT = Path(__file__).resolve().parents[3]


@asynccontextmanager
async def running_process(
    database_url: str, data_dir: Path, admin_key: str, *, folder: Path = ROOT
) -> AsyncIterator[str]:
    """Starts the server of `folder` on any free port, and gives its URL once it is ready.

    It migrates the database, and makes the first admin with `admin_key`.
    """
    environment = {
        **os.environ,
        "ENVIRONMENT": "test",
        "PORT": "0",
        "DATABASE_URL": database_url,
        "DATA_DIR": str(data_dir),
        "ADMIN_API_KEY": admin_key,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server"),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
        ready = re.fullmatch(r"Fieldbook is ready at (\S+)\n", line)
        assert ready, f"it said {line!r}"
        yield ready[1]
    finally:
        # What ended by itself has said why, and can't be ended.
        if process.returncode is None:
            process.terminate()
        await process.wait()
