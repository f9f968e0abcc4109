"""Loading a generation of derived rows: its cursor, and where every fold stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from occupancy.device_fold import DeviceFold
from occupancy.gates import CountEvent, CountFold
from occupancy.model import (
    AreaId,
    BayType,
    Counts,
    DeviceId,
    Group,
    ReadingKey,
    Source,
    ZoneAvailability,
    ZoneId,
)
from store.device_rows import device_fold_of
from store.postgres import Connection
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]
_ENGINE_LOCK = 0x656E_6769  # "engi"
_REBUILD_LOCK = 0x7265_6275  # "rebu"


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation's cursor into its area's log."""

    area: AreaId
    generation: int
    position: int
    watermark: datetime | None
    version: int


def heads(cur: Cursor) -> dict[AreaId, int]:
    """Every area that has a log, with its newest position."""
    cur.execute(sql("log.heads"))
    return {row[0]: int(row[1]) for row in cur.fetchall()}


def try_engine_lock(conn: Connection) -> bool:
    """Whether this session is the one that works; it stays so until it ends. Others stand by, which saves work only."""
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(sql("derived.try_engine_lock"), (_ENGINE_LOCK,))
        row = cur.fetchone()
    return bool(row and row[0])


def start_building(cur: Cursor, area: AreaId, engine_version: str) -> Generation:
    """A new empty generation beside the live one."""
    cur.execute(sql("derived.start_building"), (area, engine_version))
    row = cur.fetchone()
    if row is None:
        raise LookupError(f"area {area} has no generation to build beside")
    return cursor_of(cur, area, int(row[0]))


def hold_live(cur: Cursor, area: AreaId) -> tuple[int, int]:
    """The live generation and its position, held still until the transaction ends. Raises `LookupError`."""
    cur.execute(sql("derived.lock_live"), (area,))
    row = cur.fetchone()
    if row is None:
        raise LookupError(f"area {area} has no live generation")
    return int(row[0]), int(row[1])


def switch(cur: Cursor, area: AreaId, old: int, new: int) -> None:
    """Make `new` the live generation in place of `old`, which the caller holds."""
    cur.execute(sql("derived.retire"), (area, old))
    cur.execute(sql("derived.promote"), (area, new))


def try_rebuild_lock(cur: Cursor, area: AreaId) -> bool:
    """Whether this session is the one that rebuilds the area; it stays so until it ends."""
    cur.execute(sql("derived.try_rebuild_lock"), (_REBUILD_LOCK, area))
    row = cur.fetchone()
    return bool(row and row[0])


def release_rebuild_lock(cur: Cursor, area: AreaId) -> None:
    """Let others rebuild the area: this session may live on."""
    cur.execute(sql("derived.release_rebuild_lock"), (_REBUILD_LOCK, area))


def live_generation(cur: Cursor, area: AreaId, engine_version: str) -> Generation:
    """The live generation, made when the area has none yet."""
    cur.execute(sql("derived.ensure_live"), (area, engine_version))
    cur.execute(sql("derived.live_generation"), (area,))
    row = cur.fetchone()
    if row is None:
        raise LookupError(f"area {area} has no live generation: run `baycast rebuild --area {area}`")
    return Generation(area, *row)


def live_version(cur: Cursor, area: AreaId) -> str | None:
    """The version of the engine that folded the live rows; None: there are none yet."""
    cur.execute(sql("derived.live_engine_version"), (area,))
    row = cur.fetchone()
    return row[0] if row else None


def cursor_of(cur: Cursor, area: AreaId, generation: int) -> Generation:
    cur.execute(sql("derived.generation_cursor"), (area, generation))
    row = cur.fetchone()
    if row is None:
        raise LookupError(f"area {area} has no generation {generation}")
    return Generation(area, *row)


def not_live(cur: Cursor, live: Generation) -> list[int]:
    """Generations whose rows may go."""
    cur.execute(sql("derived.retired_generations"), (live.area, live.generation))
    return [int(row[0]) for row in cur.fetchall()]


def registry_at(cur: Cursor, area: AreaId, position: int) -> list[tuple[str, str, object]]:
    """The registry's documents as the log has them at a position: (kind, id, document)."""
    cur.execute(sql("derived.registry_at"), (area, position))
    found = []
    for key, doc in cur.fetchall():
        if doc is not None:
            kind, _, entity_id = key.partition("/")
            found.append((kind, entity_id, doc))
    return found


def load_devices(cur: Cursor, area: AreaId, generation: int) -> list[DeviceFold]:
    cur.execute(sql("derived.load_devices"), (area, generation))
    return [device_fold_of(row) for row in cur.fetchall()]


def load_counts(
    cur: Cursor, area: AreaId, generation: int
) -> Mapping[ZoneId, tuple[CountFold | None, list[CountEvent]]]:
    cur.execute(sql("derived.load_counts"), (area, generation))
    return {
        zone_id: (
            None if doc["base"] is None else count_fold_of(doc["base"]),
            [count_event_of(event) for event in doc["recent"]],
        )
        for zone_id, doc in cur.fetchall()
    }


def load_zones(cur: Cursor, area: AreaId, generation: int) -> Mapping[ZoneId, ZoneAvailability]:
    cur.execute(sql("derived.load_zones"), (area, generation))
    return {row[0]: availability_of(row) for row in cur.fetchall()}


def checkpoint_before(
    cur: Cursor, area: AreaId, generation: int, device_id: DeviceId, key: ReadingKey
) -> DeviceFold | None:
    cur.execute(
        sql("derived.checkpoint_before"), (area, generation, device_id, key.incarnation, key.boot, key.seq)
    )
    row = cur.fetchone()
    return device_fold_of(row) if row else None


def count_checkpoint_before(
    cur: Cursor, area: AreaId, generation: int, zone_id: ZoneId, at: datetime
) -> CountFold | None:
    cur.execute(sql("derived.count_checkpoint_before"), (area, generation, zone_id, at))
    row = cur.fetchone()
    return count_fold_of(row[0]) if row else None


def availability_of(row: Any) -> ZoneAvailability:
    """(zone_id, groups, free_min, free_max, as_of, source, confidence, coverage) as the domain sees it."""
    zone_id, groups, free_min, free_max, as_of, source, confidence, coverage = row
    parsed = tuple(group_of(group) for group in groups)
    return ZoneAvailability(
        zone_id=zone_id,
        groups=parsed,
        counts=sum((group.counts for group in parsed), Counts()),
        free_min=free_min,
        free_max=free_max,
        as_of=as_of,
        source=Source(source),
        confidence=confidence,
        coverage=coverage,
    )


def group_of(doc: Mapping[str, Any]) -> Group:
    return Group(
        bay_type=BayType(doc["bay_type"]),
        access=frozenset(doc["access"]),
        max_stay_min=doc["max_stay_min"],
        counts=Counts(
            free=doc["free"], occupied=doc["occupied"], unknown=doc["unknown"], closed=doc["closed"]
        ),
    )


def group_doc(group: Group) -> dict[str, object]:
    counts = group.counts
    return {
        "bay_type": group.bay_type.value,
        "access": sorted(group.access),
        "max_stay_min": group.max_stay_min,
        "free": counts.free,
        "occupied": counts.occupied,
        "unknown": counts.unknown,
        "closed": counts.closed,
    }


def count_fold_doc(fold: CountFold) -> dict[str, object]:
    return {
        "since": fold.since.isoformat(),
        "as_of": fold.as_of.isoformat(),
        "occupied": fold.occupied,
        "over": fold.over,
        "passages": fold.passages,
        "counted_at": fold.counted_at.isoformat() if fold.counted_at else None,
        "heard": [[device_id, at.isoformat()] for device_id, at in fold.heard],
        "gap": fold.gap,
    }


def count_fold_of(doc: Mapping[str, Any]) -> CountFold:
    parse = datetime.fromisoformat
    return CountFold(
        since=parse(doc["since"]),
        as_of=parse(doc["as_of"]),
        occupied=doc["occupied"],
        over=doc["over"],
        passages=doc["passages"],
        counted_at=parse(doc["counted_at"]) if doc["counted_at"] else None,
        heard=tuple((DeviceId(device_id), parse(at)) for device_id, at in doc["heard"]),
        gap=doc.get("gap", False),
    )


def count_event_doc(event: CountEvent) -> list[object]:
    key = event.key
    return [
        event.at.isoformat(),
        event.device_id,
        key.incarnation,
        key.boot,
        key.seq,
        event.count,
        event.delta,
    ]


def count_event_of(doc: Any) -> CountEvent:
    at, device_id, incarnation, boot, seq, count, delta = doc
    return CountEvent(
        datetime.fromisoformat(at),
        DeviceId(device_id),
        ReadingKey(incarnation, boot, seq),
        count,
        delta,
    )
