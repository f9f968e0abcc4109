"""Several API processes on one port, as an operator runs them: same versions, and listeners go on at another one."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import httpx
import psutil
import pytest

from baycast.api_fleet import PORT_STEP
from baycast.settings import child_environment
from feed_client import BackOff, Event, LiveFeed, Lost, Snapshot
from tests.support.derived_rows import NOW, DerivedRows, group, told_streets
from tests.support.ports import free_port
from tests.support.waiting import eventually

CLIENTS = 16
"""So many that each process has some, but for two runs of 65536."""
STREETS = 20
WITHIN_S = 60.0


@dataclass
class Processes:
    """The running command."""

    command: subprocess.Popen[bytes]
    port: int
    metrics_ports: tuple[int, int]

    @property
    def children(self) -> list[int]:
        found = Path(f"/proc/{self.command.pid}/task/{self.command.pid}/children").read_text().split()
        return [int(pid) for pid in found]

    def version(self) -> str:
        return str(httpx.get(f"http://127.0.0.1:{self.port}/v1/availability", timeout=10).json()["version"])

    def serving(self) -> set[int]:
        """The processes that listen on the port."""
        found = set()
        for pid in self.children:
            with contextlib.suppress(psutil.Error):
                opened = psutil.Process(pid).net_connections("tcp")
                if any(one.status == "LISTEN" and one.laddr.port == self.port for one in opened):
                    found.add(pid)
        return found

    def listeners(self) -> list[float]:
        """How many listeners each process has."""
        name = 'baycast_feed_clients{kind="websocket"} '
        pages = [httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text for port in self.metrics_ports]
        lines = [line for page in pages for line in page.splitlines()]
        return [float(line.removeprefix(name)) for line in lines if line.startswith(name)]

    @contextlib.contextmanager
    def asking(self, pid: int) -> Iterator["Asker"]:
        """Whoever connects comes to either of the two: so until it is this one."""
        with contextlib.ExitStack() as others:
            while True:
                connection = others.enter_context(contextlib.closing(HTTPConnection("127.0.0.1", self.port)))
                asker = Asker(connection)
                asker.get("/healthz")  # then it has been accepted
                own = connection.sock.getsockname()
                if any(one.raddr == own for one in psutil.Process(pid).net_connections("tcp")):
                    yield asker
                    return


@dataclass
class Asker:
    """A connection to one of the processes."""

    connection: HTTPConnection

    def get(self, path: str, known: str | None = None) -> tuple[int, str | None]:
        """The status and the tag; `known` is the tag of what the asker has."""
        self.connection.request("GET", path, headers={} if known is None else {"If-None-Match": known})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("ETag")


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with told_streets(database_url, STREETS, clock="event") as rows:
        yield rows


@pytest.fixture
def processes(database_url: str, rows: DerivedRows) -> Iterator[Processes]:
    port, metrics_port = free_port(), free_port(and_after=PORT_STEP)
    env = {
        "BAYCAST_DATABASE_URL": database_url,
        "BAYCAST_HTTP_PORT": str(port),
        "BAYCAST_API_METRICS_PORT": str(metrics_port),
    }
    command = subprocess.Popen(
        [sys.executable, "-m", "baycast", "api", "--workers", "2"],
        env=child_environment(env),
        stdin=subprocess.DEVNULL,
    )
    try:
        yield Processes(command, port, (metrics_port, metrics_port + PORT_STEP))
    finally:
        command.terminate()
        try:
            command.wait(10)
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait()


@dataclass
class Follower:
    """A client, and what it was told."""

    feed: LiveFeed
    told: asyncio.Condition
    events: list[Event] = field(default_factory=list)

    async def follow(self) -> None:
        async with contextlib.aclosing(self.feed.events()) as events:
            async for event in events:
                self.events.append(event)
                async with self.told:
                    self.told.notify_all()

    @property
    def lost(self) -> int:
        """Connections that ended after they had begun."""
        return sum(
            isinstance(event, Lost) and not isinstance(before, Lost)
            for before, event in zip([None, *self.events], self.events, strict=False)
            if before is not None
        )


def test_listeners_go_on_at_another_process_and_miss_nothing(processes: Processes, rows: DerivedRows) -> None:
    eventually(lambda: len(processes.serving()) == 2, WITHIN_S)
    url = f"ws://127.0.0.1:{processes.port}/v1/live"
    told = asyncio.Condition()
    followers = [Follower(LiveFeed(url, back_off=BackOff(0.05, 0.5)), told) for _ in range(CLIENTS)]
    free = 0

    def change() -> None:
        nonlocal free
        free = (free + 1) % 10
        rows.commit_zones({f"s{free}": [group(free, 10 - free)], f"s{free + 10}": [group(10 - free, free)]})

    def another_serves_instead(victim: int) -> None:
        eventually(lambda: len(processes.serving() - {victim}) == 2, WITHIN_S)
        eventually(lambda: f".{rows.version}." in processes.version(), WITHIN_S)

    async def until_all_know(version: str) -> None:
        async with asyncio.timeout(WITHIN_S), told:
            await told.wait_for(lambda: {one.feed.state.version for one in followers} == {version})

    async def scene() -> None:
        tasks = [asyncio.create_task(one.follow()) for one in followers]
        try:
            await until_all_know(await asyncio.to_thread(processes.version))
            counts = await asyncio.to_thread(processes.listeners)
            assert sum(counts) == CLIENTS
            assert min(counts) > 0
            for victim in processes.children:
                os.kill(victim, signal.SIGKILL)
                for _ in range(5):
                    await asyncio.to_thread(change)
                await asyncio.to_thread(another_serves_instead, victim)
                await until_all_know(await asyncio.to_thread(processes.version))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scene())
    asked = httpx.get(f"http://127.0.0.1:{processes.port}/v1/availability", timeout=10).json()
    for one in followers:
        assert one.feed.state.version == asked["version"]
        assert one.feed.state.zones == {zone["id"]: zone for zone in asked["zones"]}
        # Whoever was cut off resumed: one snapshot, at the beginning.
        assert [type(event) for event in one.events if isinstance(event, Snapshot)] == [Snapshot]
    # Everybody was at one of the two when it was killed, or came to the second from the first.
    assert sum(one.lost for one in followers) >= CLIENTS

    began = time.monotonic()
    processes.command.terminate()
    assert processes.command.wait(10) == 0
    assert time.monotonic() - began < 5


QUESTIONS = (
    "/v1/availability",
    "/v1/availability?for=ev",
    "/v1/availability?stay_min=60",
    "/v1/availability?near=51.48,-3.18&radius_m=500",
    "/v1/availability?format=geojson",
    "/v1/zones",
    "/v1/zones/s1",
    "/v1/zones/s1/bays",
)


def test_what_one_process_told_is_not_told_again_by_another(processes: Processes, rows: DerivedRows) -> None:
    eventually(lambda: len(processes.serving()) == 2, WITHIN_S)
    stays, goes = processes.children

    def same_tags(one: Asker, other: Asker) -> dict[str, str]:
        """The tag of each answer, of which each process knows that it is the other's."""
        tags = {}
        for path in QUESTIONS:
            (status, told), (others_status, others) = one.get(path), other.get(path)
            assert (status, others_status) == (200, 200), path
            assert told is not None, path
            assert told == others, path
            assert one.get(path, others) == other.get(path, told) == (304, told), path
            tags[path] = told
        return tags

    def moved_on(asker: Asker, path: str, known: str) -> None:
        eventually(lambda: asker.get(path, known)[0] == 200)

    with processes.asking(stays) as one:
        for path in QUESTIONS:
            one.get(path)
    # The other one begins while the watermark is elsewhere, and nothing else is.
    rows.move_watermark(NOW + timedelta(seconds=7))
    os.kill(goes, signal.SIGKILL)
    eventually(lambda: len(processes.serving() - {goes}) == 2, WITHIN_S)
    (came,) = processes.serving() - {stays, goes}
    with processes.asking(stays) as one, processes.asking(came) as other:
        first = same_tags(one, other)
        rows.commit_zones({"s1": [group(2, 8)]}, watermark=NOW + timedelta(seconds=8))
        for each in (one, other):
            moved_on(each, "/v1/zones/s1", first["/v1/zones/s1"])
        changed = same_tags(one, other)
        rows.move_watermark(NOW + timedelta(seconds=23))
        for each in (one, other):
            moved_on(each, "/v1/availability", changed["/v1/availability"])
        later = same_tags(one, other)
    assert len({tags["/v1/availability"] for tags in (first, changed, later)}) == 3
