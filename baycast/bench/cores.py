"""A core for who is measured and another for who measures, so that neither takes the other's time."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

SERVER, GENERATOR = 0, 1
"""Places in the list of cores that we may use."""


def pin(pid: int, place: int) -> None:
    """Keep a process and its children on one core; where there is one only, or it cannot be said, nothing is done."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return
    process = psutil.Process(pid)
    for one in (process, *process.children(recursive=True)):
        for thread in one.threads():
            os.sched_setaffinity(thread.id, {cores[place]})


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and its children so far; by nanoseconds where the kernel tells them."""
    process = psutil.Process(pid)
    return sum(_one_s(one) for one in (process, *process.children(recursive=True)))


def _one_s(process: psutil.Process) -> float:
    try:
        # By clock ticks of 10 ms a short run would be told by a few of them.
        told = [(task / "schedstat").read_text() for task in Path(f"/proc/{process.pid}/task").iterdir()]
        return sum(int(line.split()[0]) for line in told) / 1e9
    except OSError:
        times = process.cpu_times()
        return float(times.user + times.system)
