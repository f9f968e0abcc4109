"""Who asks: `wrk` where it is installed, else a generator of our own. Both are told on which core."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

from baycast.bench.cores import GENERATOR, pin
from baycast.bench.polling.crowd import HOST, Job, Load
from baycast.settings import UsageError, child_environment

Generator = Callable[[Job], Load]
GENERATORS = ("wrk", "own")


def generator_of(name: str | None) -> tuple[str, Generator, str | None]:
    """The generator and its name; None: the best that is there, and what to say of a better one that is not.

    Raises `UsageError` for wrk where it is not installed.
    """
    if name == "own":
        return "own", _own, None
    if shutil.which("wrk"):
        return "wrk", _wrk, None
    if name == "wrk":
        raise UsageError("bench poll: wrk is not on the PATH (Debian: apt install wrk)")
    missing = "wrk is not on the PATH (Debian: apt install wrk): our own, slower generator asked"
    return "own", _own, missing


def _own(job: Job) -> Load:
    command = [sys.executable, "-m", "baycast.bench.polling.crowd", json.dumps(asdict(job))]
    return Load(**json.loads(_run(command, job)[0]))


def _wrk(job: Job) -> Load:
    known = [] if job.tag is None else ["-H", f"If-None-Match: {job.tag}"]
    seconds = max(1, round(job.seconds))
    command = ["wrk", "-t1", f"-c{job.connections}", f"-d{seconds}s", *known]
    said, took_s, busy_s = _run([*command, f"http://{HOST}:{job.port}{job.target}"], job)
    found = re.search(r"Requests/sec:\s*([\d.]+)", said)
    if found is None:
        raise UsageError(f"bench poll: wrk said {said.strip()[-300:]!r}")
    # It counts statuses from 400 on; which of 200 and 304 it gets was looked at before.
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    wrong = (int(bad[1]) if bad else 0) + (sum(map(int, broken.groups())) if broken else 0)
    return Load(float(found[1]), wrong, 1 - busy_s / took_s)


def _run(command: list[str], job: Job) -> tuple[str, float, float]:
    """What it printed, how long it ran, and the CPU seconds that it took meanwhile."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=child_environment({})
    )
    pin(process.pid, GENERATOR)
    try:
        said, complaint = process.communicate(timeout=job.seconds + 60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise UsageError(f"bench poll: {command[0]} did not end") from None
    took_s = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        last = complaint.strip().splitlines()[-1:] or [f"status {process.returncode}"]
        raise UsageError(f"bench poll: {command[0]}: {last[0]}")
    return said, took_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
