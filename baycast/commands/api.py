"""`baycast api`: REST, WebSocket and SSE, by one process or several."""

import argparse
import logging

from baycast.cli import installed_version
from baycast.metrics import serve_metrics
from baycast.open_files import allow_open_files
from baycast.settings import Settings, UsageError, variable
from baycast.stop_signals import stop_on_signals

FILES_BESIDES = 500
"""Open at most besides listeners: requests, the database, logs."""
_log = logging.getLogger("baycast.api")

HELP = "serve REST, WebSocket and SSE"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that share the port (default: BAYCAST_API_PROCESSES)",
    )
    parser.add_argument(
        "--shared-port",
        action="store_true",
        help="be one of several: others may listen on the port, too, and metrics have one of their own",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast import api_fleet

    processes = settings.api_processes if args.workers is None else args.workers
    if not 1 <= processes <= 32:
        raise UsageError("api: --workers is from 1 to 32")
    if args.shared_port and processes > 1:
        raise UsageError("api: --shared-port is for one process")
    if processes > 1:
        return api_fleet.run_fleet(settings, processes, stop_on_signals())
    return _serve(settings, shared=args.shared_port)


def _serve(settings: Settings, *, shared: bool) -> int:
    import uvicorn

    from api.app import create_app
    from api.server import options
    from baycast.api_fleet import shared_socket
    from baycast.reachability import require_database, require_free_port
    from baycast.wiring import api_config

    config = api_config(settings)
    require_database(config.database_url)
    if shared:
        serve_metrics("api", installed_version(), settings.metrics_host, settings.api_metrics_port)
    else:
        require_free_port(settings.http_host, settings.http_port, variable("http_port"))
    files = config.listeners_max + FILES_BESIDES
    if (allowed := allow_open_files(files)) < files:
        _log.warning(
            "only %d files may be open: fewer listeners than the %d allowed fit",
            allowed,
            config.listeners_max,
        )
    app = create_app(config)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.http_host,
            port=settings.http_port,
            loop="uvloop",
            lifespan="on",
            access_log=False,
            log_config=None,  # our own logging stands
            **options(app),
        )
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server.run([shared_socket(settings)] if shared else None)
    if not server.started:
        raise UsageError("the API could not start: see the log above")
    return 0
