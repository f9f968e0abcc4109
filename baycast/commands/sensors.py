"""`baycast sensors [DEVICE]`: what is known of each sensor, what to fix first at the top; or all about one."""

import argparse
import json
from collections import Counter
from typing import TYPE_CHECKING

from baycast.settings import Settings, UsageError

if TYPE_CHECKING:
    from occupancy.maintenance import SensorRecord
    from occupancy.model import AreaId
    from occupancy.registry import Registry
    from store.postgres import Connection

HELP = "list sensors with what is wrong with them, what to fix first at the top; or say all about one"

MOST = 100_000


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device", metavar="DEVICE", nargs="?", help="all about this one, with its last words")
    parser.add_argument("--suspect", action="store_true", help="only those that are not believed now")
    parser.add_argument("--area", metavar="ID", help="one area only")
    parser.add_argument("--zone", metavar="ID", help="one street only")
    parser.add_argument(
        "--limit",
        type=int,
        default=50,
        metavar="N",
        help=f"at most so many sensors, or words of one (50; {MOST} at most)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url
    from store.registry import load_registries

    if not 1 <= args.limit <= MOST:
        raise UsageError(f"--limit {args.limit}: give 1 to {MOST}")
    with open_database(database_url(settings), "baycast sensors") as conn, refusals_in_words("sensors"):
        registries = load_registries(conn)
        if args.device is not None:
            return _sheet(args, conn, registries)
        return _list(args, conn, registries)


def _sheet(args: argparse.Namespace, conn: "Connection", registries: dict["AreaId", "Registry"]) -> int:
    from difflib import get_close_matches

    from baycast.sensor_sheet import LOOKED_BACK, as_document, in_words
    from occupancy.maintenance import sensor_document
    from occupancy.model import DeviceId
    from store.sensors import find_sheet

    if args.suspect or args.zone or args.area:
        raise UsageError("give a sensor, or what to list: --suspect, --zone, --area")
    device_id = DeviceId(args.device)
    registry = next((one for one in registries.values() if device_id in one.sensors), None)
    if registry is None:
        known = [str(sensor) for one in registries.values() for sensor in one.sensors]
        near = get_close_matches(args.device, known, n=1)
        raise UsageError(
            f"there is no sensor {args.device!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        )
    sheet = find_sheet(conn, registry, device_id, words=args.limit, back=LOOKED_BACK)
    if sheet is None:
        raise UsageError(f"nothing was folded yet in {registry.area_id}: is `baycast engine` running?")
    if args.json:
        print(json.dumps({**sensor_document(sheet.record), **as_document(sheet)}))
        return 0
    for line in in_words(sheet):
        print(line)
    return 0


def _list(args: argparse.Namespace, conn: "Connection", registries: dict["AreaId", "Registry"]) -> int:
    from occupancy.maintenance import by_urgency, defects, sensor_document
    from store.sensors import list_sensors

    if args.area is not None and args.area not in registries:
        known = ", ".join(sorted(registries)) or "none"
        raise UsageError(f"there is no area {args.area!r}; registered: {known}")
    if args.zone is not None and not any(args.zone in registry.zones for registry in registries.values()):
        raise UsageError(f"there is no zone {args.zone!r}")
    shown = [
        record
        for area, registry in registries.items()
        if args.area in (None, area) and (args.zone is None or args.zone in registry.zones)
        for record in list_sensors(conn, registry, personal=True)
        if args.zone in (None, record.zone_id) and (record.suspicions or not args.suspect)
    ]
    ordered = by_urgency(shown)[: args.limit]
    if args.json:
        print(json.dumps({"sensors": [sensor_document(one) for one in ordered], "of": len(shown)}))
        return 0
    for outage, sensors in Counter(one.cut_off_by for one in shown if one.cut_off_by).most_common():
        print(f"outage of {outage.replace('/', ' ')}: {sensors} sensors cut off")
    wrong = [one for one in ordered if defects(one)]
    for one in wrong:
        print(_words(one))
    if len(wrong) == len(ordered) < len(shown):
        print(f"and {len(shown) - len(ordered)} more: --limit")
    elif len(wrong) < len(ordered):
        print(f"nothing wrong with the {'others' if wrong else 'sensors'} ({len(shown) - len(wrong)})")
    if not shown:
        print("none")
    return 0


def _words(record: "SensorRecord") -> str:
    from occupancy.maintenance import defects

    where = "no bay" if record.bay_id is None else str(record.bay_id)
    heard = "never" if record.heard_at is None else f"{record.heard_at:%Y-%m-%d %H:%MZ}"
    said = f"{record.state.value}, heard {heard}" if record.state is not None else f"heard {heard}"
    battery = "" if record.battery_mv is None else f", {record.battery_mv} mV"
    share = "" if record.missed_share is None else f", {record.missed_share:.0%} missed"
    wrong = "; ".join(defect.words for defect in defects(record)) or "nothing wrong"
    return f"{record.device_id} ({where}, {record.sensor.model}): {said}{battery}{share}: {wrong}"
