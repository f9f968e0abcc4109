"""The ingest process: MQTT thread -> inbox -> batch -> one transaction -> COMMIT -> PUBACK (L1)."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from firmware_contract.codec import encode
from firmware_contract.messages import Canary
from firmware_contract.topics import SUBSCRIPTIONS, canary_topic
from ingest import metrics
from ingest.batch import Batcher
from ingest.broker_condition import BrokerCondition
from ingest.broker_url import parse_broker_url
from ingest.client import ConnectionConfig, Subscription
from ingest.config import IngestConfig
from ingest.connection import Connection
from ingest.drain import end_session, is_drained
from ingest.failures import IngestError, Stopped
from ingest.flood import FloodGate
from ingest.health import Health
from ingest.inbox import Inbox, Received
from ingest.session import DatabaseSession
from ingest.translate import Item, Translator
from ingest.watchdog import Guard, Watchdog
from ingest.writer import Writer
from store.devices import Directory
from store.workers import begin_worker, forget_worker, list_workers, settle_worker

log = logging.getLogger(__name__)

_STOP_WITHIN_S = 4.0
_IDLE_WAIT_S = 0.5
_CPU_DECODE = metrics.CPU_SECONDS.labels("decode")
_CPU_APPEND = metrics.CPU_SECONDS.labels("append")


def run(config: IngestConfig, stop: threading.Event, health: Health | None = None) -> None:
    """Work until `stop` is set, or until a session to `drain` is. Raises `IngestError`, one line for the operator.

    What was received and not acknowledged at any end, orderly or not, is delivered again by the broker.
    """
    broker = parse_broker_url(config.mqtt_url)
    try:
        topic = canary_topic(config.worker_id)
    except ValueError as error:
        raise IngestError(str(error)) from None
    watchdog = Watchdog()
    session = DatabaseSession(
        config.database_url,
        config.worker_id,
        stop,
        watchdog,
        start_within_s=config.start_within_s,
        lock_within_s=config.lock_within_s,
        unit_within_s=config.unit_within_s,
    )
    crash = _crasher(config.crash_point)
    translator = Translator(config.worker_id, Directory())
    writer = Writer(session, translator, FloodGate(config.quarantine_per_hour), crash)
    condition = BrokerCondition(str(broker))
    # Room for one window of the broker, and for one more that a lost session left us as the only holder of.
    inbox = Inbox(2 * config.in_flight_max)
    subscriptions = _subscriptions(config, topic)
    filters = [subscription.topic for subscription in subscriptions]
    watchdog.start()
    try:
        if config.drain:
            _require_known(session, config.worker_id)
        begun = session.run(lambda conn: begin_worker(conn.cursor(), config.worker_id, filters))
        writer.refresh()
        at_broker = ConnectionConfig(
            broker=broker,
            client_id=f"baycast-{config.worker_id}",
            subscriptions=subscriptions,
            in_flight_max=config.in_flight_max,
            session_expiry_s=config.session_expiry_s,
            keepalive_s=config.keepalive_s,
            canary_topic=topic,
            canary_every_s=config.canary_every_s,
            first_connect_within_s=config.start_within_s,
            expects_session=begun.known,
            # The whole feed beside a share of it: a session from before there were workers to share with.
            stale_filters=sorted({*begun.stale, *SUBSCRIPTIONS}.difference(filters)),
        )
        connection = Connection(
            at_broker,
            inbox,
            lambda at: encode(Canary(worker=config.worker_id, at=at)),
            watchdog,
            condition.take,
            crash,
        )
        pump = _Pump(
            config,
            writer,
            translator,
            inbox=inbox,
            connection=connection,
            crash=crash,
            alive=session.alive,
            health=health or Health(),
        )

        def over() -> bool:
            condition.note(session)
            return stop.is_set() or (config.drain and is_drained(writer, connection))

        connection.start()
        try:
            with session.alive:
                pump.run(over)
        finally:
            settled = connection.settled
            connection.stop(_STOP_WITHIN_S / 2)
        if config.drain:
            if not stop.is_set() and end_session(at_broker, watchdog, stop):
                session.run(lambda conn: forget_worker(conn.cursor(), config.worker_id))
                log.info("the session of %s is drained and removed", config.worker_id)
            return
        if settled:
            session.run(lambda conn: settle_worker(conn.cursor(), config.worker_id, filters))
        writer.stopped()
    except Stopped:
        log.warning("stopped while the database was away; what was not acknowledged stays with the broker")
    finally:
        session.close()
        watchdog.stop()


def _require_known(session: DatabaseSession, worker_id: str) -> None:
    """Raise `IngestError` for a worker id that never was: with a typing mistake nothing is drained."""
    known = [worker.worker_id for worker in session.run(lambda conn: list_workers(conn.cursor()))]
    if worker_id not in known:
        raise IngestError(f"there is no such worker; known are: {', '.join(known) or 'none'}")


def _subscriptions(config: IngestConfig, canary: str) -> Sequence[Subscription]:
    if config.drain:  # what waits comes without being asked for, and nothing else shall
        return (Subscription(topic=canary),)
    prefix = f"$share/{config.shared_group}/" if config.shared_group else ""
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
        alive: Guard,
        health: Health,
    ) -> None:
        self._config = config
        self._alive = alive
        self._health = health
        health.watch(lambda: time.monotonic() - writer.last_commit, self._oldest_age)
        self._writer = writer
        self._translator = translator
        self._inbox = inbox
        self._connection = connection
        self._crash = crash
        self._batcher: Batcher[Received] = Batcher(config.batch_max, config.batch_age_s, config.batch_quiet_s)
        self._oldest: datetime | None = None
        metrics.BACKLOG.set_function(lambda: float(len(inbox)))
        metrics.LAST_COMMIT_AGE.set_function(lambda: time.monotonic() - writer.last_commit)
        metrics.OLDEST_UNACKED.set_function(self._oldest_age)

    def run(self, over: Callable[[], bool]) -> None:
        refresh_at = time.monotonic() + self._config.registry_poll_s
        while not over():
            self._alive.beat()
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
        self._health.committed()

    def _oldest_age(self) -> float:
        oldest = self._oldest
        return 0.0 if oldest is None else (datetime.fromtimestamp(time.time(), UTC) - oldest).total_seconds()
