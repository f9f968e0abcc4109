"""`baycast demo`: everything on this machine, with a simulated Cardiff."""

import argparse

from baycast.settings import Settings, UsageError

HELP = "run everything on this machine with a simulated Cardiff"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--duration", type=float, metavar="S", help="stop by itself after so many seconds")
    parser.add_argument(
        "--plain", action="store_true", help="lines instead of a live view, also on a terminal"
    )
    parser.add_argument(
        "--bays", type=int, metavar="N", help="simulate this many bays of the city (default: all)"
    )
    parser.add_argument(
        "--import-only",
        action="store_true",
        help="only put the illustrative registry of Cardiff into the database",
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulated city (default: 1)")
    parser.add_argument(
        "--min-rate",
        type=float,
        default=20.0,
        metavar="R",
        help="messages per second at least, made up with heartbeats (default: 20, the load of a city of 3,300 bays)",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.city_run import CityRun, Simulation, import_cardiff
    from baycast.reachability import require_database
    from baycast.wiring import available_database

    if args.min_rate < 0:
        raise UsageError("demo: --min-rate is not below 0")
    if args.import_only:
        with available_database(settings) as url:
            require_database(url)
            print(f"{import_cardiff(url)} documents imported")
        return 0
    simulation = Simulation(bays=args.bays, seed=args.seed, min_rate=args.min_rate)
    return CityRun(settings, duration_s=args.duration, plain=args.plain, simulation=simulation).run()
