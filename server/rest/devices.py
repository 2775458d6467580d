"""Device health: lists, what a device did, and what managers do with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from server.rest.openapi import operation
from server.rest.requests import actor_of, json_answer, path_id, query_of, read_object
from server.schemas.devices import (
    DEVICE_ENROL,
    DeviceHealthSchema,
    DevicePageSchema,
    DeviceStatisticsSchema,
    EnrolledSchema,
    SingleDeviceSchema,
)
from server.schemas.queries import DEVICE_LIST, OUTDATED
from server.schemas.responses import DeviceSchema
from server.services.actors import Actor
from server.services.devices import Devices

Act = Callable[[Actor, str], Awaitable[dict[str, Any]]]


def device_routes(devices: Devices) -> list[web.RouteDef]:
    """`/api/devices` and below. Agents see their own devices; managers and admins all."""

    @operation(
        "list_devices",
        "devices",
        "List devices",
        description="By agent and name. Agents see their own; managers and admins all.",
        query=DEVICE_LIST,
        answers={200: DevicePageSchema},
    )
    async def list_devices(request: web.Request) -> web.Response:
        return json_answer(await devices.find(actor_of(request), query_of(request, DEVICE_LIST)))

    @operation(
        "list_agent_devices",
        "devices",
        "List one agent's devices",
        query=DEVICE_LIST,
        answers={200: DevicePageSchema},
    )
    async def list_agent_devices(request: web.Request) -> web.Response:
        query = query_of(request, DEVICE_LIST)
        code = path_id(request, "agent_code")
        return json_answer(await devices.find(actor_of(request), query, agent_code=code))

    @operation(
        "list_outdated_devices",
        "devices",
        "List devices that are late or missing, or more than `versions` behind",
        query=OUTDATED,
        answers={200: DevicePageSchema},
    )
    async def list_outdated(request: web.Request) -> web.Response:
        return json_answer(await devices.outdated(actor_of(request), query_of(request, OUTDATED)))

    @operation(
        "get_device_health",
        "devices",
        "Count the devices by state",
        answers={200: DeviceHealthSchema},
    )
    async def health(request: web.Request) -> web.Response:
        return json_answer(await devices.health(actor_of(request)))

    @operation(
        "get_device_statistics",
        "devices",
        "What devices did on each of the last 30 days",
        description="For managers and admins.",
        answers={200: DeviceStatisticsSchema},
    )
    async def statistics(request: web.Request) -> web.Response:
        return json_answer(await devices.statistics(actor_of(request)))

    @operation(
        "get_device",
        "devices",
        "Get a device and what it did last",
        answers={200: SingleDeviceSchema},
        errors=(404,),
    )
    async def get_device(request: web.Request) -> web.Response:
        return json_answer(await devices.read(actor_of(request), path_id(request)))

    @operation(
        "enrol_device",
        "devices",
        "Make a device and a key for an agent",
        description="For managers and admins. The key is shown this once: put both into the app.",
        body=DEVICE_ENROL,
        answers={201: EnrolledSchema},
    )
    async def enrol(request: web.Request) -> web.Response:
        asked = await read_object(request, DEVICE_ENROL)
        return json_answer(await devices.enrol(actor_of(request), asked), status=201)

    def action(name: str, summary: str, act: Act) -> Callable[[web.Request], Any]:
        @operation(name, "devices", summary, answers={200: DeviceSchema}, errors=(404,))
        async def handler(request: web.Request) -> web.Response:
            return json_answer(await act(actor_of(request), path_id(request)))

        return handler

    revoke = action("revoke_device", "Shut a device out; it wipes what it holds", devices.revoke)
    sync = action("request_device_sync", "Ask a device to sync", devices.request_sync)
    return [
        web.get("/api/devices", list_devices, allow_head=False),
        web.get("/api/devices/health", health, allow_head=False),
        web.get("/api/devices/stats", statistics, allow_head=False),
        web.get("/api/devices/outdated", list_outdated, allow_head=False),
        web.get("/api/devices/agent/{agent_code}", list_agent_devices, allow_head=False),
        web.post("/api/devices/enrol", enrol),
        web.get("/api/devices/{id}", get_device, allow_head=False),
        web.post("/api/devices/{id}/revoke", revoke),
        web.post("/api/devices/{id}/sync", sync),
    ]
