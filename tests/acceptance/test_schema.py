"""sql/schema.sql is what somebody reads instead of all migrations, so it must be true."""

from __future__ import annotations

from difflib import unified_diff

from server.db.dump import SCHEMA, dump_schema
from server.db.embedded import EmbeddedPostgres


def test_the_migrated_database_equals_schema_sql(
    database_url: str, postgres: EmbeddedPostgres
) -> None:
    dumped = dump_schema(database_url, postgres.bin_path)
    difference = list(
        unified_diff(SCHEMA.read_text().split("\n"), dumped.split("\n"), "schema.sql", "sql/", n=1)
    )
    assert not difference, "\n".join(["run `make schema`, for sql/ has changed:", *difference[:60]])


def test_the_dump_holds_nothing_of_this_machine_or_this_run(
    database_url: str, postgres: EmbeddedPostgres
) -> None:
    first, second = (dump_schema(database_url, postgres.bin_path) for _ in range(2))
    assert first == second
    for noise in ("restrict", "Dumped", "OWNER TO", str(postgres.socket_folder), "SET statement"):
        assert noise not in first
