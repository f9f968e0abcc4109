"""`baycast score`: how far the answers are from the truth of a simulated city."""

import argparse
import json

from baycast.settings import Settings

HELP = "compare the answers with the simulator's truth"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--live",
        action="store_true",
        required=True,
        help="score the city that `baycast demo` is running on the same settings",
    )
    parser.add_argument("--area", default="cardiff", help="area to score (default: cardiff)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.live_score import score_live
    from baycast.measured import measured

    truth = settings.data_dir / "simulator" / f"truth-{args.area}.json"
    found = score_live(f"http://{settings.http_host}:{settings.http_port}", truth, args.area)
    figures = found.figures()
    if args.json:
        print(json.dumps(measured("score --live", None, figures)))
    else:
        for name, value in figures.items():
            print(f"{name:22} {value:.4f}" if isinstance(value, float) else f"{name:22} {value}")
    return 0
