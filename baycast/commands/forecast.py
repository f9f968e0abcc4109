"""`baycast forecast`: how good forecasts are, on a history in a file."""

import argparse
import json
import sys
from pathlib import Path

from baycast.settings import Settings

HELP = "hold forecasts against what came: on the history of car parks or streets in a file"


def configure(parser: argparse.ArgumentParser) -> None:
    doing = parser.add_subparsers(dest="doing", metavar="DO", required=True)
    evaluate = doing.add_parser(
        "evaluate",
        help="forecast a history as if it were not known, and score the forecasts",
        description="Columns: time, place, capacity and occupied or free; CSV (also .gz) or Parquet.",
        allow_abbrev=False,
    )
    evaluate.add_argument("file", metavar="FILE", type=Path, help="the history")
    evaluate.add_argument(
        "--protocol",
        metavar="NAME",
        default="rolling4",
        help="rolling4 (the last four weeks), onestep or lastweek (the last one), split:YYYY-MM-DD (from then on)",
    )
    evaluate.add_argument("--json", action="store_true", help="print one JSON object with all figures")


def run(args: argparse.Namespace, _: Settings) -> int:
    from baycast.forecast_evaluate import evaluate

    found = evaluate(args.file, args.protocol, bar=sys.stderr.isatty())
    if args.json:
        print(json.dumps(found))
        return 0
    figures = found["figures"]
    assert isinstance(figures, dict)  # noqa: S101 - what `measured` makes
    for name, value in figures.items():
        print(f"{name:40} {value:.6g}")
    return 0
