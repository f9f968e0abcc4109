"""The feed's client over real sockets: on our own API, and on servers that do what ours never should."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeVar

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from api.config import ApiConfig
from feed_client import (
    BackOff,
    Delta,
    Event,
    GapError,
    LiveFeed,
    Lost,
    Refused,
    Snapshot,
    Subscribed,
    Subscription,
    WentBackError,
)
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import NOW, DerivedRows, group, told_streets

WITHIN_S = 20.0
Handler = Callable[[ServerConnection], Awaitable[None]]
T = TypeVar("T")


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with told_streets(database_url, 3) as rows:
        yield rows


@pytest.fixture
def api(database_url: str, rows: DerivedRows) -> Iterator[ApiServer]:
    config = ApiConfig(database_url=database_url, heartbeat_s=0.2)
    with running_api(config, lambda: NOW + timedelta(seconds=1)) as running:
        yield running


async def event_of(events: AsyncGenerator[Event, None], kind: type[T]) -> T:
    """Return the next event of a kind."""
    async with asyncio.timeout(WITHIN_S):
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError("the events ended")


def test_follows_and_turns(api: ApiServer, rows: DerivedRows) -> None:
    async def scene() -> None:
        feed = LiveFeed(api.ws, Subscription(zones=("s0", "s1")), compress=True)
        async with contextlib.aclosing(feed.events()) as events:
            assert (await event_of(events, Snapshot)).reason == "first"
            await asyncio.to_thread(rows.commit_zones, {"s1": [group(4, 6)]}, watermark=NOW)
            await event_of(events, Delta)
            assert feed.state.zones["s1"]["free"] == 4
            await feed.subscribe(Subscription(zones=("s1", "s2")))
            assert (await event_of(events, Subscribed)).gone == ["s0"]
            await event_of(events, Delta)
            assert feed.state.zones.keys() == {"s1", "s2"}
            await feed.subscribe(Subscription(areas=("nowhere",)))
            assert (await event_of(events, Refused)).problem["status"] == 404
            assert feed.state.subscription == Subscription(zones=("s1", "s2"))
            asked = (await asyncio.to_thread(api.get, "/v1/availability?zones=s1,s2")).json()
            assert list(feed.state.zones.values()) == asked["zones"]

    asyncio.run(scene())


@contextlib.asynccontextmanager
async def a_server(
    handler: Handler, before: Callable[[ServerConnection, Request], Response | None] | None = None
) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, process_request=before, ping_interval=None) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/live"


def said(kind: str, version: int, **more: Any) -> str:
    head = {"version": f"cardiff:1.{version}.1-1", "as_of": None, "stale": False}
    only = {"reset": False, "reason": "first"} if kind == "snapshot" else {}
    return json.dumps({"type": kind, **head, **only, "zones": [], **more})


async def opened_with(*messages: list[str]) -> tuple[list[Event], list[str]]:
    """What a client yields, and asks with, whose n-th connection is told the n-th messages; until they are all said."""
    asked: list[str] = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        asked.append(connection.request.path.partition("?")[2])
        for message in messages[len(asked) - 1] if len(asked) <= len(messages) else ():
            await connection.send(message)
        if len(asked) < len(messages):
            await connection.wait_closed()

    seen: list[Event] = []
    async with a_server(handler) as url:
        feed = LiveFeed(url, silence_s=0.3, back_off=BackOff(0.01, 0.02))
        async with asyncio.timeout(WITHIN_S), contextlib.aclosing(feed.events()) as events:
            async for event in events:
                seen.append(event)
                if sum(isinstance(each, Lost) for each in seen) == len(messages):
                    break
    return seen, asked[: len(messages)]


def test_silence_is_a_lost_connection_and_the_next_one_resumes() -> None:
    seen, asked = asyncio.run(opened_with([said("snapshot", 1)], [said("delta", 2, prev="cardiff:1.1.1-1")]))

    assert [type(event) for event in seen] == [Snapshot, Lost, Delta, Lost]
    assert seen[1].reason == "nothing heard for 0.3 s"  # type: ignore[union-attr]
    assert asked == ["", "since=cardiff%3A1.1.1-1"]


def test_a_gap_is_not_told_and_mended_by_a_snapshot() -> None:
    seen, asked = asyncio.run(
        opened_with([said("snapshot", 1), said("delta", 3, prev="cardiff:1.2.1-1")], [said("snapshot", 3)])
    )

    assert [type(event) for event in seen] == [Snapshot, Lost, Snapshot, Lost]
    assert isinstance(seen[1].fault, GapError)  # type: ignore[union-attr]
    assert asked == ["", ""]


def test_a_version_that_goes_back_is_not_told() -> None:
    seen, asked = asyncio.run(
        opened_with([said("snapshot", 5)], [said("snapshot", 4)], [said("snapshot", 5)])
    )

    assert [getattr(event, "version", None) for event in seen] == [
        "cardiff:1.5.1-1",
        None,
        None,
        "cardiff:1.5.1-1",
        None,
    ]
    assert isinstance(seen[2].fault, WentBackError)  # type: ignore[union-attr]
    assert asked[1:] == ["since=cardiff%3A1.5.1-1"] * 2


def test_what_is_no_message_is_a_lost_connection() -> None:
    seen, _ = asyncio.run(opened_with(["{}"], [said("snapshot", 1)]))

    assert [type(event) for event in seen] == [Lost, Snapshot, Lost]


def test_a_refusal_is_told_and_tried_again_when_the_server_likes() -> None:
    async def never(_connection: ServerConnection) -> None:
        raise AssertionError("opened")

    def refuse(connection: ServerConnection, _request: Request) -> Response:
        answer = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")
        answer.headers["Retry-After"] = "7"
        return answer

    async def scene() -> None:
        async with a_server(never, refuse) as url:
            feed = LiveFeed(url)
            async with contextlib.aclosing(feed.events()) as events:
                lost = await event_of(events, Lost)
                assert lost.status == 503
                assert 7.0 <= lost.retry_in_s <= 10.5

    asyncio.run(scene())
