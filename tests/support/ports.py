"""TCP ports for the processes that tests start."""

import itertools
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

_FIRST = 10_000
_END = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
"""From here on the kernel gives ports to whoever connects: one that was free a moment ago may be taken by then."""
_SLICES = 8


def _drawn() -> Iterator[int]:
    """Ports below those of connections, none twice; workers of one test run draw from slices of their own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _SLICES
    own = range(_FIRST + worker, _END, _SLICES)
    start = random.SystemRandom().randrange(len(own))
    return itertools.chain(own[start:], own[:start])


_ports = _drawn()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(*, and_after: int = 0) -> int:
    """A port of 127.0.0.1 that nobody listens on now, nor on the one `and_after` ports after it."""
    return next(port for port in _ports if _is_free(port) and _is_free(port + and_after))
