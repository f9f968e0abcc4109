"""The Prometheus port of a role. Names are documented in docs/metrics.md."""

from prometheus_client import Gauge, start_http_server

from baycast.settings import UsageError

_ROLE_UP = Gauge(
    "baycast_role_info", "1 for the role and version that runs in this process", ["role", "version"]
)


def serve_metrics(role: str, version: str, host: str, port: int) -> None:
    """Serve /metrics in a background thread for the life of the process; port 0: not at all."""
    _ROLE_UP.labels(role=role, version=version).set(1)
    if port == 0:
        return
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        raise UsageError(
            f"port {port} for the metrics of {role} is not free ({error.strerror});"
            f" set BAYCAST_{role.upper()}_METRICS_PORT"
        ) from None
