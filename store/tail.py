"""Reading the log: batches after a cursor, and the history of one device or gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from occupancy.batch import Batch, Change
from occupancy.car_park import Recount
from occupancy.learnt import KIND as LEARNT
from occupancy.learnt import Learnt, learnt_of
from occupancy.model import (
    AnyReading,
    AreaId,
    Cause,
    CountReading,
    DeviceId,
    Direction,
    HealthReading,
    PassageReading,
    ReadingKey,
    StateReading,
    ZoneId,
)
from occupancy.overrides import KIND as OVERRIDE
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]
_ROWS = 10_000
"""Taken from a result at once: a page of a rebuild has many more, and as tuples they are large."""
_CAUSES = {cause.value: cause for cause in Cause}


def newest(cur: Cursor, area: AreaId) -> datetime | None:
    """Up to when an area's log reaches; None: nothing was said yet, or there is no log."""
    cur.execute(sql("log.newest"), (area,))
    row = cur.fetchone()
    return None if row is None else row[0]


def batches_after(cur: Cursor, area: AreaId, position: int, *, positions: int, readings: int) -> list[Batch]:
    """The next batches of an area's log, at most `positions` and about `readings` readings; at least one if any."""
    cur.execute(sql("log.tail"), (area, position, positions))
    heads: list[tuple[Any, ...]] = []
    total = 0
    for head in cur.fetchall():
        total += head[3]
        if heads and total > readings:
            break
        heads.append(head)
    by_batch: dict[int, list[AnyReading]] = {}
    with_readings = [head for head in heads if head[3]]
    if with_readings:
        first = min(head[5] for head in with_readings)
        last = max(head[6] for head in with_readings)
        cur.execute(sql("log.readings_of"), ([head[1] for head in with_readings], first, last))
        while rows := cur.fetchmany(_ROWS):
            for row in rows:
                by_batch.setdefault(row[0], []).append(reading_of(row))
    changes: dict[int, list[Change]] = {}
    recounts: dict[int, list[Recount]] = {}
    down: dict[int, list[tuple[datetime, datetime]]] = {}
    learnt: dict[int, Learnt] = {}
    position_of = {head[1]: head[0] for head in heads}
    with_entries = [head[1] for head in heads if head[4]]
    if with_entries:
        cur.execute(sql("log.entries_of"), (with_entries,))
        for batch_id, kind, key, doc, ordinal in cur.fetchall():
            if kind == "registry":
                entity_kind, _, entity_id = key.partition("/")
                changes.setdefault(batch_id, []).append((entity_kind, entity_id, doc))
            elif kind == OVERRIDE:
                changes.setdefault(batch_id, []).append((kind, key, doc))
            elif kind == "outage":
                down.setdefault(batch_id, []).append(outage_span(doc))
            elif kind == "recount":
                recount = _recount(ZoneId(key), position_of[batch_id], ordinal, doc)
                recounts.setdefault(batch_id, []).append(recount)
            elif kind == LEARNT:
                learnt[batch_id] = learnt_of(doc)
    return [
        Batch(
            position=head[0],
            watermark=head[2],
            readings=by_batch.get(head[1], ()),
            changes=changes.get(head[1], ()),
            recounts=recounts.get(head[1], ()),
            pipeline_down=down.get(head[1], ()),
            learnt=learnt.get(head[1]),
        )
        for head in heads
    ]


def outage_span(doc: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """When the pipeline was down, from an entry of the log."""
    return datetime.fromisoformat(doc["from"]), datetime.fromisoformat(doc["to"])


def first_watermark(cur: Cursor, area: AreaId) -> datetime | None:
    """The first watermark of an area: since then it is known who says nothing; None: there is none yet."""
    cur.execute(sql("log.first_watermark"), (area,))
    row = cur.fetchone()
    return row[0] if row else None


def pipeline_down(
    cur: Cursor, area: AreaId, position: int, since: datetime
) -> list[tuple[datetime, datetime]]:
    """When the pipeline was down since a time, as the log has it up to a position."""
    cur.execute(sql("log.outages_since"), (area, position, since))
    return [outage_span(row[0]) for row in cur.fetchall()]


def allow_long_history(cur: Cursor) -> None:
    """Let the transaction take as long as reading and folding a device's whole history does."""
    cur.execute(sql("folds.allow_long_history"))


def readings_of_device(
    cur: Cursor, area: AreaId, device_id: DeviceId, after: ReadingKey, to: ReadingKey, position: int
) -> list[AnyReading]:
    """One device's readings after a key and up to another, in its own order, up to a position."""
    cur.execute(sql("log.readings_of_device"), (device_id, *after, *to, area, position))
    return [reading_of(row) for row in cur.fetchall()]


def readings_of_gates(
    cur: Cursor, area: AreaId, gates: Sequence[DeviceId], after: datetime, position: int
) -> list[AnyReading]:
    """What some gates said after a time (a superset: judge the observed time), up to a position; in no order."""
    cur.execute(sql("folds.count_events"), (list(gates), after, area, position))
    return [reading_of(row) for row in cur.fetchall()]


def recounts_of(cur: Cursor, area: AreaId, zone_id: ZoneId, after: datetime, position: int) -> list[Recount]:
    """What an operator counted in a car park after a time, up to a position; in no order."""
    cur.execute(sql("log.recounts_of"), (area, zone_id, position))
    found = [_recount(zone_id, at, ordinal, doc) for at, ordinal, doc in cur.fetchall()]
    return [recount for recount in found if recount.at > after]


def _recount(zone_id: ZoneId, position: int, ordinal: int, doc: Mapping[str, Any]) -> Recount:
    return Recount(zone_id, datetime.fromisoformat(doc["at"]), doc["occupied"], position, ordinal)


def reading_of(row: Sequence[Any]) -> AnyReading:
    """A row of `log.readings_of` as the domain sees it."""
    (_, device_id, incarnation, boot, seq, kind, at, age_ms, received_at, occupied, cause) = row[:11]
    prev_s, confidence, direction, count, capacity, vehicle = row[11:17]
    key = ReadingKey(incarnation, boot, seq)
    match kind:
        case "state":
            return StateReading(
                device_id=device_id,
                key=key,
                at=at,
                age_ms=age_ms,
                received_at=received_at,
                occupied=occupied,
                cause=_CAUSES[cause],
                prev_s=prev_s,
                confidence=confidence,
            )
        case "passage":
            return PassageReading(
                device_id=device_id,
                key=key,
                at=at,
                age_ms=age_ms,
                received_at=received_at,
                direction=Direction(direction),
                confidence=confidence,
                vehicle=vehicle,
            )
        case "count":
            return CountReading(
                device_id=device_id,
                key=key,
                at=at,
                age_ms=age_ms,
                received_at=received_at,
                occupied=count,
                capacity=capacity,
            )
        case _:
            return HealthReading(device_id=device_id, key=key, at=at, age_ms=age_ms, received_at=received_at)
