"""`baycast override set|list|withdraw`: suspensions, closures and events over rules and sensors."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from baycast.instants import INSTANT, instant_of
from baycast.settings import Settings, UsageError

if TYPE_CHECKING:
    from occupancy.model import AreaId, Override
    from occupancy.registry import Registry
    from store.overrides import Entered
    from store.postgres import Connection

HELP = "suspend or close bays, streets and car parks, or declare events, for a time"


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "enter an override, in place of the one with the same id"
    sets = actions.add_parser("set", help=text, description=text, allow_abbrev=False)
    sets.add_argument(
        "id", metavar="ID", help="small letters, digits, - and _, as of the notice: ttro-2026-114"
    )
    sets.add_argument("--kind", choices=("suspension", "closure", "event"), required=True)
    sets.add_argument("--bays", metavar="IDS", default="", help="bays, separated by commas")
    sets.add_argument("--zones", metavar="IDS", default="", help="streets or car parks as a whole")
    sets.add_argument("--from", dest="starts", metavar="TIME", help=f"{INSTANT}; default: this minute")
    sets.add_argument(
        "--to", dest="ends", metavar="TIME", help="its end, not included; without it, open-ended"
    )
    sets.add_argument(
        "--expires", metavar="TIME", help="an open-ended one lapses then unless it is set again"
    )
    sets.add_argument("--reason", required=True, help="for people, as in 'water main repair'")
    sets.add_argument("--notice", metavar="REF", help="reference of the notice or order")
    sets.add_argument("--day-type", help="of an event: the rules (only_on) that it brings into force (event)")
    sets.add_argument("--by", required=True, metavar="WHO", help="who is noted as having entered it")
    text = "show the overrides that hold now or later"
    lists = actions.add_parser("list", help=text, description=text, allow_abbrev=False)
    lists.add_argument("--area", metavar="ID", help="one area only")
    lists.add_argument("--all", action="store_true", help="also those that have ended")
    lists.add_argument("--json", action="store_true", help="print one JSON object")
    text = "end an override now, or take it out where it has not begun"
    ends = actions.add_parser("withdraw", help=text, description=text, allow_abbrev=False)
    ends.add_argument("id", metavar="ID")
    ends.add_argument("--at", metavar="TIME", help="when it ends (default: this minute)")
    ends.add_argument(
        "--void", action="store_true", help="it was a mistake: history, too, is told without it"
    )
    ends.add_argument("--by", required=True, metavar="WHO", help="who is noted as having withdrawn it")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url

    action = {"set": _set, "list": _list, "withdraw": _withdraw}[args.action]
    with open_database(database_url(settings), "baycast override") as conn, refusals_in_words("override"):
        return action(args, conn)


def _set(args: argparse.Namespace, conn: "Connection") -> int:
    from baycast.free_text import kept, kept_reference
    from baycast.operator import operator
    from occupancy.overrides import override_of
    from occupancy.registry import RegistryError, RegistryRefused, format_instant
    from store.overrides import put
    from store.registry import load_registries

    now = utc_now()
    with conn.transaction():
        registries = load_registries(conn)
    bays, zones = _ids(args.bays), _ids(args.zones)
    area = _area_of(bays, zones, registries)
    found = registries[area].area
    zone = "UTC" if found is None else found.time_zone
    entered_by, reason = kept("--by", args.by), kept("--reason", args.reason)
    doc: dict[str, object] = {"area_id": area, "kind": args.kind, "reason": reason}
    doc["starts_at"] = format_instant(
        instant_of("--from", args.starts, zone) if args.starts else _minute(now)
    )
    for field, option, text in (("ends_at", "--to", args.ends), ("expires_at", "--expires", args.expires)):
        if text is not None:
            doc[field] = format_instant(instant_of(option, text, zone))
    if args.notice is not None:
        doc["notice"] = kept_reference("--notice", args.notice)
    if args.day_type is not None:
        doc["day_type"] = args.day_type
    doc |= {name: ids for name, ids in (("bay_ids", bays), ("zone_ids", zones)) if ids}
    try:
        override = override_of(args.id, doc)
        changed = put(conn, override, registries, entered_by=entered_by, entered_at=now, actor=operator())
    except RegistryRefused as refused:
        for error in refused.errors:
            print(error, file=sys.stderr)
        raise UsageError(f"{len(refused.errors)} problem(s), nothing was entered") from None
    except RegistryError as error:
        raise UsageError(str(error)) from None
    print(f"{area}: {_words(override)}{'' if changed else ' (as it was)'}")
    return 0


def _list(args: argparse.Namespace, conn: "Connection") -> int:
    from occupancy.model import AreaId
    from store.overrides import load

    now = utc_now()
    with conn.transaction():
        entered = load(conn, None if args.area is None else AreaId(args.area))
    shown = [e for e in entered if args.all or e.override.until is None or now < e.override.until]
    if args.json:
        print(json.dumps({"overrides": [_document(one) for one in shown]}))
        return 0
    for one in shown:
        holds = (
            "now  " if one.override.holds_at(now) else "later" if now < one.override.starts_at else "ended"
        )
        print(f"{holds} {one.override.area_id}: {_words(one.override)} [{one.entered_by}]")
    if not shown:
        print("none")
    return 0


def _withdraw(args: argparse.Namespace, conn: "Connection") -> int:
    from baycast.free_text import kept
    from baycast.operator import operator
    from store.overrides import OverrideEndedError, load, withdraw
    from store.registry import load_registries

    at, entered_by = utc_now(), kept("--by", args.by)
    if args.at is not None:
        with conn.transaction():
            areas = {one.override.override_id: one.override.area_id for one in load(conn)}
            registries = load_registries(conn)
        found = registries[areas[args.id]].area if args.id in areas and areas[args.id] in registries else None
        at = instant_of("--at", args.at, "UTC" if found is None else found.time_zone)
    try:
        left = withdraw(conn, args.id, entered_by=entered_by, entered_at=at, void=args.void, actor=operator())
    except OverrideEndedError as ended:
        raise UsageError(f"{ended}; if it was a mistake, --void takes it out, also from history") from None
    except LookupError as error:
        raise UsageError(str(error)) from None
    print(f"{args.id}: taken out" if left is None else f"{args.id}: ends at {left.until:%Y-%m-%d %H:%MZ}")
    return 0


def _area_of(bays: list[str], zones: list[str], registries: dict["AreaId", "Registry"]) -> "AreaId":
    """The one area that has the first of what is named; what it does not have is named in the errors that follow."""
    if not bays and not zones:
        raise UsageError("say what it is for: --bays or --zones")
    for area, registry in registries.items():
        if any(bay in registry.bays for bay in bays) or any(zone in registry.zones for zone in zones):
            return area
    raise UsageError(
        f"no area has {' or '.join([*bays, *zones])}: correct the id, or import the registry first"
    )


def _ids(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _words(override: "Override") -> str:
    until = f"{override.until:%Y-%m-%d %H:%MZ}" if override.until else "further notice"
    named = ", ".join([*sorted(override.zone_ids), *sorted(override.bay_ids)])
    notice = f" ({override.notice})" if override.notice else ""
    times = f"from {override.starts_at:%Y-%m-%d %H:%MZ} to {until}"
    return f"{override.override_id}: {override.kind} {times} for {named}: {override.reason}{notice}"


def _document(one: "Entered") -> dict[str, object]:
    from occupancy.overrides import override_document
    from occupancy.registry import format_instant

    said = {"entered_by": one.entered_by, "entered_at": format_instant(one.entered_at)}
    return {"id": one.override.override_id, **override_document(one.override), **said}
