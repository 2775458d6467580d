"""A device with the Python Socket.IO client, which holds everything it gets to its schema."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import socketio
from nanoid import generate

from server.schemas.events_out import faults_of_event
from tests.integration.support.answers import faults_of_answer
from tests.integration.support.servers import Company, Server
from tests.waiting import until

SECONDS = 20.0

Payload = dict[str, Any]
Wanted = Callable[[Payload], bool]


class Refused(Exception):
    """The server answered CONNECT with CONNECT_ERROR, whose payload is in `payload`."""

    def __init__(self, payload: Any) -> None:
        super().__init__(str(payload))
        self.payload = payload


class Device:
    """One connection. `events` holds what came in and was not taken by `expect` yet.

    `faults` lists what did not fit its schema; the fixture that makes devices looks at it.
    """

    def __init__(self, server: Server, company: Company | None = None, role: str = "agent") -> None:
        self.server = server
        self.company = company
        self.role = role
        self.id = generate()
        self.events: list[tuple[str, Payload]] = []
        self.faults: list[str] = []
        self.acknowledges = asyncio.Event()
        self.acknowledges.set()
        self.disconnected = asyncio.Event()
        self._arrived = asyncio.Event()
        self._refusal: Any = None
        self.client = socketio.AsyncClient(reconnection=False, request_timeout=SECONDS)
        self.client.on("*", self._note)
        self.client.on("connect_error", self._note_refusal)
        self.client.on("disconnect", self._note_end)

    async def connect(
        self, auth: Any = None, *, transports: Sequence[str] = ("websocket",)
    ) -> Device:
        """Connects, without signing in unless `auth` is given. Raises `Refused`."""
        # That a connection ended is told a moment before the client can begin another.
        await until(lambda: self.client.eio.state != "disconnecting")
        self.disconnected.clear()
        try:
            await self.client.connect(
                self.server.url, auth=auth, transports=list(transports), wait_timeout=SECONDS
            )
        except socketio.exceptions.ConnectionError:
            raise Refused(self._refusal) from None
        return self

    async def sign_in(self, **details: Any) -> Payload:
        """Sends `auth` with the key of the device's role, and gives the ack."""
        return await self.call("auth", self.credentials(**details))

    def credentials(self, **details: Any) -> Payload:
        """What `auth` takes: the key of the device's role, and its id."""
        assert self.company is not None
        return {"api_key": self.company.keys[self.role], "device_id": self.id, **details}

    async def call(self, event: str, *payload: Any) -> Payload:
        """Emits an event and gives its ack."""
        answers = await self.call_for_all(event, *payload)
        assert len(answers) == 1, f"{event} was answered with {answers}"
        self.faults += [f"ack of {event}: {fault}" for fault in faults_of_answer(event, answers[0])]
        answer: Payload = answers[0]
        return answer

    async def call_for_all(self, event: str, *payload: Any) -> list[Any]:
        """Emits an event and gives all that its ack holds."""
        answered: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        await self.client.emit(event, payload, callback=lambda *given: answered.set_result(given))
        return list(await asyncio.wait_for(answered, SECONDS))

    async def expect(self, event: str, wanted: Wanted | None = None) -> Payload:
        """Takes out the first event of that name (for which `wanted` holds), waiting for it."""
        async with asyncio.timeout(SECONDS):
            while True:
                for index, (name, payload) in enumerate(self.events):
                    if name == event and (wanted is None or wanted(payload)):
                        del self.events[index]
                        return payload
                self._arrived.clear()
                await self._arrived.wait()

    def take(self, event: str) -> list[Payload]:
        """Takes out all events of that name that are here."""
        taken = [payload for name, payload in self.events if name == event]
        self.events = [each for each in self.events if each[0] != event]
        return taken

    async def flush(self) -> None:
        """Waits until all is here that the server sent before now: a ping's ack comes after it."""
        answer = await self.call("ping", {})
        assert answer["ok"], answer

    async def create(self, **fields: Any) -> Payload:
        """Makes a contact and gives it, as its ack holds it."""
        answer = await self.call("contact_create", {"contact": {"first_name": "Ann", **fields}})
        assert answer["ok"], answer
        contact: Payload = answer["contact"]
        return contact

    async def sync(self, since: int = 0, **request: Any) -> tuple[list[Payload], Payload]:
        """Syncs in a stream: its pages, and `sync_complete`."""
        answer = await self.call("sync_request", {"since": since, "stream": True, **request})
        assert answer["ok"], answer
        complete = await self.expect("sync_complete")
        return self.take("sync_response"), complete

    def pull_the_plug(self) -> None:
        """Cuts the line as a lost network does: nobody says goodbye."""
        self.client.eio.ws._response.connection.transport.abort()

    async def close(self) -> None:
        await self.client.disconnect()

    async def _note(self, event: str, *payload: Any) -> Any:
        if len(payload) != 1:
            self.faults.append(f"{event} came with {len(payload)} payloads")
        faults = faults_of_event(event, *payload)
        if faults:
            self.faults.append(f"{event}: {faults} in {payload}")
        self.events.append((event, payload[0]))
        self._arrived.set()
        await self.acknowledges.wait()

    def _note_refusal(self, payload: Any = None) -> None:
        self._refusal = payload

    def _note_end(self, _reason: Any) -> None:
        self.disconnected.set()


def contacts_of(pages: Sequence[Payload]) -> dict[str, Payload]:
    """The contacts that pages or change sets put, the latest of each."""
    put = [row for page in pages for row in page.get("contacts", {}).get("put", ())]
    return {row["id"]: row for row in put}


def tombstones_of(pages: Sequence[Payload]) -> dict[str, Payload]:
    """The tombstones of contacts in pages or change sets."""
    gone = [row for page in pages for row in page.get("contacts", {}).get("del", ())]
    return {row["id"]: row for row in gone}
