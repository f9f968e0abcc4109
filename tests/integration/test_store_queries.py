"""Every statement in the query files is accepted by the migrated database; migrations are forward-only."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from occupancy.model import AreaId
from store import migrate
from store.forecast_records import skill
from store.migrate import MigrationError, pending
from store.postgres import connect
from store.queries import QueryFileError, all_queries, parse

ROOT = Path(__file__).parents[2]


def test_every_query_is_accepted_by_the_migrated_schema(database_url: str) -> None:
    with connect(database_url) as conn, conn.cursor() as cur:
        for name, statement in all_queries().items():
            body = "\n".join(line for line in statement.splitlines() if not line.startswith("--"))
            if re.match(r"\s*COPY\b", body):
                with cur.copy(statement):
                    pass
            elif re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|\()", body):
                cur.execute(f"PREPARE q AS {body}")
                cur.execute("DEALLOCATE q")
            else:
                with connect(database_url) as own:
                    own.execute(body)
            assert name == name.lower()


def test_every_query_is_used_and_every_use_has_a_query() -> None:
    used = set()
    for room in ("api", "baycast", "ingest", "occupancy", "publish", "store"):
        for path in (ROOT / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            used |= set(re.findall(r"""["']([a-z_]+\.[a-z0-9_]+)["']""", text)) & set(all_queries())
            for name in re.findall(r"""\bsql\(\s*["']([a-z_]+\.[a-z0-9_]+)["']""", text):
                assert name in all_queries(), f"{path}: no query {name}"
    # Named by table, in loops over DERIVED_TABLES.
    built = {name for name in all_queries() if name.startswith("generation_rows.")}
    assert set(all_queries()) - used - built == set()


def test_a_query_file_of_the_wrong_shape_is_refused() -> None:
    assert parse("f", "-- name: a\n-- Says a.\nSELECT 1;\n") == {"f.a": "-- Says a.\nSELECT 1"}
    with pytest.raises(QueryFileError, match=r"f\.a: named twice"):
        parse("f", "-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;")
    with pytest.raises(QueryFileError, match="no statement"):
        parse("f", "-- name: a\n-- Nothing.\n")


def test_migrations_apply_once_and_in_order(empty_database_url: str) -> None:
    names = [f"{m.number:04d}_{m.name}" for m in migrate.migrations()]
    with connect(empty_database_url) as conn:
        assert pending(conn) == names
    assert migrate.migrate(empty_database_url) == names
    assert migrate.migrate(empty_database_url) == []
    with connect(empty_database_url) as conn:
        assert pending(conn) == []


def test_a_database_of_a_newer_release_or_another_history_is_refused(empty_database_url: str) -> None:
    migrate.migrate(empty_database_url)
    with connect(empty_database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO schema_migration (number, name, digest) VALUES (9999, 'later', 'x')")
        with pytest.raises(MigrationError, match="newer release"):
            migrate.migrate(empty_database_url)
        conn.execute("DELETE FROM schema_migration WHERE number = 9999")
        conn.execute("UPDATE schema_migration SET digest = 'other' WHERE number = 1")
        with pytest.raises(MigrationError, match="another text"):
            migrate.migrate(empty_database_url)


def test_lengths_of_stays_in_seconds_become_minutes_and_hours_get_their_peaks(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: every[:16])
    migrate.migrate(empty_database_url)
    columns = (
        "1, 1, timestamptz '2026-11-02 08:00Z', 0, 0, 0, 0, 0, 0, 0, 0, 0, ARRAY[29, 30, 89, 90], 0, 0, 0, 0"
    )
    slots = f"1, 1, timestamptz '2026-11-02 08:00Z', n, n, n, n, n, n FROM {_TWELVE}"
    with connect(empty_database_url) as conn:
        conn.execute(f"INSERT INTO history_hour SELECT {columns}")
        conn.execute(f"INSERT INTO history_final SELECT {columns}, 1, '12', 1")
        conn.execute(f"INSERT INTO history_slots SELECT {slots}")
        conn.execute(f"INSERT INTO history_final_slots SELECT {slots}")
        conn.commit()
        monkeypatch.setattr(migrate, "migrations", lambda: every)
        migrate.migrate(empty_database_url)
        for table in ("history_hour", "history_final"):
            found = conn.execute(f"SELECT stay_min, stay_count, stays_sum_s, peak_us FROM {table}").fetchall()
            assert found == [([0, 1, 2], [1, 2, 1], 238, 12)]
            conn.commit()


def test_scores_from_before_answers_of_whole_zones_were_scored_stay(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: every[:24])
    migrate.migrate(empty_database_url)
    with connect(empty_database_url) as conn:
        score = "'cardiff', date '2026-11-18', 30, 's0', 'ordinary', 10, 1, 2, 3, 0.5, 9, 1, 2, 4"
        conn.execute(f"INSERT INTO forecast_score VALUES ({score})")
        conn.commit()
        monkeypatch.setattr(migrate, "migrations", lambda: every)
        migrate.migrate(empty_database_url)
        with conn.cursor() as cur:
            day = date(2026, 11, 18)
            found = skill(cur, AreaId("cardiff"), day, day + timedelta(days=1))
    ((sums),) = found.values()
    assert (sums.forecasts, sums.skill, sums.zone_answers, sums.zone_skill) == (10, 0.5, 0, None)


_TWELVE = "(SELECT array_agg(i) AS n FROM generate_series(1, 12) AS i) AS twelve"
