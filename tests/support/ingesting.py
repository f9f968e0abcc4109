"""A real ingest for the tests, in a thread or as a process to be killed, and what feeds and audits it."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from firmware_contract.topics import device_topic
from ingest.config import IngestConfig
from ingest.failures import IngestError
from ingest.health import Health
from ingest.run import run
from store.log import LogEntry, append_entries
from store.postgres import connect
from tests.support.waiting import eventually

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


def state(seq: int, *, boot: int = 1, occupied: bool | None = True, **more: object) -> bytes:
    """A bay sensor's reading."""
    body = {"boot": boot, "seq": seq, "at": "2026-03-02T09:00:00Z", "occupied": occupied, "cause": "change"}
    return json.dumps(body | more).encode()


def register(url: str, area: str = "cardiff", *, clock: str = "live", **devices: Sequence[str]) -> None:
    """Put an area and devices into log and registry: `sensor=["s1"], gate=["g1"]`."""
    docs: list[tuple[str, str, dict[str, object]]] = [("area", area, {"clock": clock})]
    docs += [(kind, device, {"area_id": area}) for kind, ids in devices.items() for device in ids]
    entries = [LogEntry("registry", f"{kind}/{id_}", doc, AT, "test") for kind, id_, doc in docs]
    with connect(url) as conn, conn.cursor() as cur:
        for kind, id_, doc in docs:
            cur.execute(
                "INSERT INTO registry (kind, id, area, doc, batch_id) VALUES ($1, $2, $3, $4,"
                " nextval('log_batch_id')) ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc",
                (kind, id_, area, json.dumps(doc)),
            )
        append_entries(cur, area, entries, clock=clock)


def rows(url: str, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        # Without parameters a % stands for itself.
        return conn.execute(query, parameters or None).fetchall()


def forbid_everything(url: str) -> None:
    """From now on nobody who connects to this database may look at anything of ours."""
    with psycopg.connect(url) as conn:
        conn.execute(f'ALTER DATABASE "{conn.info.dbname}" SET role TO pg_monitor')


def stored(url: str) -> list[tuple[Any, ...]]:
    """(device, boot, seq) of every reading."""
    return rows(url, "SELECT device_id, boot, seq FROM reading ORDER BY 1, 2, 3")


def quarantined(url: str) -> dict[str, int]:
    """Messages in quarantine by reason."""
    return {r: int(n) for r, n in rows(url, "SELECT reason, sum(count) FROM quarantine GROUP BY reason")}


def expected(count: int) -> list[tuple[str, int, int]]:
    """What `stored` finds of the first readings of `s1`."""
    return [("s1", 1, seq) for seq in range(count)]


class Publisher:
    """What devices do: publish at QoS 1 and wait for the broker's word."""

    def __init__(self, port: int) -> None:
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        self._client.max_inflight_messages_set(100)
        connected, self._gone = threading.Event(), threading.Event()
        self._client.on_connect = lambda *_: connected.set()
        self._client.on_disconnect = lambda *_: self._gone.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert connected.wait(10)

    def send(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        info = self._client.publish(topic, payload, qos=qos, retain=retain)
        info.wait_for_publish(10)
        assert info.is_published()

    def send_all(self, messages: Mapping[str, bytes] | Sequence[tuple[str, bytes]]) -> None:
        pairs = messages.items() if isinstance(messages, Mapping) else messages
        for info in [self._client.publish(topic, payload, qos=1) for topic, payload in pairs]:
            info.wait_for_publish(20)
            assert info.is_published()

    def attempt(self, topic: str, payload: bytes) -> None:
        """Publish what the broker may answer by closing the connection."""
        info = self._client.publish(topic, payload, qos=1)
        # Once the connection is closed under it, paho raises where it would say that nothing was published.
        eventually(lambda: self._gone.is_set() or (info.rc == mqtt.MQTT_ERR_SUCCESS and info.is_published()))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def send_states(publisher: Publisher, numbers: range) -> None:
    """Readings of `s1`, by their sequence numbers."""
    publisher.send_all([(device_topic("s1", "state"), state(seq)) for seq in numbers])


@contextmanager
def publishing(port: int) -> Iterator[Publisher]:
    publisher = Publisher(port)
    try:
        yield publisher
    finally:
        publisher.close()


def config_for(database_url: str, mqtt_url: str, **more: Any) -> IngestConfig:
    """Quicker than in production where a test would wait."""
    fast = IngestConfig(
        database_url=database_url,
        mqtt_url=mqtt_url,
        canary_every_s=0.1,
        registry_poll_s=0.1,
        start_within_s=10,
        lock_within_s=1,
    )
    return replace(fast, **more)


@contextmanager
def ingesting(config: IngestConfig, health: Health | None = None) -> Iterator[None]:
    """Ingest in a thread of this process, subscribed when the block begins; raises its failure at the end."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def target() -> None:
        try:
            run(config, stop, health)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    thread = threading.Thread(target=target, name="ingest-under-test")
    before = _canaries(config)
    thread.start()
    try:
        eventually(lambda: failures or _canaries(config) != before)
        yield
    finally:
        stop.set()
        thread.join(20)
    if failures:
        raise failures[0]
    assert not thread.is_alive()


def _canaries(config: IngestConfig) -> list[tuple[Any, ...]]:
    return rows(
        config.database_url,
        "SELECT canary_at FROM ingest_worker WHERE worker_id = %s AND canary_at IS NOT NULL",
        config.worker_id,
    )


class IngestProcess:
    """Ingest as a process of its own, to be killed or stopped by signal."""

    def __init__(self, config: IngestConfig) -> None:
        self._config = config
        self._before = _canaries(config)
        fields = {name: getattr(config, name) for name in config.__dataclass_fields__}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.ingesting", json.dumps(fields)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> None:
        """Wait until it is subscribed and has committed a canary."""
        eventually(lambda: _canaries(self._config) != self._before)

    def wait(self, timeout: float = 20.0) -> tuple[int, str]:
        """Exit status (negative: the signal) and what it wrote to stderr."""
        _, errors = self._process.communicate(timeout=timeout)
        return self._process.returncode, errors

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def ingest_process(config: IngestConfig) -> Iterator[IngestProcess]:
    process = IngestProcess(config)
    try:
        yield process
    finally:
        process.kill()


def main() -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _signum, _frame: stop.set())
    try:
        run(IngestConfig(**json.loads(sys.argv[1])), stop)
    except IngestError as error:
        print(f"baycast: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
