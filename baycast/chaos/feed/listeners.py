"""The listeners: the typed client over WebSockets, and event streams; each keeps a record of what it was told."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import feed_client as client
from baycast.chaos import city
from baycast.chaos.feed import event_stream
from baycast.chaos.feed.heard import Fault, Lost, Record, Told, numbers_of
from feed_client import BackOff, LiveFeed, Subscription


class Listeners:
    """A thread with a loop of its own. One listener in four is an event stream, at least one of each kind."""

    def __init__(self, port: int, number: int) -> None:
        streams = max(1, number // 4)
        self._port = port
        self._by_websocket = [Record(f"websocket {n + 1}") for n in range(number - streams)]
        self._by_event_stream = [Record(f"event stream {n + 1}") for n in range(streams)]
        self.records = [*self._by_websocket, *self._by_event_stream]
        self._loop = asyncio.new_event_loop()
        self._done = asyncio.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="listeners")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End them all. Raises what ended one of them before its time."""
        if self._thread.ident is not None:
            with contextlib.suppress(RuntimeError):  # the loop ended by itself
                self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join()
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._listen())
        except Exception as fault:  # noqa: BLE001 - raised where the listeners are stopped
            self._fault = fault
        finally:
            self._loop.close()

    async def _listen(self) -> None:
        tasks = [asyncio.create_task(self._over_websocket(record)) for record in self._by_websocket]
        tasks += [asyncio.create_task(self._over_event_stream(record)) for record in self._by_event_stream]
        done = asyncio.create_task(self._done.wait())
        await asyncio.wait([*tasks, done], return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in tasks if task.done()]
        for task in (*tasks, done):
            task.cancel()
        await asyncio.gather(*tasks, done, return_exceptions=True)
        for task in ended:
            task.result()

    async def _over_websocket(self, record: Record) -> None:
        url = f"ws://127.0.0.1:{self._port}/v1/live"
        feed = LiveFeed(url, Subscription(areas=(city.AREA,)), back_off=BackOff(0.05, 0.5))
        record.zones = feed.state.zones
        async with contextlib.aclosing(feed.events()) as events:
            async for event in events:
                record.version, record.zones = feed.state.version, feed.state.zones
                if isinstance(event, client.Lost):
                    record.words.append(Lost(_fault_of(event)))
                elif isinstance(event, client.Snapshot | client.Delta | client.Heartbeat):
                    record.words.append(_told(event))

    async def _over_event_stream(self, record: Record) -> None:
        zones: dict[str, client.Zone] = {}
        record.zones = zones
        async for event in event_stream.follow(self._port, f"/v1/live/events?area={city.AREA}"):
            if event is None:
                record.words.append(Lost(None))
                continue
            message = event.message
            changed = {zone["id"]: zone for zone in message.get("zones", ())}
            if message["type"] == "snapshot":
                zones.clear()
            zones.update(changed)
            # Resuming goes by the id, so the id is what the message is held to be.
            record.version = event.id
            told = Told(
                message["type"],
                event.id,
                message.get("prev"),
                message.get("reset", False),
                message["stale"],
                numbers_of(changed.values()),
            )
            record.words.append(told)


def _told(event: client.Snapshot | client.Delta | client.Heartbeat) -> Told:
    return Told(
        type(event).__name__.lower(),
        event.version,
        event.prev if isinstance(event, client.Delta) else None,
        isinstance(event, client.Snapshot) and event.reset,
        event.stale,
        {} if isinstance(event, client.Heartbeat) else numbers_of(event.zones),
    )


def _fault_of(lost: client.Lost) -> Fault | None:
    if isinstance(lost.fault, client.GapError):
        return Fault.GAP
    return Fault.WENT_BACK if isinstance(lost.fault, client.WentBackError) else None
