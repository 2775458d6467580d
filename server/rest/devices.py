"""The devices: how each is, and what is done to it."""

from __future__ import annotations

from aiohttp import web

from server.rest.openapi import operation
from server.rest.requests import actor_of, json_answer, path_id, query_of, read_object
from server.schemas.devices import (
    DEVICE_HISTORY,
    DEVICE_STATS,
    ENROL,
    DeviceChangedSchema,
    DeviceEnrolledSchema,
    DeviceHealthSchema,
    DeviceHistorySchema,
    DeviceListSchema,
    DeviceStatsSchema,
)
from server.schemas.queries import DEVICE_LIST, OUTDATED
from server.schemas.responses import DeviceSchema
from server.services.devices import Devices

OWN = "Agents see their own devices, managers and admins all."


def device_routes(devices: Devices) -> list[web.RouteDef]:
    """Lists and statistics, one device, and enrolling, revoking and waking one."""

    @operation(
        "list_devices",
        "devices",
        "List devices",
        description=(
            f"By their agents' codes, or as `sort` says; what is not known comes last. {OWN}"
        ),
        query=DEVICE_LIST,
        answers={200: DeviceListSchema},
    )
    async def list_devices(request: web.Request) -> web.Response:
        return json_answer(await devices.list(actor_of(request), query_of(request, DEVICE_LIST)))

    @operation(
        "get_device_health",
        "devices",
        "Say how the devices are, all together",
        description=OWN,
        answers={200: DeviceHealthSchema},
    )
    async def get_health(request: web.Request) -> web.Response:
        return json_answer(await devices.health(actor_of(request)))

    @operation(
        "get_device_stats",
        "devices",
        "Say what devices did, day by day",
        description="For managers and admins. Days are UTC.",
        query=DEVICE_STATS,
        answers={200: DeviceStatsSchema},
    )
    async def get_stats(request: web.Request) -> web.Response:
        asked = query_of(request, DEVICE_STATS)
        return json_answer(await devices.stats(actor_of(request), asked["days"]))

    @operation(
        "list_outdated_devices",
        "devices",
        "List devices that are behind",
        description=(
            "Late or missing ones, and with `versions` those that are more than so many versions "
            f"behind; the furthest first. {OWN}"
        ),
        query=OUTDATED,
        answers={200: DeviceListSchema},
    )
    async def list_outdated(request: web.Request) -> web.Response:
        return json_answer(await devices.outdated(actor_of(request), query_of(request, OUTDATED)))

    @operation(
        "list_devices_of_agent",
        "devices",
        "List the devices of an agent",
        query=DEVICE_LIST,
        answers={200: DeviceListSchema},
        errors=(404,),
    )
    async def list_of_agent(request: web.Request) -> web.Response:
        code = path_id(request, "agent_code")
        query = query_of(request, DEVICE_LIST)
        return json_answer(await devices.by_agent(actor_of(request), code, query))

    @operation(
        "get_device",
        "devices",
        "Get a device",
        answers={200: DeviceSchema},
        errors=(404,),
    )
    async def get_device(request: web.Request) -> web.Response:
        return json_answer(await devices.get(actor_of(request), path_id(request)))

    @operation(
        "get_device_history",
        "devices",
        "Read what a device did",
        description=(
            "Newest first: connections, syncs, pushes and refused events, of a day or the latest. "
            "A connection held into a day belongs to it, too. Kept for 90 days."
        ),
        query=DEVICE_HISTORY,
        answers={200: DeviceHistorySchema},
        errors=(404,),
    )
    async def get_history(request: web.Request) -> web.Response:
        query = query_of(request, DEVICE_HISTORY)
        return json_answer(await devices.history(actor_of(request), path_id(request), query))

    @operation(
        "enrol_device",
        "devices",
        "Enrol a device for an agent",
        description=(
            "For managers and admins. The phone signs in with the device's id and the API key, "
            "which is shown this once."
        ),
        body=ENROL,
        answers={201: DeviceEnrolledSchema},
    )
    async def enrol(request: web.Request) -> web.Response:
        asked = await read_object(request, ENROL)
        enrolled = await devices.enrol(actor_of(request), asked)
        return json_answer({"ok": True, **enrolled}, status=201)

    @operation(
        "revoke_device",
        "devices",
        "Revoke a device",
        description="It wipes its contacts when it hears of it, and can't sign in any more.",
        answers={200: DeviceChangedSchema},
        errors=(404,),
    )
    async def revoke(request: web.Request) -> web.Response:
        device = await devices.revoke(actor_of(request), path_id(request))
        return json_answer({"ok": True, "device": device})

    @operation(
        "request_device_sync",
        "devices",
        "Ask a device to sync",
        description="One that is not connected syncs when it is.",
        answers={200: DeviceChangedSchema},
        errors=(404, 409),
    )
    async def request_sync(request: web.Request) -> web.Response:
        device = await devices.request_sync(actor_of(request), path_id(request))
        return json_answer({"ok": True, "device": device})

    # Fixed names before {id}, which would take them for one.
    return [
        web.get("/api/devices", list_devices, allow_head=False),
        web.get("/api/devices/health", get_health, allow_head=False),
        web.get("/api/devices/stats", get_stats, allow_head=False),
        web.get("/api/devices/outdated", list_outdated, allow_head=False),
        web.get("/api/devices/agent/{agent_code}", list_of_agent, allow_head=False),
        web.get("/api/devices/{id}", get_device, allow_head=False),
        web.get("/api/devices/{id}/history", get_history, allow_head=False),
        web.post("/api/devices/enrol", enrol),
        web.post("/api/devices/{id}/revoke", revoke),
        web.post("/api/devices/{id}/sync", request_sync),
    ]
