"""Several API processes on one machine and one port: the kernel deals new connections out among them (SO_REUSEPORT).

Each follows the store by itself, and all say the same versions: a listener of one that ends goes on at another.
"""

from __future__ import annotations

import socket
import sys
import threading

from baycast.reachability import require_free_port
from baycast.settings import Settings, UsageError, child_environment, variable
from baycast.supervisor import Role, keep_running

PORT_STEP = 10
"""Between the metrics ports of two processes, so that none meets the other roles' ports."""
STOP_WITHIN_S = 2.9
"""Below what `up` leaves its roles."""


def metrics_ports(settings: Settings, processes: int) -> list[int]:
    """The metrics ports of so many processes; empty when they are off, and for one, which has /metrics."""
    if processes == 1 or settings.api_metrics_port == 0:
        return []
    return [settings.api_metrics_port + PORT_STEP * number for number in range(processes)]


def run_fleet(settings: Settings, processes: int, stop: threading.Event) -> int:
    """Keep so many processes running until `stop`; the exit status. Raises `UsageError`."""
    require_free_port(settings.http_host, settings.http_port, variable("http_port"))
    ports = metrics_ports(settings, processes)
    if ports and ports[-1] > 65535:
        raise UsageError(f"{variable('api_metrics_port')}: no room for the ports of {processes} processes")
    roles = [
        _process(number, ports[number - 1] if ports else 0, settings) for number in range(1, processes + 1)
    ]
    keep_running(roles, stop, of="api:", stop_within_s=STOP_WITHIN_S)
    return 0


def shared_socket(settings: Settings) -> socket.socket:
    """A socket that listens where others may listen, too. Raises `UsageError`."""
    host, port = settings.http_host, settings.http_port
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Taken over by its connections. Event loops do it only for sockets that they open themselves, and an answer in
        # two parts would wait 40 ms for the asker's word that the first has come.
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found.bind(address)
    except OSError as error:
        raise UsageError(
            f"port {port} on {host} cannot be shared ({error.strerror}); set {variable('http_port')}"
        ) from None
    return found


def _process(number: int, metrics_port: int, settings: Settings) -> Role:
    command = (sys.executable, "-m", "baycast", "api", "--workers", "1", "--shared-port")
    changes = {
        variable("api_metrics_port"): str(metrics_port),
        variable("http_port"): str(settings.http_port),
    }
    return Role(f"api-{number}", command, child_environment(changes), must_start=True)
