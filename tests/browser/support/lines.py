"""The line between a page and the server, which tests cut and mend."""

from __future__ import annotations

import re

from playwright.async_api import BrowserContext, Page, WebSocketRoute

_EVENT = re.compile(r'^42\d*\["(\w+)",')


class Line:
    """The sockets of a browser. `sent` are the events that its pages sent, in order, as text.

    `await Line.of(page)` before what is to be watched, then reload the page: a socket that is
    open already is not seen.
    """

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.held: list[tuple[WebSocketRoute, str | bytes]] | None = None
        self.is_cut = False
        # Whether what the server answers is kept from the pages for good.
        self.lose_acks = False
        self._open: list[WebSocketRoute] = []

    @classmethod
    async def of(cls, pages: Page | BrowserContext) -> Line:
        line = cls()
        await pages.route_web_socket(re.compile("socket.io"), line._opened)
        return line

    async def cut(self) -> None:
        """Closes what is open, and lets nothing be opened until it is mended."""
        self.is_cut = True
        for route in self._open:
            await route.close(code=4000, reason="cut")
        self._open.clear()

    def mend(self) -> None:
        self.is_cut = False

    def hold_changes(self) -> None:
        """Keeps from the pages what others change, until `let_go`."""
        self.held = []

    def let_go(self) -> None:
        held, self.held = self.held or [], None
        for route, message in held:
            route.send(message)

    async def _opened(self, route: WebSocketRoute) -> None:
        if self.is_cut:
            await route.close(code=4000, reason="cut")
            return
        self._open.append(route)
        server = route.connect_to_server()

        def up(message: str | bytes) -> None:
            if isinstance(message, str) and (event := _EVENT.match(message)):
                self.sent += [message] if event.group(1) != "ping" else []
            server.send(message)

        def down(message: str | bytes) -> None:
            if self.lose_acks and isinstance(message, str) and message.startswith("43"):
                return
            if self.held is not None and isinstance(message, str) and '["changes",' in message:
                self.held.append((route, message))
            else:
                route.send(message)

        route.on_message(up)
        server.on_message(down)

    def events(self) -> list[str]:
        """The names of the events that were sent."""
        return [event.group(1) for message in self.sent if (event := _EVENT.match(message))]
