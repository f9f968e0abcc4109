"""The process that issues forecasts, in a thread, on the tables that it reads and writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from occupancy.engine.forecasts import ForecastConfig, run
from occupancy.forecast.issue import GRID, Issue
from occupancy.forecast.model import Model
from occupancy.forecast.panel import Panel
from occupancy.forecast.places import bays_at, members_of
from occupancy.forecast.training import train
from occupancy.model import AreaId, Source, ZoneId
from store import registry_now
from store.forecast_models import ModelFolder
from store.forecast_records import IssueReader
from store.postgres import Connection, connect
from tests.support.derived_rows import AREA, DerivedRows, street
from tests.support.waiting import eventually

CARDIFF = AreaId("cardiff")
BEGAN = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Town:
    """Two streets of four bays, in an area whose time is ours to move."""

    def __init__(self, rows: DerivedRows, conn: Connection, folder: Path) -> None:
        self._rows, self._conn = rows, conn
        self.folder = folder
        self.config = ForecastConfig(database_url=conn.info.dsn, data_dir=folder, poll_s=0.01)
        rows.register("area", "cardiff", {**AREA, "clock": "event"})
        for number in range(2):
            rows.register("zone", f"s{number}", street(number))
            for bay in range(4):
                place = {"area_id": "cardiff", "zone_id": f"s{number}", "lat": 51.48, "lon": -3.18}
                rows.register("bay", f"s{number}-{bay}", {**place, "bay_type": "standard"})
        rows.go_live(BEGAN)

    def held(self, bay: str, state: str, start: datetime, end: datetime | None = None) -> None:
        self._conn.execute(
            "INSERT INTO bay_interval (area, generation, bay_id, started_at, ended_at, state, reason, device_id)"
            " VALUES ('cardiff', $4, $1, $2, $3, $5, '', $1)",
            (bay, start, end, self._rows.generation, state),
        )

    def is_at(self, at: datetime) -> None:
        self._rows.move_watermark(at)

    def issues(self) -> list[Issue]:
        with self._conn.cursor() as cur:
            return IssueReader().issued_in(cur, CARDIFF, BEGAN, BEGAN + timedelta(days=9))

    def issued(self, at: datetime) -> Issue:
        """Wait for the issue of a minute."""
        eventually(lambda: any(issue.issued_at == at for issue in self.issues()))
        return next(issue for issue in self.issues() if issue.issued_at == at)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._conn.execute(statement).fetchall()  # type: ignore[arg-type]


@pytest.fixture
def town(database_url: str, tmp_path: Path) -> Iterator[Town]:
    with DerivedRows(database_url) as rows, connect(database_url, autocommit=True) as conn:
        found = Town(rows, conn, tmp_path)
        found.config = ForecastConfig(database_url=database_url, data_dir=tmp_path, poll_s=0.01)
        yield found


class EndlessTraining:
    """It never comes to an end."""

    def poll(self) -> int | None:
        return None

    def kill(self) -> None:
        """It is gone."""


@contextmanager
def running(town: Town) -> Iterator[None]:
    stop = threading.Event()
    failed: list[BaseException] = []

    def body() -> None:
        try:
            run(town.config, stop, lambda _: EndlessTraining())
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not failed, failed


def some_evidence(town: Town) -> None:
    """Three bays of the first street are taken, none of the second; nothing changes for hours."""
    for number in range(2):
        for bay in range(4):
            taken = number == 0 and bay > 0
            town.held(f"s{number}-{bay}", "occupied" if taken else "free", BEGAN - timedelta(hours=2))


def test_each_minute_is_issued_once_from_the_first_one_on(town: Town) -> None:
    some_evidence(town)
    with running(town):
        first = town.issued(BEGAN)
        town.is_at(BEGAN + timedelta(seconds=59))
        town.is_at(BEGAN + MINUTE)
        town.issued(BEGAN + MINUTE)
    assert first.model == "prior"
    assert set(first.sources) == {Source.PRIOR}
    assert (first.data_to, [place.zone_id for place in first.places]) == (BEGAN, ["s0", "s1"])
    assert first.bays.tolist() == [4, 4]
    # What is seen now lasts for a while; at last any share is as likely as any other.
    assert first.free[0, 0] == pytest.approx(0.25, abs=0.02)
    assert first.free[1, 0] == pytest.approx(1, abs=0.02)
    assert first.free[0, 0] < first.free[0, -1] < 0.5 < first.free[1, -1] < first.free[1, 0]
    with running(town):
        town.is_at(BEGAN + 2 * MINUTE)
        town.issued(BEGAN + 2 * MINUTE)
    assert [issue.issued_at for issue in town.issues()] == [BEGAN + number * MINUTE for number in range(3)]


def test_what_came_due_is_scored_once(town: Town) -> None:
    some_evidence(town)
    with running(town):
        for number in range(26):
            town.is_at(BEGAN + number * MINUTE)
            town.issued(BEGAN + number * MINUTE)
    with running(town):  # another process goes on where that one stopped
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
    assert off_usual == pytest.approx(25 * 0.25)
    assert (off_now, inside) == (0, 25)
    ((forecasts, came),) = town.rows("SELECT sum(forecasts), sum(came) FROM forecast_chance")
    assert (forecasts, came) == (80, 80)


def trained(town: Town, share: float) -> Model:
    """By a week in which every place was so full."""
    with connect(town.config.database_url) as conn, conn.cursor() as cur:
        registry = registry_now.registry_now(cur, CARDIFF)
    until = BEGAN.replace(hour=0)
    members = members_of(registry)
    shares = np.full((8 * GRID.per_day, len(members)), share)
    slots = np.arange(len(shares)) % GRID.per_week
    places = [one.place for one in members]
    return train(Panel(GRID, shares, slots), places, bays_at(registry, members, until), until)


def test_a_new_model_is_taken_up_and_a_broken_one_is_not(town: Town) -> None:
    folder = ModelFolder(town.folder, CARDIFF)
    with running(town):
        assert town.issued(BEGAN).model == "prior"
        model = trained(town, 0.5)
        folder.keep(model)
        town.is_at(BEGAN + MINUTE)
        fitted = town.issued(BEGAN + MINUTE)
        current = town.folder / "forecast" / "cardiff" / "current"
        current.write_text("nowhere")
        town.is_at(BEGAN + 2 * MINUTE)
        broken = town.issued(BEGAN + 2 * MINUTE)
    assert fitted.model == broken.model == model.version
    with running(town):  # a new process has none before it
        town.is_at(BEGAN + 3 * MINUTE)
        assert town.issued(BEGAN + 3 * MINUTE).model == "prior"


def test_another_registry_or_generation_is_taken_up(town: Town) -> None:
    some_evidence(town)
    with running(town):
        assert len(town.issued(BEGAN).places) == 2
        badge = {"area_id": "cardiff", "zone_id": "s0", "lat": 51.48, "lon": -3.18, "bay_type": "blue_badge"}
        town._rows.register("bay", "badge", badge)
        town._rows.generation = 2
        town.held("badge", "free", BEGAN - timedelta(hours=1))
        town.is_at(BEGAN)
        town._rows.go_live(BEGAN + MINUTE)
        issue = town.issued(BEGAN + MINUTE)
    assert len(issue.places) == 3
    free = {
        (place.zone_id, place.bay_type.value): issue.free[number, 0]
        for number, place in enumerate(issue.places)
    }
    assert free[ZoneId("s0"), "blue_badge"] > 0.9
    assert free[ZoneId("s0"), "standard"] == pytest.approx(0.5), "the new generation knows nothing of it"


def test_old_issues_are_dropped_when_they_were_scored(town: Town) -> None:
    some_evidence(town)
    with running(town):
        town.issued(BEGAN)
        later = BEGAN + timedelta(days=41)
        town.is_at(later)
        eventually(lambda: town.rows("SELECT max(issued_at) FROM forecast_issue") == [(later,)])
    town._conn.execute("UPDATE forecast_scoring SET scored_to = $1", (later,))
    with running(town):
        eventually(lambda: town.rows("SELECT min(issued_at) FROM forecast_issue") == [(later,)])
