"""Guarantees broken on purpose, to see that the checks notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tests.faults.support.stack import SERVE

BROKEN_SERVER = "tests.faults.simulation.broken_server"


@dataclass(frozen=True)
class Break:
    """One guarantee less: `sql` changes the database, `command` starts another server."""

    name: str
    sql: str = ""
    command: Sequence[str] = SERVE

    async def prepare(self, database_url: str) -> None:
        """Breaks it in a database that is migrated."""
        if self.sql:
            connection = await asyncpg.connect(database_url)
            await connection.execute(self.sql)
            await connection.close()


SOUND = Break("nothing")

NO_LEDGER = Break(
    "ledger",
    # Every mutation is forgotten at once, so one that is sent again is taken for a new one.
    sql="""
    CREATE FUNCTION forget_mutation() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RETURN NULL; END $$;
    CREATE TRIGGER forget_mutation BEFORE INSERT ON mutations
        FOR EACH ROW EXECUTE FUNCTION forget_mutation();
    """,
)

BARE_SEQUENCE = Break(
    "lock",
    # Versions are drawn without the lock, and some writers take a little longer than others: a
    # reader may then see a version before a lower one.
    sql="""
    CREATE OR REPLACE FUNCTION lock_versions() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
    CREATE OR REPLACE FUNCTION get_next_version() RETURNS bigint LANGUAGE plpgsql VOLATILE
    AS $$
    DECLARE
        version bigint := nextval('version_sequence');
    BEGIN
        PERFORM pg_sleep(random() * 0.05);
        RETURN version;
    END $$;
    """,
)

EARLY_ACK = Break("ack", command=("-m", BROKEN_SERVER, "early_ack"))
NO_GAP_CHECK = Break("gap", command=("-m", BROKEN_SERVER, "no_gap_check"))

BREAKS = {each.name: each for each in (SOUND, NO_LEDGER, BARE_SEQUENCE, EARLY_ACK, NO_GAP_CHECK)}
