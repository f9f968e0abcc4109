"""A city written straight into the log: the same by seed, once, and folded to what was true."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from baycast import cardiff
from baycast.cli import main
from baycast.offline import city as offline_city
from baycast.offline.city import Written, write
from baycast.offline.hours import OfflineRun
from baycast.world_plan import world_plan
from occupancy.engine import EngineConfig, rebuild
from occupancy.model import AreaId
from simulator.delivery import DeliveryFaults
from simulator.history import play
from simulator.plan import CityPlan
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.support.databases import TestDatabases

AREA = AreaId("y")
SPRING = datetime(2026, 3, 28, 12, tzinfo=UTC)  # the clocks go forward in the night that follows
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)
POOR = DeliveryFaults(
    lost=0.05, late=0.1, repeated=0.1, silent_a_year=60, late_h=(2, 20), silent_days=(0.8, 1.2)
)
READINGS = "SELECT device_id, boot, seq, kind, at, received_at, raw, direction FROM reading ORDER BY 1, 2, 3"
BATCHES = "SELECT position, watermark, readings FROM log_batch ORDER BY 1"


def plan_of(start: datetime, *, bays: int = 12, car_parks: bool = False) -> CityPlan:
    plan = world_plan(
        offline_city.documents(AREA), at=start + timedelta(days=7), rhythm=cardiff.rhythm(AREA)
    ).first_bays(bays)
    return replace(plan, pace=1.5, car_parks=plan.car_parks[:1] if car_parks else ())


def registered(conn: Connection, plan: CityPlan) -> None:
    """The played bays, their street, and the car park."""
    ours = {plan.area_id} | {bay.zone_id for bay in plan.bays} | {bay.bay_id for bay in plan.bays}
    ours |= {park.zone_id for park in plan.car_parks} | set(plan.device_ids())
    changes = [
        Change(kind, id, doc)
        for kind, id, doc in offline_city.documents(AREA)
        if id in ours or kind == "rule" or (kind == "binding" and doc["device_id"] in ours)
    ]
    apply(conn, changes, entered_by="test", entered_at=SPRING)


def run_of(start: datetime, hours: int = 48, **more: Any) -> OfflineRun:
    return OfflineRun(plan=plan_of(start, car_parks=True), seed=3, start=start, hours=hours, **more)


def written(conn: Connection, run: OfflineRun, beyond: datetime | None = None) -> Written:
    return write(conn, run, lambda _: None, beyond=beyond)


def rows(conn: Connection, query: str) -> list[tuple[Any, ...]]:
    with conn.transaction():
        return conn.execute(query.encode()).fetchall()


@pytest.mark.parametrize("start", [SPRING, AUTUMN])
def test_what_is_folded_is_what_was_true(database_url: str, start: datetime) -> None:
    run = OfflineRun(plan=plan_of(start, bays=130), seed=3, start=start, hours=48)
    with connect(database_url) as conn:
        registered(conn, run.plan)
        done = written(conn, run)
        rebuild(conn, AREA, EngineConfig(database_url=database_url).in_bulk())
        stays = rows(
            conn,
            "SELECT bay_id, arrived_at, departed_at FROM stay JOIN generation g USING (area, generation)"
            " WHERE g.status = 'live' AND arrival = 'observed' AND departure = 'observed'",
        )
    start_ms, end_ms = (round(at.timestamp() * 1000) for at in (run.start, run.end))
    parts = [play(part.plan, seed=part.seed, start_ms=start_ms, end_ms=end_ms) for part in run.parts()]
    assert len(parts) == 2
    truth = [(part.plan.bays[stay.bay].bay_id, stay) for part in parts for stay in part.stays]
    # A sensor announces itself within 15 s of the start, and tells of a change within 3 s.
    told = {
        (bay_id, stay.arrived_ms, stay.departed_ms)
        for bay_id, stay in truth
        if stay.arrived_ms > start_ms + 15_000 and stay.departed_ms and stay.departed_ms < end_ms - 3_000
    }
    assert len(told) > 60
    found = {
        (bay, round(arrived.timestamp() * 1000), round(departed.timestamp() * 1000))
        for bay, arrived, departed in stays
    }
    assert told == {one for one in found if one[1] > start_ms + 15_000 and one[2] < end_ms - 3_000}
    assert done.until == run.end


def test_the_same_seed_is_the_same_log_and_a_run_that_was_cut_off_goes_on(databases: TestDatabases) -> None:
    logs = []
    for first_hours in (48, 24):
        with databases.fresh() as url, connect(url) as conn:
            run = run_of(SPRING)
            registered(conn, run.plan)
            done = written(conn, replace(run, hours=first_hours))
            if first_hours < 48:
                more = written(conn, run, beyond=done.until)
                assert more.already == 0
                assert more.stored > 0
                assert more.parked > done.parked
            logs.append((rows(conn, READINGS), rows(conn, BATCHES)))
    assert logs[0] == logs[1]


def test_l2_what_is_sent_again_is_a_duplicate(database_url: str) -> None:
    with connect(database_url) as conn:
        run = run_of(AUTUMN)
        registered(conn, run.plan)
        first = written(conn, run)
        stored = rows(conn, READINGS)
        again = written(conn, run)
        assert (again.stored, again.already) == (0, first.stored)
        assert rows(conn, READINGS) == stored
        assert len(stored) == first.stored
        assert {kind for _, _, _, kind, *_ in stored} == {"state", "passage", "count", "health", "boot"}


def test_words_are_lost_late_and_repeated_and_sensors_fall_silent(database_url: str) -> None:
    with connect(database_url) as conn:
        run = run_of(SPRING, faults=POOR)
        registered(conn, run.plan)
        done = written(conn, run)
        said = [row for row in rows(conn, READINGS) if row[3] == "state"]
        rebuild(conn, AREA, EngineConfig(database_url=database_url).in_bulk())
        silent = (
            "SELECT count(*) FROM bay_interval WHERE state = 'unknown' AND ended_at - started_at > '1 hour'"
        )
        assert rows(conn, silent)[0][0] > 0
    assert done.already > 0
    late = [row for row in said if row[5] - row[4] > timedelta(hours=1)]
    assert 0.04 < len(late) / len(said) < 0.2
    sensors = {device for device, *_ in said}
    last = {device: max(seq for of, _, seq, *_ in said if of == device) for device in sensors}
    missing = sum(last.values()) + len(last) - len(said)
    assert missing > 0.04 * len(said)


def test_heartbeats_count_from_the_last_word(database_url: str) -> None:
    with connect(database_url) as conn:
        run = OfflineRun(plan=plan_of(SPRING), seed=3, start=SPRING, hours=48)
        registered(conn, run.plan)
        written(conn, run)
        asked = (
            "SELECT min(gap), max(gap) FROM (SELECT raw ->> 'cause' AS cause, received_at - lag(received_at)"
            " OVER (PARTITION BY device_id ORDER BY seq) AS gap FROM"
            " (SELECT device_id, seq, received_at, convert_from(raw, 'UTF8')::json AS raw FROM reading) AS r) AS g"
            " WHERE cause = 'heartbeat'"
        )
        [(least, most)] = rows(conn, asked)
    # Only the first one after the start comes sooner: sensors do not beat at once.
    assert most == timedelta(seconds=offline_city.HEARTBEAT_S)
    assert least > timedelta(seconds=offline_city.HEARTBEAT_S / 10)


def simulate(*more: str) -> int:
    return main(["simulate", "--offline", "--days", "1", "--bays", "3", "--streets-only", *more])


def test_the_command_writes_once_and_says_why_not_again(
    database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    monkeypatch.setenv("BAYCAST_DATA_DIR", str(tmp_path))
    start = "--start=2026-03-28T00:00:00Z"
    assert simulate("--area", "y", start) == 0
    assert "up to 2026-03-29 00:00:00 UTC" in capsys.readouterr().out
    problems = [
        (("--area", "y2", start, "--speed", "2"), "--offline has --days"),
        (("--area", "y2"), "begins at a full hour"),
        (("--area", "y2", "--start", "2026-03-28T00:00:01Z"), "begins at a full hour"),
        (("--area", "y2", start, "--pace", "0"), "--pace is from 0.1 to 10"),
        (("--area", "y", start), "the log of y reaches to 2026-03-29T00:00:00Z already"),
    ]
    for number, (arguments, problem) in enumerate(problems):
        # One data folder is one machine, where this process plays `y` until it ends.
        monkeypatch.setenv("BAYCAST_DATA_DIR", str(tmp_path / str(number)))
        assert simulate(*arguments) == 2
        said = capsys.readouterr().err.strip().splitlines()
        assert problem in said[-1]


def test_a_live_area_is_refused(
    database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    monkeypatch.setenv("BAYCAST_DATA_DIR", str(tmp_path))
    with connect(database_url) as conn:
        area = {"name": {"en": "Y"}, "time_zone": "Europe/London", "languages": ["en"], "clock": "live"}
        apply(conn, [Change("area", "y", area)], entered_by="test", entered_at=SPRING)
    assert simulate("--area", "y", "--start", "2026-03-28T00:00:00Z") == 2
    assert "keeps the real time" in capsys.readouterr().err
