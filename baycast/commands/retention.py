"""`baycast retention`: what is older than it is to be kept, now rather than within a day."""

import argparse
from datetime import datetime

from baycast.settings import Settings, UsageError

HELP = "drop what is older than it is to be kept (the engine does so every day)"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--area", metavar="ID", help="one area only, and no signs (default: all)")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only say from when on things would be kept, by each area's watermark",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database
    from baycast.wiring import database_url, retention
    from occupancy.engine import RebuildRunningError, retain, retain_sign_records
    from occupancy.model import AreaId
    from store.registry import load_registries

    with open_database(database_url(settings), "baycast retention") as conn:
        with conn.transaction():
            areas = sorted(load_registries(conn))
        if args.area is not None and args.area not in areas:
            raise UsageError(f"there is no area {args.area!r}; known: {', '.join(areas) or 'none'}")
        kept_words = "would keep" if args.dry_run else "kept"
        if args.area is None:  # first: an area without a watermark, which is refused, keeps nobody from it
            kept_from = retain_sign_records(conn, retention(settings), dry_run=args.dry_run)
            print(f"signs: {kept_words}: {_reach('frames and readbacks', kept_from)}")
        refusals = []
        for area in areas if args.area is None else [AreaId(args.area)]:
            try:
                kept = retain(conn, area, retention(settings), dry_run=args.dry_run)
            except (LookupError, RebuildRunningError) as refused:
                refusals.append(str(refused))  # the areas after it are not to wait for this one
                continue
            reach = [_reach(what, at) for what, at in zip(_WORDS, kept, strict=True)]
            print(f"{area}: {kept_words}: {'; '.join(reach)}")
        if refusals:
            raise UsageError("; ".join(refusals))
    return 0


def _reach(what: str, at: datetime | None) -> str:
    return f"{what} {'all' if at is None else f'from {at:%Y-%m-%d %H:%M}Z'}"


_WORDS = ("readings", "stays and states of bays", "hours of history", "their five minutes")
