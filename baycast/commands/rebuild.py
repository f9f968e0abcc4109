"""`baycast rebuild`: the derived tables anew from the log, beside the live ones, switched when complete."""

import argparse

from baycast.settings import Settings
from baycast.stop_signals import stop_on_signals

HELP = "rebuild the derived tables from the log while everything goes on"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--area", help="one area only")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import require_database
    from baycast.wiring import available_database
    from occupancy.engine import rebuild

    with available_database(settings) as url:
        require_database(url)
        rebuild(url, args.area, stop_on_signals())
    return 0
