"""`baycast forecast`: learning from what was seen, and how good forecasts are on a history in a file."""

import argparse
import json
import sys
from pathlib import Path

from baycast.cli import installed_version
from baycast.metrics import serve_metrics
from baycast.settings import Settings, UsageError
from baycast.stop_signals import stop_on_signals

HELP = "forecast, learn from what was seen, and hold forecasts against what came"


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
        help="rolling4 (the last four weeks), hourly80 (the last fifth, each full hour), onestep or lastweek (the last "
        "week), untaught (the first two, nothing learnt), split:YYYY-MM-DD (from then on)",
    )
    doing.add_parser(
        "run",
        help="forecast every minute, score what has come due, have models trained anew every night",
        description="Reads and writes the database; the models are in the data folder.",
        allow_abbrev=False,
    )
    train = doing.add_parser(
        "train",
        help="learn a model of each area from what the database knows, and put it in place of the one before",
        description="Reads the database, writes to the data folder: DATA_DIR/forecast/AREA.",
        allow_abbrev=False,
    )
    train.add_argument("--area", metavar="ID", help="of this area only")
    train.add_argument("--days", type=int, metavar="N", help="from so many days at most (120)")
    drivers = doing.add_parser(
        "drivers",
        help="in a simulated city: was there a bay where a driver was told that there would be one?",
        description="Plays streets of at most 20 bays with faulty sensors, and asks for a week after each history.",
        allow_abbrev=False,
    )
    drivers.add_argument("--bays", type=int, default=300, metavar="N", help="only the first N bays (300)")
    drivers.add_argument(
        "--history",
        type=int,
        nargs="+",
        default=[1, 7, 28, 90],
        metavar="DAYS",
        help="after so many days each (1 7 28 90; 0: nothing learnt)",
    )
    drivers.add_argument("--scenario", default="typical", metavar="S", help="faults, as of `baycast score`")
    drivers.add_argument("--seed", type=int, default=1, metavar="N", help="which city and which faults")
    for one in (evaluate, train, drivers):
        one.add_argument("--json", action="store_true", help="print one JSON object with all figures")


def run(args: argparse.Namespace, settings: Settings) -> int:
    if args.doing == "run":
        return _run(settings)
    found = {"evaluate": _evaluated, "train": _trained, "drivers": _drivers}[args.doing](args, settings)
    if args.json:
        print(json.dumps(found))
        return 0
    models, figures = found.get("models", {}), found["figures"]
    assert isinstance(figures, dict)  # noqa: S101 - what `measured` makes
    assert isinstance(models, dict)  # noqa: S101 - likewise
    for area, version in models.items():
        print(f"{area:40} {version or 'no whole day was seen yet: forecasts are by the prior'}")
    for name, value in figures.items():
        print(f"{name:40} {'-' if value is None else format(value, '.6g')}")
    return 0


def _run(settings: Settings) -> int:
    from baycast.forecasting.role import training_child
    from baycast.reachability import require_database
    from baycast.wiring import forecast_config
    from occupancy.engine.forecasts import run as run_forecasts

    stop = stop_on_signals()
    config = forecast_config(settings)
    require_database(config.database_url)
    serve_metrics("forecast", installed_version(), settings.metrics_host, settings.forecast_metrics_port)
    run_forecasts(config, stop, training_child)
    return 0


def _evaluated(args: argparse.Namespace, _: Settings) -> dict[str, object]:
    from baycast.forecasting.evaluate import evaluate

    return evaluate(args.file, args.protocol, bar=sys.stderr.isatty())


def _trained(args: argparse.Namespace, settings: Settings) -> dict[str, object]:
    from baycast.day_bar import day_bar
    from baycast.forecasting.train import DAYS, MOST_DAYS, train_areas
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


def _drivers(args: argparse.Namespace, _: Settings) -> dict[str, object]:
    from baycast.forecasting.drivers import Plan, measure

    try:
        plan = Plan(args.bays, args.history, args.seed, args.scenario)
    except ValueError as error:
        raise UsageError(f"forecast drivers: {error}") from None
    return measure(plan, lambda text: print(text, file=sys.stderr, flush=True))
