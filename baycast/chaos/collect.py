"""Reads the evidence from the database, as rows and nothing else, with SQL of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from baycast.chaos import city
from baycast.chaos.evidence import Batch, Cell, Derived, Evidence, Quarantined, Shown, Zone
from baycast.chaos.model import Interval, Row, Stay

Connection = psycopg.Connection[tuple[Any, ...]]

_US = "(extract(epoch FROM {0}) * 1000000)::int8"
DERIVED_TABLES = (
    "device_fold",
    "device_checkpoint",
    "count_fold",
    "count_checkpoint",
    "bay_interval",
    "bay_state",
    "stay",
    "overstay",
    "outage",
    "suspicion",
    "count_interval",
    "zone_state",
    "zone_cell",
)
"""A list of our own, as all that judges: one shared with the store would forget the same table."""


def connect(url: str) -> Connection:
    """A connection whose statements may take long and may write, whatever the server's default is just now."""
    options = "-c timezone=UTC -c statement_timeout=0 -c default_transaction_read_only=off"
    return psycopg.connect(url, autocommit=True, options=options, application_name="baycast chaos")


def log_evidence(conn: Connection) -> Evidence:
    """The log, the quarantine and what counts as seen."""
    evidence = Evidence()
    head = conn.execute("SELECT position FROM log_head WHERE area = %s", (city.AREA,)).fetchone()
    evidence.head = 0 if head is None else head[0]
    evidence.batches = [
        Batch(*row)
        for row in conn.execute(
            "SELECT position, batch_id, readings, entries FROM log_batch WHERE area = %s", (city.AREA,)
        )
    ]
    evidence.rows = [Row(*row) for row in _stream(conn, _READINGS)]
    entries = conn.execute("SELECT batch_id, count(*) FROM log_entry GROUP BY 1")
    evidence.entries = {int(batch_id): int(number) for batch_id, number in entries}
    evidence.quarantine = [
        Quarantined(topic, reason, None if payload is None else bytes(payload), size, count)
        for topic, reason, payload, size, count in conn.execute(
            "SELECT topic, reason, payload, payload_bytes, count FROM quarantine WHERE replayed_at IS NULL"
        )
    ]
    evidence.overflow = {
        reason: int(count)
        for reason, count in conn.execute("SELECT reason, sum(count) FROM quarantine_overflow GROUP BY 1")
    }
    for device, incarnation, boot, lower, upper in conn.execute(
        "SELECT device_id, incarnation, boot, lower(part), upper(part) FROM device_seen, unnest(seen) AS part"
    ):
        evidence.seen.setdefault((device, incarnation, boot), []).append((lower, upper))
    return evidence


def derived(conn: Connection) -> Derived:
    """The rows of the live generation."""
    found = Derived()
    position, generation = live_generation(conn)
    found.position = position
    scope = (city.AREA, generation)
    found.intervals = [Interval(*row) for row in _stream(conn, _INTERVALS, scope)]
    found.stays = [Stay(*row) for row in _stream(conn, _STAYS, scope)]
    found.bays = {row[0]: Shown(*row[1:]) for row in conn.execute(_BAYS, scope)}
    found.zones = {row[0]: Zone(*row[1:]) for row in conn.execute(_ZONES, scope)}
    found.cells = [Cell(*row) for row in conn.execute(_CELLS, scope)]
    counted = conn.execute(_VEHICLES, (*scope, city.CAR_PARK)).fetchone()
    found.vehicles = None if counted is None else counted[0]
    return found


def longest_stall_s(conn: Connection) -> float:
    """The longest time in which nothing was committed to the area's log, not even a canary, while readings came."""
    row = conn.execute(_STALL, {"area": city.AREA}).fetchone()
    return 0.0 if row is None or row[0] is None else float(row[0])


def unreplayed(conn: Connection) -> int:
    """Messages in quarantine of sensors that were not registered when they came."""
    row = conn.execute(
        "SELECT count(*) FROM quarantine WHERE reason = 'unknown_device' AND replayed_at IS NULL"
    ).fetchone()
    return 0 if row is None else int(row[0])


def live_generation(conn: Connection) -> tuple[int, int]:
    """(position, generation); zeros while there is none."""
    row = conn.execute(
        "SELECT position, generation FROM generation WHERE area = %s AND status = 'live'", (city.AREA,)
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def hashes(conn: Connection) -> dict[str, str]:
    """A hash of each derived table's live rows, whatever their order and the number of their generation."""
    _, generation = live_generation(conn)
    found = {}
    for table in DERIVED_TABLES:
        row = conn.execute(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(h, '' ORDER BY h)), '') FROM ("  # noqa: S608
            f" SELECT md5((to_jsonb(t) - 'generation')::text) AS h FROM {table} AS t"
            " WHERE area = %s AND generation = %s) AS rows",
            (city.AREA, generation),
        ).fetchone()
        found[table] = "" if row is None else str(row[0])
    return found


def _stream(conn: Connection, query: str, parameters: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """A large result in pieces: not all of it twice in memory."""
    with conn.transaction(), conn.cursor(name="chaos") as cur:
        cur.itersize = 20_000
        cur.execute(query, parameters)
        yield from cur


def _us(column: str) -> str:
    return _US.format(column)


_READINGS = (
    f"SELECT batch_id, ordinal, device_id, incarnation, boot, seq, kind, {_us('at')}, age_ms,"  # noqa: S608
    f" {_us('received_at')}, occupied, cause, direction, count FROM reading"
)
_INTERVALS = (
    f"SELECT bay_id, {_us('started_at')}, {_us('ended_at')}, state FROM bay_interval"  # noqa: S608
    " WHERE area = %s AND generation = %s"
)
_STAYS = (
    f"SELECT bay_id, {_us('arrived_at')}, {_us('departed_at')}, arrival, departure FROM stay"  # noqa: S608
    " WHERE area = %s AND generation = %s"
)
_BAYS = (
    f"SELECT bay_id, state, {_us('since')}, {_us('as_of')} FROM bay_state"  # noqa: S608
    " WHERE area = %s AND generation = %s"
)
_ZONES = (
    "SELECT zone_id, capacity, free, occupied, unknown, closed FROM zone_state"
    " WHERE area = %s AND generation = %s"
)
_CELLS = (
    f"SELECT zone_id, {_us('cell_at')}, free_s + occupied_s + unknown_s + closed_s, arrivals, departures"  # noqa: S608
    " FROM zone_cell WHERE area = %s AND generation = %s"
)
_STALL = """
SELECT extract(epoch FROM max(gap)) FROM (
    SELECT committed_at - lag(committed_at) OVER (ORDER BY position) AS gap FROM log_batch
    WHERE area = %(area)s AND position BETWEEN
        (SELECT min(position) FROM log_batch WHERE area = %(area)s AND readings > 0)
        AND (SELECT max(position) FROM log_batch WHERE area = %(area)s AND readings > 0)
) AS gaps
"""
_VEHICLES = (
    "SELECT occupied FROM count_interval WHERE area = %s AND generation = %s AND zone_id = %s"
    " ORDER BY started_at DESC LIMIT 1"
)
