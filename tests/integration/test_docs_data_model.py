from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from server.db.data_model import DATA_MODEL, UndescribedError, describe, read_comments


async def test_the_data_model_says_what_the_schema_is(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        described = await describe(connection)
    finally:
        await connection.close()
    assert DATA_MODEL.read_text(encoding="utf-8") == described, "run `make schema`"


async def test_a_column_without_a_description_is_named(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("ALTER TABLE agents ADD COLUMN shoe_size integer")
        with pytest.raises(UndescribedError, match=r"COMMENT ON .*agents\.shoe_size\."):
            await describe(connection)
    finally:
        await connection.close()


async def test_a_function_without_a_comment_is_named(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "CREATE FUNCTION unexplained() RETURNS int LANGUAGE sql AS 'SELECT 1'"
        )
        with pytest.raises(UndescribedError, match=r"comment above.*unexplained\."):
            await describe(connection)
    finally:
        await connection.close()


def test_indexes_that_follow_one_another_share_a_comment(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_create_things.sql").write_text(
        "-- A thing.\nCREATE TABLE things (a int);\n"
        "-- Why there are\n-- two of them.\n"
        "CREATE INDEX one ON things (a)\n    WHERE a > 1;\n"
        "CREATE UNIQUE INDEX two ON things (a);\n\n"
        "CREATE INDEX three ON things (a);\n"
    )
    found = read_comments(tmp_path)
    assert found["one"] == found["two"] == "Why there are two of them."
    assert "three" not in found
