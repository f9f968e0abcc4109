"""The ingest process: MQTT thread -> inbox -> pump -> one transaction -> COMMIT -> PUBACK (L1)."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import start_http_server

from firmware_contract.codec import encode
from firmware_contract.messages import Canary
from firmware_contract.topics import SUBSCRIPTIONS, canary_topic
from ingest.batch import Batcher
from ingest.broker_url import parse_broker_url
from ingest.client import ConnectionConfig, Subscription
from ingest.connection import Connection
from ingest.failures import IngestError, Stopped
from ingest.flood import FloodGate
from ingest.inbox import Inbox
from ingest.pump import Pump
from ingest.session import DatabaseSession
from ingest.translate import Translator
from ingest.writer import Writer
from store.devices import Directory, worker_known

log = logging.getLogger(__name__)

_STOP_WITHIN_S = 4.0


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
    """For chaos tests: kill -9 ourselves at "received", "before_commit" or "committed"; "committed:7": the 7th time."""

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
            )
            pump = Pump(
                writer,
                translator,
                inbox=inbox,
                connection=connection,
                batcher=Batcher(config.batch_max, config.batch_age_s, config.batch_quiet_s),
                registry_poll_s=config.registry_poll_s,
                ready_file=config.ready_file,
                crash=crash,
            )
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
