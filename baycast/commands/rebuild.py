"""`baycast rebuild`: the derived tables anew from the log, beside the live ones, switched when complete."""

import argparse
import sys

from baycast.settings import Settings, UsageError

HELP = "rebuild the derived tables from the log while everything goes on"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--area", help="one area only (default: all)")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database
    from baycast.wiring import available_database, engine_config_at
    from occupancy.engine import rebuild
    from occupancy.model import AreaId
    from store.registry import load_registries

    with available_database(settings) as url, open_database(url, "baycast rebuild") as conn:
        with conn.transaction():
            areas = sorted(load_registries(conn))
        if args.area is not None:
            if args.area not in areas:
                raise UsageError(f"there is no area {args.area!r}; known: {', '.join(areas) or 'none'}")
            areas = [AreaId(args.area)]
        for area in areas:
            old, new = rebuild(conn, area, engine_config_at(url), progress=_progress)
            print(f"{area}: generation {new} took over from {old}")
    return 0


def _progress(position: int, head: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{position} of {head}", end="\n" if position >= head else "", file=sys.stderr, flush=True)
