"""The Prometheus port of a role, and its readiness beside it. Names are documented in docs/metrics.md."""

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import Gauge, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from baycast.settings import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_ROLE_UP = Gauge(
    "baycast_role_info", "1 for the role and version that runs in this process", ["role", "version"]
)


class _Silent(WSGIRequestHandler):
    """A log line per scrape would be noise."""

    timeout = 10.0  # seconds for a request: nobody holds a thread

    def log_message(self, format: str, *args: object) -> None:
        """Not a word."""


def serve_metrics(
    role: str, version: str, host: str, port: int, *, problem: Callable[[], str | None] | None = None
) -> None:
    """Serve /metrics in a background thread for the life of the process; port 0: not at all.

    With `problem` also /readyz: 200, or 503 with the sentence that it returns.
    """
    _ROLE_UP.labels(role=role, version=version).set(1)
    if port == 0:
        return
    metrics = make_wsgi_app()

    def app(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if problem is None or environ.get("PATH_INFO") != "/readyz":
            return metrics(environ, start)  # type: ignore[no-any-return]
        says = problem()
        start("200 OK" if says is None else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [f"{says or 'ready'}\n".encode()]

    try:
        server = make_server(host, port, app, ThreadingWSGIServer, handler_class=_Silent)
    except OSError as error:
        raise UsageError(
            f"port {port} for the metrics of {role} is not free ({error.strerror});"
            f" set BAYCAST_{role.upper()}_METRICS_PORT"
        ) from None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
