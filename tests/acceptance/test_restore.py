"""A device through a backup and its restoration: it loses nothing that it was told was kept."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from server.client.agreement import compare_all
from server.client.client import DeviceClient
from server.client.rest import Rest
from tests.acceptance.support.command_line import ROOT, free_port, start
from tests.integration.support.processes import running_process

KEY = "test-admin-key-not-a-secret"
SECONDS = 60.0


async def command(database_url: str, data_dir: Path, *arguments: str) -> str:
    """Runs `python -m server …` to its end; gives what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", *arguments),
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url, "DATA_DIR": str(data_dir)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode == 0, said.decode()
    return said.decode()


async def test_a_device_keeps_its_unsent_edits_and_sends_again_what_the_backup_does_not_hold(
    database_url: str, tmp_path: Path
) -> None:
    data, file = tmp_path / "data", str(tmp_path / "saved.dump")
    async with running_process(database_url, data, KEY) as url:
        device = DeviceClient(url, KEY, "restored-device", reconnect_s=0.1)
        await device.connect(SECONDS)
        await device.sync(SECONDS)
        old = device.create("contact", {"first_name": "Ann", "company": "Keller Ltd"})
        doomed = device.create("contact", {"first_name": "Ben"})
        assert (await old)["ok"]
        assert (await doomed)["ok"]
        # Beside the running server.
        await command(database_url, data, "backup", file)
        new = device.create("contact", {"first_name": "Cleo"})
        edit = device.update("contact", old.id, {"company": "Roth Ltd"})
        deletion = device.delete("contact", doomed.id)
        for write in (new, edit, deletion):
            assert (await write)["ok"]
        await device.settle(SECONDS)
        await device.disconnect()
    epoch = device.store.epoch
    unsent = device.update("contact", old.id, {"job_title": "Buyer"})

    assert "Restored" in await command(database_url, data, "restore", file)
    async with running_process(database_url, data, KEY) as url:
        device.url = url
        shown: list[set[str]] = []
        device.on_event = lambda _event, _payload: shown.append(
            {row["id"] for row in device.rows("contact")}
        )
        await device.connect(SECONDS)
        await device.settle(SECONDS)
        assert device.counters.resyncs == 1
        assert device.store.epoch != epoch
        assert (await unsent)["ok"]
        # What was there before the restore never left the screen.
        assert all({old.id, new.id} <= each for each in shown)
        assert all(doomed.id not in each for each in shown)
        row = device.row("contact", old.id)
        assert row is not None
        assert (row["company"], row["job_title"]) == ("Roth Ltd", "Buyer")
        states = {each.mutation_id: each.state for each in device.queue.settled()}
        assert set(states.values()) == {"acknowledged"}
        assert len(states) == 6
        # The backup's own writes are known to its ledger; the others counted anew.
        assert device.counters.duplicates == 2
        async with Rest(url, KEY) as rest:
            assert await compare_all([device], rest, lambda _plural, row: row, SECONDS) == []
        assert device.counters.mismatches == 0
        await device.disconnect()


def test_the_embedded_database_is_purged_and_saved_beside_its_server_and_restored_without_it() -> (
    None
):
    with tempfile.TemporaryDirectory(prefix="fieldbook-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        environment = {
            **{key: value for key, value in os.environ.items() if key != "DATABASE_URL"},
            "DATA_DIR": str(folder / "data"),
        }

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "server", *arguments],
                cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS,
                check=False,
            )  # fmt: skip

        file = str(folder / "saved.dump")
        server = start(folder, free_port())
        server.wait_until_ready()
        purged = run("purge", "--older-than", "0s")
        assert purged.stdout == "default: nothing to remove; the floor stays at 0.\n", purged
        assert run("backup", file).returncode == 0
        refused = run("restore", file)
        assert refused.returncode == 1
        assert refused.stderr == (
            f"Another Fieldbook uses {folder / 'data'}: stop it, or set DATA_DIR.\n"
        )
        server.press_ctrl_c()
        restored = run("restore", file)
        assert (restored.returncode, restored.stderr) == (0, "")
