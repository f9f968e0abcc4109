"""Writing a page of derived rows and moving the cursor, in the caller's one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from occupancy.due_cells import Changed, bay_account, count_account
from occupancy.model import (
    AreaId,
    BayId,
    BayInterval,
    DeviceId,
    Overstay,
    Stay,
    ZoneAvailability,
    ZoneId,
)
from occupancy.page import Page
from occupancy.spans import Account, Span, differences
from store.car_parks import count_event_doc, count_fold_doc
from store.device_rows import DEVICE_TYPES, device_row
from store.generation import Generation, group_doc
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]
_DEVICE_TYPES = "text int4".split() + DEVICE_TYPES
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
    "count_interval",
    "zone_state",
    "zone_cell",
)


class LostRace(RuntimeError):
    """Another engine moved the cursor, or the generation was replaced: load again."""


def write_page(cur: Cursor, at: Generation, page: Page) -> Changed:
    """Write the rows and move the cursor from `at` by compare-and-swap. Raises `LostRace`, `psycopg.Error`.

    Returns where the new rows differ from those they replace.
    """
    cur.execute(
        sql("derived.move_cursor"),
        (at.area, at.generation, at.position, page.position, page.watermark, page.version),
    )
    if cur.rowcount != 1:
        raise LostRace(f"area {at.area}: generation {at.generation} is no longer at position {at.position}")
    scope = (at.area, at.generation)
    _write_devices(cur, scope, page)
    bays = _write_bays(cur, scope, page)
    _write_overstays(cur, scope, page)
    _write_outages(cur, scope, page)
    car_parks = _write_counts(cur, scope, page)
    _write_zones(cur, scope, page)
    return Changed(bays=bays, car_parks=car_parks)


@dataclass(frozen=True, slots=True)
class Judged:
    """Stays held against the limits, and the overstays among them."""

    stays: Sequence[Stay]
    overstays: Sequence[Overstay]


def notify_feed(cur: Cursor, area: AreaId) -> None:
    cur.execute(sql("derived.notify_feed"), (area,))


def digest(cur: Cursor, area: AreaId, generation: int) -> dict[str, tuple[int, int]]:
    """By table, the number of a generation's rows and a hash over them: equal for equal rows in any order."""
    found = {}
    for table in DERIVED_TABLES:
        cur.execute(sql(f"derived.digest_{table}"), (area, generation))
        rows, value = cur.fetchall()[0]
        found[table] = (int(rows), int(value))
    return found


def drop_generation(cur: Cursor, area: AreaId, generation: int) -> None:
    """Delete the rows of a generation that is no longer live."""
    for table in DERIVED_TABLES:
        cur.execute(sql(f"derived.empty_{table}"), (area, generation))
    cur.execute(sql("derived.drop_generation"), (area, generation))


def _write_devices(cur: Cursor, scope: tuple[str, int], page: Page) -> None:
    if page.devices:
        cur.execute(sql("derived.drop_devices"), (*scope, list(page.devices)))
        rows = ((*scope, *device_row(fold)) for fold in page.devices.values())
        copy_rows(cur, "derived.copy_devices", _DEVICE_TYPES, rows)
    if page.checkpoint_cuts:
        keys = page.checkpoint_cuts
        cur.execute(
            sql("derived.cut_checkpoints"),
            (
                *scope,
                list(keys),
                [key.incarnation for key in keys.values()],
                [key.boot for key in keys.values()],
                [key.seq for key in keys.values()],
            ),
        )
    if page.checkpoints:
        rows = ((*scope, *device_row(fold)) for fold in page.checkpoints)
        copy_rows(cur, "derived.copy_checkpoints", _DEVICE_TYPES, rows)


def _write_bays(cur: Cursor, scope: tuple[str, int], page: Page) -> dict[BayId, list[Span]]:
    changed: dict[BayId, list[Span]] = {}
    if page.bays:
        cuts = (
            [bay_id for bay_id, _ in page.bays],
            [device_id for _, device_id in page.bays],
            [rows.cut for rows in page.bays.values()],
        )
        cur.execute(sql("derived.cut_bay_intervals"), (*scope, *cuts))
        cut: dict[tuple[BayId, DeviceId], list[Account]] = {}
        for bay_id, device_id, started_at, ended_at, state in cur.fetchall():
            cut.setdefault((bay_id, device_id), []).append(Account(started_at, ended_at, state))
        for key, rows in page.bays.items():
            found = differences(cut.get(key, ()), map(bay_account, rows.intervals))
            changed.setdefault(key[0], []).extend(found)
        cur.execute(sql("derived.cut_stays"), (*scope, *cuts))
        copy_rows(
            cur,
            "derived.copy_bay_intervals",
            "text int4 text timestamptz timestamptz text text text bool float8".split(),
            ((*scope, *_interval_row(i)) for rows in page.bays.values() for i in rows.intervals),
        )
        copy_rows(
            cur,
            "derived.copy_stays",
            "text int4 text timestamptz timestamptz text text text float8 float8 text int4".split(),
            ((*scope, *_stay_row(s)) for rows in page.bays.values() for s in rows.stays),
        )
    if page.bay_states or page.gone_bays:
        cur.execute(sql("derived.drop_bay_states"), (*scope, [*page.bay_states, *page.gone_bays]))
        copy_rows(
            cur,
            "derived.copy_bay_states",
            "text int4 text text timestamptz timestamptz float8 text text".split(),
            (
                (*scope, s.bay_id, s.state.value, s.since, s.as_of, s.confidence, s.reason, s.device_id)
                for s in page.bay_states.values()
            ),
        )
    return changed


def replace_judgements(cur: Cursor, at: Generation, bays: Mapping[BayId, datetime], judged: Judged) -> None:
    """Stamp stays anew; overstays of some bays, each from an arrival on, go and these take their place."""
    scope = (at.area, at.generation)
    stays = judged.stays
    cur.execute(
        sql("derived.stamp_stays"),
        (
            *scope,
            [stay.bay_id for stay in stays],
            [stay.arrived_at for stay in stays],
            [stay.rule_id for stay in stays],
            [stay.limit_min for stay in stays],
        ),
    )
    cur.execute(sql("derived.cut_overstays"), (*scope, list(bays), [None] * len(bays), list(bays.values())))
    _copy_overstays(cur, scope, judged.overstays)


def _write_overstays(cur: Cursor, scope: tuple[str, int], page: Page) -> None:
    if page.overstays:
        cuts = (
            [bay_id for bay_id, _ in page.overstays],
            [device_id for _, device_id in page.overstays],
            [rows.cut for rows in page.overstays.values()],
        )
        cur.execute(sql("derived.cut_overstays"), (*scope, *cuts))
        _copy_overstays(cur, scope, (o for rows in page.overstays.values() for o in rows.overstays))


def _copy_overstays(cur: Cursor, scope: tuple[str, int], overstays: Iterable[Overstay]) -> None:
    types = "text int4 text timestamptz text text int4 int4 timestamptz timestamptz timestamptz timestamptz timestamptz"
    copy_rows(
        cur,
        "derived.copy_overstays",
        [*types.split(), "text", "text", "text[]", "bool"],
        (
            (
                *(*scope, o.bay_id, o.arrived_at, o.device_id, o.rule_id, o.limit_min, o.grace_min),
                *(o.over_from, o.over_to, o.candidate_at, o.confirmed_at, o.ended_at),
                *(o.state.value, o.evidence, list(o.exemptions), o.not_evidence),
            )
            for o in overstays
        ),
    )


def _write_outages(cur: Cursor, scope: tuple[str, int], page: Page) -> None:
    if not page.outages:
        return
    groups, begins = zip(*page.outages, strict=True)
    cur.execute(sql("derived.drop_outages"), (*scope, list(groups), list(begins)))
    copy_rows(
        cur,
        "derived.copy_outages",
        "text int4 text timestamptz timestamptz timestamptz int4".split(),
        (
            (*scope, o.group, o.began_at, o.ended_at, o.noticed_at, o.sensors)
            for o in page.outages.values()
            if o is not None
        ),
    )


def _write_counts(cur: Cursor, scope: tuple[str, int], page: Page) -> dict[ZoneId, list[Span]]:
    changed: dict[ZoneId, list[Span]] = {}
    if page.counts:
        cuts = (list(page.counts), [rows.cut for rows in page.counts.values()])
        cur.execute(sql("derived.cut_count_intervals"), (*scope, *cuts))
        cut: dict[ZoneId, list[Account]] = {}
        for zone_id, started_at, ended_at, occupied, capacity in cur.fetchall():
            cut.setdefault(zone_id, []).append(Account(started_at, ended_at, (occupied, capacity)))
        for zone_id, rows in page.counts.items():
            changed[zone_id] = list(differences(cut.get(zone_id, ()), map(count_account, rows.spans)))
        copy_rows(
            cur,
            "derived.copy_count_intervals",
            "text int4 text timestamptz timestamptz int4 bool int4 int4 int4 bool".split(),
            (
                (
                    *scope,
                    zone_id,
                    s.started_at,
                    s.ended_at,
                    s.occupied,
                    s.over,
                    s.passages,
                    s.spread,
                    s.capacity,
                    s.estimated,
                )
                for zone_id, rows in page.counts.items()
                for s in rows.spans
            ),
        )
    if page.count_folds or page.gone_counts:
        cur.execute(sql("derived.drop_counts"), (*scope, [*page.count_folds, *page.gone_counts]))
        docs = (
            (
                *scope,
                zone_id,
                Jsonb(
                    {
                        "base": count_fold_doc(count.base) if count.base else None,
                        "recent": [count_event_doc(event) for event in count.recent],
                    }
                ),
            )
            for zone_id, count in page.count_folds.items()
        )
        copy_rows(cur, "derived.copy_counts", "text int4 text jsonb".split(), docs)
    if page.count_checkpoint_cuts:
        cuts = (list(page.count_checkpoint_cuts), list(page.count_checkpoint_cuts.values()))
        cur.execute(sql("derived.cut_count_checkpoints"), (*scope, *cuts))
    copy_rows(
        cur,
        "derived.copy_count_checkpoints",
        "text int4 text timestamptz jsonb".split(),
        (
            (*scope, zone_id, fold.as_of, Jsonb(count_fold_doc(fold)))
            for zone_id, fold in page.count_checkpoints
        ),
    )
    return changed


def _write_zones(cur: Cursor, scope: tuple[str, int], page: Page) -> None:
    if not page.zones and not page.gone_zones:
        return
    cur.execute(sql("derived.drop_zones"), (*scope, [*page.zones, *page.gone_zones]))
    copy_rows(
        cur,
        "derived.copy_zones",
        "text int4 text int8 int4 int4 int4 int4 int4 int4 int4 jsonb timestamptz text float8 float8".split(),
        (
            (*scope, *_zone_row(availability, version))
            for zone_id, (availability, version) in page.zones.items()
        ),
    )


def _interval_row(i: BayInterval) -> tuple[object, ...]:
    known = (i.bay_id, i.started_at, i.ended_at, i.state.value, i.reason, i.device_id)
    return (*known, i.inferred, i.uncertain_s)


def _stay_row(s: Stay) -> tuple[object, ...]:
    known = (s.bay_id, s.arrived_at, s.departed_at, s.arrival, s.departure, s.device_id)
    return (*known, s.arrived_uncertain_s, s.departed_uncertain_s, s.rule_id, s.limit_min)


def _zone_row(availability: ZoneAvailability, version: int) -> tuple[object, ...]:
    counts = availability.counts
    return (
        availability.zone_id,
        version,
        counts.capacity,
        counts.free,
        counts.occupied,
        counts.unknown,
        counts.closed,
        availability.free_min,
        availability.free_max,
        Jsonb([group_doc(group) for group in availability.groups]),
        availability.as_of,
        availability.source.value,
        availability.confidence,
        availability.coverage,
    )


def copy_rows(cur: Cursor, name: str, types: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    """COPY the rows; nothing is sent for none."""
    rows = list(rows)
    if not rows:
        return
    with cur.copy(sql(name)) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
