"""Loading a generation of derived rows: its cursor, and where every fold stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from occupancy.device_fold import DeviceFold
from occupancy.model import (
    AreaId,
    BayId,
    BayType,
    Counts,
    DeviceId,
    Group,
    Outage,
    Quality,
    ReadingKey,
    Source,
    Stay,
    ZoneAvailability,
    ZoneId,
)
from occupancy.outages import SLOT, remembered_from
from occupancy.overrides import KIND as OVERRIDE
from occupancy.page import Before
from occupancy.registry import Registry
from store.device_rows import device_fold_of
from store.group_terms import terms_doc, terms_of
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
    begins_at: datetime | None
    """Where the log began when it was looked at last; None: it is whole."""
    kept_from: datetime | None
    """From when on its rows were kept then; None: all of them."""


class Seed(NamedTuple):
    """From where on a generation is folded: what came before is copied from the live one."""

    position: int
    watermark: datetime


def heads(cur: Cursor) -> dict[AreaId, int]:
    """Every area that has a log, with its newest position."""
    cur.execute(sql("log.heads"))
    return {row[0]: int(row[1]) for row in cur.fetchall()}


def try_engine_lock(conn: Connection) -> bool:
    """Whether this session is the one that works; it stays so until it ends. Others stand by, which saves work only."""
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(sql("generation.try_engine_lock"), (_ENGINE_LOCK,))
        row = cur.fetchone()
    return bool(row and row[0])


def start_building(cur: Cursor, area: AreaId, engine_version: str, seed: Seed | None = None) -> Generation:
    """A new empty generation beside the live one, to be folded from the beginning or from where `seed` is."""
    position, watermark = (0, None) if seed is None else (seed.position, seed.watermark)
    cur.execute(sql("generation.start_building"), (area, engine_version, position, watermark))
    row = cur.fetchone()
    if row is None:
        raise LookupError(f"area {area} has no generation to build beside")
    return cursor_of(cur, area, int(row[0]))


def position_before(cur: Cursor, area: AreaId, age: timedelta) -> int:
    """The newest position that had passed when the watermark was `age` younger than it is; 0: none."""
    cur.execute(sql("generation.position_before"), (area, age.total_seconds()))
    row = cur.fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def hold_live(cur: Cursor, area: AreaId) -> tuple[int, int]:
    """The live generation and its position, held still until the transaction ends. Raises `LookupError`."""
    cur.execute(sql("generation.lock_live"), (area,))
    row = cur.fetchone()
    if row is None:
        raise LookupError(f"area {area} has no live generation")
    return int(row[0]), int(row[1])


def switch(cur: Cursor, area: AreaId, old: int, new: int) -> None:
    """Make `new` the live generation in place of `old`, which the caller holds."""
    cur.execute(sql("generation.retire"), (area, old))
    cur.execute(sql("generation.promote"), (area, new))


def try_rebuild_lock(cur: Cursor, area: AreaId) -> bool:
    """Whether this session is the one that rebuilds the area; it stays so until it ends."""
    cur.execute(sql("generation.try_rebuild_lock"), (_REBUILD_LOCK, area))
    row = cur.fetchone()
    return bool(row and row[0])


def release_rebuild_lock(cur: Cursor, area: AreaId) -> None:
    """Let others rebuild the area: this session may live on."""
    cur.execute(sql("generation.release_rebuild_lock"), (_REBUILD_LOCK, area))


def live_generation(cur: Cursor, area: AreaId, engine_version: str) -> Generation:
    """The live generation, made when the area has none yet."""
    cur.execute(sql("generation.ensure_live"), (area, engine_version))
    cur.execute(sql("generation.live_generation"), (area,))
    row = cur.fetchone()
    if row is None:
        raise LookupError(f"area {area} has no live generation: run `baycast rebuild --area {area}`")
    return Generation(area, *row)


def live_version(cur: Cursor, area: AreaId) -> str | None:
    """The version of the engine that folded the live rows; None: there are none yet."""
    cur.execute(sql("generation.live_engine_version"), (area,))
    row = cur.fetchone()
    return row[0] if row else None


def cursor_of(cur: Cursor, area: AreaId, generation: int) -> Generation:
    cur.execute(sql("generation.generation_cursor"), (area, generation))
    row = cur.fetchone()
    if row is None:
        raise LookupError(f"area {area} has no generation {generation}")
    return Generation(area, *row)


def not_live(cur: Cursor, live: Generation) -> list[int]:
    """Generations whose rows may go."""
    cur.execute(sql("generation.retired_generations"), (live.area, live.generation))
    return [int(row[0]) for row in cur.fetchall()]


def registry_at(cur: Cursor, area: AreaId, position: int) -> Registry:
    """The registry and the overrides as the log has them at a position."""
    cur.execute(sql("generation.registry_at"), (area, position))
    registry = Registry()
    for kind, key, doc in cur.fetchall():
        if kind == OVERRIDE:
            registry.put_override(key, doc)
        elif doc is not None:
            entity_kind, _, entity_id = key.partition("/")
            registry.put(entity_kind, entity_id, doc)
    return registry


def load_devices(cur: Cursor, area: AreaId, generation: int) -> list[DeviceFold]:
    cur.execute(sql("folds.load_devices"), (area, generation))
    return [device_fold_of(row) for row in cur.fetchall()]


def open_stays(cur: Cursor, area: AreaId, generation: int) -> list[Stay]:
    """The stays that last."""
    cur.execute(sql("folds.open_stays"), (area, generation))
    return [stay_of(row) for row in cur.fetchall()]


def stays_from(cur: Cursor, at: Generation, arrived_from: Mapping[BayId, datetime]) -> list[Stay]:
    """The stays of some bays, each bay's from an arrival on."""
    cur.execute(
        sql("folds.stays_from"),
        (at.area, at.generation, list(arrived_from), list(arrived_from.values())),
    )
    return [stay_of(row) for row in cur.fetchall()]


def load_heard(cur: Cursor, at: Generation) -> dict[DeviceId, list[int]]:
    """In which slots of `occupancy.outages` each sensor was heard, as far back as it remembers."""
    if at.watermark is None:
        return {}
    since = remembered_from(at.watermark)
    cur.execute(sql("log.heard_since"), (at.area, at.position, since, SLOT.total_seconds()))
    return dict(cur.fetchall())


def load_outages(cur: Cursor, area: AreaId, generation: int) -> list[Outage]:
    cur.execute(sql("folds.load_outages"), (area, generation))
    return [
        Outage(group=row[0], began_at=row[1], ended_at=row[2], noticed_at=row[3], sensors=row[4])
        for row in cur.fetchall()
    ]


def load_zones(cur: Cursor, area: AreaId, generation: int) -> Mapping[ZoneId, ZoneAvailability]:
    cur.execute(sql("folds.load_zones"), (area, generation))
    return {row[0]: availability_of(row) for row in cur.fetchall()}


def load_frozen(
    cur: Cursor, area: AreaId, generation: int
) -> tuple[dict[DeviceId, ReadingKey], dict[ZoneId, datetime]]:
    """The checkpoints that the log does not go further back than, as `Words.load` wants them."""
    cur.execute(sql("folds.frozen_devices"), (area, generation))
    devices = {row[0]: ReadingKey(*row[1:]) for row in cur.fetchall()}
    cur.execute(sql("folds.frozen_car_parks"), (area, generation))
    return devices, dict(cur.fetchall())


def checkpoint_before(
    cur: Cursor, area: AreaId, generation: int, device_id: DeviceId, before: Before
) -> DeviceFold | None:
    cur.execute(sql("folds.checkpoint_before"), (area, generation, device_id, *before.key, before.at))
    row = cur.fetchone()
    return device_fold_of(row) if row else None


def frozen_checkpoint(cur: Cursor, area: AreaId, generation: int, device_id: DeviceId) -> DeviceFold | None:
    """The checkpoint of a sensor that the log does not go further back than."""
    cur.execute(sql("folds.frozen_checkpoint"), (area, generation, device_id))
    row = cur.fetchone()
    return device_fold_of(row) if row else None


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
        suspended=doc.get("suspended", False),
        terms=terms_of(doc["terms"]) if "terms" in doc else None,
        guessed=doc.get("guessed", 0),
        guessed_free=doc.get("guessed_free", 0.0),
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
        **({"suspended": True} if group.suspended else {}),
        **({} if group.terms is None else {"terms": terms_doc(group.terms)}),
        **({"guessed": group.guessed, "guessed_free": group.guessed_free} if group.guessed else {}),
    }


def stay_of(row: Any) -> Stay:
    bay_id, arrived_at, departed_at, arrival, departure, device_id, came_s, left_s, *in_force = row
    rule_id, rule_version, limit_min = in_force
    return Stay(
        bay_id=bay_id,
        arrived_at=arrived_at,
        departed_at=departed_at,
        arrival=Quality(arrival),
        departure=None if departure is None else Quality(departure),
        device_id=device_id,
        arrived_uncertain_s=came_s,
        departed_uncertain_s=left_s,
        rule_id=rule_id,
        rule_version=rule_version,
        limit_min=limit_min,
    )
