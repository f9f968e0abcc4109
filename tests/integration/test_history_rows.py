"""The hours of history on the real database: what pages write in steps, what becomes a record, how records change."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from occupancy import engine
from occupancy.engine import AreaEngine, EngineConfig
from occupancy.history.hour import HOUR, HourRow
from occupancy.model import AnyReading
from store import generation, history_days
from store.log import LogEntry, append_entries
from store.postgres import Connection, connect
from tests.integration.test_engine_hindsight import closure
from tests.integration.test_engine_rows import TOWN, log, register, serve
from tests.property.test_fold_laws import histories
from tests.support.examples import of_profile
from tests.support.small_town import AREA, START, count, documents, health, state

_COLUMNS = (
    "in_service_us, free_us, occupied_us, closed_us, usable_us, some_free_us, all_taken_us, arrivals, departures, "
    "stays_sum_s, censored, over_candidates, over_confirmed, over_s, peak_us, stay_min, stay_count"
)
_STORED = (
    f"SELECT scope, scope_id, dim, value, hour_at, {_COLUMNS} FROM history_series "
    "JOIN ({}) AS h USING (series_id) ORDER BY 1, 2, 3, 4, 5"
)
_DERIVED = f"SELECT series_id, hour_at, {_COLUMNS} FROM history_hour WHERE generation = "
_FINAL = f"SELECT series_id, hour_at, {_COLUMNS} FROM history_final WHERE NOT void"


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        register(connection)
        yield connection


def stored(conn: Connection, served: AreaEngine) -> list[tuple[Any, ...]]:
    """Every hour of every series, records and derived ones."""
    both = f"{_FINAL} UNION ALL {_DERIVED}{served.at.generation}"
    found = conn.execute(_STORED.format(both)).fetchall()  # type: ignore[arg-type]
    conn.commit()
    return found


def counted_anew(conn: Connection, served: AreaEngine) -> list[HourRow]:
    with conn.transaction(), conn.cursor() as cur:
        return list(served.history.recount(cur, served.at, partial(served._first_evidence, cur)))


def as_stored(row: HourRow) -> tuple[Any, ...]:
    series = (row.series.scope.value, row.series.scope_id, row.series.dim.value, row.series.value)
    times = (row.in_service_us, row.free_us, row.occupied_us, row.closed_us)
    watched = (row.usable_us, row.some_free_us, row.all_taken_us)
    turns = (row.arrivals, row.departures, row.stays.sum_s, row.censored)
    return (
        *series,
        row.hour_at,
        *times,
        *watched,
        *turns,
        row.over_candidates,
        row.over_confirmed,
        row.over_s,
        row.peak_us,
        list(row.stays.minutes),
        list(row.stays.counts),
    )


def summed(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The hours of the area, from those of its zones; without peaks, which are no sums."""
    parts: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        parts.setdefault(("area", AREA, *row[2:5]), []).append(row[5:])
    found = []
    for key in sorted(parts):
        stays = Counter[int]()
        for *_, minutes, counts in parts[key]:
            stays.update(dict(zip(minutes, counts, strict=True)))
        sums = [sum(column) for column in zip(*(part[:-3] for part in parts[key]), strict=True)]
        found.append((*key, *sums, sorted(stays), [stays[minute] for minute in sorted(stays)]))
    return found


def holds(conn: Connection, served: AreaEngine) -> None:
    """What is stored is what a recount gives."""
    found = stored(conn, served)
    zones = [row for row in found if row[0] == "zone"]
    assert zones == sorted(as_stored(row) for row in counted_anew(conn, served))
    assert [(*row[:-3], *row[-2:]) for row in found if row[0] == "area"] == summed(zones)
    with conn.transaction(), conn.cursor() as cur:
        assert history_days.differing(cur, TOWN, 1)[1:] == (0, [])
    for row in zones:
        in_service, free, occupied, closed, usable, some_free, all_taken = row[5:12]
        assert free + occupied + closed <= in_service
        assert some_free + all_taken <= usable <= HOUR // timedelta(microseconds=1)


def deliver(conn: Connection, readings: list[AnyReading], seed: int, **limits: Any) -> AreaEngine:
    """Readings in any order, in pages of any size, with rules and closures that come while they do."""
    chance = random.Random(seed)
    order = list(readings)
    chance.shuffle(order)
    config = EngineConfig(database_url="", positions_per_page=1 + seed % 5, **limits)
    with conn.transaction(), conn.cursor() as cur:
        served = AreaEngine(conn, generation.live_generation(cur, TOWN, engine.ENGINE_VERSION), config)
    clock = 0
    while order:
        size = chance.randint(1, 4)
        clock += chance.choice((chance.randint(0, 2000), chance.randint(0, 60_000)))
        log(conn, order[:size], clock)
        order = order[size:]
        if chance.random() < 0.15:
            enter(conn, chance)
        while served.advance():
            pass
    log(conn, [], clock + 200_000)
    while served.advance():
        pass
    return served


def enter(conn: Connection, chance: random.Random) -> None:
    """A rule for a bay, or another controlled zone for the street."""
    if chance.random() < 0.5:
        use = chance.choice(["pay", "resident", "no_parking"])
        rule = {"area_id": AREA, "use": use, "days": "daily", "starts": "09:30", "ends": "18:00"}
        more = {"max_stay_min": 60} if use == "pay" else {"permit_areas": ["X"]} if use == "resident" else {}
        bay = next(doc for kind, id, doc in documents() if (kind, id) == ("bay", "high-st-0"))
        docs = [("rule/r", {**rule, **more}), ("bay/high-st-0", {**bay, "rule_ids": ["r"]})]
    else:
        street = next(doc for kind, id, doc in documents() if (kind, id) == ("zone", "high-st"))
        docs = [("zone/high-st", {**street, "controlled_zone": chance.choice("AB")})]
    with conn.transaction(), conn.cursor() as cur:
        append_entries(cur, AREA, [LogEntry("registry", key, doc, START, "test") for key, doc in docs])


@settings(
    max_examples=of_profile(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(readings=histories(), seed=st.integers(0, 2**16))
def test_l3_hours_that_were_written_in_steps_are_those_of_a_recount(
    databases: Any, readings: list[AnyReading], seed: int
) -> None:
    with databases.fresh() as url, connect(url) as conn:
        register(conn)
        served = deliver(conn, readings, seed, final_after_h=1.0 + seed % 40)
        holds(conn, served)


def test_l3_a_stay_is_told_by_the_kerb_that_it_came_to_whenever_a_closure_is_entered(
    conn: Connection,
) -> None:
    came, left = state("s0", 2, 57 * 60, True), state("s0", 3, 62 * 60, False)
    log(conn, [state("s0", 1, 50 * 60, False), came, left], 4 * 3600)
    served = serve(conn)
    with conn.transaction(), conn.cursor() as cur:
        late = LogEntry("override", "works", closure(51 / 60, 58 / 60), START, "test")
        append_entries(cur, AREA, [late])
    while served.advance():
        pass

    holds(conn, served)
    uses = [row[3] for row in stored(conn, served) if row[0] == "zone" and row[2] == "use" and row[-2]]
    assert uses == ["suspended"], "it came while the street was closed, and left in the next hour"


def test_an_hour_is_a_record_after_48_hours_and_another_only_by_a_revision(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False), state("s0", 3, 4000, True)], 4010)
    log(conn, [health("s0", 100 + n, 4010 + 1000 * n) for n in range(20)], 30_000)
    served = serve(conn)
    assert conn.execute("SELECT count(*) FROM history_final").fetchone() == (0,)
    log(conn, [], 49 * 3600 + 60)
    served = serve(conn)
    assert finals(conn) == [START]
    log(conn, [], 50 * 3600 + 60)
    served = serve(conn)
    assert finals(conn) == [START, START + HOUR]
    holds(conn, served)
    assert conn.execute("SELECT count(*) FROM history_revision").fetchone() == (0,)

    log(conn, [state("s0", 2, 1800, True)], 50 * 3600 + 61)  # two days late: taken half an hour before
    served = serve(conn)
    holds(conn, served)
    revised = conn.execute(
        "SELECT hour_at, r.revision, cause, (was->>'occupied_us')::bigint, f.occupied_us, f.revision "
        "FROM history_revision r JOIN history_final f USING (series_id, hour_at) "
        "JOIN history_series USING (series_id) WHERE scope = 'zone' AND dim = 'all' ORDER BY 1"
    ).fetchall()
    assert revised[0] == (START, 1, "late knowledge", 0, 1500 * 10**6, 2)  # until it was silent for too long
    assert finals(conn) == [START, START + HOUR]


def test_a_rebuild_leaves_records_as_they_are_unless_it_knows_better(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False), count("g-count", 1, 0, 2)], 60)
    log(conn, [state("s0", 2, 1800, True), count("g-count", 2, 1900, 3)], 60 * 3600)
    served = serve(conn)
    before = stored(conn, served)
    assert finals(conn)
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True) == engine.Rebuilt(1, 2, ())
    served = serve(conn)
    assert stored(conn, served) == before
    assert conn.execute("SELECT count(*) FROM history_revision").fetchone() == (0,)
    conn.execute("UPDATE history_final SET occupied_us = 0, revision = 3 WHERE occupied_us > 0")
    conn.commit()
    engine.rebuild(conn, TOWN, EngineConfig(database_url=""))
    assert stored(conn, serve(conn)) == before
    causes = conn.execute("SELECT DISTINCT cause, revision FROM history_revision").fetchall()
    assert causes == [("rebuilt", 3)]
    assert conn.execute("SELECT DISTINCT revision FROM history_final ORDER BY 1").fetchall() == [(1,), (4,)]


def finals(conn: Connection) -> list[datetime]:
    found = conn.execute("SELECT DISTINCT hour_at FROM history_final ORDER BY 1").fetchall()
    conn.commit()
    return [row[0] for row in found]
