"""`baycast replay`: recorded car park counts through the real path, into an event area of their own."""

from __future__ import annotations

import argparse
import json
import re
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from baycast.settings import Settings, UsageError
from baycast.stop_signals import stop_on_signals

if TYPE_CHECKING:
    from simulator.publisher import Publisher
    from simulator.recordings import Recording
    from simulator.replay import Replayed
    from store.postgres import Connection

HELP = "publish recorded data over MQTT into an event area"

_CONNECT_S = 10.0
_IN_FLIGHT = 500
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="the Birmingham CSV, the Münster Parquet, or time,place,capacity,occupied",
    )
    parser.add_argument("--area", metavar="ID", help="the event area to publish into (default: by the file)")
    parser.add_argument(
        "--speed", type=float, metavar="X", help="recorded seconds per second (default: as fast as it goes)"
    )
    parser.add_argument("--time-zone", metavar="Z", help="of times without an offset, as Europe/London")
    parser.add_argument(
        "--json", action="store_true", help="no progress bar; the result is one JSON object anyway"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database
    from baycast.wiring import database_url, mqtt_url
    from simulator.publisher import BrokerUnreachableError, Endpoint, Publisher
    from simulator.recordings import RecordingError, place_ids, read_recording

    if args.speed is not None and not args.speed > 0:
        raise UsageError("replay: --speed is above 0")
    stop = stop_on_signals()
    with open_database(database_url(settings), "baycast replay") as conn:
        try:
            recording = read_recording(args.file, time_zone=args.time_zone)
            area_id = args.area or _area_of(recording.name)
            zone_ids = place_ids(area_id, recording.places)
            _register(conn, recording, area_id, zone_ids)
            with Publisher(
                Endpoint.parse(mqtt_url(settings)), name="baycast-replay", in_flight=_IN_FLIGHT
            ) as out:
                out.wait_connected(_CONNECT_S, stop)
                return _Run(args, recording, area_id, conn, stop).publish(out, zone_ids)
        except (RecordingError, BrokerUnreachableError) as error:
            raise UsageError(f"replay: {error}") from None


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _area_of(name: str) -> str:
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32].strip("-")
    if not _ID.fullmatch(found):
        raise UsageError("replay: no area id can be made from the file's name; give --area")
    return found


def _register(conn: Connection, recording: Recording, area_id: str, zone_ids: Mapping[str, str]) -> None:
    """Add what the recording needs and the area does not have; what somebody has registered better stays."""
    from baycast.new_devices import let_ingest_learn
    from baycast.operator import operator
    from baycast.registry.recorded import recorded_registry
    from occupancy.model import AreaId
    from occupancy.registry import RegistryRefused
    from store.registry import Change, apply, load

    if not _ID.fullmatch(area_id):
        raise UsageError(
            f"replay: area {area_id!r} is not 1 to 32 of a-z 0-9 _ - beginning with a letter or digit"
        )
    with conn.transaction():
        known = {(kind, id): doc for kind, id, _, doc in load(conn, AreaId(area_id))}
    if known.get(("area", area_id), {}).get("clock", "event") != "event":
        raise UsageError(f"replay: area {area_id} keeps the real time; give --area another name")
    wanted = recorded_registry(recording, area_id, zone_ids)
    changes = [Change(kind, id, doc) for kind, id, doc in wanted if (kind, id) not in known]
    try:
        if changes:
            apply(conn, changes, entered_by="baycast replay", entered_at=utc_now(), actor=operator())
            let_ingest_learn()
    except RegistryRefused as refused:
        raise UsageError(f"replay: {refused.errors[0]}") from None


class _Run:
    """One replay, with what is shown while it runs and said at its end."""

    def __init__(
        self,
        args: argparse.Namespace,
        recording: Recording,
        area_id: str,
        conn: Connection,
        stop: threading.Event,
    ) -> None:
        self._args = args
        self._recording = recording
        self._area_id = area_id
        self._conn = conn
        self._stop = stop

    def publish(self, out: Publisher, zone_ids: Mapping[str, str]) -> int:
        """The exit status: 0 when every row is published, acknowledged and behind the area's watermark."""
        from baycast.ingest_brake import IngestBrake
        from simulator.replay import ReplayConfig, replay

        config = ReplayConfig(area_id=self._area_id, zone_ids=zone_ids, speed=self._args.speed)
        brake = IngestBrake(self._conn, self._area_id, self._stop, _say)
        began = time.monotonic()
        with _Bar(self._recording.rows_kept, shown=not self._args.json and sys.stderr.isatty()) as bar:

            def after_clock(done: Replayed) -> None:
                bar.update(done)
                brake(done)

            done = replay(self._recording, config, out, self._stop, after_clock)
            seconds = time.monotonic() - began
            stored = brake.wait_stored(done)
        self._report(done, out, seconds, time.monotonic() - began, stored=stored)
        return 0 if stored and not out.refused and done.rows == self._recording.rows_kept else 1

    def _report(
        self, done: Replayed, out: Publisher, seconds: float, seconds_stored: float, *, stored: bool
    ) -> None:
        from baycast.measured import measured

        figures = {
            "rows": self._recording.read,
            "places": len(self._recording.places),
            "published": done.rows,
            "clocks": done.clocks,
            "refused": out.refused,
            **{f"skipped_{reason}": count for reason, count in sorted(self._recording.skipped.items())},
            "seconds": seconds,
            "rows_per_s": done.rows / seconds if seconds > 0 else 0.0,
            "seconds_to_stored": seconds_stored,
            "stored": int(stored),
        }
        clock = done.clock_at.isoformat().replace("+00:00", "Z") if done.clock_at else None
        result = measured("replay", None, figures, area=self._area_id, clock=clock)
        print(json.dumps(result))


def _say(text: str) -> None:
    print(f"baycast: {text}", file=sys.stderr, flush=True)


class _Bar:
    """A progress bar on a terminal; nothing elsewhere."""

    def __init__(self, rows: int, *, shown: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not shown,
        )
        self._task = self._progress.add_task("replay", total=rows, rate="")
        self._began = time.monotonic()

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, done: Replayed) -> None:
        rate = done.rows / max(0.001, time.monotonic() - self._began)
        at = "" if done.clock_at is None else f"{done.clock_at:%F %H:%M}"
        self._progress.update(self._task, completed=done.rows, description=at, rate=f"{rate:,.0f} rows/s")
