"""`baycast publish`: live zones and sign frames back to MQTT."""

import argparse

from baycast.cli import installed_version
from baycast.metrics import serve_metrics
from baycast.settings import Settings
from baycast.stop_signals import stop_on_signals

HELP = "publish live zones and sign frames to MQTT"


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments: everything comes from the settings."""


def run(_args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import require_database
    from baycast.wiring import publish_config
    from publish.run import run as run_publish

    stop = stop_on_signals()
    config = publish_config(settings)
    require_database(config.database_url)
    serve_metrics("publish", installed_version(), settings.metrics_host, settings.publish_metrics_port)
    run_publish(config, stop)
    return 0
