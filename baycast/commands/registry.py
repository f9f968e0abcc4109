"""`baycast registry import|export|versions`: what is where, from files and to files; what a rule said when."""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from baycast.settings import Settings, UsageError

if TYPE_CHECKING:
    from baycast.registry.sheet import CsvOptions
    from occupancy.model import AreaId
    from occupancy.registry import Registry, RegistryError
    from occupancy.registry_reading import FileEntity
    from store.postgres import Connection
    from store.registry import Applied

HELP = "import or export areas, zones, bays, rules, sensors and signs"

SHOWN_ERRORS = 20


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "read GeoJSON or CSV files, all of it or nothing; the same file again changes nothing"
    reads = actions.add_parser("import", help=text, description=text, allow_abbrev=False)
    reads.add_argument("files", metavar="FILE", nargs="+", type=Path, help=".geojson or .csv, also with .gz")
    reads.add_argument("--check", action="store_true", help="only look for errors, write nothing")
    reads.add_argument(
        "--replace",
        action="store_true",
        help="also remove what the files do not hold of the areas that they hold",
    )
    reads.add_argument(
        "--entered-by", default="baycast registry import", help="who is noted as having made the change"
    )
    bays = reads.add_argument_group("CSV files", "bays, one per row; see docs/registry.md")
    bays.add_argument("--area", metavar="ID", help="the area that the bays are in")
    bays.add_argument("--area-name", metavar="NAME", help="for a new area, with --time-zone")
    bays.add_argument("--time-zone", metavar="IANA", help="as Europe/London")
    bays.add_argument("--languages", metavar="LIST", help="in the order of the signs, as cy,en")
    bays.add_argument("--clock", choices=("live", "event"), help="event: for replayed data (default live)")
    bays.add_argument("--bank-holidays", metavar="PLACE", help="as GB-WLS")
    bays.add_argument("--columns", metavar="LIST", help="ours=theirs,... for a file with other column names")
    bays.add_argument(
        "--derive-ids",
        action="store_true",
        help="make ids of ours from theirs, or from zone and place without one",
    )
    bays.add_argument(
        "--device-prefix", metavar="P", help="a sensor for each bay without one, with the id P + bay id"
    )
    bays.add_argument("--model", help="the sensors' model, where the file has none")
    bays.add_argument(
        "--heartbeat-s", type=int, metavar="S", help="the sensors' heartbeat, where the file has none"
    )
    text = "write the registry to a file that imports to the same"
    writes = actions.add_parser("export", help=text, description=text, allow_abbrev=False)
    writes.add_argument("--area", metavar="ID", help="one area only")
    writes.add_argument(
        "--format", choices=("geojson", "csv"), default="geojson", help="csv holds bays and sensors only"
    )
    writes.add_argument("--out", metavar="FILE", type=Path, help="else it goes to the standard output")
    text = "list what a rule said and when, by the versions that overstays name, the newest first"
    tells = actions.add_parser("versions", help=text, description=text, allow_abbrev=False)
    tells.add_argument("rule_id", metavar="RULE")
    tells.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url

    with open_database(database_url(settings), "baycast registry") as conn, refusals_in_words("registry"):
        if args.action == "versions":
            return _versions(args, conn)
        return _export(args, conn) if args.action == "export" else _import(args, conn)


def _versions(args: argparse.Namespace, conn: "Connection") -> int:
    from store.registry_documents import list_entered
    from store.rule_history import MOST, as_document, in_words

    found = list_entered(conn, "rule", args.rule_id, MOST)
    if not found:
        raise UsageError(f"no rule '{args.rule_id}' was ever entered")
    if args.json:
        print(json.dumps({"versions": [as_document(args.rule_id, one) for one in found]}))
        return 0
    for one in found:
        print(in_words(args.rule_id, one))
    return 0


def _export(args: argparse.Namespace, conn: "Connection") -> int:
    from baycast.registry.export import write_csv, write_geojson

    registries = _registered(conn)
    if args.area is not None and args.area not in registries:
        known = ", ".join(sorted(registries)) or "none"
        raise UsageError(f"area {args.area} is not registered; registered: {known}")
    chosen = [registries[area] for area in sorted(registries) if args.area in (None, area)]
    text = write_geojson(chosen) if args.format == "geojson" else write_csv(chosen)
    if args.out is None:
        sys.stdout.write(text)
        return 0
    try:
        args.out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{args.out}: cannot be written: {error.strerror}") from None
    return 0


def _import(args: argparse.Namespace, conn: "Connection") -> int:
    from occupancy.registry import RegistryRefused
    from occupancy.registry_reading import placed

    started_at = utc_now()
    options = _csv_options(args)
    registries = _registered(conn)
    found: list[FileEntity] = []
    errors: list[RegistryError] = []
    for path in args.files:
        try:
            found += _read(path, options, registries)
        except RegistryRefused as refused:
            errors += refused.errors
    if not errors:
        try:
            applied = _apply(conn, found, args, registries, started_at)
        except RegistryRefused as refused:
            errors += placed(refused.errors, found)
    if errors:
        return _refuse(errors)
    for area, what in applied.areas.items():
        verb = "would change" if args.check else "changed"
        print(f"{area}: {what.changed} {verb}, {what.unchanged} as they were")
    return 0


def _refuse(errors: Sequence["RegistryError"]) -> int:
    for error in errors[:SHOWN_ERRORS]:
        print(error, file=sys.stderr)
    if len(errors) > SHOWN_ERRORS:
        print(f"... and {len(errors) - SHOWN_ERRORS} more", file=sys.stderr)
    raise UsageError(f"{len(errors)} problem{'s' if len(errors) > 1 else ''}, nothing was imported")


def _registered(conn: "Connection") -> dict["AreaId", "Registry"]:
    from store.registry import load_registries

    found = load_registries(conn)
    conn.rollback()  # ends the transaction that the reading began
    return found


def _read(
    path: Path, options: "CsvOptions | None", registries: dict["AreaId", "Registry"]
) -> list["FileEntity"]:
    """One file's entities, known to the files after it: one may hold the rules of another's bays."""
    from baycast.registry.files import format_of, read_text
    from baycast.registry.sheet import read_csv
    from occupancy.model import AreaId
    from occupancy.registry import Registry
    from occupancy.registry_geojson import read_geojson

    if format_of(path) == "geojson":
        found = read_geojson(read_text(path), path.name)
    elif options is None:
        raise UsageError(f"{path}: say which area its bays are in, with --area")
    else:
        known = registries.get(AreaId(options.area)) or Registry()
        found = read_csv(read_text(path), path.name, options, known)
    grouped = defaultdict(Registry, registries)
    for item in found:
        grouped[item.entity.area_id].put_entity(item.entity)
    registries.update(grouped)
    return found


def _apply(
    conn: "Connection",
    found: Sequence["FileEntity"],
    args: argparse.Namespace,
    registries: dict["AreaId", "Registry"],
    started_at: datetime,
) -> "Applied":
    import psycopg

    from baycast.free_text import kept
    from baycast.operator import operator
    from occupancy.registry import document, identity
    from store.registry import Change, apply

    changes = [Change(*identity(item.entity), document(item.entity)) for item in found]
    if args.replace:
        held = {(change.kind, change.id) for change in changes}
        for area in {item.entity.area_id for item in found}:
            there = {identity(entity) for entity in registries[area].entities()}
            changes += [Change(kind, id, None) for kind, id in sorted(there - held)]
    entered_by = kept("--entered-by", args.entered_by)
    try:
        with conn.transaction(force_rollback=args.check):
            return apply(conn, changes, entered_by=entered_by, entered_at=started_at, actor=operator())
    except psycopg.Error as error:
        raise UsageError(
            f"the database refused, nothing was imported: {str(error).splitlines()[0]}"
        ) from None


def _csv_options(args: argparse.Namespace) -> "CsvOptions | None":
    from baycast.registry.sheet import COLUMNS, CsvOptions

    if args.area is None:
        return None
    columns: dict[str, str] = {}
    for pair in args.columns.split(",") if args.columns else ():
        ours, equals, theirs = pair.partition("=")
        if not equals or not theirs or ours not in COLUMNS or ours in columns:
            raise UsageError(
                f"--columns {pair}: give ours=theirs, ours one of {', '.join(COLUMNS)}, each once"
            )
        columns[ours] = theirs
    return CsvOptions(
        area=args.area,
        area_name=args.area_name,
        time_zone=args.time_zone,
        languages=tuple(args.languages.split(",")) if args.languages else None,
        clock=args.clock,
        bank_holidays=args.bank_holidays,
        columns=columns,
        derive_ids=args.derive_ids,
        device_prefix=args.device_prefix,
        model=args.model,
        heartbeat_s=args.heartbeat_s,
    )
