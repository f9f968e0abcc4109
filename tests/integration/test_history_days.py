"""Civil days as rows: the sums of their hours at any time, and asked for like them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from occupancy import engine
from occupancy.engine import EngineConfig
from occupancy.history.hour import HOUR, Dim, Scope
from occupancy.history.periods import Grain, Question
from occupancy.model import AnyReading, AreaId
from store import history_days
from store.copying import Cursor
from store.history import HistoryReader, Period
from store.log import LogEntry, append_entries
from store.postgres import Connection, connect
from tests.integration.test_engine_rows import TOWN, log, register, serve
from tests.integration.test_history_rows import deliver
from tests.property.test_fold_laws import histories
from tests.support.examples import of_profile
from tests.support.small_town import AREA, START, count, documents, health, state

DAY = timedelta(days=1)
LONDON = "Europe/London"


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        register(connection)
        yield connection


def periods(url: str, asked: Question) -> list[Period]:
    lengths = asked.grain is not Grain.HOUR_OF_WEEK

    async def found() -> list[Period]:
        reader = HistoryReader(url)
        try:
            async with aclosing(reader.periods(asked, lengths=lengths)) as coming:
                return [period async for period in coming]
        finally:
            await reader.close()

    return asyncio.run(found())


def without_days(conn: Connection) -> None:
    conn.execute("UPDATE history_finality SET days_to = NULL, days_zone = NULL")
    conn.commit()


def days_of(conn: Connection) -> list[datetime]:
    found = conn.execute("SELECT DISTINCT day_at FROM history_day ORDER BY 1").fetchall()
    conn.commit()
    return [row[0] for row in found]


def differing(conn: Connection) -> tuple[int, list[Any]]:
    with conn.transaction(), conn.cursor() as cur:
        days, number, told = history_days.differing(cur, TOWN, 1000)
        assert number == len(told)
        return days, told


def plain(found: list[Period]) -> list[Any]:
    """Without the kind of sequence that minutes come as."""
    return [
        (
            period._replace(sums=period.sums._replace(lengths=None)),
            (lengths := period.sums.lengths) and (lengths.sum_s, list(lengths.minutes), list(lengths.counts)),
        )
        for period in found
    ]


@settings(
    max_examples=of_profile(4), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(readings=histories(), seed=st.integers(0, 2**16))
def test_questions_by_days_are_answered_alike_from_rows_of_days_and_from_hours(
    databases: Any, readings: list[AnyReading], seed: int
) -> None:
    with databases.fresh() as url, connect(url) as conn:
        register(conn)
        deliver(conn, readings, seed, final_after_h=1.0 + seed % 20)
        assert differing(conn)[1] == []
        asked = [
            Question(
                area=TOWN,
                time_zone=LONDON,
                start=START - DAY + seed % 48 * HOUR,
                end=START + 3 * DAY,
                grain=grain,
                scope=Scope.ZONE if seed % 2 else Scope.AREA,
                **more,
            )
            for grain in (Grain.DAY, Grain.WEEK, Grain.TOTAL)
            for more in (
                {},
                {"weekdays": (0, 2)},
                {"dim": Dim.BAY_TYPE},
                {"dim": Dim.USE, "together": True},
            )
        ]
        by_days = [plain(periods(url, question)) for question in asked]
        without_days(conn)
        assert by_days == [plain(periods(url, question)) for question in asked]


def three_days(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False), count("g-count", 1, 0, 2)], 60)
    log(conn, [state("s0", 3, 4000, True)], 4010)
    log(conn, [health("s0", 100 + n, 4010 + 1000 * n) for n in range(40)], 50_000)
    log(conn, [], 5 * 86_400)
    serve(conn)


def test_a_day_is_made_when_its_hours_are_records_and_again_when_one_is_revised(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False), state("s0", 3, 4000, True)], 4010)
    log(conn, [], 63 * 3600)  # from eight on; final to 23 o'clock of the first day
    serve(conn)
    assert days_of(conn) == []
    log(conn, [], 64 * 3600 + 60)
    serve(conn)
    first = datetime.fromisoformat("2026-11-02T00:00:00+00:00")
    assert days_of(conn) == [first]
    before = day_of_the_street(conn, first)

    log(conn, [state("s0", 2, 1800, True)], 64 * 3600 + 61)
    serve(conn)
    after = day_of_the_street(conn, first)
    assert (before[1], after[1]) == (1, 2)
    assert after[0] > before[0]
    assert differing(conn) == (1, [])


def day_of_the_street(conn: Connection, day_at: datetime) -> Any:
    found = conn.execute(
        "SELECT occupied_us, revision FROM history_day JOIN history_series USING (series_id) "
        "WHERE scope_id = 'high-st' AND dim = 'all' AND day_at = $1",
        (day_at,),
    ).fetchone()
    conn.commit()
    return found


def test_days_by_another_clock_are_not_used_and_are_made_anew(conn: Connection, database_url: str) -> None:
    three_days(conn)
    assert {at.hour for at in days_of(conn)} == {0}
    asked = Question(
        area=TOWN,
        time_zone="Asia/Kolkata",
        start=START - DAY,
        end=START + 5 * DAY,
        grain=Grain.DAY,
        scope=Scope.ZONE,
    )
    elsewhere = plain(periods(database_url, asked))
    area = next(doc for kind, _, doc in documents() if kind == "area")
    moved = {**area, "time_zone": "Asia/Kolkata"}
    with conn.transaction(), conn.cursor() as cur:
        append_entries(cur, AREA, [LogEntry("registry", f"area/{AREA}", moved, START, "test")])
    log(conn, [], 5 * 86_400 + 3700)
    serve(conn)
    assert {(at.hour, at.minute) for at in days_of(conn)} == {(18, 30)}
    assert differing(conn)[1] == []
    assert plain(periods(database_url, asked))[: len(elsewhere) - 3] == elsewhere[:-3]


def test_a_recount_holds_days_against_their_hours(conn: Connection) -> None:
    three_days(conn)
    found = engine.recount(conn, TOWN, EngineConfig(database_url=""))
    assert (found.days, found.differing) == (3, 0)
    conn.execute(
        "UPDATE history_day SET stay_min = '{5}', stay_count = '{1}' "
        "WHERE day_at = (SELECT min(day_at) FROM history_day)"
    )
    conn.execute("DELETE FROM history_day WHERE day_at = (SELECT max(day_at) FROM history_day)")
    conn.commit()
    changed = differing(conn)[1]
    assert {at for _, at in changed} == {START.replace(hour=0) + n * DAY for n in (0, 2)}
    assert engine.recount(conn, TOWN, EngineConfig(database_url="")).differing == len(changed)


def test_ten_years_of_days_are_held_against_their_hours_a_month_at_a_time(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn.execute(
        "INSERT INTO history_series (area, scope, scope_id, dim, value) "
        "SELECT $1, 'zone', 'street-' || n, 'all', '' FROM generate_series(1, 3) AS n",
        (AREA,),
    )
    conn.execute(
        "INSERT INTO history_final SELECT series_id, 1, at, 36e8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,"
        " '13', 1, 0, '{}', '{}', 0 "
        "FROM history_series, generate_series($1::timestamptz, $1 + interval '1 month', '1 day') AS at",
        (START,),
    )
    conn.execute(
        "INSERT INTO history_finality (area, final_to, days_to, days_zone) VALUES ($1, $2, $2, $3)",
        (AREA, START + 3650 * DAY, LONDON),
    )
    conn.commit()
    held: list[int] = []
    days_between, lots = history_days._days, history_days._lots

    def counted(time_zone: str, since: datetime, until: datetime) -> Iterator[Any]:
        for day in days_between(time_zone, since, until):
            held.append(1)
            yield day

    def lots_of(days: Any) -> Iterator[Any]:
        assert len(held) <= history_days._DAYS_A_PAGE
        assert not isinstance(days, list)
        held.clear()
        return lots(days)

    monkeypatch.setattr(history_days, "_days", counted)
    monkeypatch.setattr(history_days, "_lots", lots_of)
    with conn.transaction(), conn.cursor() as cur:
        days, number, told = history_days.differing(cur, TOWN, 20)
    assert (days, number, len(told)) == (3650, 3 * 31, 20), "of a month there are records, but no rows"


def test_the_series_of_an_area_are_looked_up_once_for_all_days_that_are_due(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def looked_up(cur: Cursor, area: AreaId) -> list[int]:
        asked.append(area)
        return numbers(cur, area)

    numbers = history_days._series_numbers
    monkeypatch.setattr(history_days, "_series_numbers", looked_up)
    three_days(conn)
    assert len(days_of(conn)) == 3
    assert len(asked) == 1
