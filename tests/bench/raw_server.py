"""The bare aiohttp server that the raw limits are taken from: `python -m tests.bench.raw_server`.

`/stream` sends messages with at most four unacknowledged, as a first sync does; `/broadcast`
sends one message to every socket, as the feed does.
"""

from __future__ import annotations

import sys

import uvloop
from aiohttp import WSMsgType, web

from tests.bench.client import HOST

UNACKNOWLEDGED = 4


async def stream(request: web.Request) -> web.WebSocketResponse:
    """A message `<count> <bytes>` asks for so many texts of that size; any other is an ack."""
    websocket = web.WebSocketResponse(compress=False)
    await websocket.prepare(request)
    async for message in websocket:
        count, size = (int(number) for number in message.data.split())
        page = "x" * size
        for sent in range(1, count + 1):
            await websocket.send_str(page)
            if sent >= UNACKNOWLEDGED:
                await websocket.receive()
        for _ in range(min(count, UNACKNOWLEDGED - 1)):
            await websocket.receive()
    return websocket


def broadcast_route() -> web.RouteDef:
    """Whatever text one socket sends goes to all of them."""
    sockets: set[web.WebSocketResponse] = set()

    async def broadcast(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(compress=False)
        await websocket.prepare(request)
        sockets.add(websocket)
        async for message in websocket:
            if message.type == WSMsgType.TEXT:
                for each in sockets:
                    await each.send_str(message.data)
        sockets.discard(websocket)
        return websocket

    return web.get("/broadcast", broadcast)


async def main(port: int) -> None:
    """Serves until it is ended."""
    app = web.Application()
    app.add_routes([web.get("/stream", stream), broadcast_route()])
    await web._run_app(app, host=HOST, port=port, print=None, access_log=None)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
