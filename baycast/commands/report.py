"""`baycast report`: the month of one area as a page for councillors."""

import argparse
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from baycast.settings import Settings, UsageError

if TYPE_CHECKING:
    from baycast.report.month import CivilMonth, MonthHistory

HELP = "write the month of an area as one HTML page with plots, in English or Welsh"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--area", metavar="ID", required=True, help="which area")
    parser.add_argument("--month", metavar="YYYY-MM", required=True, help="which month, as 2026-10")
    parser.add_argument("--lang", choices=("cy", "en"), required=True, help="Welsh or English")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the page to write")
    parser.add_argument("--json", action="store_true", help="print one JSON object with the month's figures")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.report.month import month_of

    try:
        month = month_of(args.month)
    except ValueError as error:
        raise UsageError(f"--month {error}") from None
    if find_spec("matplotlib") is None:
        raise UsageError("report: the plots need matplotlib: pip install 'baycast[report]'")
    history = _gathered(args.area, month, settings)
    size = _write(args.out, history, args.lang)
    told = _told(history)
    if args.json:
        print(json.dumps({**told, "lang": args.lang, "out": str(args.out), "bytes": size}))
    else:
        print(f"{args.out}: {args.area}, {args.month}, {told['status']}, {size / 1000:,.0f} kB")
    return 0


def _gathered(area_id: str, month: "CivilMonth", settings: Settings) -> "MonthHistory":
    import asyncio

    from baycast.reachability import open_database, refusals_in_words
    from baycast.report.gathering import Wanted, month_history
    from baycast.wiring import database_url
    from occupancy.model import AreaId
    from store import forecast_records
    from store.feed_bays import LOST
    from store.registry import load_registries
    from store.sensors import list_sensors

    url = database_url(settings)
    with open_database(url, "baycast report") as conn, refusals_in_words("report"):
        registries = load_registries(conn)
        registry = registries.get(AreaId(area_id))
        if registry is None or registry.area is None:
            known = ", ".join(sorted(registries)) or "none"
            raise UsageError(f"there is no area {area_id!r}; registered: {known}")
        sensors = list_sensors(conn, registry, personal=False)
        days = registry.area.area_id, month.first, month.following.first
        with conn.cursor() as cur:
            skill = forecast_records.skill(cur, *days)
            chances = forecast_records.chances(cur, *days)
    wanted = Wanted(
        area=registry.area,
        month=month,
        least_coverage=settings.history_least_coverage,
        final_after_h=settings.history_final_after_h,
    )
    try:
        history = asyncio.run(month_history(url, wanted, registry, sensors))
    except LOST as error:
        raise UsageError(f"report: the database does not answer: {error or type(error).__name__}") from None
    return replace(history, skill=skill, chances=chances)


def _write(out: Path, history: "MonthHistory", lang: str) -> int:
    from baycast.cli import installed_version
    from baycast.report.page import page
    from baycast.report.words_cy import WELSH
    from baycast.report.words_en import ENGLISH

    words = {one.code: one for one in (ENGLISH, WELSH)}[lang]
    written = page(history, words, installed_version()).encode()
    try:
        out.write_bytes(written)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None
    return len(written)


def _told(history: "MonthHistory") -> dict[str, object]:
    from baycast.report.brief import COMPARED
    from occupancy.answers import instant

    sums = history.sums
    found = {name: history.figure(name, sums) for name in COMPARED}
    return {
        "area": history.area.area_id,
        "month": history.month.first.isoformat()[:7],
        "status": history.standing.value,
        "as_of": instant(history.extent.watermark),
        "final_to": instant(history.extent.final_to),
        "coverage": None if sums is None else sums.coverage,
        "figures": {name: figure.value for name, figure in found.items()},
        "missing": {name: figure.missing for name, figure in found.items() if figure.missing is not None},
    }
