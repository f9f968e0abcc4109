"""Carries out the schedule: one fault after the other, each to its end and to the next commit behind it."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import psycopg

from baycast.chaos import city, collect, network
from baycast.chaos.damage import Damage
from baycast.chaos.proxy import Toxics
from baycast.chaos.schedule import CRASH_POINTS, NETWORK, Fault, Step
from baycast.chaos.stack import Stack, eventually, last_line
from baycast.processes import kill_child

RECOVERY_S = 60.0
"""How long after a fault the log may stand still before we say that it stopped."""
_CRASH_WITHIN_S = 30.0


class Stuck(RuntimeError):
    """The system did not come back."""


class Nemesis:
    """`say` is told each step; `check` raises when the run was interrupted."""

    def __init__(self, stack: Stack, say: Callable[[str], None], check: Callable[[], None]) -> None:
        self._stack = stack
        self._say = say
        self._check = check
        self._admin: collect.Connection | None = None
        self.damage = Damage()

    def poll(self) -> None:
        """Start again what ended by itself, and look at ingest's memory. Call it often."""
        self._check()
        stack, damage = self._stack, self.damage
        if stack.ingest is not None and stack.ingest.poll() is not None:
            damage.exits["ingest"] += 1
            self._say(f"ingest ended by itself: {last_line(stack.logs / 'ingest.log')}")
            stack.start_ingest()
        if stack.engine is not None and stack.engine.poll() is not None:
            damage.exits["engine"] += 1
            self._say(f"the engine ended by itself: {last_line(stack.logs / 'engine.log')}")
            stack.start_engine()
        if stack.ingest is not None:
            with contextlib.suppress(psutil.Error):
                damage.rss_max = max(damage.rss_max, psutil.Process(stack.ingest.pid).memory_info().rss)

    def strike(self, step: Step) -> None:
        """One fault, then wait for the next commit. Raises `Stuck`."""
        self.damage.faults[step.fault] += 1
        if step.fault in NETWORK:
            self._network_fault(step)
        else:
            getattr(self, f"_{'crash' if step.fault in CRASH_POINTS else step.fault}")(step)
        over, before = time.monotonic(), self.position()
        if not eventually(lambda: self.position() > before, RECOVERY_S, self.poll):
            raise Stuck(f"no commit within {RECOVERY_S:.0f} s after {step.fault}")
        self.damage.recoveries_s.setdefault(step.fault, []).append(time.monotonic() - over)

    def position(self) -> int:
        """The log's head; -1 while the database does not answer."""
        row = self._ask("SELECT position FROM log_head WHERE area = %s", city.AREA)
        return -1 if row is None else int(row[0])

    def close(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    # --- processes ---

    def _ingest_kill(self, _step: Step) -> None:
        self._kill_ingest("ingest_random")
        self._stack.start_ingest()

    def _crash(self, step: Step) -> None:
        """Kill, start with the crash point armed, wait until it struck, start again."""
        self._kill_ingest("ingest_random")
        point = CRASH_POINTS[step.fault]
        self._stack.start_ingest(f"{point}:{step.count}")
        armed = self._stack.ingest
        assert armed is not None  # noqa: S101 - just started
        died = eventually(lambda: armed.poll() is not None, _CRASH_WITHIN_S, self._check)
        if died and armed.returncode == -signal.SIGKILL:
            self.damage.kills[f"ingest_{point}"] += 1
        else:
            self.damage.missed[step.fault] += 1
            kill_child(armed)
        self._stack.start_ingest()

    def _crash_mid_ack(self, step: Step) -> None:
        """Kill when the broker has so many more bytes of ingest, mostly acknowledgements, and no more come."""
        struck = network.cut_at(self._stack.mqtt_proxy, Toxics(cut_up=step.count), self._check)
        if not struck:
            self.damage.missed[step.fault] += 1
        self._kill_ingest("ingest_mid_ack" if struck else "ingest_random")
        self._stack.start_ingest()

    def _ingest_stop(self, _step: Step) -> None:
        child = self._stack.ingest
        if child is not None:
            child.terminate()
            if not eventually(lambda: child.poll() is not None, 15.0, self._check):
                raise Stuck("ingest did not end within 15 s of SIGTERM")
        self._stack.start_ingest()

    def _ingest_pause(self, step: Step) -> None:
        with self._paused():
            self.hold(step.seconds)

    @contextmanager
    def _paused(self) -> Iterator[None]:
        child = self._stack.ingest
        assert child is not None  # noqa: S101 - started before the first fault
        child.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            child.send_signal(signal.SIGCONT)

    def _engine_kill(self, _step: Step) -> None:
        if self._stack.engine is not None:
            kill_child(self._stack.engine)
            self.damage.kills["engine"] += 1
        self._stack.start_engine()

    def _kill_ingest(self, kind: str) -> None:
        child = self._stack.ingest
        if child is not None:
            kill_child(child)
            self.damage.kills[kind] += 1

    # --- the registry ---

    def _register(self, _step: Step) -> None:
        """What the next lot of sensors said so far leaves quarantine, and comes into old chunks."""
        self._stack.register_late(self.damage.faults[Fault.REGISTER] - 1)

    def register_rest(self) -> None:
        """The lots that are left; wait until nothing of a sensor waits in quarantine. Raises `Stuck`."""
        for lot in range(self.damage.faults[Fault.REGISTER], city.LATE_LOTS):
            self._stack.register_late(lot)
        with collect.connect(self._stack.database_url) as conn:
            if not eventually(lambda: not collect.unreplayed(conn), RECOVERY_S, self.poll):
                raise Stuck(f"{collect.unreplayed(conn)} messages of registered sensors stay in quarantine")

    # --- the database ---

    def _db_stop(self, step: Step) -> None:
        self.close()
        self._stack.postgres.stop(grace_s=10.0)
        self.hold(step.seconds)
        self._stack.start_postgres()

    def _db_outage(self, step: Step) -> None:
        """Long: what waits in the broker is to be drained afterwards, and ingest must not grow meanwhile."""
        self.poll()
        self.damage.rss_start = self.damage.rss_max
        self._db_stop(step)

    def _db_kill(self, step: Step) -> None:
        self.close()
        process = self._stack.postgres.process
        if process is not None:
            kill_child(process)
            self.damage.kills["database"] += 1
        self.hold(step.seconds)
        self._stack.start_postgres()

    def _db_backend_kill(self, step: Step) -> None:
        """kill -9 of the session that writes: the server ends all sessions and recovers."""
        row = self._ask("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'baycast ingest%'")
        if row is None:
            self.damage.missed[step.fault] += 1
            return
        with contextlib.suppress(psutil.Error):
            psutil.Process(int(row[0])).kill()
            self.damage.kills["database_session"] += 1

    def _db_read_only(self, step: Step) -> None:
        with self._altered("default_transaction_read_only", "on"):
            self.hold(step.seconds)

    def _db_full(self, step: Step) -> None:
        """The answer of a server whose disk is full (53100), given by a trigger: a full disk itself takes root."""
        self._run(_FULL)
        try:
            self.hold(step.seconds)
        finally:
            self._run("DROP TRIGGER IF EXISTS chaos_full ON log_batch")

    @contextmanager
    def _altered(self, name: str, value: str) -> Iterator[None]:
        self._run(f"ALTER SYSTEM SET {name} = {value}", "SELECT pg_reload_conf()")
        try:
            yield
        finally:
            self._run(f"ALTER SYSTEM RESET {name}", "SELECT pg_reload_conf()")

    # --- the broker ---

    def _broker_restart(self, step: Step) -> None:
        self._stack.broker.stop()
        self.hold(step.seconds)
        self._stack.start_broker()

    def _broker_kill(self, step: Step) -> None:
        self._stack.broker.kill()
        self.damage.kills["broker"] += 1
        self.hold(step.seconds)
        self._stack.start_broker()

    def _broker_kill_queued(self, step: Step) -> None:
        """While ingest stands still, so that the broker is the only holder of what came meanwhile."""
        with self._paused():
            self.hold(step.seconds)
            self._broker_kill(step)

    def _network_fault(self, step: Step) -> None:
        proxy = self._stack.db_proxy if step.fault.startswith("db_") else self._stack.mqtt_proxy
        if not network.strike(proxy, step, self.hold, self.poll):
            self.damage.missed[step.fault] += 1

    # --- waiting and asking ---

    def hold(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        eventually(lambda: time.monotonic() >= until, seconds + 1.0, self.poll)

    def _ask(self, query: str, *parameters: object) -> tuple[Any, ...] | None:
        """A row from the database; None while it does not answer."""
        try:
            if self._admin is None:
                self._admin = collect.connect(self._stack.database_url)
            return self._admin.execute(query, parameters or None).fetchone()
        except psycopg.OperationalError:
            self.close()
            return None

    def _run(self, *statements: str) -> None:
        with collect.connect(self._stack.database_url) as conn:
            for statement in statements:
                conn.execute(statement)


_FULL = """
CREATE OR REPLACE FUNCTION chaos_full() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
END
$body$;
CREATE OR REPLACE TRIGGER chaos_full BEFORE INSERT ON log_batch FOR EACH ROW EXECUTE FUNCTION chaos_full();
"""
