"""`baycast bench`: how fast it is, with the machine and the seed beside the figures (docs/benchmarks.md)."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from baycast.bench.polling.generators import GENERATORS
from baycast.settings import Settings, UsageError

Kinds: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

HELP = (
    "measure: ingest (messages to rows), engine (readings folded), history (a year and what it answers), forecast (a"
    " model of a year, and what is issued), rebuild (a log to all tables), poll (snapshots over HTTP), live (PUBLISH to"
    " WebSocket delta), broker (what it keeps through crashes), idle (what the running city costs)"
)


def configure(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    _configure_serving(kinds)
    text = "messages to committed rows beside the broker's, the database's and a tutorial's rate, on servers of its own"
    ingest = kinds.add_parser("ingest", help=text, description=text, allow_abbrev=False)
    ingest.add_argument(
        "--messages", type=int, default=30_000, metavar="N", help="messages per round and way"
    )
    ingest.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each way is measured")
    ingest.add_argument("--devices", type=int, default=3300, metavar="N", help="sensors that take turns")
    ingest.add_argument(
        "--rate", type=float, default=500.0, metavar="N", help="messages per second for the latency"
    )
    ingest.add_argument(
        "--seconds", type=float, default=8.0, metavar="S", help="how long the latency is measured"
    )
    ingest.add_argument("--seed", type=int, default=1, metavar="N", help="the order of the sensors")
    ingest.add_argument(
        "--database-url",
        metavar="URL",
        help="measure on this server (one with TimescaleDB, say): own database",
    )
    text = (
        "readings per second through a sensor's step, and through the fold of areas of 1,000 and 100,000 bays"
    )
    engine = kinds.add_parser("engine", help=text, description=text, allow_abbrev=False)
    engine.add_argument("--readings", type=int, default=50_000, metavar="N", help="readings per round")
    engine.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each is measured")
    engine.add_argument("--seed", type=int, default=1, metavar="N", help="what the sensors say")
    text = "what the broker keeps of what it acknowledged through restart and kill -9, and how fast, by its settings"
    broker = kinds.add_parser("broker", help=text, description=text, allow_abbrev=False)
    broker.add_argument("--messages", type=int, default=3000, metavar="N", help="messages per measurement")
    broker.add_argument(
        "--in-flight", type=int, default=100, metavar="N", help="messages not acknowledged at a time"
    )
    broker.add_argument("--seed", type=int, default=1, metavar="N", help="the order of the sensors")
    text = "readings per second from a log into all derived tables, on a database of its own"
    rebuild = kinds.add_parser("rebuild", help=text, description=text, allow_abbrev=False)
    rebuild.add_argument("--readings", type=int, default=300_000, metavar="N", help="readings in the log")
    rebuild.add_argument("--seed", type=int, default=1, metavar="N", help="what the sensors say")
    rebuild.add_argument(
        "--database-url",
        metavar="URL",
        help="measure on this server (one with TimescaleDB, say): own database",
    )
    text = "a year of a city: written, folded, rebuilt, revised, counted anew, and asked about over HTTP"
    history = kinds.add_parser("history", help=text, description=text, allow_abbrev=False)
    history.add_argument("--days", type=int, default=365, metavar="N", help="how many from 1 January 2026 on")
    history.add_argument("--bays", type=int, default=3300, metavar="N", help="sensed bays")
    history.add_argument("--streets-only", action="store_true", help="leave the car parks out")
    history.add_argument(
        "--seed", type=int, default=1, metavar="N", help="what happens, and what is asked for"
    )
    history.add_argument(
        "--database-url",
        metavar="URL",
        help="measure on this server (one with TimescaleDB, say): own database",
    )
    history.add_argument(
        "--keep",
        nargs="?",
        const="",
        metavar="DIR",
        help="keep the database, in this folder or on the server of --database-url, and go on with what is there",
    )
    history.add_argument(
        "--no-recount",
        action="store_true",
        help="do not count all hours anew from the log, which takes as long as folding it",
    )
    history.add_argument("--json", action="store_true", help="the result is one JSON object anyway")
    text = "how long a model of a year of a city takes to learn, and forecasts of 1,000 places to issue"
    forecast = kinds.add_parser("forecast", help=text, description=text, allow_abbrev=False)
    forecast.add_argument("--places", type=int, default=240, metavar="N", help="streets and car parks")
    forecast.add_argument("--days", type=int, default=365, metavar="N", help="days that are learnt from")
    forecast.add_argument("--seed", type=int, default=1, metavar="N", help="how full the places are")
    text = "CPU and memory per role of the system that runs on the data folder now"
    idle = kinds.add_parser("idle", help=text, description=text, allow_abbrev=False)
    idle.add_argument("--seconds", type=float, default=60.0, metavar="S", help="how long to watch")
    idle.add_argument("--json", action="store_true", help="the result is one JSON object anyway")
    for kind in (ingest, engine, broker, rebuild, forecast):
        kind.add_argument("--json", action="store_true", help="only the result, one JSON object")


def _configure_serving(kinds: Kinds) -> None:
    text = "from PUBLISH of a state change to its WebSocket delta, and from there to thousands"
    live = kinds.add_parser("live", help=text, description=text, allow_abbrev=False)
    live.add_argument("--rate", type=float, default=20.0, metavar="N", help="state changes per second")
    live.add_argument("--seconds", type=float, default=30.0, metavar="S", help="how long to measure")
    live.add_argument("--zones", type=int, default=60, metavar="N", help="streets of the measured city")
    live.add_argument("--bays", type=int, default=55, metavar="N", help="sensed bays per street")
    live.add_argument("--seed", type=int, default=1, metavar="N", help="which bay changes when")
    live.add_argument(
        "--clients",
        type=int,
        nargs="*",
        metavar="N",
        help="listeners that one change is told to (1000 and 10000; none: leave that out)",
    )
    live.add_argument(
        "--rounds", type=int, metavar="N", help="how often each server tells them (3; stalled: 5)"
    )
    live.add_argument("--changes", type=int, default=5, metavar="N", help="changes told in each round")
    which = live.add_mutually_exclusive_group()
    which.add_argument(
        "--running",
        action="store_true",
        help="measure beside the load of the system that runs already: an area `bench` is added to it and removed",
    )
    which.add_argument(
        "--stalled",
        action="store_true",
        help="instead: one listener in ten stops reading, in every second run",
    )
    which.add_argument(
        "--storm", action="store_true", help="instead: all listeners come back after kill -9 of the API"
    )
    text = "snapshots per second from one API process, beside nginx and a FastAPI route with the same bytes"
    poll = kinds.add_parser("poll", help=text, description=text, allow_abbrev=False)
    poll.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each server is asked")
    poll.add_argument("--seconds", type=float, default=3.0, metavar="S", help="how long each time")
    poll.add_argument("--connections", type=int, default=32, metavar="N", help="that ask at the same time")
    poll.add_argument(
        "--generator", choices=GENERATORS, help="who asks: wrk where it is installed, else our own"
    )
    for kind in (live, poll):
        kind.add_argument("--json", action="store_true", help="only the result, one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    kinds = {
        "broker": _broker,
        "engine": _engine,
        "forecast": _forecast,
        "history": _history,
        "idle": _idle,
        "ingest": _ingest,
        "live": _live,
        "poll": _poll,
        "rebuild": _rebuild,
    }
    print(json.dumps(kinds[args.kind](args, settings), ensure_ascii=False))
    return 0


def _ingest(args: argparse.Namespace, settings: Settings) -> dict[str, object]:
    from baycast.bench.ingest import Plan, measure

    try:
        plan = Plan(
            args.messages, args.rounds, args.devices, args.rate, args.seconds, args.seed, args.database_url
        )
    except ValueError as error:
        raise UsageError(f"bench ingest: {error}") from None
    return measure(plan, settings, _teller(args))


def _engine(args: argparse.Namespace, _: Settings) -> dict[str, object]:
    from baycast.bench.engine import bench_engine
    from baycast.measured import measured

    if args.readings < 1_000 or args.rounds < 1:
        raise UsageError("bench engine: --readings is at least 1000 and --rounds at least 1")
    figures, ratios = bench_engine(
        readings=args.readings, rounds=args.rounds, seed=args.seed, tell=_teller(args)
    )
    return measured("bench engine", args.seed, figures, ratios)


def _forecast(args: argparse.Namespace, _: Settings) -> dict[str, object]:
    from baycast.bench.forecast import Plan, measure

    try:
        plan = Plan(args.places, args.days, args.seed)
    except ValueError as error:
        raise UsageError(f"bench forecast: {error}") from None
    return measure(plan, _teller(args))


def _broker(args: argparse.Namespace, settings: Settings) -> dict[str, object]:
    from baycast.bench.broker import Plan, measure

    try:
        plan = Plan(args.messages, args.in_flight, args.seed)
    except ValueError as error:
        raise UsageError(f"bench broker: {error}") from None
    return measure(plan, settings, _teller(args))


def _rebuild(args: argparse.Namespace, _: Settings) -> dict[str, object]:
    from baycast.bench.rebuild import Plan, measure

    try:
        plan = Plan(args.readings, args.seed, args.database_url)
    except ValueError as error:
        raise UsageError(f"bench rebuild: {error}") from None
    return measure(plan, _teller(args))


def _history(args: argparse.Namespace, _: Settings) -> dict[str, object]:
    from baycast.bench.history import Plan, measure
    from baycast.bench.history_city import Year

    try:
        year = Year(args.days, args.bays, args.seed, car_parks=not args.streets_only)
    except ValueError as error:
        raise UsageError(f"bench history: {error}") from None
    if args.keep == "" and args.database_url is None:
        raise UsageError("bench history: --keep needs a folder, unless there is --database-url")
    keep = None if args.keep is None else Path(args.keep)
    # It takes an hour: whoever waits is told, with --json too.
    plan = Plan(year, args.database_url, keep, recount=not args.no_recount)
    return measure(plan, lambda text: print(text, file=sys.stderr, flush=True))


def _idle(args: argparse.Namespace, settings: Settings) -> dict[str, object]:
    from baycast.bench.idle import bench_idle
    from baycast.measured import measured

    if not 1 <= args.seconds <= 3600:
        raise UsageError("bench idle: --seconds is from 1 to 3600")
    metrics = f"http://{settings.metrics_host}:{settings.ingest_metrics_port}/metrics"
    return measured("bench idle", None, bench_idle(settings.data_dir / "baycast.lock", metrics, args.seconds))


def _poll(args: argparse.Namespace, _: Settings) -> dict[str, object]:
    from baycast.bench.poll import Plan, measure

    try:
        plan = Plan(args.rounds, args.seconds, args.connections, args.generator)
    except ValueError as error:
        raise UsageError(f"bench poll: {error}") from None
    return measure(plan, _teller(args))


def _live(args: argparse.Namespace, settings: Settings) -> dict[str, object]:
    from baycast.bench.fan_out import plan, stalled, storm
    from baycast.bench.live import measure_own, measure_running, measure_stalled, measure_storm
    from baycast.bench.system import Plan

    tell = _teller(args)
    clients = args.clients or ([1_000, 10_000] if args.clients is None else [])
    try:
        if args.stalled:
            return measure_stalled(
                stalled.Plan(max(clients), 5 if args.rounds is None else args.rounds, args.seconds), tell
            )
        if args.storm:
            return measure_storm(storm.Plan(max(clients)), tell)
        way = Plan(args.rate, args.seconds, args.zones, args.bays, args.seed)
        if args.running:
            return measure_running(way, settings, tell)
        fan_out = (
            plan.Plan(clients, 3 if args.rounds is None else args.rounds, args.changes) if clients else None
        )
    except ValueError as error:
        raise UsageError(f"bench live: {error}") from None
    return measure_own(way, fan_out, settings, tell)


def _teller(args: argparse.Namespace) -> Callable[[str], None]:
    """How the progress is told to whoever waits."""

    def say(text: str) -> None:
        if not args.json:
            print(text, file=sys.stderr, flush=True)

    return say
