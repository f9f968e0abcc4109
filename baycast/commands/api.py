"""`baycast api`: REST, WebSocket and SSE."""

import argparse
import logging

from baycast.open_files import allow_open_files
from baycast.settings import Settings, UsageError

FILES_BESIDES = 500
"""Open at most besides listeners: requests, the database, logs."""
_log = logging.getLogger("baycast.api")

HELP = "serve REST, WebSocket and SSE"


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments: everything comes from the settings."""


def run(_args: argparse.Namespace, settings: Settings) -> int:
    import uvicorn

    from api.app import create_app
    from api.server import options
    from baycast.reachability import require_database, require_free_port
    from baycast.wiring import api_config

    config = api_config(settings)
    require_database(config.database_url)
    require_free_port(settings.http_host, settings.http_port, "BAYCAST_HTTP_PORT")
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
    server.run()
    if not server.started:
        raise UsageError("the API could not start: see the log above")
    return 0
