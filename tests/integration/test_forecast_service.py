"""The process that issues forecasts, in a thread, on the tables that it reads and writes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import REGISTRY

from occupancy.engine.forecasts import ForecastConfig
from occupancy.engine.forecasts.window import Window
from occupancy.forecast.issue import GRID, Place
from occupancy.forecast.model import Model
from occupancy.forecast.panel import Panel
from occupancy.forecast.places import bays_at, members_of
from occupancy.forecast.training import train
from occupancy.model import Source, ZoneId
from store import registry_now
from store.forecast_models import ModelFolder
from store.forecast_records import Recorder, conditions
from store.postgres import connect
from store.queries import sql
from tests.support.derived_rows import AREA, DerivedRows
from tests.support.forecast_town import BEGAN, CARDIFF, MINUTE, Town
from tests.support.forecasting_process import running
from tests.support.issues import issue_of
from tests.support.waiting import eventually


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> ForecastConfig:
    return ForecastConfig(database_url=database_url, data_dir=tmp_path, poll_s=0.01)


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    with DerivedRows(database_url) as rows, connect(database_url, autocommit=True) as conn:
        yield Town(rows, conn)


def test_each_minute_is_issued_once_from_the_first_one_on(town: Town, config: ForecastConfig) -> None:
    town.has_evidence()
    with running(config):
        first = town.issued(BEGAN)
        town.is_at(BEGAN + timedelta(seconds=59))
        town.is_at(BEGAN + MINUTE)
        town.issued(BEGAN + MINUTE)
    assert first.model == "prior"
    assert set(first.sources) == {Source.PRIOR}
    assert (first.data_to, [place.zone_id for place in first.places]) == (BEGAN, ["s0", "s1"])
    assert first.bays.tolist() == [4, 4]
    # What is seen now lasts for a while; at last it is as it is elsewhere.
    assert first.free[0, 0] == pytest.approx(0.25, abs=0.02)
    assert first.free[1, 0] == pytest.approx(1, abs=0.02)
    assert first.free[0, 0] < first.free[0, -1] < 0.5 < first.free[1, -1] < first.free[1, 0]
    with running(config):
        town.is_at(BEGAN + 2 * MINUTE)
        town.issued(BEGAN + 2 * MINUTE)
    assert [issue.issued_at for issue in town.issues()] == [BEGAN + number * MINUTE for number in range(3)]


def test_when_it_was_issued_is_told_with_the_clock_it_is_of(town: Town, config: ForecastConfig) -> None:
    """An alarm that compares it with the time of day must know."""

    def told(clock: str) -> float | None:
        labels = {"area": "cardiff", "clock": clock}
        return REGISTRY.get_sample_value("baycast_forecast_issued_timestamp_seconds", labels)

    with running(config, lambda: BEGAN + 2 * MINUTE):
        eventually(lambda: (told("event"), told("live")) == (BEGAN.timestamp(), None))
        town.written.register("area", "cardiff", AREA)  # by the clock from now on
        now = (BEGAN + 2 * MINUTE).timestamp()
        eventually(lambda: (told("event"), told("live")) == (None, now))
        town.conn.execute("DELETE FROM registry WHERE kind IN ('zone', 'bay')")
        eventually(lambda: told("live") is None)


def test_what_came_due_is_scored_once(town: Town, config: ForecastConfig) -> None:
    town.has_evidence()
    with running(config):
        for number in range(26):
            town.is_at(BEGAN + number * MINUTE)
            town.issued(BEGAN + number * MINUTE)
    with running(config):  # another process goes on where that one stopped
        for number in range(26, 37):
            town.is_at(BEGAN + number * MINUTE)
            town.issued(BEGAN + number * MINUTE)
        eventually(lambda: town.rows("SELECT scored_to FROM forecast_scoring")[0][0] >= BEGAN + 30 * MINUTE)
    assert town.rows("SELECT scored_to FROM forecast_scoring") == [(BEGAN + 30 * MINUTE,)]
    # Targets of [12:00, 12:30) of issues from 12:00 on.
    assert town.rows(
        "SELECT horizon_min, zone_id, forecasts, kind, day::text FROM forecast_score ORDER BY 1, 2"
    ) == [
        (5, "s0", 25, "ordinary", "2026-11-18"),
        (5, "s1", 25, "ordinary", "2026-11-18"),
        (15, "s0", 15, "ordinary", "2026-11-18"),
        (15, "s1", 15, "ordinary", "2026-11-18"),
    ]
    ((off, off_usual, off_now, inside),) = town.rows(
        "SELECT off, off_usual, off_now, inside FROM forecast_score WHERE horizon_min = 5 AND zone_id = 's0'"
    )
    assert off < 0.5
    assert off_usual == pytest.approx(25 * (0.75 - 0.72))  # of bays for everybody, at noon
    assert (off_now, inside) == (0, 25)
    ((forecasts, came),) = town.rows("SELECT sum(forecasts), sum(came) FROM forecast_chance")
    assert (forecasts, came) == (80, 80)


def test_what_a_street_of_several_kinds_is_told_as_a_whole_is_scored(
    town: Town, config: ForecastConfig
) -> None:
    """Beside four bays of the first street stands one with a limit, which is free, and one that is residents'."""
    hour = {"area_id": "cardiff", "use": "public", "days": "daily", "max_stay_min": 60}
    residents = {"area_id": "cardiff", "use": "resident", "days": "daily", "permit_areas": ["A"]}
    for name, rule in (("hour", hour), ("res", residents)):
        town.written.register("rule", name, rule)
        bay = {"area_id": "cardiff", "zone_id": "s0", "lat": 51.48, "lon": -3.18, "bay_type": "standard"}
        town.written.register("bay", f"s0-{name}", {**bay, "rule_ids": [name]})
    town.held("s0-hour", "free", BEGAN - timedelta(hours=2))  # of the residents' bay nothing is known
    for bay in range(4):
        town.held(f"s0-{bay}", "occupied", BEGAN - timedelta(hours=2))
    with running(config):
        for number in range(26):
            town.is_at(BEGAN + number * MINUTE)
            town.issued(BEGAN + number * MINUTE)
        eventually(lambda: town.rows("SELECT scored_to FROM forecast_scoring") != [])
    found = town.rows(
        "SELECT horizon_min, zone_id, forecasts, zone_answers, zone_brier_now FROM forecast_score"
        " WHERE horizon_min = 5 ORDER BY 1, 2"
    )
    ((_, _, forecasts, answers, now),) = found
    assert answers == forecasts / 2 > 0, "one answer for the two places of which something is known"
    assert now == 0
    ((brier, usual),) = town.rows(
        "SELECT zone_brier, zone_brier_usual FROM forecast_score WHERE horizon_min = 5"
    )
    assert brier < usual


def test_on_an_event_day_of_which_nothing_was_learnt_all_goes_on(town: Town, config: ForecastConfig) -> None:
    day = f"{BEGAN:%Y-%m-%d}"
    declared = [{"type": "event", "from": day, "to": day}]
    town.written.register("calendar", "cardiff", {"area_id": "cardiff", "days": declared})
    town.has_evidence()
    with running(config):
        for number in range(3):
            town.is_at(BEGAN + number * MINUTE)
            town.issued(BEGAN + number * MINUTE)
        town.is_at(BEGAN + 20 * MINUTE)
        eventually(lambda: town.rows("SELECT scored_to FROM forecast_scoring") != [])
    assert town.rows("SELECT DISTINCT kind FROM forecast_score") == [("event",)]


def test_an_issue_of_a_clock_that_was_ahead_is_not_waited_for(town: Town, config: ForecastConfig) -> None:
    town.written.register("area", "cardiff", AREA)  # by the clock
    ahead = issue_of([Place(ZoneId("s0"))], [4], [0.5], issued_at=BEGAN.replace(year=2126))
    with town.conn.cursor() as cur:
        Recorder().record(cur, ahead)
    with running(config, lambda: BEGAN):
        town.issued(BEGAN)
    feed = sql("forecast_record.newest").replace("$1::", "'{}'::").replace("$2::", "'{}'::")
    assert [row[1] for row in town.rows(feed)] == [BEGAN]
    with town.conn.cursor() as cur:
        assert [(one.behind_s, one.model) for one in conditions(cur)] == [(0.0, "prior")]


def trained(url: str, share: float) -> Model:
    """By a week in which every place was so full."""
    with connect(url) as conn, conn.cursor() as cur:
        registry = registry_now.registry_now(cur, CARDIFF)
    until = BEGAN.replace(hour=0)
    members = members_of(registry)
    shares = np.full((8 * GRID.per_day, len(members)), share)
    slots = np.arange(len(shares)) % GRID.per_week
    places = [one.place for one in members]
    kinds = [one.kind for one in members]
    return train(Panel(GRID, shares, slots), places, kinds, bays_at(registry, members, until), until)


def test_a_new_model_is_taken_up_and_a_broken_one_is_not(town: Town, config: ForecastConfig) -> None:
    folder = ModelFolder(config.data_dir, CARDIFF)
    with running(config):
        assert town.issued(BEGAN).model == "prior"
        model = trained(config.database_url, 0.5)
        folder.keep(model)
        town.is_at(BEGAN + MINUTE)
        fitted = town.issued(BEGAN + MINUTE)
        current = config.data_dir / "forecast" / "cardiff" / "current"
        current.write_text("nowhere")
        town.is_at(BEGAN + 2 * MINUTE)
        broken = town.issued(BEGAN + 2 * MINUTE)
    assert fitted.model == broken.model == model.version
    current.write_bytes(b"\xff\xfe")  # no text at all
    with running(config):  # a new process has none before it
        town.is_at(BEGAN + 3 * MINUTE)
        assert town.issued(BEGAN + 3 * MINUTE).model == "prior"


def test_another_registry_or_generation_is_taken_up(town: Town, config: ForecastConfig) -> None:
    town.has_evidence()
    with running(config):
        assert len(town.issued(BEGAN).places) == 2
        badge = {"area_id": "cardiff", "zone_id": "s0", "lat": 51.48, "lon": -3.18, "bay_type": "blue_badge"}
        town.written.register("bay", "badge", badge)
        town.written.generation = 2
        town.held("badge", "free", BEGAN - timedelta(hours=1))
        town.is_at(BEGAN)
        town.written.go_live(BEGAN + MINUTE)
        issue = town.issued(BEGAN + MINUTE)
    assert len(issue.places) == 3
    free = {
        (place.zone_id, place.bay_type.value): issue.free[number, 0]
        for number, place in enumerate(issue.places)
    }
    assert free[ZoneId("s0"), "blue_badge"] > 0.9
    assert free[ZoneId("s0"), "standard"] == pytest.approx(1 - 0.72), "the new generation knows nothing of it"


def test_old_issues_are_dropped_when_they_were_scored(town: Town, config: ForecastConfig) -> None:
    town.has_evidence()
    with running(config):
        town.issued(BEGAN)
        later = BEGAN + timedelta(days=41)
        town.is_at(later)
        eventually(lambda: town.rows("SELECT max(issued_at) FROM forecast_issue") == [(later,)])
    town.conn.execute("UPDATE forecast_scoring SET scored_to = $1", (later,))
    with running(config):
        eventually(lambda: town.rows("SELECT min(issued_at) FROM forecast_issue") == [(later,)])


def test_what_was_seen_is_the_same_read_on_or_read_at_once(town: Town, config: ForecastConfig) -> None:
    for hours in range(30):
        start = BEGAN - timedelta(hours=30 - hours)
        for bay in range(3):
            state = "occupied" if hours % (bay + 2) else "free"
            town.held(f"s0-{bay}", state, start, start + timedelta(hours=1))
    town.is_at(BEGAN)
    with connect(config.database_url) as conn, conn.cursor() as cur:
        registry = registry_now.registry_now(cur, CARDIFF)
        read_on = Window(registry, members_of(registry))
        for minutes in (200, 199, 183, 97, 96, 11, 0):
            seen = read_on.seen(cur, BEGAN - minutes * MINUTE)
        at_once = Window(registry, members_of(registry)).seen(cur, BEGAN)
    assert seen.until == at_once.until == BEGAN
    assert len(seen.shares) >= 30 * 12
    both = min(len(seen.shares), len(at_once.shares))
    np.testing.assert_array_equal(seen.shares[-both:], at_once.shares[-both:])
    assert np.unique(seen.shares[np.isfinite(seen.shares)]).size > 2
