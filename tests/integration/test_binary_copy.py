"""Rows that are encoded here for COPY come back from PostgreSQL as they were."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.binary_copy import copy_encoded
from store.postgres import connect

_TYPES = ["int4", "int4", "timestamptz", *["int8[]"] * 4, *["int4[]"] * 2]
_INT8, _INT4 = st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1)
_INSTANT = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_ROWS = st.lists(
    st.tuples(
        *(_INT4, _INT4, _INSTANT),
        *[st.lists(_INT8, max_size=20)] * 4,
        *[st.lists(_INT4, max_size=20).map(tuple)] * 2,
    ),
    max_size=20,
    unique_by=lambda row: row[:3],
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_rows_come_back_as_they_were(database_url: str, rows: list[tuple[Any, ...]]) -> None:
    with connect(database_url) as conn, conn.cursor() as cur:
        copy_encoded(cur, "history_hours.copy_slots", _TYPES, rows)
        found = cur.execute("SELECT * FROM history_slots").fetchall()
        assert sorted(found) == sorted(
            tuple(list(value) if isinstance(value, tuple) else value for value in row) for row in rows
        )
        conn.rollback()


def test_null_is_null_and_what_is_too_large_is_refused(database_url: str) -> None:
    types = ["int4", "int4", "timestamptz", *["int8"] * 8]
    types += ["int4", "int4", "int4[]", "int4[]", "int8", "int4", "int4", "int4", "int8"]
    hour = datetime(2026, 11, 2, 8, tzinfo=UTC)
    row = [1, 1, hour, 1, 0, 0, 0, 0, 0, 0, None, 0, 0, [5], [2], 600, 0, 0, 0, 0]
    with connect(database_url) as conn, conn.cursor() as cur:
        copy_encoded(cur, "history_hours.copy_hours", types, [row])
        assert cur.execute("SELECT peak_us, stay_min FROM history_hour").fetchall() == [(None, [5])]
        with pytest.raises(struct.error):
            copy_encoded(cur, "history_hours.copy_hours", types, [[2**40, *row[1:]]])
