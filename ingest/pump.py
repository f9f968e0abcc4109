"""From the inbox to the PUBACK: while one batch is in the database, the next is collected and decoded.

Two threads take turns on a batch. The pump's own collects and decodes; a second one stores and then has the
messages acknowledged, one batch at a time and in order (L1). What storing raises ends the pump before it hands over
another batch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from ingest import metrics
from ingest.batch import Batcher
from ingest.connection import Connection
from ingest.inbox import Inbox, Received
from ingest.translate import Item, Translator
from ingest.writer import Writer

_IDLE_WAIT_S = 0.5
_CPU_DECODE = metrics.CPU_SECONDS.labels("decode")
_CPU_APPEND = metrics.CPU_SECONDS.labels("append")


class Pump:
    """`run` works until asked to stop. `crash` is for chaos tests: it may kill the process at a named point."""

    def __init__(
        self,
        writer: Writer,
        translator: Translator,
        *,
        inbox: Inbox,
        connection: Connection,
        batcher: Batcher[Received],
        registry_poll_s: float,
        ready_file: Path | None,
        crash: Callable[[str], None],
    ) -> None:
        self._writer = writer
        self._translator = translator
        self._inbox = inbox
        self._connection = connection
        self._batcher = batcher
        self._registry_poll_s = registry_poll_s
        self._ready_file = ready_file
        self._crash = crash
        self._storing: Future[None] | None = None
        self._collecting_since: datetime | None = None
        self._storing_since: datetime | None = None
        self._touched = 0.0
        metrics.BACKLOG.set_function(lambda: float(len(inbox)))
        metrics.LAST_COMMIT_AGE.set_function(lambda: time.monotonic() - writer.last_commit)
        metrics.OLDEST_UNACKED.set_function(self._oldest_age)

    def run(self, stop: threading.Event) -> None:
        """Raises what ended the receiving thread, and what storing raised."""
        with ThreadPoolExecutor(1, thread_name_prefix="ingest-store") as executor:
            self._collect(executor, stop)
            # What is here already is finished; what comes now stays with the broker.
            self._add(self._inbox.take(self._batcher.room, 0.0))
            self._flush(executor)
            self._settle()

    def _collect(self, executor: ThreadPoolExecutor, stop: threading.Event) -> None:
        refresh_at = time.monotonic() + self._registry_poll_s
        while not stop.is_set():
            self._connection.check()
            self._add(self._inbox.take(self._batcher.room, self._wait()))
            # While the store is busy a batch may as well grow; only a full one is decoded meanwhile.
            if self._batcher.due(time.monotonic()) and not (self._busy and self._batcher.room):
                self._flush(executor)
            if time.monotonic() >= refresh_at or self._writer.registry_hinted():
                self._settle()  # nobody else may use the session, nor the directory that it replaces
                self._writer.refresh()
                refresh_at = time.monotonic() + self._registry_poll_s

    @property
    def _busy(self) -> bool:
        return self._storing is not None and not self._storing.done()

    def _wait(self) -> float:
        """Seconds to wait for messages. The end of storing ends the wait, too."""
        due_in = self._batcher.wait(time.monotonic())
        return _IDLE_WAIT_S if due_in is None or self._busy else due_in

    def _add(self, taken: Sequence[Received]) -> None:
        if taken:
            self._collecting_since = self._collecting_since or taken[0].received_at
            self._batcher.add(taken, time.monotonic())

    def _flush(self, executor: ThreadPoolExecutor) -> None:
        """Decode the batch and hand it over as soon as the one before is stored."""
        batch = self._batcher.take()
        if not batch:
            return
        items = self._decode(batch)
        self._settle()
        self._storing_since, self._collecting_since = self._collecting_since, None
        self._storing = executor.submit(self._store, batch, items)
        self._storing.add_done_callback(lambda _: self._inbox.wake())

    def _settle(self) -> None:
        """Wait until nothing is being stored; raise what storing raised."""
        storing, self._storing = self._storing, None
        if storing is not None:
            storing.result()

    def _decode(self, batch: Sequence[Received]) -> list[Item]:
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
        _CPU_DECODE.inc(time.thread_time() - began)
        return items

    def _store(self, batch: Sequence[Received], items: Sequence[Item]) -> None:
        """On the storing thread: commit the batch, then acknowledge it, in this order, always (L1)."""
        began = time.thread_time()
        self._crash("received")
        self._writer.store(items)
        self._crash("committed")
        self._connection.acknowledge([(message.generation, message.mid) for message in batch if message.qos])
        self._storing_since = None
        metrics.LAG_SECONDS.observe(max(0.0, time.time() - batch[0].received_at.timestamp()))
        self._touch_ready_file()
        _CPU_APPEND.inc(time.thread_time() - began)

    def _oldest_age(self) -> float:
        oldest = self._storing_since or self._collecting_since
        return 0.0 if oldest is None else (datetime.fromtimestamp(time.time(), UTC) - oldest).total_seconds()

    def _touch_ready_file(self) -> None:
        now = time.monotonic()
        if self._ready_file is not None and now - self._touched >= 1.0:
            self._ready_file.touch()
            self._touched = now
