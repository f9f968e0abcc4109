"""The ingest process: MQTT thread -> inbox -> batch -> one transaction -> COMMIT -> PUBACK (L1)."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import start_http_server

from firmware_contract.codec import encode
from firmware_contract.messages import Canary
from firmware_contract.topics import SUBSCRIPTIONS, canary_topic
from ingest import metrics
from ingest.batch import Batcher
from ingest.broker_url import parse_broker_url
from ingest.client import ConnectionConfig, Subscription
from ingest.connection import Connection
from ingest.failures import IngestError, Stopped
from ingest.flood import FloodGate
from ingest.inbox import Inbox, Received
from ingest.session import DatabaseSession
from ingest.translate import Item, Translator
from ingest.writer import Writer
from store.devices import Directory, worker_known

log = logging.getLogger(__name__)

_STOP_WITHIN_S = 4.0
_IDLE_WAIT_S = 0.5
_CPU_DECODE = metrics.CPU_SECONDS.labels("decode")
_CPU_APPEND = metrics.CPU_SECONDS.labels("append")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestConfig:
    """What the process needs; URLs hold passwords, so they never appear in its repr or log."""

    database_url: str
    mqtt_url: str
    worker_id: str = "ingest-1"
    """Also names the MQTT session and the canary: one process at a time, the same after a restart."""
    shared_group: str | None = None
    """Workers that share the feed name the same group (an MQTT 5 shared subscription)."""
    batch_max: int = 1000
    batch_age_s: float = 0.02
    batch_quiet_s: float = 0.005
    in_flight_max: int = 2000
    """Messages that the broker may have on the way to us without acknowledgement: bounds memory (L8)."""
    session_expiry_s: int = 7 * 86_400
    quarantine_per_hour: int = 1000
    """Refused messages kept per source and hour; beyond it a count and a sample."""
    canary_every_s: float = 1.0
    registry_poll_s: float = 2.0
    start_within_s: float = 15.0
    """How long the database and the broker may take to appear at the start."""
    lock_within_s: float = 20.0
    """How long the lock of a predecessor that died may linger."""
    metrics_port: int = 0
    metrics_host: str = "127.0.0.1"
    ready_file: Path | None = None
    """Touched at a COMMIT, at most once a second: its age is the process's health."""
    crash_point: str | None = None
    """Chaos: kill -9 ourselves at "enqueued", "received", "before_commit" or "committed", or "...:7" at the 7th."""

    def __repr__(self) -> str:
        return f"IngestConfig(worker_id={self.worker_id!r}, batch_max={self.batch_max})"


def run(config: IngestConfig, stop: threading.Event) -> None:
    """Work until `stop` is set. Raises `IngestError`, one line for the operator, when that is not possible.

    What was received and not acknowledged at any end, orderly or not, is delivered again by the broker.
    """
    broker = parse_broker_url(config.mqtt_url)
    try:
        topic = canary_topic(config.worker_id)
    except ValueError as error:
        raise IngestError(str(error)) from None
    session = DatabaseSession(
        config.database_url,
        config.worker_id,
        stop,
        start_within_s=config.start_within_s,
        lock_within_s=config.lock_within_s,
    )
    crash = _crasher(config.crash_point)
    translator = Translator(config.worker_id, Directory())
    writer = Writer(session, translator, FloodGate(config.quarantine_per_hour), crash)
    # Room for one window of the broker, and for one more that a lost session left us as the only holder of.
    inbox = Inbox(2 * config.in_flight_max)
    try:
        with _metrics_server(config):
            known = session.run(lambda conn: worker_known(conn.cursor(), config.worker_id))
            writer.refresh()
            connection = Connection(
                ConnectionConfig(
                    broker=broker,
                    client_id=f"baycast-{config.worker_id}",
                    subscriptions=_subscriptions(config.shared_group, topic),
                    in_flight_max=config.in_flight_max,
                    session_expiry_s=config.session_expiry_s,
                    canary_topic=topic,
                    canary_every_s=config.canary_every_s,
                    first_connect_within_s=config.start_within_s,
                    expects_session=known,
                ),
                inbox,
                lambda at: encode(Canary(worker=config.worker_id, at=at)),
                crash,
            )
            pump = _Pump(config, writer, translator, inbox=inbox, connection=connection, crash=crash)
            connection.start()
            try:
                pump.run(stop)
            finally:
                connection.stop(_STOP_WITHIN_S / 2)
            writer.stopped()
    except Stopped:
        log.warning("stopped while the database was away; what was not acknowledged stays with the broker")
    finally:
        session.close()


@contextmanager
def _metrics_server(config: IngestConfig) -> Iterator[None]:
    """Serve /metrics for the time of the block, unless the port is 0."""
    if not config.metrics_port:
        yield
        return
    try:
        server, thread = start_http_server(config.metrics_port, addr=config.metrics_host)
    except OSError as error:
        where = f"{config.metrics_host}:{config.metrics_port}"
        raise IngestError(f"metrics: cannot listen on {where}: {error.strerror or error}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _subscriptions(shared_group: str | None, canary: str) -> Sequence[Subscription]:
    prefix = f"$share/{shared_group}/" if shared_group else ""
    return (
        *(
            Subscription(topic=prefix + topic, send_retained=topic.endswith("/link"))
            for topic in SUBSCRIPTIONS
        ),
        Subscription(topic=canary),  # last: when it is granted, so are the others
    )


def _crasher(point: str | None) -> Callable[[str], None]:
    wanted, _, nth = (point or "").partition(":")
    passings = itertools.count(1)

    def crash(name: str) -> None:
        if name == wanted and next(passings) >= int(nth or 1):
            os.kill(os.getpid(), signal.SIGKILL)

    return crash


class _Pump:
    """The writer's loop, on the main thread of the process."""

    def __init__(
        self,
        config: IngestConfig,
        writer: Writer,
        translator: Translator,
        *,
        inbox: Inbox,
        connection: Connection,
        crash: Callable[[str], None],
    ) -> None:
        self._config = config
        self._writer = writer
        self._translator = translator
        self._inbox = inbox
        self._connection = connection
        self._crash = crash
        self._batcher: Batcher[Received] = Batcher(config.batch_max, config.batch_age_s, config.batch_quiet_s)
        self._oldest: datetime | None = None
        self._touched = 0.0
        metrics.BACKLOG.set_function(lambda: float(len(inbox)))
        metrics.LAST_COMMIT_AGE.set_function(lambda: time.monotonic() - writer.last_commit)
        metrics.OLDEST_UNACKED.set_function(self._oldest_age)

    def run(self, stop: threading.Event) -> None:
        refresh_at = time.monotonic() + self._config.registry_poll_s
        while not stop.is_set():
            self._connection.check()
            wait = self._batcher.wait(time.monotonic())
            taken = self._inbox.take(self._batcher.room, _IDLE_WAIT_S if wait is None else wait)
            now = time.monotonic()
            if taken:
                self._oldest = self._oldest or taken[0].received_at
                self._batcher.add(taken, now)
            if self._batcher.due(now):
                self._flush()
            if now >= refresh_at or self._writer.registry_hinted():
                self._writer.refresh()
                refresh_at = time.monotonic() + self._config.registry_poll_s
        # What is here already is finished; what comes now stays with the broker.
        self._batcher.add(self._inbox.take(self._batcher.room, 0.0), time.monotonic())
        self._flush()

    def _flush(self) -> None:
        """Commit the batch, then acknowledge it: in this order, always (L1)."""
        batch = self._batcher.take()
        if not batch:
            return
        began = time.thread_time()
        items: list[Item] = []
        for message in batch:
            # A retained copy of an event is no new event; a link's last word is made to be retained.
            if message.retain and not message.topic.endswith("/link"):
                metrics.RETAINED.inc()
            else:
                items += self._translator.items(message.topic, message.payload, message.received_at)
        for kind, count in self._translator.seen.items():
            metrics.MESSAGES.labels(kind).inc(count)
        self._translator.seen.clear()
        decoded = time.thread_time()
        _CPU_DECODE.inc(decoded - began)
        self._crash("received")
        self._writer.store(items)
        _CPU_APPEND.inc(time.thread_time() - decoded)
        self._crash("committed")
        self._connection.acknowledge([(message.generation, message.mid) for message in batch if message.qos])
        metrics.LAG_SECONDS.observe(max(0.0, time.time() - batch[0].received_at.timestamp()))
        self._oldest = None
        self._touch_ready_file()

    def _oldest_age(self) -> float:
        oldest = self._oldest
        return 0.0 if oldest is None else (datetime.fromtimestamp(time.time(), UTC) - oldest).total_seconds()

    def _touch_ready_file(self) -> None:
        now = time.monotonic()
        if self._config.ready_file is not None and now - self._touched >= 1.0:
            self._config.ready_file.touch()
            self._touched = now
