"""Recorded car parks through broker, ingest, engine and API: each day's mean occupancy is what pandas makes of a file.

The definition, in words: a count stands until the next one, but no longer than two and a half hours (the silence after
which an hourly counter is not believed); what stands is bounded by the capacity; the mean is over the time that a count
stood. Nothing here but the replay itself is baycast's. Skipped where the recordings are not at hand.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from api.config import ApiConfig
from baycast.registry.recorded import recorded_registry
from occupancy import engine
from occupancy.engine import AreaEngine, EngineConfig
from occupancy.model import AreaId
from simulator.publisher import Endpoint, Publisher
from simulator.recordings import Recording, place_ids, read_recording
from simulator.replay import ReplayConfig, replay
from store import generation, keys
from store.keys import Scope
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.support.api_server import running_api
from tests.support.ingesting import config_for, ingesting, rows
from tests.support.keyed import bearer, status_is, when
from tests.support.waiting import eventually

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ENTERED = datetime(2026, 11, 1, tzinfo=UTC)
STANDS = pd.Timedelta(hours=2.5)
LEAST = 0.01


class Day(NamedTuple):
    """Bay-seconds: in service, those that a count stood for, and those taken."""

    in_service: float
    observed: float
    taken: float


def by_hand(
    counts: pd.DataFrame, time_zone: str, begin: pd.Timestamp, end: pd.Timestamp
) -> dict[tuple[str, date], Day]:
    """By place and civil day. `counts`: place, at (UTC), occupied, capacity. History is told from `begin` to `end`, of
    places that spoke before that from then on."""
    found: dict[tuple[str, date], Day] = {}
    for place, said in counts.sort_values("at").groupby("place", observed=True):
        at, bays = said["at"], said["capacity"]
        until = pd.concat([at.shift(-1), at + STANDS], axis=1).min(axis=1).clip(upper=end)
        first = min(at.iloc[0], begin).floor("h")
        for day in pd.date_range(
            first.tz_convert(time_zone).normalize(), end.tz_convert(time_zone), freq="D"
        ):
            since, to = (edge.tz_convert("UTC") for edge in (day, day + pd.DateOffset(days=1)))
            seconds = (until.clip(upper=to) - at.clip(lower=since)).dt.total_seconds().clip(lower=0)
            found[str(place), day.date()] = Day(
                float(bays.iloc[-1]) * (min(to, end) - max(since, first)).total_seconds(),
                float((seconds * bays).sum()),
                float((seconds * said["occupied"].clip(upper=bays)).sum()),
            )
    return found


def answers(
    database_url: str, broker_url: str, recording: Recording, area: AreaId, sent: int
) -> dict[tuple[str, date], dict[str, Any]]:
    """The rows of the API by place and civil day, after a replay."""
    zone_ids = place_ids(area, recording.places)
    with connect(database_url) as conn:
        changes = [Change(kind, id, doc) for kind, id, doc in recorded_registry(recording, area, zone_ids)]
        apply(conn, changes, entered_by="test", entered_at=ENTERED)
        _, secret = keys.create(
            conn,
            label="a manager",
            scopes=[Scope.HISTORY, Scope.PERSONAL],
            areas=[area],
            expires_at=None,
            made_by="test",
            made_at=datetime.now(UTC),
        )
        conn.commit()
        with ingesting(config_for(database_url, broker_url)):
            with Publisher(Endpoint.parse(broker_url), name="replay-under-test", in_flight=500) as out:
                out.wait_connected(10, threading.Event())
                replay(recording, ReplayConfig(area_id=area, zone_ids=zone_ids), out, threading.Event())
            eventually(lambda: rows(database_url, "SELECT count(*) FROM reading")[0][0] >= sent, 60)
            last = max(row.at for row in recording.rows())
            eventually(lambda: rows(database_url, "SELECT max(watermark) FROM log_batch")[0][0] == last, 60)
        fold(conn, area)
    places = {zone_id: place for place, zone_id in zone_ids.items()}
    first = min(row.at for row in recording.rows())
    asked = {"area": area, "by": "zone", "grain": "1d", "limit": 5000}
    asked |= {"from": f"{first:%Y-%m}-01", "to": f"{last + timedelta(days=32):%Y-%m}-01"}
    with running_api(ApiConfig(database_url=database_url, history_least_coverage=LEAST)) as api:
        when(
            api,
            secret,
            status_is(200),
            f"/v1/history/coverage?area={area}&from=2016-10&to=2016-11",
        )
        answer = api.get("/v1/history/occupancy", params=asked, headers=bearer(secret))
        assert answer.status_code == 200, answer.text
    found = {}
    for row in answer.json()["rows"]:
        start = pd.Timestamp(row["start"]).tz_convert(recording.time_zone)
        found[places[row["zone"]], start.date()] = row
    return found


def first_watermark(database_url: str) -> pd.Timestamp:
    return pd.Timestamp(rows(database_url, "SELECT min(watermark) FROM log_batch")[0][0])


def fold(conn: Connection, area: AreaId) -> None:
    with conn.transaction(), conn.cursor() as cur:
        at = generation.live_generation(cur, area, engine.ENGINE_VERSION)
    served = AreaEngine(conn, at, EngineConfig(database_url="").in_bulk())
    while served.advance():
        pass


def agree(told: Mapping[tuple[str, date], Any], expected: Mapping[tuple[str, date], Day]) -> int:
    """Returns how many days have a figure."""
    assert set(told) == set(expected)
    for key, day in expected.items():
        row = told[key]
        assert row["coverage"] == pytest.approx(day.observed / day.in_service, abs=1e-6), key
        if day.observed == 0:
            assert (row["occupancy_pct"], row["missing"]["occupancy_pct"]) == (None, "coverage"), key
        elif row["coverage"] >= LEAST:
            assert row["occupancy_pct"] == pytest.approx(100 * day.taken / day.observed, abs=1e-9, rel=0), key
    return sum(row["occupancy_pct"] is not None for row in told.values())


@pytest.mark.timeout(240)
def test_birmingham_every_day_of_every_car_park(database_url: str, broker: Any) -> None:
    path = DATA / "birmingham_2016.csv.gz"
    if not path.exists():
        pytest.skip("birmingham_2016.csv.gz is not at hand: see the README for where to get it")
    file = pd.read_csv(path).drop_duplicates()
    counts = pd.DataFrame(
        {
            "place": file["SystemCodeNumber"],
            "at": pd.to_datetime(file["LastUpdated"]).dt.tz_localize("Europe/London").dt.tz_convert("UTC"),
            "occupied": file["Occupancy"],
            "capacity": file["Capacity"],
        }
    )
    end = counts["at"].max().floor("h")
    counts = counts[counts["occupied"] >= 0]
    told = answers(database_url, broker.url, read_recording(path), AreaId("birmingham"), len(counts))
    expected = by_hand(counts, "Europe/London", first_watermark(database_url), end)
    assert agree(told, expected) > 1900
    for place in counts["place"].unique():
        for day in (date(2016, 10, 20), date(2016, 10, 21), date(2016, 12, 3), date(2016, 12, 4)):
            if (place, day) in told:
                assert told[place, day]["coverage"] == 0


@pytest.mark.timeout(240)
def test_muenster_weeks_with_a_missing_day_and_one_of_23_hours(database_url: str, broker: Any) -> None:
    path = DATA / "muenster_2023-01_2025-06.parquet"
    if not path.exists():
        pytest.skip("muenster_2023-01_2025-06.parquet is not at hand: see the README for where to get it")
    capacity = {"PH Theater": 743, "PP Hörsterplatz": 202, "PP Schlossplatz Nord": 450}
    file = pd.read_parquet(path)
    local = file["timestamp_local"]
    file = file[
        file["car_park"].isin(list(capacity))
        & (local >= "2025-03-03")
        & (local < "2025-04-07")
        & ~file["status"].isin(["ges", "kei"])
        & (file["free"].notna() | (file["status"] == "bes"))
    ]
    bays = file["car_park"].astype(str).map(capacity)
    counts = pd.DataFrame(
        {
            "place": file["car_park"].astype(str),
            "at": file["timestamp_local"].dt.tz_localize("Europe/Berlin").dt.tz_convert("UTC"),
            "occupied": bays - file["free"].fillna(0),
            "capacity": bays,
        }
    )
    end = counts["at"].max().floor("h")
    counts = counts[counts["occupied"] >= 0]
    weeks = Recording("muenster", "Europe/Berlin")
    for row in counts.itertuples():
        weeks.add(row.place, int(row.at.timestamp()), int(row.occupied), int(row.capacity))
    told = answers(database_url, broker.url, weeks, AreaId("muenster"), len(counts))
    expected = by_hand(counts, "Europe/Berlin", first_watermark(database_url), end)
    assert agree(told, expected) > 80
    theater = {day: row for (place, day), row in told.items() if place == "PH Theater"}
    assert theater[date(2025, 3, 13)]["coverage"] < 0.2, (
        "nothing came that day, but the last count stood for a while"
    )
    changed = theater[date(2025, 3, 30)]
    hours = pd.Timestamp(changed["end"]) - pd.Timestamp(changed["start"])
    assert hours == pd.Timedelta(hours=23)
