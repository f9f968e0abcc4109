"""What the running city costs: CPU and resident memory of every role over a while, read from the system."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import psutil

from baycast.settings import UsageError

STORES = ("postgres", "mosquitto")


def bench_idle(lock_file: Path, ingest_metrics: str, seconds: float) -> dict[str, float]:
    """Watch the supervisor named in `lock_file` and its children for `seconds`.

    Returns figures by role: `cpu_share.ROLE` (share of one core), `rss_mib.ROLE` (MiB), their totals (`..._total`
    without the database's memory: PostgreSQL shares its buffers), and `messages_per_s`. Raises `UsageError`.
    """
    supervisor = _supervisor(lock_file)
    before = _by_role(supervisor)
    cpu_before = {role: sum(map(_cpu_s, processes)) for role, processes in before.items()}
    messages_before, started = _messages(ingest_metrics), time.monotonic()
    time.sleep(seconds)  # what is measured is what idling costs meanwhile
    elapsed = time.monotonic() - started
    figures = {"messages_per_s": (_messages(ingest_metrics) - messages_before) / elapsed}
    for role, processes in sorted(before.items()):
        figures[f"cpu_share.{role}"] = (sum(map(_cpu_s, processes)) - cpu_before[role]) / elapsed
        figures[f"rss_mib.{role}"] = sum(map(_rss_mib, processes))
    ours = [role for role in before if role != "simulate"]
    figures["cpu_share_total"] = sum(figures[f"cpu_share.{role}"] for role in ours)
    figures["rss_mib_total"] = sum(figures[f"rss_mib.{role}"] for role in ours if role != "postgres")
    return figures


def _supervisor(lock_file: Path) -> psutil.Process:
    try:
        return psutil.Process(int(lock_file.read_text(encoding="ascii")))
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        raise UsageError(
            f"nothing runs on {lock_file.parent}: start `baycast demo` or `baycast up` first"
        ) from None


def _by_role(supervisor: psutil.Process) -> dict[str, list[psutil.Process]]:
    found: dict[str, list[psutil.Process]] = {"supervisor": [supervisor]}
    for child in supervisor.children():
        found.setdefault(_role(child), []).extend([child, *child.children(recursive=True)])
    return found


def _role(process: psutil.Process) -> str:
    name = process.name()
    for store in STORES:
        if name.startswith(store):
            return store
    command = process.cmdline()
    return command[command.index("baycast") + 1] if "baycast" in command[:-1] else name


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _rss_mib(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def _messages(url: str) -> float:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own metrics on loopback
            lines: Iterable[str] = response.read().decode().splitlines()
    except OSError:
        raise UsageError(f"{url} does not answer: is ingest running?") from None
    return sum(
        float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("baycast_ingest_messages_total")
    )
