import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from baycast.log_files import LogFile
from baycast.processes import start_child, stop_child
from baycast.settings import child_environment
from baycast.supervisor import Role, RoleStatus, Supervisor

SLEEPER = "import signal; signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
)


def role(name: str, program: str) -> Role:
    return Role(name, (sys.executable, "-S", "-c", program), child_environment({}))


@contextmanager
def supervised(log_dir: Path, *roles: Role, log_bytes: int = 10_000) -> Iterator[Supervisor]:
    supervisor = Supervisor(roles, log_dir, log_bytes)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop(0.2)


def wait_until(
    what: Callable[[], bool], poll: Callable[[], None] = lambda: None, within_s: float = 20.0
) -> None:
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        poll()
        os.sched_yield()


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def only(supervisor: Supervisor) -> RoleStatus:
    (status,) = supervisor.status()
    return status


def test_a_killed_role_is_restarted(tmp_path: Path) -> None:
    with supervised(tmp_path, role("sleeper", SLEEPER)) as supervisor:
        first = only(supervisor).pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: only(supervisor).pid not in {None, first}, supervisor.poll)
        assert only(supervisor).restarts == 1


def test_a_role_that_keeps_dying_is_restarted_ever_more_slowly(tmp_path: Path) -> None:
    with supervised(tmp_path, role("failing", "raise SystemExit(1)")) as supervisor:
        began = time.monotonic()
        wait_until(lambda: only(supervisor).restarts == 3, supervisor.poll)
        assert time.monotonic() - began >= 0.2 + 0.4 + 0.8


def test_a_role_with_an_end_is_not_started_again(tmp_path: Path) -> None:
    once = replace(role("once", "print('ran', flush=True)"), once=True)
    with supervised(tmp_path, once, role("sleeper", SLEEPER)) as supervisor:
        wait_until(lambda: supervisor.status()[0].pid is None, supervisor.poll)
        supervisor.poll()
        assert supervisor.status()[0].restarts == 0
        assert (tmp_path / "once.log").read_text() == "ran\n"


@pytest.mark.parametrize(("status", "wrong"), [(2, "needed"), (1, None)])
def test_what_must_start_and_is_refused_at_once_is_told(
    tmp_path: Path, status: int, wrong: str | None
) -> None:
    needed = replace(role("needed", f"raise SystemExit({status})"), must_start=True)
    with supervised(tmp_path, needed) as supervisor:
        wait_until(lambda: only(supervisor).pid is None, supervisor.poll)
        assert supervisor.wrong_from_the_start == wrong


def test_stop_asks_first_and_kills_what_stays(tmp_path: Path) -> None:
    with supervised(tmp_path, role("polite", SLEEPER), role("stubborn", STUBBORN)) as supervisor:
        pids = [status.pid for status in supervisor.status() if status.pid is not None]
        wait_until(lambda: (tmp_path / "stubborn.log").read_text() == "up\n")
        assert supervisor.stop(0.3) == ["stubborn"]
        assert [pid for pid in pids if not is_gone(pid)] == []


def test_a_role_writes_to_its_log_and_the_log_is_bounded(tmp_path: Path) -> None:
    with supervised(tmp_path, role("chatty", "print('x' * 5000, flush=True); " + SLEEPER), log_bytes=1000):
        log = LogFile(tmp_path / "chatty.log", 1000)
        wait_until(lambda: log.path.stat().st_size > 5000)
        log.rotate_when_large()
        assert log.path.stat().st_size == 0
        assert (tmp_path / "chatty.log.1").read_text() == "x" * 5000 + "\n"


def test_no_child_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from baycast.processes import start_child\n"
        f"child = start_child([sys.executable, '-S', '-c', {SLEEPER!r}])\n"
        "print(child.pid, flush=True)\n"
        "import signal; signal.pause()\n"
    )
    with (tmp_path / "out").open("wb") as output:
        parent = start_child([sys.executable, "-c", program], output=output)
    wait_until(lambda: (tmp_path / "out").read_text().endswith("\n"))
    child = int((tmp_path / "out").read_text())
    assert not is_gone(child)
    stop_child(parent, signal.SIGKILL, 5.0)
    wait_until(lambda: is_gone(child))


def test_status_of_a_running_role(tmp_path: Path) -> None:
    with supervised(tmp_path, role("sleeper", SLEEPER)) as supervisor:
        status = only(supervisor)
        assert (status.name, status.restarts) == ("sleeper", 0)
        assert status.up_s == pytest.approx(0.0, abs=5.0)
