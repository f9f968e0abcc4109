"""Issues and scores on a real database: each is recorded and scored once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from occupancy.forecast.issue import Place
from occupancy.forecast.issue_bytes import PackedIssueError
from occupancy.forecast.skill import Chances, KindOfDay, Scored, Sums
from occupancy.model import AreaId, BayType, ZoneId
from store import forecast_records
from store.forecast_records import IssueReader, Recorder, ScoredMeanwhileError
from store.postgres import Connection, connect
from tests.support.issues import ISSUED_AT, issue_of

CARDIFF = AreaId("cardiff")
PLACES = [Place(ZoneId("a"), BayType.EV, ("r1",)), Place(ZoneId("b"))]
DAY = date(2026, 11, 18)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url, autocommit=True) as conn:
        yield conn


def test_an_issue_is_recorded_once_and_told(conn: Connection, database_url: str) -> None:
    first = issue_of(PLACES, [4, 10], [0.25, 0.5])
    recorder = Recorder()
    with connect(database_url, autocommit=True) as listener, conn.cursor() as cur:
        listener.execute("LISTEN baycast_forecast")
        assert recorder.record(cur, first) is True
        assert [told.channel for told in listener.notifies(timeout=10, stop_after=1)] == ["baycast_forecast"]
        assert recorder.record(cur, issue_of(PLACES, [4, 10], [0.9, 0.9])) is False
        later = issue_of(PLACES[:1], [4], [0.5], issued_at=ISSUED_AT + MINUTE)
        assert Recorder().record(cur, later) is True
        assert forecast_records.newest_at(cur) == {CARDIFF: ISSUED_AT + MINUTE}
        unreadable: list[PackedIssueError] = []
        span = ISSUED_AT, ISSUED_AT + 2 * MINUTE
        found = IssueReader().issued_in(cur, CARDIFF, *span, unreadable.append)
        assert not unreadable
        cur.execute("UPDATE forecast_issue SET shares = 'bits that rot' WHERE issued_at = $1", (ISSUED_AT,))
        left = IssueReader().issued_in(cur, CARDIFF, *span, unreadable.append)
    assert ([issue.issued_at for issue in left], len(unreadable)) == ([ISSUED_AT + MINUTE], 1)
    assert [issue.issued_at for issue in found] == [ISSUED_AT, ISSUED_AT + MINUTE]
    assert found[0].places == first.places
    assert found[0].free.tolist() == first.free.tolist()
    assert found[1].places == tuple(PLACES[:1])


def scored(zone: str, forecasts: int, kind: KindOfDay = KindOfDay.ORDINARY) -> Scored:
    sums = Sums(forecasts, 0.1 * forecasts, 0.2 * forecasts, 0.3 * forecasts, 0.05, forecasts, 0.1, 0.4, 0.2)
    sums.zone_answers, sums.zone_brier, sums.zone_brier_usual, sums.zone_brier_now = forecasts, 0.1, 0.3, 0.2
    chances = Chances()
    chances.forecasts[9], chances.said[9], chances.came[9] = forecasts, 0.95 * forecasts, forecasts
    return Scored({(ZoneId(zone), kind): sums}, {kind: chances})


def test_forecasts_are_scored_once(conn: Connection) -> None:
    to = ISSUED_AT + timedelta(hours=1)
    with conn.transaction(), conn.cursor() as cur:
        Recorder().record(cur, issue_of(PLACES, [4, 10], [0.25, 0.5]))
        assert forecast_records.scored_to(cur, CARDIFF) == (None, ISSUED_AT)
        forecast_records.add_scores(cur, CARDIFF, {(DAY, 30): scored("a", 2)}, before=None, to=to)
    for before in (None, ISSUED_AT):
        with pytest.raises(ScoredMeanwhileError), conn.transaction(), conn.cursor() as cur:
            forecast_records.add_scores(cur, CARDIFF, {(DAY, 30): scored("a", 2)}, before=before, to=to)
    with conn.transaction(), conn.cursor() as cur:
        more = {(DAY, 30): scored("a", 3), (DAY, 60): scored("b", 1, KindOfDay.EVENT)}
        forecast_records.add_scores(cur, CARDIFF, more, before=to, to=to + timedelta(hours=1))
        assert forecast_records.scored_to(cur, CARDIFF) == (to + timedelta(hours=1), ISSUED_AT)
        found = forecast_records.skill(cur, CARDIFF, DAY, DAY + timedelta(days=1))
        assert set(found) == {(30, KindOfDay.ORDINARY), (60, KindOfDay.EVENT)}
        half_an_hour = found[30, KindOfDay.ORDINARY]
        assert half_an_hour.forecasts == 5
        assert half_an_hour.off == pytest.approx(0.5)
        assert half_an_hour.skill == pytest.approx(1 - 0.2 / 0.8)
        assert half_an_hour.zone_answers == 5
        assert half_an_hour.zone_skill == pytest.approx(1 - 0.2 / 0.6)
        assert half_an_hour.zone_skill_now == pytest.approx(1 - 0.2 / 0.4)
        of_b = forecast_records.skill(cur, CARDIFF, DAY, DAY + timedelta(days=1), ZoneId("b"))
        assert set(of_b) == {(60, KindOfDay.EVENT)}
        assert forecast_records.skill(cur, CARDIFF, DAY - timedelta(days=1), DAY) == {}
        said = forecast_records.chances(cur, CARDIFF, DAY, DAY + timedelta(days=1))
        assert (said[30].forecasts[9], said[30].came[9]) == (5, 5)
        assert said[30].calibration_error == pytest.approx(0.05)


def test_issues_are_dropped_when_they_are_old_and_scored(conn: Connection) -> None:
    old = ISSUED_AT - timedelta(days=50)
    with conn.transaction(), conn.cursor() as cur:
        for at in (old, ISSUED_AT):
            Recorder().record(cur, issue_of(PLACES, [4, 10], [0.25, 0.5], issued_at=at))
        assert forecast_records.drop_issues(cur, CARDIFF, ISSUED_AT) == 0, "not scored yet"
        forecast_records.add_scores(cur, CARDIFF, {}, before=None, to=ISSUED_AT)
        older = [old - number * MINUTE for number in range(1, 3)]
        for at in older:
            Recorder().record(cur, issue_of(PLACES, [4, 10], [0.25, 0.5], issued_at=at))
        assert forecast_records.drop_issues(cur, CARDIFF, ISSUED_AT, 2) == 2
        assert forecast_records.scored_to(cur, CARDIFF)[1] == old, "the oldest ones first"
        assert forecast_records.drop_issues(cur, CARDIFF, ISSUED_AT, 2) == 1
        assert forecast_records.scored_to(cur, CARDIFF)[1] == ISSUED_AT
