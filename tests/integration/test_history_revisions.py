"""Records that are found to have been otherwise: what is added late, and what is found to be none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from occupancy import engine
from occupancy.engine import EngineConfig
from occupancy.history.hour import HOUR, Dim, Scope
from occupancy.history.periods import Grain, Question
from store.log import LogEntry, append_entries
from store.postgres import Connection, connect
from tests.integration.test_engine_rows import TOWN, log, register, serve
from tests.integration.test_history_days import periods
from tests.integration.test_history_rows import finals, holds
from tests.support.small_town import AREA, START, documents, state


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        register(connection)
        yield connection


def test_a_record_that_comes_late_or_is_found_to_be_none_says_that_it_was_revised(
    conn: Connection, database_url: str
) -> None:
    log(conn, [state("s0", 1, 0, False)], 60)
    log(conn, [], 66 * 3600)  # from eight on; the first day is final
    serve(conn)

    def told() -> set[tuple[int, bool]]:
        found = conn.execute(
            "SELECT revision, void FROM history_final JOIN history_series USING (series_id) "
            "WHERE value = 'pay' AND scope IN ('zone', 'area') AND hour_at = $1",
            (START + 2 * HOUR,),
        ).fetchall()
        conn.commit()
        return set(found)

    def answered(grain: Grain) -> list[tuple[float, int, int, bool]]:
        whole = START.replace(hour=0)
        day = Question(
            area=TOWN,
            time_zone="Europe/London",
            start=START + 2 * HOUR if grain is Grain.HOUR else whole,
            end=START + 3 * HOUR if grain is Grain.HOUR else whole + 24 * HOUR,
            grain=grain,
            scope=Scope.ZONE,
            dim=Dim.USE,
            values=("pay",),
        )
        found = periods(database_url, day)
        return [(one.sums.hours, one.sums.in_service_us, one.revision, one.final) for one in found]

    rule = {
        "area_id": AREA,
        "use": "pay",
        "days": "daily",
        "starts": "09:30",
        "ends": "18:00",
        "max_stay_min": 60,
    }
    assert (told(), answered(Grain.DAY)) == (set(), [])
    ruled(conn, rule, 1)
    assert told() == {(2, False)}
    assert answered(Grain.DAY) == [(9, 8.5 * 3600e6, 2, True)]
    ruled(conn, {**rule, "use": "resident", "permit_areas": ["X"]}, 2)
    assert told() == {(3, True)}
    for grain in (Grain.HOUR, Grain.DAY, Grain.HOUR_OF_WEEK):
        assert {one for one in answered(grain) if one[0]} == set()
        assert answered(grain)[-1] == (0, 0, 3, True)
    ruled(conn, rule, 3)
    assert told() == {(4, False)}
    revisions = conn.execute(
        "SELECT revision, cause, was ->> 'in_service_us' FROM history_revision JOIN history_series USING (series_id) "
        "WHERE value = 'pay' AND scope = 'zone' AND hour_at = $1 ORDER BY 1",
        (START + 2 * HOUR,),
    ).fetchall()
    cause = "registry"
    assert revisions == [(1, cause, None), (2, cause, str(3600 * 10**6)), (3, cause, None)]
    before = finals(conn), told()
    engine.rebuild(conn, TOWN, EngineConfig(database_url=""))
    assert (finals(conn), told()) == before, "a rebuild comes to the same"
    assert engine.recount(conn, TOWN, EngineConfig(database_url="")).differing == 0


def ruled(conn: Connection, rule: dict[str, Any], hours_later: int) -> None:
    """One bay of the street has a rule, as it is known now, from the beginning on."""
    bay = next(doc for kind, id, doc in documents() if (kind, id) == ("bay", "high-st-0"))
    with conn.transaction(), conn.cursor() as cur:
        docs = [("rule/r", rule), ("bay/high-st-0", {**bay, "rule_ids": ["r"]})]
        append_entries(cur, AREA, [LogEntry("registry", key, doc, START, "test") for key, doc in docs])
    log(conn, [], 66 * 3600 + 60 * hours_later)
    holds(conn, serve(conn))
