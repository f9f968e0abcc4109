"""Eleven weeks of Birmingham through broker, ingest, log and engine: every row accounted for, twice.

Skipped where the recording is not at hand.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from baycast.registry.recorded import recorded_registry
from occupancy import engine
from occupancy.engine import AreaEngine, EngineConfig
from occupancy.model import AreaId
from simulator.publisher import Endpoint, Publisher
from simulator.recordings import Recording, place_ids, read_recording
from simulator.replay import ReplayConfig, Replayed, replay
from store import generation
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.support.ingesting import config_for, ingesting, quarantined, rows
from tests.support.waiting import eventually

BIRMINGHAM = Path(__file__).resolve().parents[3] / "shared" / "data" / "birmingham_2016.csv.gz"
AREA = AreaId("birmingham")
ENTERED = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.timeout(240)
def test_birmingham_every_row_ends_as_a_reading_or_in_quarantine_and_a_second_replay_changes_nothing(
    database_url: str, broker: Any
) -> None:
    if not BIRMINGHAM.exists():
        pytest.skip("birmingham_2016.csv.gz is not at hand: see the README for where to get it")
    recording = read_recording(BIRMINGHAM)
    zone_ids = place_ids(AREA, recording.places)
    with connect(database_url) as conn:
        changes = [Change(kind, id, doc) for kind, id, doc in recorded_registry(recording, AREA, zone_ids)]
        apply(conn, changes, entered_by="test", entered_at=ENTERED)

        unique = {(r.place, r.at, r.occupied) for r in recording.rows()}
        negative = {row for row in unique if row[2] < 0}
        with ingesting(config_for(database_url, broker.url)):
            _replay(recording, zone_ids, broker.url)
            _stored(database_url, len(unique) - len(negative))
            assert quarantined(database_url) == {"out_of_range": len(negative)}
            _engine_caught_up(conn)
            before = _derived(conn)

            _replay(recording, zone_ids, broker.url)
            eventually(lambda: quarantined(database_url) == {"out_of_range": 2 * len(negative)}, 30)
        _stored(database_url, len(unique) - len(negative))
        _engine_caught_up(conn)
        assert _derived(conn) == before

        assert recording.read == 35_717
        assert len(unique) == 35_717 - 216
        _last_row_of_each_car_park_stands(conn, recording, zone_ids)
        conn.commit()
        assert engine.rebuild(conn, AREA, EngineConfig(database_url="")).new == 2
        assert _derived(conn) == before


def _replay(recording: Recording, zone_ids: Any, broker_url: str) -> None:
    stop = threading.Event()
    with Publisher(Endpoint.parse(broker_url), name="replay-under-test", in_flight=500) as out:
        out.wait_connected(10, stop)
        done: Replayed = replay(recording, ReplayConfig(area_id=AREA, zone_ids=zone_ids), out, stop)
    assert done.rows == recording.rows_kept


def _stored(database_url: str, expected: int) -> None:
    eventually(lambda: rows(database_url, "SELECT count(*) FROM reading")[0][0] >= expected, 120)
    assert rows(database_url, "SELECT count(*) FROM reading") == [(expected,)]


def _engine_caught_up(conn: Connection) -> None:
    with conn.transaction(), conn.cursor() as cur:
        at = generation.live_generation(cur, AREA, engine.ENGINE_VERSION)
    served = AreaEngine(conn, at, EngineConfig(database_url=""))
    while served.advance():
        pass


def _derived(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """The live generation's rows, without their generation."""
    found = {}
    for table, columns in (
        ("count_interval", "zone_id, started_at, ended_at, occupied, over"),
        (
            "zone_state",
            "zone_id, capacity, free, occupied, unknown, closed, free_min, free_max, as_of, version",
        ),
        ("zone_cell", "zone_id, cell_at, free_s, occupied_s, unknown_s, closed_s, arrivals, departures"),
    ):
        found[table] = conn.execute(
            f"SELECT {columns} FROM {table} WHERE (area, generation) IN"
            " (SELECT area, generation FROM generation WHERE status = 'live') ORDER BY 1, 2"
        ).fetchall()
    conn.commit()
    return found


def _last_row_of_each_car_park_stands(conn: Connection, recording: Recording, zone_ids: Any) -> None:
    last: dict[str, Any] = {}
    over = Counter[str]()
    for row in recording.rows():
        if row.occupied >= 0:
            last[row.place] = row
            over[row.place] += row.capacity is not None and row.occupied > row.capacity
    counted = dict(
        conn.execute(
            "SELECT DISTINCT ON (zone_id) zone_id, occupied FROM count_interval"
            " WHERE occupied IS NOT NULL ORDER BY zone_id, started_at DESC"
        ).fetchall()
    )
    shown = {
        zone: (free, occupied, unknown, capacity)
        for zone, free, occupied, unknown, capacity in conn.execute(
            "SELECT zone_id, free, occupied, unknown, capacity FROM zone_state"
        ).fetchall()
    }
    end = max(row.at for row in last.values())
    for place, row in last.items():
        zone = zone_ids[place]
        assert counted[zone] == row.occupied, "the count as it came, over the capacity too"
        free, occupied, unknown, capacity = shown[zone]
        assert free + occupied + unknown == capacity
        if (end - row.at).total_seconds() < 9000:
            assert occupied == min(row.occupied, capacity), "what is shown is bounded"
        else:
            assert unknown == capacity, "a car park that fell silent days ago is not shown by its last count"
    flagged = conn.execute("SELECT count(*) FROM count_interval WHERE over").fetchone()
    assert over.total() > 0
    assert flagged is not None
    assert flagged[0] > 0
