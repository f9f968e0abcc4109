"""`baycast doctor`: one page that says what is wrong."""

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from baycast.doctor.findings import Finding
from baycast.doctor.forecasts import examine_forecasts
from baycast.doctor.gaps import gaps_report
from baycast.doctor.ingest import examine_resets, examine_workers
from baycast.doctor.recount import recount_findings
from baycast.doctor.signs import examine_signs
from baycast.doctor.storage import reach_finding, sizes_report
from baycast.settings import Settings, UsageError, masked

if TYPE_CHECKING:
    from store.doctor import AreaCondition, Drops, Silence
    from store.postgres import Connection

HELP = "say on one page what is wrong; exit status 1 when something is"

WATERMARK_LATE_S = 30.0  # no watermark for 30 s means that the pipeline is down
ENGINE_LATE_S = 30.0
DISK_LEAST = 2 * 1024**3


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--gaps",
        action="store_true",
        help="instead: the sequence numbers missing of each device, newest first",
    )
    parser.add_argument(
        "--recount",
        action="store_true",
        help="instead: count all hours of history anew from the log, and hold them against what is stored (long)",
    )
    parser.add_argument("--sizes", action="store_true", help="instead: how large each table is")
    parser.add_argument("--area", metavar="ID", help="with --recount: one area only")
    parser.add_argument("--device", metavar="ID", help="with --gaps: each hole of this device")
    parser.add_argument("--limit", type=int, default=50, help="with --gaps: lines at most (default: 50)")


def run(args: argparse.Namespace, settings: Settings) -> int:
    if args.gaps:
        for line in gaps_report(settings, args.device, args.limit, as_json=args.json):
            print(line)
        return 0
    if args.sizes:
        for line in sizes_report(settings, as_json=args.json):
            print(line)
        return 0
    if args.device is not None:
        raise UsageError("doctor: --device goes with --gaps")
    if args.area is not None and not args.recount:
        raise UsageError("doctor: --area goes with --recount")
    findings = list(recount_findings(settings, args.area) if args.recount else examine(settings))
    healthy = all(finding.state != "WRONG" for finding in findings)
    if args.json:
        print(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}))
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            print(f"{finding.state:<6} {finding.what:<{width}}  {finding.says}")
    return 0 if healthy else 1


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything that can be seen from here."""
    from baycast.reachability import open_database, refusals_in_words, require_broker
    from baycast.wiring import database_url, mqtt_url

    try:
        with open_database(database_url(settings), "baycast doctor") as conn, refusals_in_words("doctor"):
            yield from _database(conn)
    except UsageError as error:
        yield Finding("database", "WRONG", str(error))
    try:
        require_broker(mqtt_url(settings))
        yield Finding("broker", "ok", masked(mqtt_url(settings)))
    except UsageError as error:
        yield Finding("broker", "WRONG", str(error))
    yield _disk(settings)


def _database(conn: "Connection") -> Iterator[Finding]:
    from store import doctor
    from store.migrate import MigrationError, pending
    from store.workers import list_workers

    server = doctor.server(conn)
    about = f"PostgreSQL {server.version}, {server.size_bytes / 1024**2:.0f} MiB"
    yield Finding("database", "ok", about)
    for name, is_on in (("fsync", server.fsync), ("synchronous_commit", server.synchronous_commit)):
        says = "on" if is_on else "off: what was acknowledged can be lost in a crash"
        yield Finding(name, "ok" if is_on else "WRONG", says)
    try:
        missing = pending(conn)
    except MigrationError as error:
        yield Finding("schema", "WRONG", str(error))
        return
    if missing:
        yield Finding("schema", "WRONG", f"{len(missing)} migrations missing: run `baycast migrate`")
        return
    yield Finding("schema", "ok", "up to date")
    areas = doctor.areas(conn)
    if not areas:
        yield Finding("areas", "note", "none registered: see `baycast registry import --help`")
    for area in areas:
        yield _pipeline(area)
        yield _log(area)
        yield _engine(area)
    yield from examine_forecasts(conn)
    for reach in doctor.reach(conn):
        yield reach_finding(reach)
    for silence in doctor.outages(conn):
        yield _outage(silence)
    for of, day in doctor.learnt(conn):
        says = "nothing yet: no sensor can be suspect" if day is None else f"from closed days, last on {day}"
        yield Finding(f"{of}: learnt", "ok", says)
    suspected = doctor.suspects(conn)
    says = ", ".join(f"{found.sensors} {found.kind} in {found.area}" for found in suspected)
    yield Finding(
        "suspect sensors", "note" if suspected else "ok", f"{says}: `baycast sensors`" if says else "none"
    )
    yield from examine_workers(list_workers(conn.cursor()))
    for drops in doctor.broker_drops(conn):
        yield _drops(drops)
    yield from examine_resets(doctor.went_back(conn))
    yield from examine_signs(doctor.readbacks(conn))
    reasons = doctor.quarantine(conn)
    says = ", ".join(f"{found.messages} {found.reason} ({found.devices} devices)" for found in reasons)
    yield Finding("quarantine, 24 h", "note" if reasons else "ok", says or "empty")


def _pipeline(area: "AreaCondition") -> Finding:
    what, age = f"{area.area}: watermark", area.watermark_age_s
    if not area.live:
        return Finding(what, "ok", "moved by its publisher (event clock)")
    if age is None:
        return Finding(what, "WRONG", "never seen: is ingest running and connected to the broker?")
    late = age > WATERMARK_LATE_S
    return Finding(
        what, "WRONG" if late else "ok", f"{age:.1f} s old{': is ingest running?' if late else ''}"
    )


def _log(area: "AreaCondition") -> Finding:
    if area.begins_at is None:
        return Finding(f"{area.area}: log", "ok", "goes back to its beginning")
    says = f"begins at {area.begins_at:%Y-%m-%d %H:%M:%S} UTC: what was derived from before is frozen"
    return Finding(f"{area.area}: log", "ok", says)


def _outage(silence: "Silence") -> Finding:
    kind, _, name = silence.sensors_of.partition("/")
    return Finding(
        f"{silence.area}: outage of {kind} {name}",
        "WRONG",
        f"no word of its {silence.sensors} sensors since {silence.began_at:%Y-%m-%d %H:%M} UTC",
    )


def _drops(drops: "Drops") -> Finding:
    says = (
        f"dropped {drops.dropped} messages in all, {drops.last} of them by {drops.at:%Y-%m-%d %H:%M} UTC"
        ": a queue was full; `baycast doctor --gaps` shows what is missing"
    )
    return Finding(f"broker {drops.broker}", "WRONG" if drops.recent else "note", says)


def _engine(area: "AreaCondition") -> Finding:
    late = area.waiting_s is not None and area.waiting_s > ENGINE_LATE_S
    says = f"{area.positions_behind} positions behind"
    if area.waiting_s is not None:
        says += f", the oldest for {area.waiting_s:.1f} s{': is it running?' if late else ''}"
    return Finding(f"{area.area}: engine", "WRONG" if late else "ok", says)


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding(
        "disk", "WRONG" if free < DISK_LEAST else "ok", f"{free / 1024**3:.1f} GiB free at {folder}"
    )
