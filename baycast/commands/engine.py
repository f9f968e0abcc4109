"""`baycast engine`: folds the log into states and availability."""

import argparse

from baycast.cli import installed_version
from baycast.metrics import serve_metrics
from baycast.settings import Settings
from baycast.stop_signals import stop_on_signals

HELP = "work out states and availability from the log"


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments: everything comes from the settings."""


def run(_args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import require_database
    from baycast.wiring import engine_config
    from occupancy.engine import run as run_engine

    stop = stop_on_signals()
    config = engine_config(settings)
    require_database(config.database_url)
    serve_metrics("engine", installed_version(), settings.metrics_host, settings.engine_metrics_port)
    run_engine(config, stop)
    return 0
