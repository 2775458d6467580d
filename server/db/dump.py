"""The schema of a database as text: sql/schema.sql is the migrated embedded one's."""

from __future__ import annotations

import re
from pathlib import Path

from server.db.migrate import DIRECTORY
from server.db.programs import run

SCHEMA = DIRECTORY / "schema.sql"
HEADER = """\
-- The schema that sql/ makes, for reading: written by `make schema`, compared by a test.
-- Change the files in migrations/, functions/, views/ and triggers/ instead.
"""
# What differs from run to run or says nothing: comments, session settings, and the random
# words of \\restrict.
NOISE = re.compile(
    r"^(--.*|SET .*;|SELECT pg_catalog\.set_config\(.*;|\\(un)?restrict .*)$\n?", re.MULTILINE
)


def dump_schema(database_url: str, bin_path: Path) -> str:
    """The schema of the database by the pg_dump of `bin_path`, the same for the same schema.

    Owners and pg_dump's comments and session settings are left out. Raises `DumpError`.
    """
    dumped = run([bin_path / "pg_dump", "--schema-only", "--no-owner"], database_url)
    text = NOISE.sub("", dumped.decode())
    return HEADER + "\n" + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
