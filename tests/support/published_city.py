"""A small city written straight into the registry and the derived tables, and a listener on the broker."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from psycopg import sql
from psycopg.conninfo import make_conninfo

from publish.config import PublishConfig
from publish.run import run
from store import keys
from store.keys import Scope
from store.postgres import connect

WAIT_S = 15.0
GREYFRIARS = "greyfriars-rd"
CASTLE = "castle-st"
SIGN = "newport-rd-vms"
FRAMES = f"baycast/v1/sign/{SIGN}/frame"


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def zone_topic(zone_id: str) -> str:
    return f"baycast/v1/live/cardiff/zone/{zone_id}"


class City:
    """One area with a car park and a street, one generation, and a sign for the car park."""

    def __init__(self, url: str, *, clock: str = "live", ttl_s: int = 60, full_below: int = 1) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)
        self.version = 0
        area: dict[str, object] = {
            "name": {"en": "Cardiff", "cy": "Caerdydd"},
            "time_zone": "Europe/London",
            "languages": ["cy", "en"],
            "clock": clock,
        }
        self.document("area", "cardiff", area)
        self.document(
            "zone",
            GREYFRIARS,
            {
                "area_id": "cardiff",
                "kind": "car_park",
                "name": {"en": "Greyfriars Road", "cy": "Heol y Brodyr Llwydion"},
                "lat": 51.484,
                "lon": -3.176,
                "capacity": 20,
            },
        )
        street = {"area_id": "cardiff", "kind": "street", "name": {"en": "Castle Street"}}
        self.document("zone", CASTLE, {**street, "lat": 51.481, "lon": -3.181})
        self.sign = {
            "area_id": "cardiff",
            "name": {"en": "Newport Road"},
            "zone_ids": [GREYFRIARS],
            "lat": 51.487,
            "lon": -3.16,
            "ttl_s": ttl_s,
            "min_dwell_s": 0,
            "full_below": full_below,
        }
        self.document("sign", SIGN, self.sign)
        self.execute(
            "INSERT INTO generation (area, generation, status, engine_version, watermark)"
            " VALUES ('cardiff', 1, 'live', 'test', now())"
        )
        self.zone(CASTLE, free=0, occupied=0, unknown=4, source="sensor")

    def execute(self, statement: str, *args: object) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement, args)
        return cursor.fetchall() if cursor.description else []

    def document(self, kind: str, id: str, doc: dict[str, object] | None) -> None:
        """Change the registry's projection, as its log entry would."""
        self.execute("DELETE FROM registry WHERE kind = %s AND id = %s", kind, id)
        if doc is not None:
            self.execute(
                "INSERT INTO registry (kind, id, area, doc, batch_id)"
                " VALUES (%s, %s, 'cardiff', %s, nextval('log_batch_id'))",
                kind,
                id,
                json.dumps(doc),
            )
        self.execute("SELECT pg_notify('baycast_registry', 'cardiff')")

    def zone(
        self,
        zone_id: str = GREYFRIARS,
        *,
        free: int,
        occupied: int,
        unknown: int = 0,
        free_min: int | None = None,
        source: str = "count",
    ) -> str:
        """Commit a zone's answer as the engine would; return its version token."""
        self.version += 1
        counts = {"free": free, "occupied": occupied, "unknown": unknown, "closed": 0}
        group = {"bay_type": "standard", "access": ["general"], "max_stay_min": None, **counts}
        with self.connection.transaction():
            self.execute("DELETE FROM zone_state WHERE zone_id = %s", zone_id)
            self.execute(
                "INSERT INTO zone_state VALUES"
                " ('cardiff', 1, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s, now(), %s, 0.9, 1)",
                zone_id,
                self.version,
                free + occupied + unknown,
                free,
                occupied,
                unknown,
                free if free_min is None else free_min,
                free + unknown,
                json.dumps([group]),
                source,
            )
            self.execute(
                "UPDATE generation SET version = %s, position = position + 1, watermark = now()", self.version
            )
            self.execute("SELECT pg_notify('baycast_feed', 'cardiff')")
        return f"1.{self.version}"

    def watermark(self, age: timedelta) -> None:
        """Move the watermark alone, as a canary would."""
        self.execute("UPDATE generation SET watermark = %s", utc_now() - age)

    def cut(self) -> None:
        """Let nobody into the database, and throw out everybody but us."""
        self._allow_connections(False)
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def mend(self) -> None:
        self._allow_connections(True)

    def sign_key(self) -> str:
        """A new key that may say what signs show."""
        with connect(self.url, autocommit=True) as conn:
            _, secret = keys.create(
                conn,
                label="vms",
                scopes=[Scope.SIGNS],
                areas=["cardiff"],
                expires_at=None,
                made_by="user test",
                made_at=utc_now(),
            )
        return secret

    def _allow_connections(self, allowed: bool) -> None:
        name = self.connection.info.dbname
        with psycopg.connect(make_conninfo(self.url, dbname="postgres"), autocommit=True) as other:
            other.execute(
                sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}").format(
                    sql.Identifier(name), sql.Literal(allowed)
                )
            )


@dataclass(frozen=True, slots=True)
class Heard:
    topic: str
    payload: bytes
    retained: bool
    expiry_s: int | None
    at_s: float

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.payload)
        return body

    @property
    def says(self) -> list[str]:
        return [" / ".join(page["lines"]) for page in self.body["pages"]]


class Listener:
    """A subscriber that remembers everything, in order."""

    def __init__(self, port: int) -> None:
        self.all: list[Heard] = []
        self._queue: queue.Queue[Heard] = queue.Queue()
        self._waiting: defaultdict[str, deque[Heard]] = defaultdict(deque)
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe(
            [("baycast/v1/live/#", 1), ("baycast/v1/sign/#", 1)]
        )
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(WAIT_S)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        expiry_s = getattr(message.properties, "MessageExpiryInterval", None)
        self._queue.put(
            Heard(message.topic, bytes(message.payload), message.retain, expiry_s, time.monotonic())
        )

    def wait(self, topic: str, wanted: Callable[[Heard], bool], within_s: float = WAIT_S) -> Heard:
        """Return the next message of the topic that is `wanted`; those of other topics wait."""
        ends_s = time.monotonic() + within_s
        waiting = self._waiting[topic]
        while True:
            while waiting:
                heard = waiting.popleft()
                if wanted(heard):
                    return heard
            try:
                heard = self._queue.get(timeout=max(0.0, ends_s - time.monotonic()))
            except queue.Empty:
                last = [heard.payload for heard in self.all if heard.topic == topic][-3:]
                raise AssertionError(f"not heard in time on {topic}; the last were {last}") from None
            self.all.append(heard)
            self._waiting[heard.topic].append(heard)

    def frame(self, *says: str, within_s: float = WAIT_S) -> Heard:
        """Return the next frame with these pages."""
        return self.wait(FRAMES, lambda heard: heard.says == list(says), within_s)

    def zone(self, zone_id: str, wanted: Callable[[dict[str, Any]], bool]) -> Heard:
        """Return the next `wanted` document of the zone."""
        return self.wait(zone_topic(zone_id), lambda heard: bool(heard.payload) and wanted(heard.body))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def listening(port: int) -> Iterator[Listener]:
    listener = Listener(port)
    try:
        yield listener
    finally:
        listener.close()


@contextmanager
def publishing(database_url: str, mqtt_url: str, **settings: Any) -> Iterator[threading.Event]:
    """Run the real publisher in a thread; a failure of its own fails the test."""
    config = PublishConfig(database_url=database_url, mqtt_url=mqtt_url, **settings)
    stop = threading.Event()
    failures: list[BaseException] = []

    def body() -> None:
        try:
            run(config, stop)
        except BaseException as failure:  # noqa: BLE001 - shown by the test
            failures.append(failure)

    thread = threading.Thread(target=body, name="publish")
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(WAIT_S)
        assert not thread.is_alive(), "the publisher did not stop"
        assert not failures, failures
