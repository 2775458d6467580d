"""What is exported is read back as it was, as far as docs/CONTACT_FILES.md says of a format."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nanoid import generate

from server.db.pool import Database
from server.db.queries import queries
from server.files.reading import ReadOptions, open_contact_file
from server.schemas.contacts import MAX_CUSTOM_NAME
from server.schemas.normalise import normalise_contact
from server.schemas.texts import many_lines, one_line
from server.services.exports import Export, Exports

REGION = "CH"
PLURALS = ("tags", "groups", "types")
FORMATS = {"csv": "own", "google": "google", "json": "json", "vcf": "vcard"}
# Names that no format can lose: the page says which it can.
LABEL_NAMES = ["=VIP", "a, b", "Fair; old", "Ünï 🦊", "'quoted", "-minus", "שלום", "two | three"]
SIGNS = "aZ09 =+-@%${}'\",;:|\\/()<>#_\n\téß🦊שع\u0301\u200d\u200f\u202e\u2028\u00a0\u3000\ufeff"
# What means something else, or nothing, in a file of another program.
TEXTS = st.text(st.sampled_from(SIGNS), max_size=30) | st.sampled_from(
    ["=cmd()", "'=quoted", "+41446681800", "+41 44", "42", "true", "null", '"so"', "a ::: b",
     '="x"', "#N/A", "n/a", "-", "* x", "1.5E+10", "Ann Lee, PhD", "4/12/1990", "x" * 450]
)  # fmt: skip
LINES = TEXTS.map(one_line)
PARAGRAPHS = TEXTS.map(many_lines)
LABELS = st.sampled_from(
    [None, "work", "home", "mobile", "fax", "Work", "Dach", "=label", "a; b,c"]
)
EMAILS = st.sampled_from(["ann@example.com", "bob@example.org", "o'neil+x@example.net", "ü@ex.ch"])
PHONES = st.sampled_from(
    [
        *("044 668 18 00", "+41446681801", "+41 44 668 18 02", "(415) 555-2671", "112"),
        *("044 668 18 03 x12", "ask reception", "0041446681804", "044/668 18 05"),
    ]
)
WEBSITES = st.sampled_from(["https://example.com/?a=1,2;3", "example.org", "=odd.example"])
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.decimals(-1000, 1000, places=2).map(float)


def items(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(parts), max_size=3)


CONTACTS = st.fixed_dictionaries(
    {"last_name": LINES.filter(bool)},
    optional={
        # A spreadsheet rounds long ids: 1.5E+10 can't be told from one of those.
        "external_id": LINES.filter(lambda line: "E+" not in line),
        **dict.fromkeys(("first_name", "company", "department", "job_title"), LINES),
        "notes": PARAGRAPHS,
        "birthday": st.sampled_from(["1985-04-12", "--04-12", "--02-29", "1604-04-12"]),
        "emails": items(value=EMAILS, label=LABELS),
        "phones": items(value=PHONES, label=LABELS),
        "addresses": items(
            label=LABELS,
            street=PARAGRAPHS,
            **dict.fromkeys(("city", "region", "country"), LINES),
            postal_code=LINES.filter(lambda line: "E+" not in line),
        ),
        "websites": items(value=WEBSITES, label=LABELS),
        "custom": st.dictionaries(
            LINES.filter(lambda name: 0 < len(name) <= MAX_CUSTOM_NAME),
            PARAGRAPHS.filter(bool) | NUMBERS | st.booleans(),
            max_size=3,
        ),
        "preferences": st.dictionaries(
            st.sampled_from(["email", "phone", "sms"]), st.sampled_from(["opted_in", "opted_out"])
        ),
        "active": st.booleans(),
        **{
            name: st.lists(st.sampled_from(LABEL_NAMES), max_size=3, unique=True)
            for name in ("tags", "groups", "types")
        },
        "owner": st.just("ann.lee"),
    },
)


@dataclass
class Company:
    """A tenant whose contacts are replaced with each example."""

    runner: asyncio.Runner
    database: Database
    tenant: str
    agent: str
    ids: dict[str, dict[str, str]]

    async def export(self, contacts: list[dict[str, Any]], path: Path, name: str) -> None:
        """Stores contacts in the place of those that there are, and writes their file."""
        async with self.database.tenant(self.tenant) as connection, connection.transaction():
            await connection.execute(queries.mutations.lock_versions)
            await connection.execute("DELETE FROM contacts")
            await connection.fetch(
                queries.contacts.insert_rows,
                self.tenant,
                orjson.dumps([self._record(contact) for contact in contacts]).decode(),
            )
        pieces: list[bytes] = []

        class Target:
            async def begin(self, export: Export) -> None:
                assert export.total == len(contacts)

            async def write(self, piece: bytes) -> None:
                pieces.append(piece)

        await Exports(self.database).write(self.tenant, {"format": name}, Target(), actor=None)
        path.write_bytes(b"".join(pieces))

    def _record(self, contact: dict[str, Any]) -> dict[str, Any]:
        record = {key: value for key, value in contact.items() if key not in ("owner", *self.ids)}
        for plural, by_name in self.ids.items():
            ids = [by_name[name] for name in contact.get(plural, ())]
            record[f"{plural.removesuffix('s')}_ids"] = ids
        record["owner_id"] = self.agent if "owner" in contact else None
        return {**record, "stamps": {"*": {"at": 1, "mutation": ""}}, "written_origin": "import"}


@pytest.fixture(scope="module")
def company(module_database_url: str) -> Iterator[Company]:
    with asyncio.Runner() as runner:
        company = runner.run(_make_company(runner, module_database_url))
        yield company
        runner.run(company.database.close())


async def _make_company(runner: asyncio.Runner, url: str) -> Company:
    ids = {plural: {name: generate() for name in LABEL_NAMES} for plural in PLURALS}
    owner = await asyncpg.connect(url)
    await owner.execute("INSERT INTO tenants (id, name) VALUES ('round', 'Round')")
    await owner.execute(
        "INSERT INTO agents (tenant_id, id, code, name, role)"
        " VALUES ('round', 'agent-ann-lee', 'ann.lee', 'Ann Lee', 'agent')"
    )
    for plural, by_name in ids.items():
        await owner.executemany(
            f"INSERT INTO {plural} (tenant_id, id, name) VALUES ('round', $1, $2)",
            [(row_id, name) for name, row_id in by_name.items()],
        )
    await owner.close()
    return Company(runner, await Database.connect(url, size=3), "round", "agent-ann-lee", ids)


def stored(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as they are stored, in a form that compares: without what is empty."""
    own = ("id", "tags", "groups", "types", "owner")
    normal = normalise_contact({k: v for k, v in fields.items() if k not in own}, REGION)
    normal |= {key: fields[key] for key in own if key in fields}
    for name in ("tags", "groups", "types"):
        if name in normal:
            normal[name] = sorted(normal[name])
    filled = {key: value for key, value in normal.items() if value not in (None, [], {})}
    if filled.get("active"):
        del filled["active"]
    return filled


def as_held(contact: dict[str, Any], name: str) -> dict[str, Any]:
    """What a format holds of a contact."""
    if name == "google" and "custom" in contact:
        custom = {key: _as_text(value) for key, value in contact["custom"].items()}
        return contact | {"custom": custom}
    return contact


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


@pytest.mark.parametrize("name", FORMATS)
@given(contacts=st.lists(CONTACTS, min_size=1, max_size=4))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_was_written_is_read_as_it_was(
    company: Company, tmp_path: Path, name: str, contacts: list[dict[str, Any]]
) -> None:
    # Ids are new in each example: those of the one before are tombstones'.
    originals = [stored({**contact, "id": generate()}) for contact in contacts]
    written = {contact["id"]: contact for contact in originals}
    path = tmp_path / f"contacts.{name}"
    company.runner.run(company.export(list(written.values()), path, name))

    file = open_contact_file(path, ReadOptions(region=REGION))

    assert file.detected["format"] == FORMATS[name]
    assert file.check() == len(written)
    rows = list(file.rows())
    assert [row.faults for row in rows] == [[] for _ in rows]
    read = {row.fields["id"]: stored(row.fields) for row in rows}
    assert read == {key: as_held(contact, name) for key, contact in written.items()}
