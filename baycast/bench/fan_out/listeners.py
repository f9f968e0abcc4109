"""The load generator: a crowd of listeners that does what each line on stdin says, and answers with a line of JSON.

`python -m baycast.bench.fan_out.listeners PORT`. Orders are JSON: `gather`, `hear`, `settle`, `stall`, `gone`.
Between two orders it reads on, and answers pings.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from baycast.bench.fan_out.crowd import Client, Crowd

_STDIN = 0
_QUIET_S = 0.5


class Listeners:
    """The crowd and its orders."""

    def __init__(self, port: int) -> None:
        self._crowd = Crowd(port, self._told)
        self._crowd.epoll.register(_STDIN)
        self._times: list[int] = []
        self._lines = b""

    def run(self) -> None:
        """Until stdin ends."""
        orders: dict[str, Callable[..., dict[str, Any]]] = {
            "gather": self._gather,
            "hear": self._hear,
            "settle": self._settle,
            "stall": self._stall,
            "gone": self._gone,
        }
        for order in self._orders():
            say(orders[order.pop("do")](**order))
        self._crowd.leave()

    def _gather(self, count: int, within_s: float, resume: bool, firsts: bool) -> dict[str, Any]:
        done = self._crowd.gather(count, within_s, resume=resume, firsts=firsts)
        return {
            "there": done.there,
            "first_s": done.first_s,
            "took_s": done.took_s,
            "busy_s": done.busy_s,
            "refused": done.refused,
            "lost": done.lost,
            "statuses": done.statuses,
            "firsts": [[since, text.decode(), times] for (since, text), times in done.firsts.items()],
        }

    def _hear(self, within_s: float) -> dict[str, Any]:
        """When all that read have the next message: nanoseconds (monotonic) of the first, half, 99 % and last."""
        wanted = sum(not one.stalled for one in self._crowd.clients.values())
        return self._listened(lambda: len(self._times) >= wanted, within_s)

    def _settle(self, within_s: float) -> dict[str, Any]:
        """All that comes until nothing has come for half a second."""

        def quiet() -> bool:
            return bool(self._times) and time.monotonic_ns() - self._times[-1] > _QUIET_S * 1e9

        return self._listened(quiet, within_s)

    def _listened(self, done: Callable[[], bool], within_s: float) -> dict[str, Any]:
        self._times = []
        say({"listening": True})
        busy_s, deadline = time.process_time(), time.monotonic() + within_s
        while not done() and time.monotonic() < deadline:
            for fileno, _ in self._crowd.epoll.poll(0.05):
                self._crowd.event(fileno)
        times = self._times
        if not times:
            return {"heard": 0}
        return {
            "heard": len(times),
            "marks": [times[0], times[len(times) // 2], times[len(times) * 99 // 100], times[-1]],
            "busy_s": time.process_time() - busy_s,
            "bytes": self._crowd.size,
        }

    def _stall(self, count: int) -> dict[str, Any]:
        self._crowd.gone.clear()
        return {"stalled": self._crowd.stall(count), "at": time.monotonic()}

    def _gone(self) -> dict[str, Any]:
        """Who was ended by the server since the last stall: when, and by which code."""
        return {"gone": [[number, at, code] for number, (at, code) in self._crowd.gone.items()]}

    def _told(self, _client: Client) -> None:
        self._times.append(time.monotonic_ns())

    def _orders(self) -> Iterator[dict[str, Any]]:
        while True:
            for fileno, _ in self._crowd.epoll.poll():
                if fileno != _STDIN:
                    self._crowd.event(fileno)
                    continue
                piece = os.read(_STDIN, 65536)
                if not piece:
                    return
                self._lines += piece
            while b"\n" in self._lines:
                line, _, self._lines = self._lines.partition(b"\n")
                yield json.loads(line)


def say(answer: dict[str, Any]) -> None:
    """One line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Listeners(int(sys.argv[1])).run()


if __name__ == "__main__":
    main()
