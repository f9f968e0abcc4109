"""Forecasts that have become worse than they say are told of: by `baycast doctor`, by metrics and in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from baycast.doctor.forecasts import examine_forecasts
from occupancy.engine.forecasts.drifting import watch_drift
from occupancy.engine.forecasts.metrics import COVERAGE, DRIFT, MAE_RATIO
from occupancy.forecast.drift_watch import drifted
from occupancy.forecast.issue import Place
from occupancy.forecast.skill import KindOfDay, Scored, Sums
from occupancy.model import AreaId, ZoneId
from store import forecast_records
from store.forecast_records import Recorder
from store.postgres import Connection, connect
from tests.support.derived_rows import NOW, DerivedRows
from tests.support.issues import issue_of

CARDIFF = AreaId("cardiff")
TODAY = NOW.date()


def sums(forecasts: int, *, inside: float = 0.9, off: float = 0.1, off_usual: float = 0.2) -> Sums:
    return Sums(
        forecasts, off * forecasts, off_usual * forecasts, 0.0, 0.0, round(inside * forecasts), 1.0, 1.0, 1.0
    )


def test_a_band_that_misses_and_a_mean_that_the_usual_beats_are_drift() -> None:
    assert drifted(sums(5_000)) is None
    assert drifted(sums(1_999, inside=0.1)) is None, "too few to say"
    assert drifted(sums(5_000, inside=0.79)) == "the band of 90 % held 79% of 5000"
    assert "1.20 times" in str(drifted(sums(5_000, off=0.24)))
    assert drifted(sums(5_000, off=0.21)) is None
    assert drifted(sums(5_000, off=0.0, off_usual=0.0)) is None


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with DerivedRows(database_url) as rows, connect(database_url, autocommit=True) as conn:
        rows.go_live(NOW)
        yield conn


def said_by_doctor(conn: Connection) -> dict[str, tuple[str, str]]:
    return {finding.what: (finding.state, finding.says) for finding in examine_forecasts(conn)}


def test_doctor_says_whether_forecasts_are_issued(conn: Connection) -> None:
    assert said_by_doctor(conn)["cardiff: forecasts"][0] == "note"
    with conn.cursor() as cur:
        Recorder().record(
            cur, issue_of([Place(ZoneId("s0"))], [4], [0.5], issued_at=NOW - timedelta(seconds=601))
        )
        state, says = said_by_doctor(conn)["cardiff: forecasts"]
        assert (state, "`baycast forecast run`" in says) == ("WRONG", True)
        Recorder().record(cur, issue_of([Place(ZoneId("s0"))], [4], [0.5], issued_at=NOW))
    assert said_by_doctor(conn)["cardiff: forecasts"][0] == "ok"


def test_drift_is_told_until_it_is_over(conn: Connection, caplog: pytest.LogCaptureFixture) -> None:
    bad = {(TODAY, 30): Scored({(ZoneId("s0"), KindOfDay.ORDINARY): sums(5_000, inside=0.5)})}
    known: set[tuple[AreaId, int]] = set()
    with conn.cursor() as cur:
        forecast_records.add_scores(cur, CARDIFF, bad, before=None, to=NOW)
        with caplog.at_level(logging.INFO, "baycast.forecast"):
            watch_drift(cur, CARDIFF, TODAY, known)
            watch_drift(cur, CARDIFF, TODAY, known)
        assert [record.levelname for record in caplog.records] == ["WARNING"], "said once"
        assert DRIFT.labels(CARDIFF, "30m")._value.get() == 1
        assert COVERAGE.labels(CARDIFF, "30m")._value.get() == 0.5
        assert MAE_RATIO.labels(CARDIFF, "30m")._value.get() == pytest.approx(0.5)
        state, says = said_by_doctor(conn)["cardiff: skill of forecasts"]
        assert (state, says) == ("note", "30m: the band of 90 % held 50% of 5000")
        good = {(TODAY, 30): Scored({(ZoneId("s0"), KindOfDay.ORDINARY): sums(50_000)})}
        forecast_records.add_scores(cur, CARDIFF, good, before=NOW, to=NOW + timedelta(hours=1))
        watch_drift(cur, CARDIFF, TODAY, known)
    assert DRIFT.labels(CARDIFF, "30m")._value.get() == 0
    assert not known
    assert said_by_doctor(conn)["cardiff: skill of forecasts"][0] == "ok"


def test_drift_is_not_told_of_for_ever_where_nothing_is_scored_any_more(
    conn: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    bad = {(TODAY, 60): Scored({(ZoneId("s0"), KindOfDay.ORDINARY): sums(5_000, inside=0.5)})}
    known: set[tuple[AreaId, int]] = set()

    def told(what: str) -> float | None:
        return REGISTRY.get_sample_value(f"baycast_forecast_{what}", {"area": CARDIFF, "horizon": "1h"})

    with conn.cursor() as cur:
        forecast_records.add_scores(cur, CARDIFF, bad, before=None, to=NOW)
        with caplog.at_level(logging.INFO, "baycast.forecast"):
            watch_drift(cur, CARDIFF, TODAY, known)
            assert told("drift") == 1
            for _ in range(2):
                watch_drift(cur, CARDIFF, TODAY + timedelta(days=8), known)
    assert (told("drift"), told("coverage90"), told("mae_ratio"), known) == (None, None, None, set())
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"], "each once"
