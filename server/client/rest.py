"""The few REST calls that the simulator makes: agents for its devices, and the database's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from server.client.store import Keep, Store

REST_TIMEOUT = aiohttp.ClientTimeout(total=30)


class SimulationError(Exception):
    """The simulation can't go on; one line says why and what to do."""


@dataclass(frozen=True)
class Agent:
    """Whose key a device signs in with; `id` None when the key was given, not registered."""

    id: str | None
    key: str


def reason_of(problem: Any) -> str:
    """What a refusal (RFC 9457) says of itself."""
    return str(problem.get("detail", problem) if isinstance(problem, dict) else problem)


class Rest:
    """The few REST calls that the simulator makes."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self.key = key

    async def __aenter__(self) -> Rest:
        self._http = aiohttp.ClientSession(headers={"X-API-Key": self.key}, timeout=REST_TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def _call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        try:
            async with self._http.request(method, f"{self.url}{path}", **options) as answer:
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SimulationError(
                f"No Fieldbook server answers at {self.url} ({error}). Start one with `make run`, "
                "or name another with --url."
            ) from error

    async def register(self, run: str, count: int) -> list[Agent]:
        """One agent for each device; where the key may not register, all share the key."""
        agents = []
        for number in range(count):
            body = {"agent_code": f"{run}-{number + 1}", "agent_name": f"Simulated {number + 1}"}
            status, answer = await self._call("POST", "/api/auth/register", json=body)
            if status == 403:
                return [Agent(None, self.key)] * count
            if status >= 400:
                raise SimulationError(f"Agents can't be registered: {reason_of(answer)}")
            agents.append(Agent(answer["agent"]["id"], answer["api_key"]))
        return agents

    async def disable(self, agents: Sequence[Agent]) -> list[str]:
        """Shut the registered agents out, so that their keys are of no more use.

        Gives a line for each that could not be.
        """
        failures = []
        for agent in agents:
            if agent.id is None:
                continue
            path = f"/api/auth/agents/{agent.id}"
            status, answer = await self._call("PATCH", path, json={"disabled": True})
            if status >= 400:
                failures.append(f"The agent {agent.id} could not be disabled: {reason_of(answer)}")
        return failures

    async def read_everything(self, keep: Keep | None = None) -> Store:
        """The database's rows, by the pages of GET /api/sync/delta."""
        store = Store(keep)
        request = store.begin_sync()
        while True:
            parameters = {"version": "0", "limit": "1000"}
            if "resume" in request:
                parameters["resume"] = request["resume"]
            status, page = await self._call("GET", "/api/sync/delta", params=parameters)
            if status >= 400:
                raise SimulationError(f"The database can't be read back: {reason_of(page)}")
            store.apply_page(page)
            if not page["has_more"]:
                store.complete(page["until"], page["epoch"])
                return store
            request = store.begin_sync()
