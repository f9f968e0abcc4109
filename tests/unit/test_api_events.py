"""A stream of events ends whole: its tasks with it, its seat given back, and what went wrong in it noted."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from api import metrics
from api.app import create_app
from api.config import ApiConfig
from api.hub import Hub
from api.live import Live
from api.params import Listen
from api.routes.live import EventStream
from api.seats import FullError, Seats
from api.selection import Selection
from tests.support.asked_town import NOON, town

SCOPE: Scope = {"type": "http", "client": ("192.0.2.1", 5), "headers": []}


class Stream:
    """One in a house with a single seat, and what it has sent."""

    def __init__(self) -> None:
        self.live: Live = create_app(
            ApiConfig(database_url="postgresql://nowhere.invalid/none"), clock=lambda: NOON
        ).state.live
        self.live.board.load(town({}), NOON)
        self.live.hub = Hub(self.live.board, Seats(1))
        self.sent: list[Message] = []
        self.begun = asyncio.Event()

    def start(self, receive: Receive, send: Send) -> asyncio.Task[None]:
        return asyncio.create_task(EventStream(self.live, Listen.model_validate({}))(SCOPE, receive, send))

    async def deaf_once(self, message: Message) -> None:
        """Sends, and then misses that it is cancelled the first time, as the waits of libraries may."""
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.begun.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()

    def seats_left(self) -> int:
        try:
            self.live.hub.leave(self.live.hub.join(Selection(), lambda: None, lambda: None))
        except FullError:
            return 0
        return 1


async def silence() -> Message:
    """A client that is there and says nothing."""
    return await asyncio.Event().wait()  # type: ignore[return-value]  # it never ends


def listening() -> float:
    return float(metrics.CLIENTS.labels("sse")._value.get())


def alone() -> bool:
    """Whether no task is left but the one that asks."""
    return asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("times", [1, 2])
def test_a_cancelled_stream_leaves_no_task_and_no_listener(times: int) -> None:
    async def scene() -> None:
        before, stream = listening(), Stream()
        task = stream.start(silence, stream.deaf_once)
        await stream.begun.wait()
        assert (stream.seats_left(), listening()) == (0, before + 1)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        assert stream.seats_left() == 1, "also while its tasks still end"
        done, _ = await asyncio.wait({task}, timeout=30)
        assert done
        assert task.cancelled()
        assert alone()
        assert listening() == before

    asyncio.run(scene())


def test_a_stream_whose_client_goes_ends() -> None:
    async def scene() -> None:
        stream = Stream()

        async def gone() -> Message:
            await stream.begun.wait()
            return {"type": "http.disconnect"}

        await asyncio.wait_for(stream.start(gone, stream.deaf_once), 30)
        assert (stream.seats_left(), alone()) == (1, True)

    asyncio.run(scene())


def test_what_goes_wrong_in_a_stream_is_not_swallowed() -> None:
    async def broken(_message: Any) -> None:
        raise ZeroDivisionError

    async def scene() -> None:
        stream = Stream()
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(stream.start(silence, broken), 30)
        assert (stream.seats_left(), alone()) == (1, True)

    asyncio.run(scene())
