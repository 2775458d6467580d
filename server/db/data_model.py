"""docs/DATA_MODEL.md, made of a migrated database's catalog and of the comments in sql/.

Tables and columns are described by COMMENT ON, which psql shows too; indexes, views and
functions by the `--` lines above them in their files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from server.db.migrate import DIRECTORY
from server.db.queries import queries

DATA_MODEL = DIRECTORY.parent / "docs" / "DATA_MODEL.md"
CREATED = re.compile(r"CREATE (?:OR REPLACE |UNIQUE )?(?:FUNCTION|VIEW|INDEX) (\w+)")
INTRODUCTION = """\
# Data model

Made from the database by `make schema`; a test holds it against the schema. To change a
description, add a `COMMENT ON` in a new migration, or edit the comment above the index,
view or function in its file under `sql/`. [ARCHITECTURE.md](ARCHITECTURE.md) says why the
tables are as they are.

Everything but `tenants` itself leads its key with `tenant_id`, and all tables with rows of
a tenant have row-level security: the server's connections see the rows of the tenant that
they name in `app.tenant`, and no others. Times are stored with their zone, by the
database's clock. Ids are nanoids, made by whoever makes the row.
"""
DIAGRAM = """\
## Diagram

Keys and references only. Every table refers to `tenants`; the line is drawn where a table
has no other. The logs name agents, devices and rows without a foreign key, so that they
outlive them; a contact names its tags, groups and types in lists of ids.
"""
SYNCED = """\
## What every synced row carries

The columns that all synced tables share: {tables}. The write path gives `id`, `deleted_at`,
`stamps` and the `written_…` columns; triggers fill in the others.
[ADDING_AN_ENTITY.md](ADDING_AN_ENTITY.md) shows a table that has them.
"""
ONE_OF = re.compile(r"CHECK \(\((\w+) = ANY \(ARRAY\[(.*)\]\)\)\)")


class UndescribedError(Exception):
    """Something in the database has no description; names each, and where it belongs."""


Rows = list[asyncpg.Record]


async def describe(connection: asyncpg.Connection) -> str:
    """The document for this database. Raises `UndescribedError`."""
    catalog = queries.catalog
    all_tables = await connection.fetch(catalog.list_tables)
    tables = [table for table in all_tables if not table["of_library"]]
    columns = _by(await connection.fetch(catalog.list_columns), "of_table")
    references = await connection.fetch(catalog.list_references)
    checks = _by(await connection.fetch(catalog.list_checks), "of_table")
    indexes = _by(await connection.fetch(catalog.list_indexes), "of_table")
    views = await connection.fetch(catalog.list_views)
    functions = await connection.fetch(catalog.list_functions)
    triggers = await connection.fetch(catalog.list_triggers)
    comments = read_comments(DIRECTORY)
    refuse_undescribed(all_tables, columns, [*views, *functions, *_reasoned(indexes)], comments)
    synced = [table["name"] for table in tables if _is_synced(columns[table["name"]])]
    shared = _shared_columns([columns[name] for name in synced])
    listed = ", ".join(f"`{name}`" for name in synced)
    parts = [
        INTRODUCTION,
        DIAGRAM + "\n" + _diagram(tables, columns, references),
        SYNCED.format(tables=listed)
        + "\n"
        + _column_table([each for each in columns[synced[0]] if each["name"] in shared]),
        "## Tables\n",
    ]
    for table in tables:
        name = table["name"]
        own = [each for each in columns[name] if name not in synced or each["name"] not in shared]
        parts.append(_table(table, own, checks[name], indexes[name], comments, name in synced))
    library = [table for table in all_tables if table["of_library"]]
    if library:
        parts.append(_library(library))
    parts.append(_views(views, columns, comments))
    parts.append(_triggers(triggers))
    parts.append(_functions(functions, comments))
    return "\n".join(parts)


def read_comments(directory: Path) -> dict[str, str]:
    """What the `--` lines above each function, view and index say, by its name.

    Indexes that follow one another without an empty line share one comment.
    """
    found: dict[str, str] = {}
    for folder in ("migrations", "functions", "views", "triggers"):
        for path in sorted((directory / folder).glob("*.sql")):
            comment: list[str] = []
            before = ""
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.startswith("--"):
                    comment = (
                        [*comment, line[2:].strip()] if before.startswith("--") else [line[2:]]
                    )
                created = CREATED.match(line)
                if created and any(comment):
                    found[created[1]] = " ".join(" ".join(comment).split())
                if not line:
                    comment = []
                before = line
    # The one view that no file makes.
    found["synced_rows"] = (
        "Every row that reaches devices, tombstones too, as it goes out. Made by "
        "publish_entity() over all synced tables; pages, catch-ups and the feed read nothing else."
    )
    return found


def refuse_undescribed(
    tables: Rows, columns: dict[str, Rows], commented: Iterable[Any], comments: dict[str, str]
) -> None:
    """Raise `UndescribedError` for tables, columns, indexes, views, functions without comment."""
    missing = [table["name"] for table in tables if not table["description"]]
    for table in tables:
        if not table["of_library"]:
            name = table["name"]
            undescribed = (each for each in columns[name] if not each["description"])
            missing += [f"{name}.{each['name']}" for each in undescribed]
    if missing:
        raise UndescribedError(f"Add COMMENT ON in a new migration for: {', '.join(missing)}.")
    missing = [each["name"] for each in commented if each["name"] not in comments]
    if missing:
        raise UndescribedError(f"Add a comment above, in sql/, for: {', '.join(missing)}.")


def _by(rows: Rows, key: str) -> dict[str, Rows]:
    grouped: dict[str, Rows] = defaultdict(list)
    for row in rows:
        grouped[row[key]].append(row)
    return grouped


def _reasoned(indexes: dict[str, Rows]) -> Rows:
    return [index for rows in indexes.values() for index in rows if not index["is_key"]]


def _is_synced(columns: Rows) -> bool:
    return "wire_author" in {column["name"] for column in columns}


def _shared_columns(tables: Sequence[Rows]) -> set[str]:
    names = [{column["name"] for column in columns} for columns in tables]
    return set.intersection(*names)


def _diagram(tables: Rows, columns: dict[str, Rows], references: Rows) -> str:
    drawn = {table["name"] for table in tables if not table["name"].startswith("schema_")}
    lines = ["```mermaid", "erDiagram"]
    related = {row["of_table"] for row in references if row["to_table"] != "tenants"}
    referring: dict[str, set[str]] = defaultdict(set)
    for row in references:
        referring[row["of_table"]] |= set(row["columns"])
        if row["to_table"] != "tenants":
            required = {each["name"]: each["required"] for each in columns[row["of_table"]]}
            end = "||" if all(required[name] for name in row["columns"]) else "|o"
            label = ", ".join(row["columns"])
            lines.append(f"    {row['to_table']} {end}--o{{ {row['of_table']} : {label}")
        elif row["of_table"] not in related:
            lines.append(f"    tenants ||--o{{ {row['of_table']} : tenant_id")
    for name in sorted(drawn):
        for column in columns[name]:
            target = column["name"].removesuffix("_ids") + "s"
            if column["name"].endswith("_ids") and target in drawn:
                lines.append(f"    {name} }}o--o{{ {target} : {column['name']}")
                referring[name].add(column["name"])
    for table in tables:
        name = table["name"]
        if name not in drawn:
            continue
        lines.append(f"    {name} {{")
        for column in columns[name]:
            marks = ["PK"] * column["in_key"] + ["FK"] * (column["name"] in referring[name])
            if marks:
                kind = column["type"].replace(" ", "_")
                lines.append(f"        {kind} {column['name']} {', '.join(marks)}")
        lines.append("    }")
    return "\n".join([*lines, "```", ""])


def _column_table(columns: Iterable[asyncpg.Record]) -> str:
    lines = ["| Column | Type | NULL | Default | What it holds |", "|---|---|---|---|---|"]
    for column in columns:
        value = re.sub(r"('[^']*')::\w+", r"\1", column["default_value"] or "")
        default = "numbered" if column["numbered"] else _code(value)
        empty = "" if column["required"] else "yes"
        lines.append(
            f"| `{column['name']}` | {_type(column['type'])} | {empty} | {default} "
            f"| {_cell(column['description'])} |"
        )
    return "\n".join([*lines, ""])


def _table(
    table: asyncpg.Record,
    columns: Rows,
    checks: Rows,
    indexes: Rows,
    comments: dict[str, str],
    synced: bool,
) -> str:
    parts = [f"### `{table['name']}`\n", table["description"]]
    if synced:
        parts[-1] += " Synced: it also has the columns above."
    if not table["secured"]:
        parts[-1] += " Holds no rows of a tenant, so it has no row-level security."
    parts.append("\n" + _column_table(columns))
    for index in indexes:
        definition = _code(index["definition"])
        if index["is_key"]:
            parts.append(f"- Key: {definition}")
        else:
            kind = "Unique" if index["is_unique"] else "Index"
            parts.append(f"- {kind} `{index['name']}`: {definition}. {comments[index['name']]}")
    parts += [f"- {_check(each['definition'])}" for each in checks]
    return "\n".join([*parts, ""])


def _check(definition: str) -> str:
    words = ONE_OF.fullmatch(definition)
    if words is None:
        return f"Check: {_code(definition.removeprefix('CHECK '))}"
    listed = [_code(word.partition("'::")[0].lstrip("'")) for word in words[2].split(", ")]
    return f"`{words[1]}` is one of {', '.join(listed)}."


def _library(tables: Rows) -> str:
    lines = [
        "### The job queue's tables\n",
        "Made and described by the library pgqueuer, and no tenant's.\n",
    ]
    lines += [f"- `{table['name']}`: {table['description']}" for table in tables]
    return "\n".join([*lines, ""])


def _views(views: Rows, columns: dict[str, Rows], comments: dict[str, str]) -> str:
    parts = ["## Views\n\nAll of them keep row-level security: they read as whoever asks."]
    for view in views:
        name = view["name"]
        parts.append(f"### `{name}`\n\n{comments[name]}")
        parts.append("Columns: " + ", ".join(f"`{each['name']}`" for each in columns[name]) + ".")
    return "\n\n".join(parts) + "\n"


def _triggers(triggers: Rows) -> str:
    lines = [
        "## Triggers\n",
        "Those of one moment run in the order of their names.\n",
        "| Function | When | How often | Triggers |",
        "|---|---|---|---|",
    ]
    for each in triggers:
        named = ", ".join(f"`{name}`" for name in each["triggers"])
        lines.append(
            f"| `{each['function']}()` | {each['moment']} | {each['how_often']} | {named} |"
        )
    return "\n".join([*lines, ""])


def _functions(functions: Rows, comments: dict[str, str]) -> str:
    lines = [
        "## Functions\n",
        "Marked “as owner”, a function is SECURITY DEFINER: it runs with the rights of the "
        "tables' owner, past row-level security, so it checks the tenant itself.\n",
        "| Function | Gives | What it does |",
        "|---|---|---|",
    ]
    for each in functions:
        text = comments[each["name"]] + (" (As owner.)" if each["as_owner"] else "")
        name = f"{each['name']}({each['arguments']})"
        lines.append(f"| `{name}` | {_type(each['result'])} | {_cell(text)} |")
    return "\n".join([*lines, ""])


def _type(name: str) -> str:
    short = name.replace("timestamp with time zone", "timestamptz")
    return _code(short)


def _code(text: str | None) -> str:
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
