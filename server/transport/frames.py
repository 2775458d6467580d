"""A message encoded once for every client that gets it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

TEXT, BINARY = 0x81, 0x82


@dataclass(slots=True)
class Frame:
    """A Socket.IO packet (`2["changes",…]`, UTF-8) and its WebSocket frame, made once."""

    packet: bytes
    _websocket: bytes = field(default=b"", repr=False)

    @property
    def websocket(self) -> bytes:
        """The packet as a server's unmasked WebSocket frame (RFC 6455, section 5.2)."""
        if not self._websocket:
            self._websocket = websocket_frame(TEXT, b"4" + self.packet)
        return self._websocket


def event_frame(event: str, payload: str) -> Frame:
    """The frame of an event without ack, in the namespace `/`; `payload` is JSON text."""
    return Frame(f'2["{event}",{payload}]'.encode())


def websocket_frame(opcode: int, payload: bytes) -> bytes:
    """One final, unmasked frame. `opcode` includes the FIN bit."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", opcode, size) + payload
    if size < 65_536:
        return struct.pack("!BBH", opcode, 126, size) + payload
    return struct.pack("!BBQ", opcode, 127, size) + payload
