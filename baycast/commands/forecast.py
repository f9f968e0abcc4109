"""`baycast forecast`: learning from what was seen, and how good forecasts are on a history in a file."""

import argparse
import json
import sys
from pathlib import Path

from baycast.settings import Settings, UsageError

HELP = "learn from what was seen, and hold forecasts against what came"


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
    train = doing.add_parser(
        "train",
        help="learn a model of each area from what the database knows, and put it in place of the one before",
        description="Reads the database, writes to the data folder: DATA_DIR/forecast/AREA.",
        allow_abbrev=False,
    )
    train.add_argument("--area", metavar="ID", help="of this area only")
    train.add_argument("--days", type=int, metavar="N", help="from so many days at most (120)")
    for one in (evaluate, train):
        one.add_argument("--json", action="store_true", help="print one JSON object with all figures")


def run(args: argparse.Namespace, settings: Settings) -> int:
    found = _evaluated(args) if args.doing == "evaluate" else _trained(args, settings)
    if args.json:
        print(json.dumps(found))
        return 0
    models, figures = found.get("models", {}), found["figures"]
    assert isinstance(figures, dict)  # noqa: S101 - what `measured` makes
    assert isinstance(models, dict)  # noqa: S101 - likewise
    for area, version in models.items():
        print(f"{area:40} {version or 'no whole day was seen yet: forecasts are by the prior'}")
    for name, value in figures.items():
        print(f"{name:40} {value:.6g}")
    return 0


def _evaluated(args: argparse.Namespace) -> dict[str, object]:
    from baycast.forecast_evaluate import evaluate

    return evaluate(args.file, args.protocol, bar=sys.stderr.isatty())


def _trained(args: argparse.Namespace, settings: Settings) -> dict[str, object]:
    from baycast.day_bar import day_bar
    from baycast.forecast_train import DAYS, MOST_DAYS, train_areas
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import available_database

    days = DAYS if args.days is None else args.days
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"forecast train: --days is from 1 to {MOST_DAYS}")
    with (
        available_database(settings) as url,
        open_database(url, "baycast forecast train", statement_timeout_ms=0) as conn,
        refusals_in_words("forecast train"),
    ):
        conn.autocommit = True  # no snapshot is held while the days are learnt from
        return train_areas(conn, settings.data_dir, args.area, days, day_bar if sys.stderr.isatty() else None)
