"""Signing in, and what admins set: agents, keys and the tenant."""

from __future__ import annotations

import re
from typing import Any

import phonenumbers
from marshmallow import ValidationError, fields, validates_schema

from server.schemas.base import FieldbookSchema, OptionalSchema
from server.schemas.fields import Choice, Clock, Flag, Id, Line, Part, Pattern, Text, Whole, Worded

PROTOCOL = 1
ROLES = ("admin", "manager", "agent", "api")
AGENT_CODE = re.compile(r"[A-Za-z0-9._@-]{1,64}")


class Protocol(Worded, fields.Integer):
    """The version of the wire contract that the client speaks."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or value != PROTOCOL:
            raise ValidationError(f"This server speaks protocol {PROTOCOL}; update the app.")
        return PROTOCOL


class DeviceDetailsSchema(OptionalSchema):
    """What the device says of itself; an empty text is null."""

    name = Line(200, allow_none=True, metadata={"example": "Ann's phone"})
    model = Line(200, allow_none=True, metadata={"example": "Pixel 9"})
    os = Line(200, allow_none=True, metadata={"example": "Android 16"})
    app_version = Line(50, allow_none=True, metadata={"example": "2.4.1"})


class AuthSchema(OptionalSchema):
    """`auth`, as an event or as CONNECT's payload."""

    api_key = Text(200, min_length=1)
    token = Text(4_096, min_length=1)
    device_id = Id()
    device = Part(DeviceDetailsSchema())
    writer_id = Id(metadata={"description": "Names an installation that is no device."})
    clock = Clock(metadata={"description": "The device's time now."})
    protocol = Protocol()
    batch = Flag(load_default=False)

    @validates_schema
    def require_one_secret(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Exactly one of `api_key` and `token`."""
        given = sum(name in data for name in ("api_key", "token"))
        if given != 1:
            how = "Send one of api_key and token" + (", not both." if given else ".")
            raise ValidationError(how, "token" if given else "api_key")


class RegisterSchema(OptionalSchema):
    """A new agent. Only an admin may give a role."""

    agent_code = Pattern(
        AGENT_CODE,
        "This must be 1 to 64 of letters, digits and . _ @ -",
        required=True,
        metadata={"example": "ann.lee"},
    )
    agent_name = Line(200, min_length=1, required=True, metadata={"example": "Ann Lee"})
    role = Choice(*ROLES)


class AgentPatchSchema(OptionalSchema):
    """What an admin changes of an agent."""

    name = Line(200, min_length=1)
    role = Choice(*ROLES)
    disabled = Flag()


class KeyCreateSchema(OptionalSchema):
    """A new API key, for oneself when no agent is named."""

    agent_id = Id()
    name = Line(100, metadata={"example": "Ann's tablet"})


class Region(Line):
    """An ISO 3166 country of two letters whose phone numbers are known."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        region = super()._deserialize(value, attr, data, **kwargs).upper()
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValidationError("This must be a country of two letters, like CH or US.")
        return region


class TenantPatchSchema(FieldbookSchema):
    """The company's settings; null goes back to the server's default where it is allowed."""

    region = Region(2, allow_none=True, metadata={"example": "CH"})
    max_tags = Whole(1, 500)
    clean_phones = Flag()
    duplicates = Choice("allow", "warn", "refuse")
    agents_edit = Choice("all", "own")
    min_app_version = Line(50, allow_none=True, metadata={"example": "2.4"})
    conflict_days = Whole(0, 365)


AUTH = AuthSchema()
REGISTER = RegisterSchema()
AGENT_PATCH = AgentPatchSchema()
KEY_CREATE = KeyCreateSchema()
TENANT_PATCH = TenantPatchSchema()
