"""`baycast overstays`: stays longer than the limit in force, with what is known of each."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from baycast.settings import Settings, UsageError

if TYPE_CHECKING:
    from occupancy.model import BayId
    from store.overstays import Listed
    from store.postgres import Connection

HELP = "list stays longer than the limit in force (not evidence of a contravention)"

MOST = 10_000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--zone", metavar="ID", help="one street only")
    parser.add_argument("--since", metavar="TIME", help="whose limit ran out since, as 2026-11-22T00:00:00Z")
    parser.add_argument("--unpublished", action="store_true", help="also those without enough evidence")
    parser.add_argument(
        "--limit", type=int, default=100, metavar="N", help=f"at most so many (100; {MOST} at most)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url
    from store.overstays import list_overstays

    if not 1 <= args.limit <= MOST:
        raise UsageError(f"--limit {args.limit}: give 1 to {MOST}")
    since = _instant(args.since) if args.since else _LONG_AGO
    with open_database(database_url(settings), "baycast overstays") as conn, refusals_in_words("overstays"):
        bays = None if args.zone is None else _bays_of(conn, args.zone)
        found = list_overstays(conn, bays=bays, since=since, unpublished=args.unpublished, limit=args.limit)
    if args.json:
        print(json.dumps({"overstays": [_document(one) for one in found], "not_evidence": True}))
        return 0
    for one in found:
        print(_words(one))
    if not found:
        print("none")
    return 0


def _bays_of(conn: "Connection", zone_id: str) -> list["BayId"]:
    from occupancy.model import ZoneId
    from store.registry import load_registries

    for registry in load_registries(conn).values():
        if ZoneId(zone_id) in registry.zones:
            return [bay.bay_id for bay in registry.bays_by_zone.get(ZoneId(zone_id), ())]
    raise UsageError(f"there is no zone {zone_id!r}")


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text}: is no time; give RFC 3339, as 2026-11-22T00:00:00Z") from None
    if at.tzinfo is None:
        raise UsageError(f"--since {text}: has no offset; give RFC 3339, as 2026-11-22T00:00:00Z")
    return at.astimezone(UTC)


def _words(one: "Listed") -> str:
    found = one.overstay
    ended = "still there" if found.ended_at is None else f"ended {found.ended_at:%H:%MZ}"
    exempt = f"; may be exempt: {', '.join(found.exemptions)}" if found.exemptions else ""
    return (
        f"{found.over_from:%Y-%m-%d %H:%MZ} {found.bay_id}: {found.over_min(one.now)} min over {found.limit_min} min"
        f" ({found.rule_id}, version {found.rule_version}), {ended}, {found.state.value}: {found.evidence}{exempt}"
    )


def _document(one: "Listed") -> dict[str, object]:
    from occupancy.answers import instant

    found = one.overstay
    times = ("arrived_at", "over_from", "over_to", "candidate_at", "confirmed_at", "ended_at")
    return {
        "area": one.area,
        "engine_version": one.engine_version,
        "bay_id": found.bay_id,
        **{name: instant(getattr(found, name)) for name in times},
        "rule_id": found.rule_id,
        "rule_version": found.rule_version,
        "limit_min": found.limit_min,
        "grace_min": found.grace_min,
        "over_min": found.over_min(one.now),
        "state": found.state.value,
        "evidence": found.evidence,
        "exemption_possible": found.exemption_possible,
        "exemptions": list(found.exemptions),
        "not_evidence": found.not_evidence,
    }
