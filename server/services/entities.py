"""The synced entities with all that a write needs to know of them.

Each line of the registry, server/schemas/entities.py, becomes one `Entity` here. RULES holds
what an entity asks for beyond the shape of its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from server.db.queries import QueryFile, queries
from server.errors import Invalid
from server.schemas import entities
from server.schemas.mutations import EntitySchemas, plural_of
from server.schemas.normalise import normalise_contact, requires_identity
from server.schemas.wellformed import join
from server.services.tenants import TenantSettings

Fields = dict[str, Any]


def _as_it_came(fields: Fields, settings: TenantSettings, prefix: str) -> Fields:
    return fields


def _accept(fields: Fields, settings: TenantSettings, prefix: str) -> None:
    """Any state of the row will do."""


def _normal_contact(fields: Fields, settings: TenantSettings, prefix: str) -> Fields:
    return normalise_contact(fields, settings.region, settings.clean_phones, prefix)


def _check_contact(fields: Fields, settings: TenantSettings, prefix: str) -> None:
    requires_identity(fields, prefix)
    tags = len(fields.get("tag_ids") or [])
    if tags > settings.max_tags:
        message = f"A contact may have {settings.max_tags} tags; this would make {tags}."
        raise Invalid(message, fields={join(prefix, "tag_ids"): [message]})


class Rules(NamedTuple):
    """What the fields of one entity must fulfil, by the tenant's settings.

    `normalise(fields, settings, prefix)` gives what came in as it is stored; `check(fields,
    settings, prefix)` is asked of the merged row. Both raise `Invalid`.
    """

    normalise: Callable[[Fields, TenantSettings, str], Fields] = _as_it_came
    check: Callable[[Fields, TenantSettings, str], None] = _accept


RULES: Mapping[str, Rules] = {"contact": Rules(_normal_contact, _check_contact)}


@dataclass(frozen=True)
class Entity:
    """What the one way of a write needs to know of an entity; its fields as in its schemas."""

    schemas: EntitySchemas
    name: str
    plural: str
    fields: tuple[str, ...]
    maps: tuple[str, ...]
    sets: tuple[str, ...]
    queries: QueryFile
    normalise: Callable[[Fields, TenantSettings, str], Fields]
    check: Callable[[Fields, TenantSettings, str], None]

    @property
    def references(self) -> dict[str, str]:
        """The fields that hold ids of other entities, with the plural that each names."""
        return {name: plural_of(name.removesuffix("_ids")) for name in self.sets}


def _entity(schemas: EntitySchemas) -> Entity:
    rules = RULES.get(schemas.name, Rules())
    return Entity(
        schemas=schemas,
        name=schemas.name,
        plural=schemas.plural,
        fields=schemas.fields,
        maps=schemas.maps,
        sets=schemas.sets,
        queries=queries.files[schemas.plural],
        normalise=rules.normalise,
        check=rules.check,
    )


ENTITIES = {schemas.name: _entity(schemas) for schemas in entities.ENTITIES}
BY_PLURAL = {entity.plural: entity for entity in ENTITIES.values()}
CONTACTS, TAGS, GROUPS, TYPES = (ENTITIES[name] for name in ("contact", "tag", "group", "type"))
