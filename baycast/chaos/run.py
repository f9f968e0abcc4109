"""One run: stack up, stream and schedule, quiesce, audit."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from baycast.chaos import city, collect, ledger
from baycast.chaos.auditor import Scope, Verdict, audit
from baycast.chaos.evidence import Evidence
from baycast.chaos.figures import figures_of
from baycast.chaos.finding import Finding
from baycast.chaos.nemesis import Nemesis, Stuck
from baycast.chaos.progress import Progress
from baycast.chaos.schedule import Fault, Profile, Step, schedule
from baycast.chaos.stack import Stack, eventually, last_line, utc_now
from baycast.chaos.stream import StreamPlan

AHEAD = 3
"""Steps that the publisher may be ahead of the schedule: every fault finds traffic to disturb."""
_STALL_S = 120.0
_EVERYTHING = 2**62
_SAVED_S = 3.0
"""After the last kill of a broker that may lose: every device's last word comes when all before it is saved or lost."""
_CAUGHT_UP = timedelta(seconds=3)
"""The watermark of an ingest that keeps up is not older: a canary a second, and its way through the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is run."""

    profile: Profile
    seed: int
    events: int
    faults: int | None = None
    """Fewer faults than the profile has; None: all."""
    packages: Path
    """Where a mosquitto without root is unpacked to."""
    server: str | None = None
    """URL of an outside database server; None: an embedded one."""

    def steps(self) -> list[Step]:
        return schedule(self.profile, self.seed, self.events, self.faults)


@dataclass(frozen=True, slots=True)
class Result:
    figures: dict[str, float]
    findings: list[Finding]
    stuck: str | None


class Run:
    """`say` is told what happens; `check` is called often and raises when the run was interrupted."""

    def __init__(self, order: Order, say: Callable[[str], None], check: Callable[[], None]) -> None:
        self._order = order
        self._say = say
        self._check = check
        self._stall_s = 0.0

    def result(self) -> Result:
        """Do it all. Raises `UsageError` when the servers cannot be started."""
        began = time.monotonic()
        profile = self._order.profile
        with own_folder() as folder, Progress(folder / "progress") as progress:
            stack = Stack(folder, profile, packages=self._order.packages, server=self._order.server)
            nemesis = Nemesis(stack, self._say, self._check)
            stuck: str | None = None
            try:
                stack.start()
                try:
                    self._attack(stack, nemesis, progress)
                    self._quiesce(stack, nemesis, progress)
                except Stuck as why:
                    stuck = str(why)
                ran = time.monotonic() - began
                verdict = self._audit(stack, folder, rebuild=stuck is None)
                more = {} if stack.compressor is None else stack.compressor.figures()
            finally:
                nemesis.close()
                stack.close()
            figures = figures_of(verdict, nemesis.damage)
            figures |= more | {
                "longest_stall_s": self._stall_s,
                "publisher_reconnects": progress.reconnects,
                "seconds": time.monotonic() - began,
                "run_seconds": ran,
            }
        return Result(figures, verdict.findings, stuck)

    def _attack(self, stack: Stack, nemesis: Nemesis, progress: Progress) -> None:
        order, profile = self._order, self._order.profile
        steps = order.steps()
        stack.start_ingest()
        stack.start_engine()
        before = nemesis.position()
        if not eventually(lambda: nemesis.position() > before, 30.0, nemesis.poll):
            raise Stuck("ingest did not commit its first canary within 30 s")
        plan = StreamPlan(
            seed=order.seed,
            events=order.events,
            devices=profile.devices,
            started_ms=int(time.time() * 1000),
            poison_share=profile.poison_share,
        )
        stack.start_publisher(plan)
        for index, step in enumerate(steps):
            ahead = steps[index + AHEAD].at if index + AHEAD < len(steps) else order.events
            progress.allowed = _EVERYTHING if step.fault is Fault.DB_OUTAGE else ahead
            self._until(lambda at=step.at: progress.acked >= at, progress, nemesis, stack)  # type: ignore[misc]
            self._say(f"{index + 1:>4}/{len(steps)} {step}")
            acked = progress.acked
            nemesis.strike(step)
            if step.fault is Fault.DB_OUTAGE:
                self._drain(stack, nemesis, progress.acked - acked)
        if profile.broker_may_lose:
            nemesis.hold(_SAVED_S)
        progress.allowed = _EVERYTHING

    def _drain(self, stack: Stack, nemesis: Nemesis, backlog: int) -> None:
        """Wait until an outage's backlog is worked off, beside what comes meanwhile."""
        began = time.monotonic()
        with collect.connect(stack.database_url) as conn:
            self._while_moving(
                lambda: utc_now() - _watermark(conn) < _CAUGHT_UP, nemesis.position, nemesis, "ingest"
            )
        took = time.monotonic() - began
        nemesis.damage.drained_per_s = backlog / took
        self._say(f"{backlog} readings that had waited were stored within {took:.1f} s, beside new ones")

    def _until(self, done: Callable[[], bool], progress: Progress, nemesis: Nemesis, stack: Stack) -> None:
        """Wait as long as the publisher makes progress or has ended."""
        seen, since = progress.acked, time.monotonic()
        while not done():
            nemesis.poll()
            if stack.publisher is not None and stack.publisher.poll() is not None:
                if stack.publisher.returncode != 0:
                    raise Stuck("the publisher failed: " + last_line(stack.logs / "publisher.log"))
                return
            if progress.acked != seen:
                seen, since = progress.acked, time.monotonic()
            elif time.monotonic() - since > _STALL_S:
                raise Stuck(f"the broker acknowledged nothing for {_STALL_S:.0f} s")
            time.sleep(0.01)  # the nemesis strikes by progress: looked at as often as a core can afford

    def _quiesce(self, stack: Stack, nemesis: Nemesis, progress: Progress) -> None:
        """Publisher done; the watermark past its last word; ingest stopped in order; the engine at the head."""
        self._until(lambda: False, progress, nemesis, stack)
        self._say(f"publisher done: {progress.acked} readings acknowledged")
        if self._order.profile.compresses:
            nemesis.register_rest()
        last = datetime.fromtimestamp(progress.last_ack_ns / 1e9, UTC)
        with collect.connect(stack.database_url) as conn:
            self._while_moving(lambda: _watermark(conn) > last, nemesis.position, nemesis, "ingest")
            ingest, stack.ingest = stack.ingest, None
            if ingest is not None:
                ingest.terminate()
                if not eventually(lambda: ingest.poll() is not None, 15.0, self._check):
                    ingest.kill()
                    raise Stuck("ingest did not end within 15 s of SIGTERM")
            head = nemesis.position()
            self._while_moving(
                lambda: collect.live_generation(conn)[0] >= head,
                lambda: collect.live_generation(conn)[0],
                nemesis,
                "the engine",
            )
        engine, stack.engine = stack.engine, None
        if engine is not None:
            engine.terminate()
            engine.wait(15)
        self._say("quiet: auditing")

    def _while_moving(
        self, done: Callable[[], bool], moving: Callable[[], int], nemesis: Nemesis, who: str
    ) -> None:
        seen, since = moving(), time.monotonic()
        while not done():
            nemesis.poll()
            if (now := moving()) != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > _STALL_S:
                raise Stuck(f"{who} made no progress for {_STALL_S:.0f} s")
            time.sleep(0.05)  # what is waited for are rows of other processes, which do not tell

    def _audit(self, stack: Stack, folder: Path, *, rebuild: bool) -> Verdict:
        stack.stop_roles()
        with (folder / "ledger").open(encoding="utf-8") as lines:
            book = ledger.read(lines)
        with collect.connect(stack.database_url) as conn:
            self._stall_s = collect.longest_stall_s(conn)
            evidence = collect.log_evidence(conn)
            evidence.derived = collect.derived(conn)
            if rebuild:
                self._rebuild(stack, conn, evidence)
        self._say("comparing")
        return audit(book, evidence, Scope(may_lose=self._order.profile.broker_may_lose))

    def _rebuild(self, stack: Stack, conn: collect.Connection, evidence: Evidence) -> None:
        """Fold the log again from its beginning, with the product's own `rebuild`, and compare."""
        from baycast.wiring import engine_config_at
        from occupancy.engine import rebuild
        from occupancy.model import AreaId
        from store.postgres import connect

        self._say("folding the log again")
        evidence.live_hashes = collect.hashes(conn)
        with connect(stack.database_url, role="baycast rebuild") as own:
            rebuild(own, AreaId(city.AREA), engine_config_at(stack.database_url))
        evidence.rebuilt_hashes = collect.hashes(conn)


def _watermark(conn: collect.Connection) -> datetime:
    row = conn.execute("SELECT watermark FROM log_head WHERE area = %s", (city.AREA,)).fetchone()
    return row[0] if row is not None and row[0] is not None else datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder of our own, gone afterwards. Other accounts may pass through: the servers run as one."""
    folder = Path(tempfile.mkdtemp(prefix="baycast-chaos-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
