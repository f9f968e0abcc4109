"""Two publish processes on one database and one broker: one drives the signs, the other takes over when it is gone."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from baycast.settings import child_environment
from tests.support.brokers import Broker
from tests.support.ports import free_port
from tests.support.published_city import FRAMES, GREYFRIARS, City, Listener, listening
from tests.support.waiting import eventually

TTL_S = 40
WITHIN_S = 60.0


@dataclass(frozen=True)
class Publish:
    """A running `baycast publish`."""

    process: subprocess.Popen[bytes]
    metrics_port: int

    def says(self, gauge: str) -> float | None:
        """What it says of itself; None: nothing yet."""
        with contextlib.suppress(httpx.TransportError):
            page = httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5).text
            for line in page.splitlines():
                if line.startswith(f"baycast_publish_{gauge} "):
                    return float(line.split()[1])
        return None

    def until_it_drives(self) -> None:
        eventually(lambda: (self.says("connected"), self.says("standing_by")) == (1, 0), WITHIN_S)

    def until_it_stands_by(self) -> None:
        eventually(lambda: (self.says("connected"), self.says("standing_by")) == (0, 1), WITHIN_S)


@contextlib.contextmanager
def publish(city: City, broker: Broker) -> Iterator[Publish]:
    port = free_port()
    env = {
        "BAYCAST_DATABASE_URL": city.url,
        "BAYCAST_MQTT_URL": broker.url,
        "BAYCAST_PUBLISH_METRICS_PORT": str(port),
    }
    command = [sys.executable, "-m", "baycast", "publish"]
    process = subprocess.Popen(command, env=child_environment(env), stdin=subprocess.DEVNULL)
    try:
        yield Publish(process, port)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    made = City(database_url, clock="event", ttl_s=TTL_S)
    with made.connection:
        made.zone(free=2, occupied=18)
        yield made


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    with listening(broker.port) as made:
        yield made


def taken_over_s(listener: Listener, free: int, since_s: float) -> float:
    """How long it took until the sign and the zone's followers knew of a number."""
    frame = listener.frame(f"{free} LLE", f"{free} SPACES", within_s=WITHIN_S)
    listener.zone(GREYFRIARS, lambda zone: zone["free"] == free)
    return frame.at_s - since_s


def sequences(listener: Listener) -> list[int]:
    return [heard.body["sequence"] for heard in listener.all if heard.topic == FRAMES]


def test_l6_a_second_publisher_stands_by_and_takes_over_within_the_ttl(
    city: City, broker: Broker, listener: Listener
) -> None:
    with publish(city, broker) as first:
        listener.frame("2 LLE", "2 SPACES", within_s=WITHIN_S)
        with publish(city, broker) as second:
            second.until_it_stands_by()
            city.zone(free=3, occupied=17)
            listener.frame("3 LLE", "3 SPACES")
            first.process.kill()
            killed_s = time.monotonic()
            city.zone(free=4, occupied=16)
            assert taken_over_s(listener, 4, killed_s) < TTL_S / 2
            second.until_it_drives()
            told = sequences(listener)
            assert told == sorted(set(told)), "no frame came twice, and none from two hands"

            with publish(city, broker) as third:
                third.until_it_stands_by()
                second.process.terminate()
                listener.frame(within_s=WITHIN_S)  # a clean stop takes everything back
                listener.frame("4 LLE", "4 SPACES", within_s=WITHIN_S)
                listener.zone(GREYFRIARS, lambda zone: zone["unknown"] == 20)
                listener.zone(GREYFRIARS, lambda zone: zone["free"] == 4)
                assert second.process.wait(WITHIN_S) == 0
                third.until_it_drives()


def test_l6_one_that_stands_still_gives_way_and_stands_by_afterwards(
    city: City, broker: Broker, listener: Listener
) -> None:
    with publish(city, broker) as first:
        listener.frame("2 LLE", "2 SPACES", within_s=WITHIN_S)
        with publish(city, broker) as second:
            second.until_it_stands_by()
            first.process.send_signal(signal.SIGSTOP)
            stopped_s = time.monotonic()
            city.zone(free=5, occupied=15)
            assert taken_over_s(listener, 5, stopped_s) < TTL_S
            heard = len(listener.all)
            first.process.send_signal(signal.SIGCONT)
            first.until_it_stands_by()
            city.zone(free=6, occupied=14)
            listener.frame("6 LLE", "6 SPACES")
            listener.zone(GREYFRIARS, lambda zone: zone["free"] == 6)
            since = [one.body for one in listener.all[heard:]]
            assert all(told["pages"] for told in since if "pages" in told), "nobody blanked the sign"
            assert all(told["unknown"] == 0 for told in since if "unknown" in told), "nor withheld the zone"
            assert second.says("standing_by") == 0
