"""`baycast up`: everything on this machine, without simulator."""

import argparse

from baycast.settings import Settings

HELP = "run everything on this machine: embedded database and broker, all roles"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--duration", type=float, metavar="S", help="stop by itself after so many seconds")
    parser.add_argument(
        "--plain", action="store_true", help="lines instead of a live view, also on a terminal"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.city_run import CityRun

    return CityRun(settings, duration_s=args.duration, plain=args.plain).run()
