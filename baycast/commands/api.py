"""`baycast api`: REST, WebSocket and SSE."""

import argparse
import logging

from baycast.settings import Settings, UsageError

HELP = "serve REST, WebSocket and SSE"
# Together with the supervisor's patience: open WebSockets are told, then cut.
GRACEFUL_SHUTDOWN_S = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments: everything comes from the settings."""


def run(_args: argparse.Namespace, settings: Settings) -> int:
    import uvicorn

    from api.app import create_app
    from baycast.reachability import require_database, require_free_port
    from baycast.wiring import api_config

    config = api_config(settings)
    require_database(config.database_url)
    require_free_port(settings.http_host, settings.http_port, "BAYCAST_HTTP_PORT")
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config),
            host=settings.http_host,
            port=settings.http_port,
            loop="uvloop",
            http="httptools",
            ws="websockets-sansio",
            lifespan="on",
            access_log=False,
            log_config=None,  # our own logging stands
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
        )
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server.run()
    if not server.started:
        raise UsageError("the API could not start: see the log above")
    return 0
