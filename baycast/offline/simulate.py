"""`baycast simulate --offline`: what is asked for, checked, and the city registered where it is not known yet."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from baycast import cardiff
from baycast.garbage import collect_seldom
from baycast.offline import city as offline_city
from baycast.offline.city import Written
from baycast.offline.hours import OfflineRun
from baycast.operator import operator
from baycast.reachability import open_database, refusals_in_words
from baycast.settings import Settings, UsageError
from baycast.simulator_lock import only_one
from baycast.wiring import available_database
from baycast.world_plan import world_plan
from occupancy.model import AreaId
from occupancy.registry import RegistryError, RegistryRefused
from simulator.delivery import NONE, ORDINARY
from simulator.plan import CityPlan
from store.postgres import Connection
from store.registry import Change, apply, load
from store.tail import newest

MOST_DAYS = 3_660
ORDINARY_WEEK = timedelta(days=7)
"""The whole time is played by the rules of the week so much after the start: a year may begin with a holiday."""
_log = logging.getLogger("baycast.simulator")


def run_offline(args: argparse.Namespace, settings: Settings, tell: Callable[[Written], None]) -> Written:
    """Write what the arguments of `baycast simulate` ask for into the log. Raises `UsageError`."""
    start = _checked(args)
    only_one(settings.data_dir / "simulator", args.area)
    collect_seldom()
    with (
        available_database(settings) as url,
        open_database(url, "baycast simulate", statement_timeout_ms=0) as conn,
        refusals_in_words("simulate"),
    ):
        plan = _plan(conn, args, start)
        faults = ORDINARY if args.faults else NONE
        run = OfflineRun(plan=plan, seed=args.seed, start=start, hours=24 * args.days, faults=faults)
        _log.info("playing %s: %d bays, %d car parks", plan.area_id, len(plan.bays), len(plan.car_parks))
        return offline_city.write(conn, run, tell)


def _checked(args: argparse.Namespace) -> datetime:
    """The start."""
    if args.speed != 1 or args.duration is not None or args.min_rate != 0:
        raise UsageError("simulate: --offline has --days, and no --speed, --duration or --min-rate")
    start: datetime | None = args.start
    if start is None or start != start.replace(minute=0, second=0, microsecond=0):
        raise UsageError("simulate: --offline begins at a full hour: give --start, as 2026-01-01T00:00:00Z")
    if not 1 <= args.days <= MOST_DAYS:
        raise UsageError(f"simulate: --days is from 1 to {MOST_DAYS}")
    if not 0.1 <= args.pace <= 10:
        raise UsageError("simulate: --pace is from 0.1 to 10")
    if args.bays is not None and args.bays < 1:
        raise UsageError("simulate: --bays is above 0")
    return start


def _plan(conn: Connection, args: argparse.Namespace, start: datetime) -> CityPlan:
    with conn.transaction(), conn.cursor() as cur:
        found = [(kind, id, doc) for kind, id, _, doc in load(conn, AreaId(args.area))]
        reaches_to = newest(cur, AreaId(args.area))
    if any(kind == "area" and doc.get("clock") != "event" for kind, _, doc in found):
        raise UsageError(
            f"simulate: area {args.area} keeps the real time, so nothing is written for it offline;"
            " give --area another name and it is made as an event area"
        )
    if reaches_to is not None and reaches_to > start:
        raise UsageError(
            f"simulate: the log of {args.area} reaches to {reaches_to:%FT%TZ} already;"
            " give a later --start, or --area another name"
        )
    try:
        plan = world_plan(
            found or offline_city.documents(args.area),
            at=start + ORDINARY_WEEK,
            rhythm=cardiff.rhythm(args.area),
        )
        if not found:
            _register(conn, args.area)
    except (RegistryError, ValueError) as error:
        raise UsageError(f"simulate: {error}") from None
    if args.bays is not None:
        plan = plan.first_bays(args.bays)
    if args.streets_only:
        plan = replace(plan, car_parks=())
    if not plan.device_ids():
        raise UsageError(f"simulate: area {plan.area_id} has no sensors and no gates")
    return replace(plan, pace=args.pace)


def _register(conn: Connection, area: str) -> None:
    changes = [Change(kind, id, doc) for kind, id, doc in offline_city.documents(area)]
    at = datetime.fromtimestamp(time.time(), UTC)
    try:
        apply(conn, changes, entered_by="baycast simulate", entered_at=at, actor=operator())
    except RegistryRefused as refused:
        raise UsageError(f"simulate: cannot register our Cardiff as {area}: {refused.errors[0]}") from None
    _log.info("registered the illustrative Cardiff as area %s", area)
