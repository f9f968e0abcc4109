"""`baycast rebuild`: the derived tables anew from the log, beside the live ones, switched when complete."""

import argparse
import sys

from baycast.instants import INSTANT, instant_of
from baycast.settings import Settings, UsageError

HELP = "rebuild the derived tables from the log while everything goes on"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--area", help="one area only (default: all)")
    parser.add_argument(
        "--from",
        dest="from_at",
        metavar="TIME",
        help="copy what came before, and fold the log from there on: "
        f"{INSTANT}, or a day as 2026-11-23; default: from the log's beginning",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="compare old and new rows at the same position; the engine waits meanwhile; exit status 1 if any differ",
    )
    parser.add_argument("--keep", action="store_true", help="keep the rows of the old generation")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.garbage import collect_seldom
    from baycast.reachability import open_database
    from baycast.wiring import available_database, engine_config_at
    from occupancy.engine import LogBeginsLaterError, RebuildRunningError, drop_retired, rebuild
    from occupancy.model import AreaId
    from store.registry import load_registries

    collect_seldom()
    same = True
    with (
        available_database(settings) as url,
        open_database(url, "baycast rebuild", statement_timeout_ms=0) as conn,
    ):
        with conn.transaction():
            registries = load_registries(conn)
        areas = sorted(registries)
        if args.area is not None:
            if args.area not in areas:
                raise UsageError(f"there is no area {args.area!r}; known: {', '.join(areas) or 'none'}")
            areas = [AreaId(args.area)]
        for area in areas:
            found = registries[area].area
            zone = "UTC" if found is None else found.time_zone
            from_at = None if args.from_at is None else instant_of("--from", args.from_at, zone)
            config = engine_config_at(url).in_bulk()
            try:
                done = rebuild(conn, area, config, from_at=from_at, compare=args.compare, progress=_progress)
            except (RebuildRunningError, LogBeginsLaterError) as refused:
                raise UsageError(str(refused)) from None
            print(f"{area}: generation {done.new} took over from {done.old}{_compared(done.differing)}")
            same = same and not done.differing
            if not args.keep:
                drop_retired(conn, area)
    return 0 if same else 1


def _compared(differing: tuple[str, ...] | None) -> str:
    if differing is None:
        return ""
    return f"; rows differ in {', '.join(differing)}" if differing else "; every row is the same"


def _progress(position: int, head: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{position} of {head}", end="\n" if position >= head else "", file=sys.stderr, flush=True)
