"""What Fieldbook is for, as a newcomer sees it: the server's command and the official client."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.acceptance.support.javascript import FOLDER, node_modules
from tests.integration.support.processes import running_process

ADMIN_KEY = "fb_an-admin-key-for-the-acceptance-tests"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A server in a process of its own."""
    folder = tmp_path_factory.mktemp("data")
    async with running_process(module_database_url, folder, ADMIN_KEY) as url:
        yield url


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
async def test_a_contact_made_on_one_device_is_on_the_other_live_and_after_its_plug_was_pulled(
    url: str, transports: str
) -> None:
    node_modules()
    node = await asyncio.create_subprocess_exec(
        *("node", "two_devices.mjs", url, ADMIN_KEY, transports),
        cwd=FOLDER,
        stdout=PIPE,
        stderr=STDOUT,
    )
    async with asyncio.timeout(120):
        said, _ = await node.communicate()
    assert (node.returncode, said.decode()) == (0, "done\n"), said.decode()
