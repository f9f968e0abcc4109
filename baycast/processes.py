"""Starting child processes that never outlive us, and stopping them in time."""

import ctypes
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from baycast.embedded.service_account import Account

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(with_signal: signal.Signals) -> None:
    """Ask the kernel to send us the signal when the thread that started us ends, also by kill -9."""
    if hasattr(_libc, "prctl"):  # Linux; elsewhere a kill -9 of the parent may leave us behind
        _libc.prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)


def start_child(
    command: Sequence[str | Path],
    *,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    output: IO[bytes] | int | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in its own process group (Ctrl-C reaches us only) that gets `death_signal` when we die.

    Call it from a thread that lives as long as the child should: the kernel watches the thread.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        cwd=cwd,
        env=None if env is None else dict(env),
        process_group=0,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
        # Runs after the change of user, which would clear it. One system call, no lock: safe beside threads.
        preexec_fn=lambda: die_with_parent(death_signal),  # noqa: PLW1509
    )


def stop_child(process: subprocess.Popen[bytes], by: signal.Signals, grace_s: float) -> int:
    """Ask the child to end, kill it after `grace_s`; the exit status."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def kill_child(process: subprocess.Popen[bytes]) -> None:
    """kill -9, and wait for its end."""
    process.kill()
    process.wait()
