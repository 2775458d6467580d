"""Sends a device's queue on one connection: in order, one message at a time, until answered."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from server.client.queue import TRANSIENT_CODES, Mutation
from server.client.wire import Ack, backoff_s
from server.errors import FieldbookError, Unauthenticated

if TYPE_CHECKING:
    from server.client.client import DeviceClient
    from server.client.session import Session


class Sender:
    """The one who sends for `session`; a mutation made meanwhile goes with the next message."""

    def __init__(self, device: DeviceClient, session: Session) -> None:
        self.device = device
        self.session = session

    async def run(self) -> None:
        """Send until the connection ends. Raises ConnectionLost or Unauthenticated."""
        device, limits, failures, alone = self.device, self.session.limits, 0, 0
        while True:
            self.session.queued.clear()
            device.queue.forget_old(device.now())
            batch = device.queue.next_batch(1 if alone else limits.push, limits.payload_bytes)
            if not batch:
                await self.session.queued.wait()
                continue
            started = time.monotonic()
            try:
                acks = await self._send(batch)
            except Unauthenticated:
                raise
            except FieldbookError as error:
                if len(batch) > 1 and error.code not in TRANSIENT_CODES:
                    # The push as a whole was refused: find out which of them it is.
                    alone = len(batch)
                    continue
                acks = [{"ok": False, "error": error.to_wire()}] * len(batch)
            took_ms = (time.monotonic() - started) * 1000
            settled = sum(
                device.settled(mutation, ack, took_ms)
                for mutation, ack in zip(batch, acks, strict=True)
            )
            alone = max(0, alone - settled)
            failures = 0 if settled else failures + 1
            if settled < len(batch):
                device.counters.retries += len(batch) - settled
                await asyncio.sleep(backoff_s(failures, acks, device.longest_wait_s))

    async def _send(self, batch: list[Mutation]) -> list[Ack]:
        """Send one as its event, several as `sync_push`; gives an ack for each."""
        connection = self.session.connection
        for mutation in batch:
            mutation.sent_epoch = self.session.epoch
        if len(batch) > 1:
            pushed = {"mutations": [mutation.to_push() for mutation in batch]}
            return list((await connection.call("sync_push", pushed))["results"])
        oversize = self.device.queue.too_large(batch[0], self.session.limits.payload_bytes)
        return [oversize or await connection.call(batch[0].op, batch[0].payload)]
