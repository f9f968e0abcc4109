"""`baycast score`: how far the answers are from the truth of a simulated city."""

import argparse
import json
from collections.abc import Mapping
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
        "--car-parks",
        metavar="FILE",
        type=Path,
        help="recorded counts seen by faulty gates: the count with drift control beside the one without",
    )
    recorded = parser.add_argument_group("--car-parks")
    recorded.add_argument("--seed", type=int, default=1, help="of the gates' faults (default: 1)")
    recorded.add_argument(
        "--recount-days", type=float, default=7.0, help="somebody counts so often (default: 7)"
    )
    recorded.add_argument(
        "--places",
        type=int,
        default=4,
        help="so many of its car parks, spread over the file; 0: all (default: 4)",
    )
    recorded.add_argument(
        "--days", type=float, default=28.0, help="of the recording, from --start (default: 28)"
    )
    recorded.add_argument("--start", type=date.fromisoformat, help="first day (default: the recording's)")
    recorded.add_argument(
        "--missed", type=float, default=0.05, help="share of passages missed (default: .05)"
    )
    recorded.add_argument("--tokens", action="store_true", help="cameras send tokens, and misread 5 percent")
    recorded.add_argument("--time-zone", metavar="IANA", help="of a file whose times have no offset")
    parser.add_argument("--area", default="cardiff", help="area to score (default: cardiff)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    return _car_parks(args) if args.car_parks else _live(args, settings)


def _car_parks(args: argparse.Namespace) -> int:
    from baycast.score_car_parks import CarParkTask, score
    from simulator.gate_faults import GateFaults
    from simulator.recordings import RecordingError, read_recording

    if args.days <= 0 or args.recount_days <= 0 or args.places < 0 or not 0 <= args.missed < 0.5:
        raise UsageError("--days and --recount-days are above 0, --missed is from 0 to 0.5")
    try:
        recording = read_recording(args.car_parks, time_zone=args.time_zone)
    except RecordingError as error:
        raise UsageError(str(error)) from None
    first = next(recording.rows(), None)
    if first is None:
        raise UsageError(f"{args.car_parks}: no rows")
    start = datetime.combine(args.start, datetime.min.time(), UTC) if args.start else first.at
    task = CarParkTask(
        faults=GateFaults(missed=args.missed, tokens=args.tokens, misread=0.05 if args.tokens else 0.0),
        recount_every=timedelta(days=args.recount_days),
        start=start,
        end=start + timedelta(days=args.days),
        seed=args.seed,
        places=args.places or None,
    )
    return _print("score --car-parks", args.seed, score(recording, task).figures(), as_json=args.json)


def _live(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.live_score import score_live

    truth = settings.data_dir / "simulator" / f"truth-{args.area}.json"
    found = score_live(f"http://{settings.http_host}:{settings.http_port}", truth, args.area)
    return _print("score --live", None, found.figures(), as_json=args.json)


def _print(command: str, seed: int | None, figures: Mapping[str, float], *, as_json: bool) -> int:
    from baycast.measured import measured

    if as_json:
        print(json.dumps(measured(command, seed, figures)))
        return 0
    for name, value in figures.items():
        print(f"{name:22} {value:.4f}" if isinstance(value, float) else f"{name:22} {value}")
    return 0
