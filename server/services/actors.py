"""Who acts: an agent, on one of its devices or without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["admin", "manager", "agent", "api"]
Origin = Literal["socket", "rest", "import", "job"]

# Who sees and commands what belongs to others: their devices, the audit log.
LEADERS = ("admin", "manager")


@dataclass(frozen=True, slots=True)
class Actor:
    """An agent of one tenant, signed in by a key, perhaps on a device."""

    tenant: str
    agent_id: str
    code: str
    name: str
    role: Role
    key_id: str | None = None
    device_id: str | None = None
    writer_id: str | None = None
    """Which installation of a client that is no device; None on a device, which is its own."""

    @property
    def source(self) -> str:
        """Where its mutations come from: the device, or the agent where there is none."""
        return self.device_id or f"agent:{self.agent_id}"

    def to_wire(self) -> dict[str, str]:
        """`{"id", "code", "name", "role"}`, as `auth` answers."""
        return {"id": self.agent_id, "code": self.code, "name": self.name, "role": self.role}
