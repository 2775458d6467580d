"""A simulated sales agent with a phone: writes at a human rate, loses the network, comes back."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from server.client.client import DeviceClient, Write
from server.client.connection import ConnectionLost
from server.client.replica import Row

FIRST_NAMES = ("Ann", "Beat", "Carla", "Dmitri", "Élise", "Farid", "Grace", "Hanna", "Ivo", "Jörg")
LAST_NAMES = ("Meier", "Müller", "Okafor", "Rossi", "Sato", "Silva", "Smith", "Svoboda", "Weber")
COMPANIES = ("Acme", "Alpine Tools", "Bakery Huber", "Contoso", "Harbour Foods", "Zürich Optics")
TITLES = ("Buyer", "Owner", "Head of Sales", "Receptionist", "Engineer", "CFO")
NOTES = ("Call back on Monday.", "Prefers e-mail.", "Wants the new price list.", "Met at the fair.")
HOT_CONTACTS = 8  # that many are edited by everybody, so that edits collide


@dataclass
class World:
    """What the devices of one run share: the contacts that it made, and nobody else's."""

    run: str
    contact_ids: list[str] = field(default_factory=list)
    deleted_ids: list[str] = field(default_factory=list)
    tag_ids: list[str] = field(default_factory=list)
    shared_rows: dict[tuple[str, str], Row] = field(default_factory=dict)

    def keep(self, plural: str, row: Row) -> Row:
        """One copy of equal rows for all devices: fifty of them hold the same contacts."""
        held = self.shared_rows.get((plural, row["id"]))
        if held == row:
            return held
        self.shared_rows[plural, row["id"]] = row
        return row


class SimulatedDevice:
    """A `DeviceClient` and the person who uses it, whose choices follow from `seed`."""

    def __init__(self, client: DeviceClient, world: World, seed: str) -> None:
        self.client = client
        self.world = world
        self.chance = random.Random(seed)
        self.writes: list[Write] = []
        self.tag_writes = 0

    async def use(self, until: float, pause_s: float) -> None:
        """Work until the loop's clock shows `until`, with `pause_s` between acts on average."""
        clock = asyncio.get_running_loop().time
        while (pause := self.chance.expovariate(1 / pause_s)) < until - clock():
            await asyncio.sleep(pause)
            if self.chance.random() < 0.04:
                await self._go_away(pause_s)
            else:
                self.act()

    async def _go_away(self, pause_s: float) -> None:
        """Lose the network, or close the app, edit on, and come back."""
        if self.chance.random() < 0.5:
            await self.client.cut()
        else:
            await self.client.disconnect()
        for _ in range(self.chance.randint(0, 4)):
            await asyncio.sleep(self.chance.uniform(0.2, pause_s))
            self.act()
        await self.come_back()

    async def come_back(self) -> None:
        """Be online again. While the server does not answer, the client goes on trying."""
        try:
            await self.client.connect(timeout_s=30)
        except (TimeoutError, ConnectionLost):
            return

    def act(self) -> None:
        """Make one write, of a kind that chance chooses."""
        deed = self.chance.random()
        target = self._choose_contact()
        if target is None or deed < 0.2:
            write = self.client.create("contact", self._new_contact())
            self.world.contact_ids.append(write.id)
        elif deed < 0.68:
            write = self.client.update("contact", target["id"], self._changes())
        elif deed < 0.86 and self.world.tag_ids:
            write = self.client.update("contact", target["id"], self._retag(target))
        elif deed < 0.88:
            self.tag_writes += 1
            name = f"{self.world.run} {self.client.device_id[:6]} {self.tag_writes}"
            write = self.client.create("tag", {"name": name, "color": "#2f6fde"})
            self.world.tag_ids.append(write.id)
        elif deed < 0.94:
            self.world.deleted_ids.append(target["id"])
            write = self.client.delete("contact", target["id"])
        else:
            if not self.world.deleted_ids:
                return
            write = self.client.restore("contact", self.chance.choice(self.world.deleted_ids))
        self.writes.append(write)

    def _choose_contact(self) -> Row | None:
        """A contact of this run that this device shows: no other is ever touched."""
        ids = self.world.contact_ids
        if self.chance.random() < 0.3:
            ids = ids[:HOT_CONTACTS]
        for _ in range(5):
            row = self.client.row("contact", self.chance.choice(ids)) if ids else None
            if row is not None:
                return row
        return None

    def _new_contact(self) -> dict[str, Any]:
        first, last = self.chance.choice(FIRST_NAMES), self.chance.choice(LAST_NAMES)
        number = self.chance.randint(0, 99_999)
        return {
            "first_name": first,
            "last_name": last,
            "company": self.chance.choice(COMPANIES),
            "emails": [{"label": "work", "value": f"contact{number}@example.com"}],
            "phones": [{"label": "mobile", "value": f"+1415555{number % 10_000:04}"}],
            "custom": {"simulation": self.world.run},
        }

    def _changes(self) -> dict[str, Any]:
        choice = self.chance.choice
        possible: dict[str, Any] = {
            "job_title": choice((*TITLES, None)),
            "company": choice(COMPANIES),
            "notes": choice(NOTES),
            "last_name": choice(LAST_NAMES),
            "preferences": {choice(("email", "phone", "sms")): choice(("opted_in", "opted_out"))},
            "custom": {choice(("visits", "rating")): str(self.chance.randint(1, 5))},
        }
        names = self.chance.sample(sorted(possible), self.chance.randint(1, 2))
        return {name: possible[name] for name in names}

    def _retag(self, contact: Row) -> dict[str, Any]:
        held = contact.get("tag_ids", [])
        if held and self.chance.random() < 0.4:
            return {"tag_ids": {"add": [], "remove": [self.chance.choice(held)]}}
        return {"tag_ids": {"add": [self.chance.choice(self.world.tag_ids)], "remove": []}}
