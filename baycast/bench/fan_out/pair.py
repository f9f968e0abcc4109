"""A server and the crowd that listens to it, each in a process of its own on a core of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

import psutil

from baycast.bench.cores import GENERATOR, SERVER, cpu_s, pin
from baycast.reachability import free_port
from baycast.settings import UsageError, child_environment

GATHER_WITHIN_S = 120.0
HEAR_WITHIN_S = 60.0


class Talking:
    """A process of ours that is told a line and says one."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            # Some of what we compare with warns of its own age.
            [sys.executable, "-W", "ignore", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=child_environment({}),
        )
        self._module = module

    def tell(self, line: str) -> None:
        """Raises `UsageError` when it has ended."""
        try:
            stdin = cast(IO[str], self.process.stdin)
            stdin.write(line + "\n")
            stdin.flush()
        except OSError:
            raise UsageError(f"bench live: {self._module} ended with {self.process.wait()}") from None

    def said(self) -> str:
        """The next line. Raises `UsageError` when it has ended."""
        line = cast(IO[str], self.process.stdout).readline()
        if not line:
            raise UsageError(f"bench live: {self._module} ended with {self.process.wait()}")
        return line.strip()

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.communicate()


class CrowdProcess(Talking):
    """The load generator."""

    def __init__(self, port: int) -> None:
        super().__init__("baycast.bench.fan_out.listeners", str(port))
        pin(self.process.pid, GENERATOR)

    def order(self, do: str, **more: object) -> dict[str, Any]:
        """Have something done, and return the answer."""
        self.tell(json.dumps({"do": do, **more}))
        return dict(json.loads(self.said()))

    def gather(
        self, count: int, *, within_s: float = GATHER_WITHIN_S, resume: bool = False, firsts: bool = True
    ) -> dict[str, Any]:
        """Raises `UsageError` when not all came."""
        done = self.order("gather", count=count, within_s=within_s, resume=resume, firsts=firsts)
        if done["there"] < count:
            told = {name: done[name] for name in ("refused", "lost", "statuses")}
            raise UsageError(
                f"bench live: {done['there']} of {count} clients came within {within_s:.0f} s: {told}"
            )
        return done


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one or more changes: milliseconds from the first, and shares."""

    deliveries: int
    p50_ms: float
    p99_ms: float
    last_ms: float
    idle_share: float
    """Of the generator."""
    bytes: int


class Pair:
    """One server and its crowd."""

    def __init__(self, server: Talking, crowd: CrowdProcess) -> None:
        self._server = server
        self.crowd = crowd

    def change(self) -> Heard:
        """One change, until all that read have it. Raises `UsageError` when they do not get it."""
        return self._told(1, "hear")

    def burst(self, changes: int) -> Heard:
        """Changes one right after the other, until nothing more comes."""
        return self._told(changes, "settle")

    def cpu_s(self) -> float:
        """Of the server so far."""
        return cpu_s(self._server.process.pid)

    def rss_kib(self) -> float:
        """Of the server now."""
        return float(psutil.Process(self._server.process.pid).memory_info().rss) / 1024

    def _told(self, changes: int, how: str) -> Heard:
        self.crowd.order(how, within_s=HEAR_WITHIN_S)
        self._server.tell(str(changes))
        began_ns = int(self._server.said())
        told = json.loads(self.crowd.said())
        if not told["heard"]:
            raise UsageError("bench live: nobody heard of a change")
        _, half, most, last = ((mark - began_ns) / 1e6 for mark in told["marks"])
        idle = 1 - told["busy_s"] / max(last / 1e3, told["busy_s"], 1e-9)
        return Heard(told["heard"], half, most, last, idle, told["bytes"])


@contextmanager
def pair(kind: str, size: int) -> Iterator[Pair]:
    """A server of a kind whose messages have so many bytes, and a crowd that has yet to gather."""
    port = free_port()
    server = Talking("baycast.bench.fan_out.servers", kind, str(port), str(size))
    try:
        server.said()
        pin(server.process.pid, SERVER)
        crowd = CrowdProcess(port)
        try:
            yield Pair(server, crowd)
        finally:
            crowd.end()
    finally:
        server.end()
