"""The registry of synced entities: a new one is one line at the end.

An entity's writable fields are of four kinds, which merge differently: `scalars` and `lists`
each as a whole, `maps` key by key, `sets` id by id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.db.queries import QueryFile, queries
from server.errors import Invalid
from server.schemas.contacts import CONTACT
from server.schemas.groups import GROUP
from server.schemas.mutations import EntitySchemas
from server.schemas.normalise import normalise_contact, requires_identity
from server.schemas.tags import TAG
from server.schemas.types import TYPE
from server.schemas.wellformed import join
from server.services.tenants import TenantSettings

Fields = dict[str, Any]


def _as_it_came(fields: Fields, settings: TenantSettings, prefix: str) -> Fields:
    return fields


def _accept(fields: Fields, settings: TenantSettings, prefix: str) -> None:
    """Any state of the row will do."""


def _check_contact(fields: Fields, settings: TenantSettings, prefix: str) -> None:
    requires_identity(fields, prefix)
    tags = len(fields.get("tag_ids") or [])
    if tags > settings.max_tags:
        message = f"A contact may have {settings.max_tags} tags; this would make {tags}."
        raise Invalid(message, fields={join(prefix, "tag_ids"): [message]})


def _normal_contact(fields: Fields, settings: TenantSettings, prefix: str) -> Fields:
    return normalise_contact(fields, settings.region, settings.clean_phones, prefix)


@dataclass(frozen=True)
class Entity:
    """What the one way of a write needs to know of an entity."""

    schemas: EntitySchemas
    plural: str
    queries: QueryFile
    scalars: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    normalise: Callable[[Fields, TenantSettings, str], Fields] = _as_it_came
    check: Callable[[Fields, TenantSettings, str], None] = _accept

    @property
    def name(self) -> str:
        """The singular, as in `contact_create`."""
        return self.schemas.name

    @property
    def references(self) -> dict[str, str]:
        """The fields that hold ids of other entities, with the plural that each names."""
        return {name: f"{name.removesuffix('_ids')}s" for name in self.sets}

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that a client may write."""
        return self.scalars + self.lists + self.maps + self.sets


CONTACTS = Entity(
    CONTACT,
    "contacts",
    queries.contacts,
    scalars=(
        *("external_id", "first_name", "last_name", "company", "department", "job_title"),
        *("birthday", "notes", "owner_id", "active"),
    ),
    lists=("emails", "phones", "addresses", "websites"),
    maps=("custom", "preferences"),
    sets=("tag_ids", "group_ids", "type_ids"),
    normalise=_normal_contact,
    check=_check_contact,
)
TAGS = Entity(TAG, "tags", queries.tags, scalars=("name", "color", "category"))
GROUPS = Entity(GROUP, "groups", queries.groups, scalars=("name", "description"))
TYPES = Entity(TYPE, "types", queries.types, scalars=("name", "description"))

ENTITIES = {entity.name: entity for entity in (CONTACTS, TAGS, GROUPS, TYPES)}
BY_PLURAL = {entity.plural: entity for entity in ENTITIES.values()}
