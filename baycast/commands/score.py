"""`baycast score`: how far the answers are from the truth of a simulated city."""

import argparse
import json
import sys

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
    parser.add_argument("--area", default="cardiff", help="area to score with --live (default: cardiff)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which city and which faults")
    parser.add_argument("--seeds", type=int, metavar="K", help="seeds 1 to K instead: mean and worst")
    parser.add_argument("--days", type=float, default=14.0, metavar="D", help="how long (default: 14)")
    parser.add_argument("--bays", type=int, default=3300, metavar="N", help="only the first N bays")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.measured import measured

    figures = _live(args, settings) if args.live else _scenario(args)
    if args.json:
        command = "score --live" if args.live else f"score --scenario {args.scenario}"
        seed = None if args.live or args.seeds else args.seed
        print(json.dumps(measured(command, seed, figures)))
    else:
        for name, value in figures.items():
            print(f"{name:34} {value:.4f}" if isinstance(value, float) else f"{name:34} {value}")
    return 0


def _live(args: argparse.Namespace, settings: Settings) -> dict[str, float | None]:
    from baycast.live_score import score_live

    truth = settings.data_dir / "simulator" / f"truth-{args.area}.json"
    found = score_live(f"http://{settings.http_host}:{settings.http_port}", truth, args.area)
    return {**found.figures()}


def _scenario(args: argparse.Namespace) -> dict[str, float | None]:
    from baycast.score.run import ScorePlan, score
    from baycast.score.seeds import mean_and_worst

    try:
        seeds = [args.seed] if args.seeds is None else list(range(1, args.seeds + 1))
        plans = [ScorePlan(args.scenario, seed, args.days, args.bays) for seed in seeds]
    except ValueError as error:
        raise UsageError(f"score: {error}") from None
    if not plans:
        raise UsageError("score: --seeds is at least 1")
    results = [score(plan, _tell) for plan in plans]
    return results[0] if args.seeds is None else mean_and_worst(results)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
