"""`baycast simulate`: a seeded city that publishes what real devices would."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from baycast.settings import Settings, UsageError
from baycast.stop_signals import stop_on_signals

if TYPE_CHECKING:
    from baycast.cardiff import Rhythm
    from baycast.offline.city import Written
    from simulator.plan import CityPlan
    from simulator.run import Progress

HELP = "publish what the sensors and gates of a simulated city would"

_TELL_EVERY_S = 60.0
_ANNOUNCE_S = 15.0

_log = logging.getLogger("baycast.simulator")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--area", default="cardiff", metavar="ID", help="the area to play (default: cardiff)")
    parser.add_argument("--bays", type=int, metavar="N", help="only the first N sensed bays (default: all)")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="X",
        help="city seconds per second; not 1: event areas only",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="the same seed, the same city (default: 1)"
    )
    parser.add_argument(
        "--duration", type=float, metavar="S", help="stop after so many seconds (default: never)"
    )
    parser.add_argument(
        "--min-rate",
        type=float,
        default=0.0,
        metavar="R",
        help="at least R messages per city second: more heartbeats",
    )
    parser.add_argument(
        "--start",
        type=_instant,
        metavar="TIME",
        help="the city's time at the start, as 2026-10-14T07:00:00Z; event areas",
    )
    offline = parser.add_argument_group("straight into the log of an event area, without a broker")
    offline.add_argument("--offline", action="store_true", help="write --days from --start on into the log")
    offline.add_argument("--days", type=int, default=365, metavar="N", help="how many (default: 365)")
    offline.add_argument(
        "--pace",
        type=float,
        default=1.0,
        metavar="X",
        help="so many times as many drivers on streets, each for so much shorter (default: 1)",
    )
    offline.add_argument(
        "--faults", action="store_true", help="lose, delay and repeat words of sensors, and silence some"
    )
    offline.add_argument("--streets-only", action="store_true", help="leave the car parks out")


def run(args: argparse.Namespace, settings: Settings) -> int:
    if args.offline:
        return _offline(args, settings)
    from baycast.simulator_lock import only_one
    from baycast.wiring import mqtt_url
    from simulator.boots import BootFileError
    from simulator.devices import DeviceConfig
    from simulator.publisher import BrokerUnreachableError
    from simulator.run import SimulatorConfig
    from simulator.run import run as run_simulator

    _check(args)
    stop = stop_on_signals()
    plan = _plan(args, settings)
    if not plan.event_clock and (args.speed != 1 or args.start is not None):
        raise UsageError(
            f"simulate: area {plan.area_id} keeps the real time, so --speed is 1 and there is no --start;"
            " give --area another name and it is made as an event area"
        )
    only_one(settings.data_dir / "simulator", plan.area_id)
    config = SimulatorConfig(
        mqtt_url=mqtt_url(settings),
        state_dir=settings.data_dir / "simulator",
        seed=args.seed,
        speed=args.speed,
        duration_s=args.duration,
        start=args.start,
        devices=DeviceConfig(announce_s=_ANNOUNCE_S * args.speed, min_rate=args.min_rate),
    )
    _log.info("playing %s: %d bays, %d car parks", plan.area_id, len(plan.bays), len(plan.car_parks))
    try:
        last = run_simulator(plan, config, stop, _Teller())
    except (BrokerUnreachableError, BootFileError) as error:
        raise UsageError(f"simulate: {error}") from None
    print(
        f"{plan.area_id}: {last.acked} messages acknowledged, {last.waiting} not, "
        f"city time {last.at:%F %T} UTC"
    )
    return 0


def _offline(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.offline.simulate import run_offline

    began = time.monotonic()

    def tell(done: Written) -> None:
        if sys.stderr.isatty():
            rate = done.stored / max(0.001, time.monotonic() - began)
            said = f"\r{done.until:%F %H:%M}  {done.stored:,} readings  {rate:,.0f}/s"
            print(said, end="", file=sys.stderr, flush=True)

    done = run_offline(args, settings, tell)
    print(
        f"{args.area}: {done.stored} readings stored, {done.already} came twice, {done.parked} vehicles parked,"
        f" up to {done.until:%F %T} UTC"
    )
    return 0


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time as 2026-10-14T07:00:00Z") from None
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no offset; add Z for UTC")
    return at.astimezone(UTC)


def _check(args: argparse.Namespace) -> None:
    for name, value in (("--bays", args.bays), ("--speed", args.speed), ("--duration", args.duration)):
        if value is not None and not value > 0:
            raise UsageError(f"simulate: {name} is above 0")
    if not args.min_rate >= 0:
        raise UsageError("simulate: --min-rate is not below 0")


def _plan(args: argparse.Namespace, settings: Settings) -> CityPlan:
    from baycast.world_plan import world_plan
    from occupancy.registry import RegistryError

    at = args.start or utc_now()
    try:
        documents, rhythm = _documents(args, settings)
        plan = world_plan(documents, at=at, rhythm=rhythm)
    except (RegistryError, ValueError) as error:
        raise UsageError(f"simulate: {error}") from None
    if args.bays is not None:
        plan = plan.first_bays(args.bays)
    if not plan.device_ids():
        raise UsageError(f"simulate: area {plan.area_id} has no sensors and no gates")
    return plan


def _documents(
    args: argparse.Namespace, settings: Settings
) -> tuple[list[tuple[str, str, dict[str, object]]], Rhythm]:
    """The registry of the area; where there is none yet, our Cardiff is registered under its name."""
    from baycast import cardiff
    from baycast.new_devices import let_ingest_learn
    from baycast.operator import operator
    from baycast.reachability import open_database
    from baycast.wiring import database_url
    from occupancy.model import AreaId
    from occupancy.registry import RegistryRefused
    from store.registry import Change, apply, load

    with open_database(database_url(settings), "baycast simulate") as conn:
        with conn.transaction():
            found = [(kind, id, doc) for kind, id, _, doc in load(conn, AreaId(args.area))]
        if found:
            return found, cardiff.rhythm(args.area)
        built_in = cardiff.documents(args.area, "live" if args.speed == 1 and args.start is None else "event")
        changes = [Change(kind, id, doc) for kind, id, doc in built_in]
        try:
            apply(conn, changes, entered_by="baycast simulate", entered_at=utc_now(), actor=operator())
            let_ingest_learn()
        except RegistryRefused as refused:
            raise UsageError(
                f"simulate: cannot register our Cardiff as {args.area}: {refused.errors[0]}"
            ) from None
        _log.info("registered the illustrative Cardiff as area %s", args.area)
        return built_in, cardiff.rhythm(args.area)


class _Teller:
    """Logs where the run is, now and then."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TELL_EVERY_S
            _log.info(
                "city time %s: %d messages acknowledged, %d wait",
                progress.at.isoformat(timespec="seconds"),
                progress.acked,
                progress.waiting,
            )
