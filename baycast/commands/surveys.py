"""`baycast surveys import|list`: what people saw on the street, and how far history agrees with them."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from baycast.instants import INSTANT, instant_of
from baycast.settings import Settings, UsageError

if TYPE_CHECKING:
    from occupancy.registry import Registry, RegistryError
    from occupancy.surveys import Agreement
    from store.postgres import Connection

HELP = "import what surveyors saw of bays, and list how far history agrees with them"

SHOWN_ERRORS = 20
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "read a CSV file of looks, all of it or nothing; the same file again changes nothing"
    reads = actions.add_parser("import", help=text, description=text, allow_abbrev=False)
    reads.add_argument(
        "file", metavar="FILE", type=Path, help=".csv with bay_id, seen_at and occupied; also .gz"
    )
    reads.add_argument("--area", metavar="ID", required=True, help="the area that the bays are in")
    reads.add_argument("--by", metavar="NAME", required=True, help="the surveyor, or the team")
    reads.add_argument("--skip-bad", action="store_true", help="pass over rows that are wrong, and name them")
    text = "show how far history agrees with surveyors, the worst at the top"
    lists = actions.add_parser("list", help=text, description=text, allow_abbrev=False)
    lists.add_argument("--area", metavar="ID", required=True)
    lists.add_argument("--by", choices=("sensor", "zone", "area"), default="zone", help="(zone)")
    lists.add_argument("--from", dest="starts", metavar="TIME", help=f"looks from then on; {INSTANT}")
    lists.add_argument("--to", dest="ends", metavar="TIME", help="its end, not included")
    lists.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url
    from occupancy.model import AreaId
    from store.registry import load_registries

    with open_database(database_url(settings), "baycast surveys") as conn, refusals_in_words("surveys"):
        with conn.transaction():
            registries = load_registries(conn)
        registry = registries.get(AreaId(args.area))
        if registry is None:
            known = ", ".join(sorted(registries)) or "none"
            raise UsageError(f"there is no area {args.area!r}; registered: {known}")
        return (_import if args.action == "import" else _list)(args, conn, registry)


def _import(args: argparse.Namespace, conn: "Connection", registry: "Registry") -> int:
    from baycast.operator import operator
    from baycast.registry.files import read_text
    from occupancy.model import AreaId
    from occupancy.registry import RegistryRefused
    from occupancy.survey_sheets import checked_surveyor, read_csv
    from store.surveys import enter

    now = utc_now()
    try:
        surveyor = checked_surveyor(args.by)
    except ValueError as error:
        raise UsageError(f"--by {args.by}: {error}") from None
    try:
        sheet = read_csv(read_text(args.file), args.file.name, registry, now)
        done = enter(
            conn,
            AreaId(args.area),
            sheet,
            surveyor=surveyor,
            skip_bad=args.skip_bad,
            entered_by="baycast surveys import",
            entered_at=now,
            actor=operator(),
        )
    except RegistryRefused as refused:
        _tell(refused.errors)
        raise UsageError(
            f"{len(refused.errors)} problem{'s' if len(refused.errors) > 1 else ''}, nothing was imported"
        ) from None
    _tell(done.skipped)
    skipped = f", {len(done.skipped)} skipped" if done.skipped else ""
    print(f"{args.area}: {done.entered} looks entered, {done.known} as they were{skipped}")
    return 0


def _tell(errors: "list[RegistryError] | tuple[RegistryError, ...]") -> None:
    for error in errors[:SHOWN_ERRORS]:
        print(error, file=sys.stderr)
    if len(errors) > SHOWN_ERRORS:
        print(f"... and {len(errors) - SHOWN_ERRORS} more", file=sys.stderr)


def _list(args: argparse.Namespace, conn: "Connection", registry: "Registry") -> int:
    from occupancy.surveys import agreements, key_of, worst_first
    from store.surveys import judged

    zone = "UTC" if registry.area is None else registry.area.time_zone
    start, end = (
        otherwise if text is None else instant_of(option, text, zone)
        for option, text, otherwise in zip(("--from", "--to"), (args.starts, args.ends), _ALWAYS, strict=True)
    )
    found = judged(conn, registry, start, end)
    ordered = worst_first(agreements(found, key_of(args.by, registry), personal=True))
    if args.json:
        rows = [{args.by: of, **one.whole_document()} for of, one in ordered]
        print(json.dumps({"area": args.area, "agreement": rows}))
        return 0
    for of, one in ordered:
        print(f"{of}: {_words(one)}")
    if not ordered:
        print("no looks")
    return 0


def _words(one: "Agreement") -> str:
    if one.rate is None or one.interval is None:
        return f"nothing said at {one.looks} looks"
    low, high = one.interval
    errors = f"{one.taken_said_free} taken said free, {one.free_said_taken} free said taken"
    said = f"agrees with {one.agreed} of {one.said} looks, {one.rate:.0%} ({low:.0%} to {high:.0%})"
    return f"{said}; {errors}; nothing said at {one.looks - one.close_calls - one.said}"
