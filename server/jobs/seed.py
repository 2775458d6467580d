"""Realistic contacts for trying things out: the same seed gives the same contacts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from server.db.pool import Database
from server.db.queries import queries
from server.schemas.normalise import normalise_contact
from server.services.entities import GROUPS, TAGS, TYPES, Entity, Fields

CHUNK = 250
"""Rows under the lock at once: some 20 ms, so that a running server's writes hardly wait."""
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"

# Given names, family names and a phone of each country, in the scripts that people write them in.
COUNTRIES: dict[str, tuple[str, str, str, str]] = {
    "GB": ("Olivia Amelia George Arthur Isla", "Smith Jones Taylor O'Brien Walker", "07700 9#####",
           "London Leeds Bristol Cardiff"),
    "US": ("Liam Emma Noah Ava Mason", "Johnson Williams Brown Davis Miller", "(415) 555-####",
           "Austin Denver Boston Portland"),
    "DE": ("Jürgen Änne Lukas Käthe Sören", "Müller Schäfer Groß Weiß Krüger", "030 901820##",
           "Berlin Köln München Leipzig"),
    "FR": ("Élodie Chloé François Zoé Hugo", "Lefèvre Dupré Moreau Garçon Petit", "06 12 ## ## ##",
           "Paris Lyon Nîmes Orléans"),
    "CH": ("Reto Ursina Beat Seraina Loïc", "Meier Zürcher Rochat Caduff Frei", "044 668 ## ##",
           "Zürich Genève Chur Basel"),
    "ES": ("Íñigo Lucía José Begoña Martín", "Muñoz García Ibáñez Peña Castro", "612 34 ## ##",
           "Madrid Cádiz León Málaga"),
    "PL": ("Łukasz Zofia Michał Agnieszka Paweł", "Wójcik Kowalczyk Dąbrowski Król Lis",
           "512 345 ###", "Kraków Łódź Gdańsk Poznań"),
    "JP": ("陽菜 蓮 結衣 健太 美咲", "佐藤 鈴木 高橋 田中 伊藤", "090-1234-####",
           "東京 大阪 京都 札幌"),
    "GR": ("Γιώργος Ελένη Νίκος Μαρία Κώστας", "Παπαδόπουλος Νικολάου Βλάχος Ιωάννου Λέκκας",
           "694 123 ####", "Αθήνα Πάτρα Βόλος Χανιά"),
}  # fmt: skip
FIRMS = ("Northwind", "Alder", "Bluestone", "Kestrel", "Lumen", "Hartmann", "Viadotto", "Solano")
LEGAL_FORMS = {"GB": "Ltd", "US": "Inc.", "DE": "GmbH", "FR": "SARL", "CH": "AG", "ES": "S.L.",
               "PL": "sp. z o.o.", "JP": "株式会社", "GR": "ΑΕ"}  # fmt: skip
TITLES = ("Head of Purchasing", "Sales Director", "Buyer", "CEO", "Plant Manager", "Assistant")
DEPARTMENTS = ("Purchasing", "Sales", "Production", "Finance", "")
TAG_NAMES = (("VIP", "#b45309"), ("Newsletter", "#1d4ed8"), ("Late payer", "#b91c1c"),
             ("Reference", "#15803d"), ("Trade fair", "#7e22ce"))  # fmt: skip
GROUP_NAMES = ("Spring fair", "Key accounts", "Region north", "Region south")
TYPE_NAMES = ("Customer", "Supplier", "Prospect", "Partner")

Progress = Callable[[int], None]


async def seed(
    database: Database, tenant: str, contacts: int, *, seed: int, region: str, progress: Progress
) -> None:
    """Adds tags, groups, types and `contacts` contacts; `progress(done)` after each chunk.

    A second run with the same seed adds nothing: the ids follow from it.
    """
    chance = random.Random(seed)
    labels = {
        TAGS: [{"name": name, "color": color} for name, color in TAG_NAMES],
        GROUPS: [{"name": name} for name in GROUP_NAMES],
        TYPES: [{"name": name} for name in TYPE_NAMES],
    }
    ids: dict[Entity, list[str]] = {}
    for entity, rows in labels.items():
        ids[entity] = await _insert_labels(database, tenant, entity, rows, chance)
    done = 0
    while done < contacts:
        size = min(CHUNK, contacts - done)
        records = [_contact(chance, ids, region) for _ in range(size)]
        async with database.tenant(tenant) as connection, connection.transaction():
            await connection.execute(queries.mutations.lock_versions)
            known = await connection.fetch(
                queries.contacts.read_rows, tenant, [record["id"] for record in records]
            )
            there = {record["id"] for record in known}
            fresh = [record for record in records if record["id"] not in there]
            await connection.fetch(
                queries.contacts.insert_rows, tenant, orjson.dumps(fresh).decode()
            )
        done += size
        progress(done)
    async with database.any_tenant() as connection:
        await connection.execute(queries.contacts.clean_search_backlog)


async def _insert_labels(
    database: Database, tenant: str, entity: Entity, rows: list[Fields], chance: random.Random
) -> list[str]:
    """The ids of labels with these names: those that are there, and new ones for the others."""
    async with database.tenant(tenant) as connection, connection.transaction():
        await connection.execute(queries.mutations.lock_versions)
        records = await connection.fetch(entity.queries.read_names, tenant)
        known = {record["name"].lower(): record["id"] for record in records}
        # Ids are drawn for those that are there too, so that the contacts' ids stay the same.
        drawn = [_authored({**row, "id": _id(chance)}) for row in rows]
        fresh = [row for row in drawn if row["name"].lower() not in known]
        await connection.fetch(entity.queries.insert_rows, tenant, orjson.dumps(fresh).decode())
    known |= {row["name"].lower(): row["id"] for row in fresh}
    return [known[row["name"].lower()] for row in rows]


def _contact(chance: random.Random, ids: dict[Entity, list[str]], region: str) -> Fields:
    country = chance.choice(list(COUNTRIES))
    given, family, phone, cities = COUNTRIES[country]
    first, last = chance.choice(given.split()), chance.choice(family.split())
    firm = chance.choice(FIRMS)
    row_id = _id(chance)
    fields: Fields = {
        "first_name": first,
        "last_name": last,
        "company": f"{firm} {LEGAL_FORMS[country]}",
        "department": chance.choice(DEPARTMENTS),
        "job_title": chance.choice(TITLES),
        "emails": [{"label": "work", "value": f"{row_id[:10].lower()}@{firm.lower()}.example"}],
        "phones": list(_phones(chance, country, phone)),
        "addresses": [
            {"label": "office", "city": chance.choice(cities.split()), "country": country}
        ],
        "custom": {"visits": chance.randint(1, 40)} if chance.random() < 0.3 else {},
        "tag_ids": sorted(chance.sample(ids[TAGS], chance.randint(0, 2))),
        "group_ids": sorted(chance.sample(ids[GROUPS], chance.randint(0, 1))),
        "type_ids": [chance.choice(ids[TYPES])],
        "active": chance.random() < 0.95,
    }
    if chance.random() < 0.2:
        fields["birthday"] = f"{chance.randint(1950, 2004)}-{chance.randint(1, 12):02}-14"
    return _authored({**normalise_contact(fields, country or region), "id": row_id})


def _phones(chance: random.Random, country: str, pattern: str) -> Iterator[dict[str, str]]:
    for label in ("mobile", "office")[: chance.randint(1, 2)]:
        digits = "".join(str(chance.randint(0, 9)) if each == "#" else each for each in pattern)
        yield {"label": label, "value": digits}


def _id(chance: random.Random) -> str:
    return "".join(chance.choices(ALPHABET, k=21))


def _authored(record: dict[str, Any]) -> Fields:
    """A record as insert_rows takes it, with the stamp that a creation has."""
    stamp = {"at": time.time_ns() // 1_000, "mutation": ""}
    return {**record, "stamps": {"*": stamp}, "written_origin": "import"}
