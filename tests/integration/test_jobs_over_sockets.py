from __future__ import annotations

import asyncpg

from server.services.entities import GROUPS, TAGS, TYPES
from tests.integration.conftest import ON_THE_SERVERS_LOOP
from tests.integration.support.devices import Device
from tests.integration.support.servers import Company

pytestmark = ON_THE_SERVERS_LOOP


async def test_devices_learn_that_what_was_deleted_is_off_its_contacts(
    device: Device, second_device: Device
) -> None:
    for entity in (TAGS, GROUPS, TYPES):
        column = f"{entity.name}_ids"
        made = await second_device.call(f"{entity.name}_create", {entity.name: {"name": "VIP"}})
        reference = made[entity.name]["id"]
        contact = await second_device.create(**{column: [reference]})
        assert contact[column] == [reference]
        # Else one event might tell both: it was made, and the label is off it.
        await device.expect(
            "contact_created", lambda event, id=contact["id"]: event["contact"]["id"] == id
        )

        assert (await second_device.call(f"{entity.name}_delete", {"id": reference}))["ok"]
        learnt = await device.expect(
            "contact_updated", lambda event, id=contact["id"]: event["contact"]["id"] == id
        )
        assert column not in learnt["contact"]
        assert learnt["actor"]["agent"] == second_device.company.agents["manager"]  # type: ignore[union-attr]
        assert "mutation_id" not in learnt


async def test_what_is_deleted_by_sql_is_taken_off_too(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    made = await device.call("tag_create", {"tag": {"name": "VIP"}})
    contact = await device.create(tag_ids=[made["tag"]["id"]])
    await device.expect("contact_created")
    await sql.execute("DELETE FROM tags WHERE tenant_id = $1", company.tenant)
    learnt = await device.expect("contact_updated")
    assert learnt["contact"]["id"] == contact["id"]
    assert "tag_ids" not in learnt["contact"]
