from __future__ import annotations

from typing import Any

import pytest

from server.schemas.auth import AGENT_PATCH, AUTH, KEY_CREATE, REGISTER, TENANT_PATCH
from server.schemas.base import FieldbookSchema, parse
from tests.unit.schema_faults import faults

ID = "V1StGXR8_Z5jdHi6B-myT"


def test_signing_in_takes_what_a_device_says_of_itself() -> None:
    payload = {
        "api_key": "secret",
        "token": None,
        "device_id": ID,
        "device": {"name": " Ann's  phone ", "model": "", "os": None, "app_version": "2"},
        "clock": 1_000,
        "protocol": 1,
        "batch": True,
    }
    assert parse(AUTH, payload) == {
        "api_key": "secret",
        "device_id": ID,
        "device": {"name": "Ann's phone", "model": None, "app_version": "2"},
        "clock": 1_000_000,
        "protocol": 1,
        "batch": True,
    }
    assert parse(AUTH, {"token": "t"}) == {"token": "t", "batch": False}


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({}, "api_key"),
        ({"api_key": None}, "api_key"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": 5}, "api_key"),
        ({"api_key": "x", "token": "y"}, "token"),
        ({"api_key": "x", "protocol": 2}, "protocol"),
        ({"api_key": "x", "protocol": True}, "protocol"),
        ({"api_key": "x", "protocol": [1]}, "protocol"),
        ({"api_key": "x", "device_id": "x"}, "device_id"),
        ({"api_key": "x", "device": "phone"}, "device"),
        ({"api_key": "x", "device": {"brand": "x"}}, "device.brand"),
        ({"api_key": "x", "batch": "yes"}, "batch"),
        ({"api_key": "x", "clock": "noon"}, "clock"),
        ({"api_key": "x", "password": "y"}, "password"),
    ],
)
def test_a_wrong_sign_in_is_refused_by_field(payload: dict[str, Any], path: str) -> None:
    assert list(faults(AUTH, payload)) == [path]


@pytest.mark.parametrize(
    ("schema", "payload", "path"),
    [
        (REGISTER, {"agent_name": "Ann"}, "agent_code"),
        (REGISTER, {"agent_code": "a b", "agent_name": "Ann"}, "agent_code"),
        (REGISTER, {"agent_code": "x" * 65, "agent_name": "Ann"}, "agent_code"),
        (REGISTER, {"agent_code": "ann", "agent_name": " "}, "agent_name"),
        (REGISTER, {"agent_code": "ann", "agent_name": "Ann", "role": "owner"}, "role"),
        (AGENT_PATCH, {"disabled": 1}, "disabled"),
        (AGENT_PATCH, {"name": ""}, "name"),
        (AGENT_PATCH, {"code": "x"}, "code"),
        (KEY_CREATE, {"agent_id": "x"}, "agent_id"),
        (TENANT_PATCH, {"region": "XX"}, "region"),
        (TENANT_PATCH, {"region": "CHE"}, "region"),
        (TENANT_PATCH, {"region": 41}, "region"),
        (TENANT_PATCH, {"max_tags": 0}, "max_tags"),
        (TENANT_PATCH, {"max_tags": 501}, "max_tags"),
        (TENANT_PATCH, {"max_tags": None}, "max_tags"),
        (TENANT_PATCH, {"duplicates": "no"}, "duplicates"),
        (TENANT_PATCH, {"agents_edit": "none"}, "agents_edit"),
        (TENANT_PATCH, {"conflict_days": 366}, "conflict_days"),
        (TENANT_PATCH, {"clean_phones": "true"}, "clean_phones"),
    ],
)
def test_a_wrong_setting_is_refused_by_field(
    schema: FieldbookSchema, payload: dict[str, Any], path: str
) -> None:
    assert list(faults(schema, payload)) == [path]


def test_settings_are_read() -> None:
    registration = {"agent_code": "ann.lee@x-y_z", "agent_name": " Ann  Lee ", "role": None}
    assert parse(REGISTER, registration) == {
        "agent_code": "ann.lee@x-y_z",
        "agent_name": "Ann Lee",
    }
    assert parse(AGENT_PATCH, {"name": "Ann", "disabled": True}) == {
        "name": "Ann",
        "disabled": True,
    }
    assert parse(KEY_CREATE, {"name": None}) == {}
    assert parse(TENANT_PATCH, {"region": "ch", "min_app_version": ""}) == {
        "region": "CH",
        "min_app_version": None,
    }
    assert parse(TENANT_PATCH, {"region": None}) == {"region": None}
