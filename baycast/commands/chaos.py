"""`baycast chaos`: everything embedded, attacked on purpose, and audited (docs/chaos.md)."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from baycast.chaos.schedule import PROFILES
from baycast.settings import Settings, UsageError

if TYPE_CHECKING:
    from baycast.chaos.audited import Result

HELP = "kill and cut everything on purpose, and audit that nothing was lost or counted twice"
_SIGNS = "signs"
_FINDINGS_SHOWN = 20
_BENCH_MESSAGES = 50_000


def configure(parser: argparse.ArgumentParser) -> None:
    about = "; ".join(f"{profile.name}: {profile.about}" for profile in PROFILES.values())
    about = f"{about}; {_SIGNS}: every link to the signs is cut in turn"
    parser.add_argument(
        "--profile", choices=sorted([*PROFILES, _SIGNS]), default="commit", help=about.replace("%", "%%")
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="same seed, same stream and schedule"
    )
    parser.add_argument(
        "--events", type=int, metavar="N", help="readings to publish (default: the profile's)"
    )
    parser.add_argument("--faults", type=int, metavar="N", help="faults at most (default: the profile's)")
    parser.add_argument(
        "--outage", type=float, metavar="S", help="length of an outage in seconds (default: the profile's)"
    )
    parser.add_argument(
        "--database-url",
        metavar="URL",
        help="profile compress: a server with TimescaleDB, on which a database is made and dropped",
    )
    signs = parser.add_argument_group(f"profile {_SIGNS}")
    signs.add_argument("--cuts", type=int, default=100, metavar="N", help="links cut (default: 100)")
    signs.add_argument("--signs", type=int, default=10, metavar="M", help="signs that watch (default: 10)")
    signs.add_argument(
        "--stale-after",
        type=float,
        default=30.0,
        metavar="S",
        help="seconds without a canary after which nothing is known (default: 30, as `publish` has it)",
    )
    parser.add_argument("--plan", action="store_true", help="print the schedule and do nothing")
    parser.add_argument("--json", action="store_true", help="only the result, one JSON object")
    text = (
        "kill API processes under their listeners, and audit that the live feed told each of them the truth"
    )
    feed = parser.add_subparsers(dest="kind", metavar="[feed]").add_parser(
        "feed", help=text, description=text, allow_abbrev=False, argument_default=argparse.SUPPRESS
    )
    feed.add_argument("--kills", type=int, default=200, metavar="N", help="kill -9 of API processes")
    feed.add_argument(
        "--listeners", type=int, default=8, metavar="N", help="audited clients, a quarter by SSE"
    )
    feed.add_argument("--seed", type=int, metavar="N", help="what changes and who is killed when")
    feed.add_argument("--json", action="store_true", help="only the result, one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    if args.kind == "feed":
        return _run_feed(args)
    return _run_signs(args, settings) if args.profile == _SIGNS else _run_profile(args, settings)


def _run_signs(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.chaos.signs.plan import schedule
    from baycast.chaos.signs.run import Order
    from baycast.chaos.signs.run import run as run_signs

    if not 1 <= args.cuts <= 100_000:
        raise UsageError("chaos: --cuts is from 1 to 100000")
    if not 2 <= args.signs <= 100:
        raise UsageError("chaos: --signs is from 2 to 100")
    if not 2 <= args.stale_after <= 3600:
        raise UsageError("chaos: --stale-after is from 2 to 3600 seconds")
    if args.plan:
        print("\n".join(f"{cut.link}, {cut.how}" for cut in schedule(args.seed, args.cuts)))
        return 0
    order = Order(
        cuts=args.cuts,
        signs=args.signs,
        seed=args.seed,
        stale_after_s=args.stale_after,
        packages=settings.data_dir.resolve() / "packages",
    )
    result = run_signs(order, _saying(quiet=args.json), _interrupted())
    return _told(result, "chaos", args.seed, profile=_SIGNS)


def _run_feed(args: argparse.Namespace) -> int:
    from baycast.chaos.feed.run import Order
    from baycast.chaos.feed.run import run as run_feed

    if not 1 <= args.kills <= 100_000:
        raise UsageError("chaos feed: --kills is from 1 to 100000")
    if not 2 <= args.listeners <= 500:
        raise UsageError("chaos feed: --listeners is from 2 to 500")
    logging.getLogger("feed_client").setLevel(logging.WARNING)  # that connections are lost is what we do
    order = Order(kills=args.kills, listeners=args.listeners, seed=args.seed)
    return _told(run_feed(order, _saying(quiet=args.json), _interrupted()), "chaos feed", args.seed)


def _told(result: "Result", command: str, seed: int, **more: object) -> int:
    """Print it, and return the exit status."""
    from baycast.measured import measured

    for finding in result.findings[:_FINDINGS_SHOWN]:
        print(finding, file=sys.stderr)
    if result.stuck is not None:
        print(f"{command}: {result.stuck}", file=sys.stderr)
    print(json.dumps(measured(command, seed, result.figures, None, **more)))
    return 0 if result.good else 1


def _saying(*, quiet: bool) -> Callable[[str], None]:
    began = time.monotonic()

    def say(text: str) -> None:
        if not quiet:
            print(f"{time.monotonic() - began:7.1f} s  {text}", file=sys.stderr, flush=True)

    return say


def _interrupted() -> Callable[[], None]:
    from baycast.stop_signals import stop_on_signals

    stop = stop_on_signals()

    def check() -> None:
        if stop.is_set():
            raise KeyboardInterrupt

    return check


def _run_profile(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.chaos.run import Order, Run
    from baycast.measured import measured

    profile = PROFILES[args.profile]
    events = profile.events if args.events is None else args.events
    if not 100 <= events <= 50_000_000:
        raise UsageError("chaos: --events is from 100 to 50000000")
    if args.faults is not None and args.faults < 0:
        raise UsageError("chaos: --faults is not negative")
    if args.outage is not None:
        if not 0 < args.outage <= 86_400:
            raise UsageError("chaos: --outage is above 0 and at most 86400 seconds")
        profile = replace(profile, outage_s=args.outage)
    if (args.database_url is not None) != profile.compresses and not args.plan:
        raise UsageError(
            "chaos: profile compress, and no other, takes --database-url of a TimescaleDB server"
        )
    packages = settings.data_dir.resolve() / "packages"
    order = Order(
        profile=profile,
        seed=args.seed,
        events=events,
        faults=args.faults,
        packages=packages,
        server=args.database_url,
    )

    say = _saying(quiet=args.json)
    steps = order.steps()
    say(
        f"profile {profile.name}, seed {args.seed}: {events} readings, {len(steps)} faults; at acknowledged reading"
    )
    if args.plan or not args.json:
        print("\n".join(map(str, steps)), flush=True)
    if args.plan:
        return 0
    check = _interrupted()
    figures: dict[str, float] = {}
    if profile.outage_s:
        figures["durable_per_s"] = _durable_per_s(settings, args.seed, say)
    result = Run(order, say, check).result()
    figures |= result.figures
    for finding in result.findings[:_FINDINGS_SHOWN]:
        print(f"{finding.kind}: {finding.text}", file=sys.stderr)
    if len(result.findings) > _FINDINGS_SHOWN:
        print(f"and {len(result.findings) - _FINDINGS_SHOWN} findings more", file=sys.stderr)
    if result.stuck is not None:
        print(f"chaos: {result.stuck}", file=sys.stderr)
    print(json.dumps(measured("chaos", args.seed, figures, _ratios(figures), profile=profile.name)))
    if missed := int(figures["faults_missed"]):
        print(
            f"chaos: {missed} faults of the schedule could not be made: the run shows less than it says",
            file=sys.stderr,
        )
    return 1 if result.findings or result.stuck is not None or missed else 0


def _durable_per_s(settings: Settings, seed: int, say: Callable[[str], None]) -> float:
    """What `baycast bench ingest` measures on this machine now: what a drain is to be compared with."""
    from baycast.bench.ingest import Plan, measure

    plan = Plan(messages=_BENCH_MESSAGES, rounds=1, devices=1000, rate=100, seconds=1, seed=seed)
    found = measure(plan, settings, say)["figures"]
    assert isinstance(found, dict)  # noqa: S101 - as `measured` makes it
    return float(found["durable_per_s"])


def _ratios(figures: dict[str, float]) -> dict[str, float]:
    drained, durable = figures.get("drained_per_s"), figures.get("durable_per_s")
    return {"drained_to_durable": drained / durable} if drained and durable else {}
