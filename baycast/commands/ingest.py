"""`baycast ingest`: one worker from the broker into the log."""

import argparse

from baycast.cli import installed_version
from baycast.metrics import serve_metrics
from baycast.settings import Settings, UsageError
from baycast.stop_signals import stop_on_signals

HELP = "store what the sensors say: MQTT to the log"


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments: everything comes from the settings."""


def run(_args: argparse.Namespace, settings: Settings) -> int:
    from baycast.wiring import ingest_config
    from ingest.failures import IngestError
    from ingest.run import run as run_ingest

    stop = stop_on_signals()
    config = ingest_config(settings)
    serve_metrics("ingest", installed_version(), settings.metrics_host, settings.ingest_metrics_port)
    try:
        run_ingest(config, stop)
    except IngestError as error:
        raise UsageError(f"ingest: {error}") from None
    return 0
