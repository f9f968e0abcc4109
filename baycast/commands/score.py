"""`baycast score`: how far the answers are from the truth of a simulated city."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from baycast.settings import Settings, UsageError

HELP = "compare the answers with the simulator's truth"


def configure(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--live",
        action="store_true",
        help="score the city that `baycast demo` is running on the same settings",
    )
    what.add_argument(
        "--scenario",
        metavar="S",
        help="play calm, typical, bad_day, snow or outage through the engine in memory, beside a naive engine",
    )
    what.add_argument(
        "--car-parks",
        metavar="FILE",
        type=Path,
        help="recorded counts seen by faulty gates: the count with drift control beside the one without",
    )
    parser.add_argument("--area", default="cardiff", help="area to score with --live (default: cardiff)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which city and which faults")
    parser.add_argument("--seeds", type=int, metavar="K", help="K seeds: each, their mean and the worst")
    parser.add_argument(
        "--first-seed", type=int, default=1, metavar="N", help="the first of them (default: 1)"
    )
    parser.add_argument(
        "--days", type=float, metavar="D", help="how long (default: 14; of a recording 28, from --start)"
    )
    played = parser.add_argument_group("--scenario")
    played.add_argument("--bays", type=int, default=3300, metavar="N", help="only the first N bays")
    played.add_argument(
        "--streets-only",
        action="store_true",
        help="without the car parks, whose passages are most of what a small city says",
    )
    played.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another rate than the scenario's: loss=0.05, loss=0.05,0.1 (least and most) or clocks.minutes=0.1; "
        "docs/simulator.md has them all",
    )
    played.add_argument(
        "--jobs",
        type=int,
        default=min(2, os.cpu_count() or 1),
        metavar="N",
        help="play so many of --seeds at a time (default: %(default)s)",
    )
    recorded = parser.add_argument_group("--car-parks")
    recorded.add_argument(
        "--recount-days", type=float, default=7.0, help="somebody counts so often (default: 7)"
    )
    recorded.add_argument(
        "--places",
        type=int,
        default=4,
        help="so many of its car parks, spread over the file; 0: all (default: 4)",
    )
    recorded.add_argument("--start", type=date.fromisoformat, help="first day (default: the recording's)")
    recorded.add_argument(
        "--missed", type=float, default=0.05, help="share of passages missed (default: .05)"
    )
    recorded.add_argument("--tokens", action="store_true", help="cameras send tokens, and misread 5 percent")
    recorded.add_argument("--time-zone", metavar="IANA", help="of a file whose times have no offset")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


@dataclass(frozen=True, slots=True)
class _Result:
    command: str
    figures: Mapping[str, float | None]
    ratios: Mapping[str, float | None] = field(default_factory=dict)
    each: list[dict[str, object]] = field(default_factory=list)
    """Of several seeds, the figures of every one."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.measured import measured

    result = _measure(args, settings)
    if args.json:
        seed = None if args.live or args.seeds else args.seed
        more = {"each": result.each} if result.each else {}
        print(json.dumps(measured(result.command, seed, result.figures, result.ratios, **more)))
    else:
        for name, value in {**result.figures, **result.ratios}.items():
            print(f"{name:34} {value:.4f}" if isinstance(value, float) else f"{name:34} {value}")
    return 0


def _measure(args: argparse.Namespace, settings: Settings) -> _Result:
    if args.live:
        return _Result("score --live", _live(args, settings))
    if args.car_parks:
        return _Result("score --car-parks", _car_parks(args))
    return _scenario(args)


def _live(args: argparse.Namespace, settings: Settings) -> dict[str, float | None]:
    from baycast.live_score import score_live

    truth = settings.data_dir / "simulator" / f"truth-{args.area}.json"
    found = score_live(f"http://{settings.http_host}:{settings.http_port}", truth, args.area)
    return {**found.figures()}


def _scenario(args: argparse.Namespace) -> _Result:
    from baycast.measured import rounded
    from baycast.score.run import ScorePlan, score
    from baycast.score.seeds import SeedLostError, against_naive, mean_and_worst, score_seeds

    days = 14.0 if args.days is None else args.days
    seeds = _seeds(args)
    if args.jobs < 1:
        raise UsageError("score: --jobs is at least 1")
    try:
        plans = [
            ScorePlan(args.scenario, seed, days, args.bays, tuple(args.set), not args.streets_only)
            for seed in seeds
        ]
    except ValueError as error:
        raise UsageError(f"score: {error}") from None
    command = " ".join([f"score --scenario {args.scenario}", *(f"--set {rate}" for rate in args.set)])
    try:
        results = [score(plans[0], _tell)] if args.seeds is None else score_seeds(plans, args.jobs, _tell)
    except SeedLostError as error:
        raise UsageError(f"score: {error}") from None
    ratios = [against_naive(figures) for figures in results]
    if args.seeds is None:
        return _Result(command, results[0], ratios[0])
    each: list[dict[str, object]] = [
        {"seed": seed, "figures": rounded(figures), "ratios": rounded(ratio)}
        for seed, figures, ratio in zip(seeds, results, ratios, strict=True)
    ]
    return _Result(command, {**mean_and_worst(results), "seeds": len(seeds)}, mean_and_worst(ratios), each)


def _car_parks(args: argparse.Namespace) -> dict[str, float | None]:
    from baycast.score.seeds import mean_and_worst
    from baycast.score_car_parks import CarParkTask, score
    from simulator.gate_faults import GateFaults
    from simulator.recordings import RecordingError, read_recording

    days = 28.0 if args.days is None else args.days
    if days <= 0 or args.recount_days <= 0 or args.places < 0 or not 0 <= args.missed < 0.5:
        raise UsageError("score: --days and --recount-days are above 0, --missed is from 0 to 0.5")
    try:
        recording = read_recording(args.car_parks, time_zone=args.time_zone)
    except RecordingError as error:
        raise UsageError(str(error)) from None
    first = next(recording.rows(), None)
    if first is None:
        raise UsageError(f"{args.car_parks}: no rows")
    start = datetime.combine(args.start, datetime.min.time(), UTC) if args.start else first.at
    tasks = [
        CarParkTask(
            faults=GateFaults(missed=args.missed, tokens=args.tokens, misread=0.05 if args.tokens else 0.0),
            recount_every=timedelta(days=args.recount_days),
            start=start,
            end=start + timedelta(days=days),
            seed=seed,
            places=args.places or None,
        )
        for seed in _seeds(args)
    ]
    results: list[dict[str, float | None]] = [{**score(recording, task).figures()} for task in tasks]
    return results[0] if args.seeds is None else {**mean_and_worst(results), "seeds": len(results)}


def _seeds(args: argparse.Namespace) -> list[int]:
    if args.seeds is not None and args.seeds < 1:
        raise UsageError("score: --seeds is at least 1")
    return [args.seed] if args.seeds is None else list(range(args.first_seed, args.first_seed + args.seeds))


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
