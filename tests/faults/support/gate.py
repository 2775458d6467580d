"""A gate that holds bulk jobs up: what is to befall one in its middle finds it there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

GATE = 7301
# In steps: nothing is to end by `lock_timeout` meanwhile.
MAKE_GATE = f"""
CREATE OR REPLACE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WHILE NOT pg_try_advisory_xact_lock_shared({GATE}) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN NEW;
END $$
"""
SET_UP_GATE = """
CREATE OR REPLACE TRIGGER wait_at_gate BEFORE UPDATE ON bulk_jobs FOR EACH ROW
WHEN (OLD.done >= {rows} AND NEW.done > OLD.done) EXECUTE FUNCTION wait_at_gate()
"""
# A chunk that waits at the gate ends with its process, as one does that is on its way.
NOTICE_THE_DEAD = """
DO $$ BEGIN
    EXECUTE format(
        'ALTER DATABASE %I SET client_connection_check_interval = 50', current_database());
END $$
"""


@asynccontextmanager
async def held_up(database_url: str, rows: int) -> AsyncIterator[None]:
    """Jobs that begin in the block write about so many rows and wait there, until it ends.

    They hold the lock of the versions meanwhile. At most 30 s: then their statement is cancelled.
    """
    connection = await asyncpg.connect(database_url)
    try:
        for statement in (MAKE_GATE, SET_UP_GATE.format(rows=rows), NOTICE_THE_DEAD):
            await connection.execute(statement)
        await connection.execute("SELECT pg_advisory_lock($1)", GATE)
        yield
    finally:
        # Whose end frees the lock, also where the database was killed.
        connection.terminate()
