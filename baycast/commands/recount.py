"""`baycast recount`: somebody went and counted the vehicles of a car park; its count starts again from there."""

import argparse
import time
from datetime import UTC, datetime

from baycast.settings import Settings, UsageError

HELP = "set a car park's count to what somebody counted, noting who and why"

_MOST = 1_000_000


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("car_park", metavar="CAR_PARK", help="zone id of the car park")
    parser.add_argument("vehicles", metavar="N", type=int, help="vehicles inside")
    parser.add_argument(
        "--at",
        metavar="TIME",
        type=_instant,
        help="when it was counted, as 2026-03-01T09:30:00Z (default: now)",
    )
    parser.add_argument("--by", metavar="WHO", required=True, help="who counted")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why, for the record")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.free_text import kept
    from baycast.operator import operator
    from baycast.reachability import open_database
    from baycast.wiring import database_url
    from occupancy.model import ZoneId, ZoneKind
    from store.car_parks import recount
    from store.registry import load_registries

    entered_at = utc_now()
    entered_by, reason = kept("--by", args.by), kept("--reason", args.reason)
    at = args.at or entered_at
    if not 0 <= args.vehicles <= _MOST:
        raise UsageError(f"{args.vehicles} vehicles: give a number from 0 to {_MOST}")
    if at > entered_at:
        raise UsageError("--at is in the future")
    zone_id = ZoneId(args.car_park)
    with open_database(database_url(settings), "baycast recount") as conn, conn.transaction():
        registries = load_registries(conn)
        area = next((area for area, registry in registries.items() if zone_id in registry.zones), None)
        if area is None:
            raise UsageError(f"there is no zone {args.car_park!r}")
        if registries[area].zones[zone_id].kind is not ZoneKind.CAR_PARK:
            raise UsageError(f"{args.car_park} is a street: its bays are not counted")
        with conn.cursor() as cur:
            position = recount(
                cur,
                area,
                zone_id,
                occupied=args.vehicles,
                at=at,
                entered_at=entered_at,
                entered_by=entered_by,
                reason=reason,
                actor=operator(),
            )
    print(
        f"{args.car_park}: {args.vehicles} vehicles at {at.isoformat()}, position {position} of {area}'s log"
    )
    return 0


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError("a time needs an offset, as Z")
    return at.astimezone(UTC)
