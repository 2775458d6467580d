"""The synced entities, in the order in which change sets hold them: one line each."""

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
