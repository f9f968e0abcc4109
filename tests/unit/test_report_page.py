"""The monthly page: what it says, what it must not say, and whether a screen reader can read it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import pairwise

import pytest

from baycast.report.brief import brief
from baycast.report.counts import lengths, turns
from baycast.report.foretold import forecasts
from baycast.report.listed import car_parks, sensors, streets
from baycast.report.month import MonthHistory, Standing
from baycast.report.page import page, standing
from baycast.report.telling import Telling
from baycast.report.words import Words
from baycast.report.words_cy import WELSH
from baycast.report.words_en import ENGLISH
from occupancy.model import Name
from store.history import Extent
from tests.support.reported import (
    AREA,
    END,
    MONTH,
    START,
    Read,
    classes,
    history,
    period,
    sensor,
    sums,
    suspicion,
    zone,
)
from tests.unit.test_survey_agreement import right_of


@cache
def written(code: str) -> str:
    """The page of the month as it is made by hand, with a sensor that is wrong."""
    words = {one.code: one for one in (ENGLISH, WELSH)}[code]
    return page(history(sensors=[sensor("s0", suspicions=[suspicion()])]), words, "1.0")


def read_page(words: Words) -> Read:
    return Read(written(words.code))


def part(made: Callable[[Telling], str], known: MonthHistory, words: Words = ENGLISH) -> Read:
    """One part of the page."""
    return Read(made(Telling(known, words)))


BOTH = pytest.mark.parametrize("words", [ENGLISH, WELSH], ids=lambda words: words.code)


@BOTH
def test_every_plot_has_a_name_a_description_and_its_figures_in_a_table(words: Words) -> None:
    read = read_page(words)
    drawings = read.all("svg")
    assert len(drawings) == 9
    ids = {element["attributes"].get("id"): element for element in read.elements}
    for drawing in drawings:
        assert drawing["attributes"]["role"] == "img"
        named = drawing["attributes"]["aria-labelledby"].split()
        assert [ids[name]["tag"] for name in named] == ["title", "desc"]
        assert all(ids[name]["text"].strip() for name in named)
        figure = next(one for one in reversed(drawing["within"]) if one["tag"] == "figure")
        (table,) = read.inside(figure, "table")
        assert len(read.inside(table, "tr")) > 8


@BOTH
def test_the_page_can_be_read_aloud(words: Words) -> None:
    read = read_page(words)
    (html,) = read.all("html")
    assert html["attributes"]["lang"] == words.code
    levels = [int(element["tag"][1]) for element in read.all("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [element["attributes"]["id"] for element in read.elements if "id" in element["attributes"]]
    assert sorted(set(ids)) == sorted(ids)
    for table in read.all("table"):
        assert len(read.inside(table, "caption")) == 1
        columns = len(read.inside(read.inside(table, "thead")[0], "th"))
        for heading in read.inside(table, "th"):
            assert heading["attributes"]["scope"] in ("col", "row")
        for row in read.inside(table, "tr"):
            assert len(read.inside(row, "th", "td")) == columns


@BOTH
def test_the_page_needs_nothing_else(words: Words) -> None:
    for element in read_page(words).elements:
        assert element["tag"] not in ("script", "link", "img", "image")
        for name in ("src", "href", "xlink:href"):
            assert str(element["attributes"].get(name, "#")).startswith("#")
    named = set(re.findall(r'(?:xlink:href="|url\()#([^")]+)', written(words.code)))
    assert named
    assert named <= set(re.findall(r'\bid="([^"]+)"', written(words.code)))


def test_the_same_figures_give_the_same_bytes() -> None:
    before = written(WELSH.code)
    written.cache_clear()
    assert written(WELSH.code) == before


def test_the_figures_of_the_month_stand_beside_those_of_the_month_before() -> None:
    rows = {row[0]: row[1:] for row in part(brief, history()).section("brief")}
    assert rows["Occupancy"] == ["50.0%", "40.0%", "+10.0 points", "90.0%", "%"]
    assert rows["Arrivals"] == ["400", "300", "+33.3%", "90.0%", "stays"]
    assert rows["Most bays occupied at once"][:2] == ["77", "– nothing to count"]
    assert rows["Median stay"][:3] == ["20", "20", "±0%"]
    assert rows["Time with a free bay"][:4] == ["75.0%", "75.0%", "±0 points", "90.0%"]


def test_what_was_observed_too_little_is_a_dash_with_the_reason() -> None:
    read = read_page(ENGLISH)
    assert {row[0]: row for row in read.section("full")}["12:00"][1] == "50.0%"
    by_day = next(
        table for table in read.all("table") if "Occupancy by day" in read.inside(table, "caption")[0]["text"]
    )
    told = {row[0]: row[1:] for row in rows_of(read, by_day)}
    assert told["Mon 12"] == ["42.0%", "90.0%"]
    assert told["Tue 13"] == ["– too little observed", "20.0%"]
    assert told["Wed 14"] == ["– no history", "– no history"]


def rows_of(read: Read, table: dict[str, object]) -> list[list[str]]:
    return [
        [" ".join(cell["text"].split()) for cell in read.inside(row, "th", "td")]
        for row in read.inside(table, "tr")
    ]


def test_three_vehicles_or_fewer_are_not_told() -> None:
    of = sums(arrivals=3, over_candidates=2, over_confirmed=1, lengths=classes((3,)))
    known = history(total=period("town", of), places=[period("high-st", of)])
    rows = {row[0]: row[1:] for row in part(brief, known).section("brief")}
    assert rows["Arrivals"][0] == rows["Overstays: candidates"][0] == rows["Median stay"][0] == "– 3 or fewer"
    assert rows["Turnover"][0] == "– 3 or fewer"
    assert part(streets, known).section("streets")[1][2:5] == ["– 3 or fewer"] * 3
    by_class = part(lengths, known).section("lengths")
    assert by_class[0] == ["Length of stay", "Stays"]
    assert {row[1] for row in by_class[1:]} == {"– 3 or fewer"}


def test_of_a_class_of_stays_too_the_small_counts_are_not_told_nor_what_they_follow_from() -> None:
    told = dict(part(lengths, history()).section("lengths"))
    assert (told["up to 5 min"], told["up to 10 min"], told["over 24 h"]) == ("– not shown", "50", "0")
    assert told["up to 30 min"] == "– not shown", "the sum of all less the others would be the smallest"


def test_days_do_not_give_a_small_count_away_by_the_sum_of_the_month() -> None:
    days = {day: sums(arrivals=20 + day.day) for day in MONTH.days}
    days[MONTH.days[8]] = sums(arrivals=2)
    days[MONTH.days[9]] = sums(arrivals=2, coverage=0.2)
    known = history(days=days)
    read = part(turns, known)
    told = {row[0]: row[1] for row in read.section("turns")}
    assert (told["Fri 9"], told["Thu 1"]) == ("– not shown", "– not shown"), "the least of the others"
    assert (told["Fri 2"], told["Sat 10"]) == ("22", "– too little observed")
    by_day = known.by_day("arrivals")
    assert [figure.missing for figure in by_day].count("hidden") == 2


def test_names_are_text_and_never_markup() -> None:
    evil = "<script>alert('\"&</script>"
    known = history(
        area=replace(AREA, name=Name(en=evil)),
        zones={"high-st": zone("high-st", Name(en=evil))},
        places=[period("high-st", sums())],
        sensors=[sensor("s0", faults=(evil,))],
    )
    read = Read(page(known, WELSH, evil))
    assert read.all("script") == []
    assert evil in read.all("h1")[0]["text"]
    assert read.section("streets")[1][0] == evil
    assert evil in read.section("sensors")[1][3]


@pytest.mark.parametrize(
    ("final_to", "reached", "expected"),
    [
        (END, END, Standing.FINAL),
        (END - timedelta(hours=1), END, Standing.PROVISIONAL),
        (None, END - timedelta(hours=1), Standing.RUNNING),
        (None, START, Standing.AHEAD),
        (None, None, Standing.EMPTY),
    ],
)
@BOTH
def test_the_page_says_whether_figures_may_still_change(
    words: Words, final_to: object, reached: object, expected: Standing
) -> None:
    known = history(extent=Extent(final_to, reached))  # type: ignore[arg-type]
    assert known.standing is expected
    (says,) = part(standing, known, words).all("p")
    assert says["text"].startswith(words.badge[expected])
    assert "{" not in says["text"]


def test_a_month_without_any_history_is_a_page_of_dashes() -> None:
    known = history(
        total=None,
        before=None,
        days={},
        hours_of_week={},
        working_hours={},
        places=[],
        skill={},
        chances={},
        extent=Extent(None, None),
    )
    read = Read(page(known, ENGLISH, "1.0"))
    dash = "– no history"
    assert {row[1] for row in read.section("brief")[1:]} == {dash}
    assert {cell for row in read.section("full")[1:] for cell in row[1:]} == {dash}
    assert len(read.all("svg")) == 8
    (stays,) = (one for one in read.all("svg") if one["attributes"]["aria-labelledby"].startswith("stays-"))
    assert [one["text"].strip() for one in read.inside(stays, "text")].count("–") == 16, (
        "no 0 where nothing is known"
    )


def test_an_area_of_car_parks_alone_has_no_table_of_streets() -> None:
    of = sums(lengths=None)
    known = history(total=period("town", of), places=[period("castle", of)])
    assert streets(Telling(known, ENGLISH)) == ""
    rows = part(car_parks, known).section("car-parks")
    assert rows[0][:3] == ["Car park", "Occupancy", "Arrivals"]
    assert "Median stay, minutes" not in rows[0]
    assert len(rows) == 2


def test_the_worst_sensors_are_named_with_what_is_wrong_in_the_language_of_the_page() -> None:
    worst = sensor("s0", suspicions=[suspicion()], battery_mv=2800, agreed=50, missed=50)
    known = history(sensors=[worst, sensor("s1", heard_at=None), sensor("fine")])
    rows = part(sensors, known, WELSH).section("sensors")
    assert [row[0] for row in rows[1:]] == ["s0", "s1"]
    assert rows[1][2:] == [
        "Stryd Fawr",
        "heb ei gredu ers 30 Hydref 2026, 00:00: mae wedi drifftio o'r hyn sy'n arferol yno; batri: 2,800 mV; "
        "negeseuon ar goll: mae 50.0% o'i negeseuon yn dilyn un sydd ar goll",
    ]
    assert "Sensors with something wrong: 2 of 3; shown: 2." in sensors(Telling(known, ENGLISH))


def test_a_sensor_that_surveyors_contradict_is_named() -> None:
    known = history(sensors=[sensor("s0", agreement=right_of(10, 20))])
    assert part(sensors, known).section("sensors")[1][3] == "people on the street saw otherwise: 10/20 looks"


def test_a_page_of_300_streets_is_smaller_than_a_megabyte() -> None:
    zones = {f"z{n}": zone(f"z{n}", Name(en=f"A street with a long name {n}")) for n in range(300)}
    known = history(zones=zones, places=[period(name, sums()) for name in zones])
    big = page(known, ENGLISH, "1.0")
    assert len(Read(big).section("streets")) == 301
    assert len(big.encode()) < 1_000_000


def test_the_welsh_page_has_no_english_in_it() -> None:
    welsh, english = (
        {element["text"].strip() for element in read_page(words).elements if element["tag"] != "style"}
        for words in (WELSH, ENGLISH)
    )
    assert {text for text in welsh & english if re.search("[A-Za-z]{3}", text)} == {"high-st-0"}


def test_the_command_line_starts_without_matplotlib() -> None:
    says = (
        "import sys; from baycast.cli import build_parser; build_parser(); "
        "sys.exit(any(name in sys.modules for name in ('matplotlib', 'asyncpg')))"
    )
    assert subprocess.run([sys.executable, "-c", says], check=False, timeout=60).returncode == 0


def test_forecasts_are_held_against_two_guesses_on_each_kind_of_day() -> None:
    rows = read_page(ENGLISH).section("forecasts")
    by_name = {row[0]: row[1:] for row in rows[1:]}
    assert by_name["30 minutes"] == ["1,000", "5.0%", "10.0%", "20.0%", "90.5%", "50.0%", "75.0%"]
    assert by_name["30 minutes, event days"][:5] == ["10", "20.0%", "10.0%", "30.0%", "80.0%"]
    assert by_name["30 minutes, event days"][5] == "−100.0%"
    assert by_name["24 hours"][-1] == "– nothing to count"
    none = part(forecasts, history(skill={}, chances={}))
    assert none.all("table") == none.all("svg") == []
    assert "No forecast of this month has been scored." in none.all("section")[0]["text"]


@BOTH
def test_what_was_said_of_a_free_bay_stands_beside_what_came(words: Words) -> None:
    told = part(forecasts, history(), words)
    tables = told.all("table")
    cells = [" ".join(cell["text"].split()) for cell in told.inside(tables[1], "td")]
    assert cells[:3] == ["10", "5.0%", "10.0%"]
    assert cells[-3:] == ["990", "96.0%", "94.9%"]
