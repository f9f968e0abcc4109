"""Keeps a set of child processes running: starts them, restarts those that died, stops them all in time.

Everything happens in the caller's main thread through `poll()`: the kernel ends our children when the thread
that started them ends, so that nothing is left behind, not even by kill -9 of this process.
"""

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from baycast.log_files import LogFile
from baycast.processes import start_child
from baycast.settings import UsageError

RESTART_FIRST_S = 0.2
RESTART_MOST_S = 10.0
STABLE_AFTER_S = 30.0  # a role that ran this long starts again with the short delay
ROTATE_EVERY_S = 5.0
WRONG = 2  # the exit status of baycast's commands for wrong input or environment
_POLL_S = 0.1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Role:
    """One process to keep running."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str] = field(repr=False, hash=False)
    once: bool = False
    """It has an end: not restarted after exit status 0."""
    must_start: bool = False
    """Exit status 2 (wrong input or environment) soon after its first start is for good: `wrong_from_the_start`."""


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """What there is to know about a role now; `pid` is None between death and restart."""

    name: str
    pid: int | None
    restarts: int
    up_s: float


@dataclass(slots=True)
class _Running:
    role: Role
    log: LogFile | None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    delay_s: float = RESTART_FIRST_S
    restarts: int = 0
    done: bool = False


class Supervisor:
    """The roles of one machine."""

    def __init__(self, roles: Sequence[Role], log_dir: Path | None, log_bytes: int) -> None:
        """Each role writes to `log_dir`/<name>.log, rotated when it exceeds `log_bytes`; None: where we write."""
        self._running = [
            _Running(role, None if log_dir is None else LogFile(log_dir / f"{role.name}.log", log_bytes))
            for role in roles
        ]
        self._next_rotation = 0.0
        self.wrong_from_the_start: str | None = None
        """A role that must start and could not: the caller ends the others."""

    def start(self) -> None:
        """Start every role."""
        for running in self._running:
            self._start(running)

    def poll(self) -> None:
        """Notice deaths, restart what is due, rotate logs. Call it a few times per second."""
        now = time.monotonic()
        for running in self._running:
            if running.process is not None and running.process.poll() is not None:
                self._died(running, now)
            if running.process is None and not running.done and now >= running.due:
                running.restarts += 1
                self._start(running)
        if now >= self._next_rotation:
            self._next_rotation = now + ROTATE_EVERY_S
            for running in self._running:
                if running.log is not None:
                    running.log.rotate_when_large()

    def status(self) -> list[RoleStatus]:
        """The roles in the order in which they were given."""
        now = time.monotonic()
        return [
            RoleStatus(
                running.role.name,
                None if running.process is None else running.process.pid,
                running.restarts,
                0.0 if running.process is None else now - running.started,
            )
            for running in self._running
        ]

    def stop(self, grace_s: float) -> list[str]:
        """SIGTERM to all at once, SIGKILL to those left after `grace_s`; the names of those killed."""
        alive = [running for running in self._running if running.process is not None]
        for running in alive:
            if running.process is not None:
                running.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        killed = []
        for running in alive:
            if running.process is None:
                continue
            try:
                running.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
                killed.append(running.role.name)
            running.process = None
        return killed

    def _start(self, running: _Running) -> None:
        with nullcontext() if running.log is None else running.log.open() as output:
            running.process = start_child(
                running.role.command, output=output, death_signal=signal.SIGTERM, env=running.role.env
            )
        running.started = time.monotonic()

    def _died(self, running: _Running, now: float) -> None:
        status = None if running.process is None else running.process.returncode
        running.process = None
        if running.role.once and status == 0:
            running.done = True
            return
        stable = now - running.started >= STABLE_AFTER_S
        if running.role.must_start and status == WRONG and not running.restarts and not stable:
            self.wrong_from_the_start = self.wrong_from_the_start or running.role.name
            running.done = True
            return
        if stable:
            running.delay_s = RESTART_FIRST_S
        running.due = now + running.delay_s
        _log.warning(
            "role ended, restarting",
            extra={"name_of_role": running.role.name, "status": status, "in_s": running.delay_s},
        )
        running.delay_s = min(running.delay_s * 2, RESTART_MOST_S)


def keep_running(roles: Sequence[Role], stop: threading.Event, *, of: str, stop_within_s: float) -> None:
    """Until `stop`. Raises `UsageError`, which begins with `of`, where a role cannot run from the start."""
    supervisor = Supervisor(roles, None, 0)
    supervisor.start()
    try:
        while not stop.wait(_POLL_S):
            supervisor.poll()
            if (name := supervisor.wrong_from_the_start) is not None:
                raise UsageError(f"{of} {name} cannot run, so none does; its reason is above")
    finally:
        supervisor.stop(stop_within_s)
