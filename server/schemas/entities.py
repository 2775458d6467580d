"""The registry of synced entities: one line each. docs/ADDING_AN_ENTITY.md shows a new one."""

from __future__ import annotations

from server.schemas.contacts import CONTACT
from server.schemas.groups import GROUP
from server.schemas.tags import TAG
from server.schemas.types import TYPE

ENTITIES = (
    CONTACT,
    TAG,
    GROUP,
    TYPE,
)
