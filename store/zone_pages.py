"""A page's rows of zones: the counting of car parks, and what is said of every zone."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from occupancy.due_cells import count_account
from occupancy.model import ZoneAvailability, ZoneId
from occupancy.page import Page
from occupancy.spans import Account, Span, differences
from store.car_parks import count_event_doc, count_fold_doc
from store.copying import Cursor, copy_rows
from store.generation import group_doc
from store.queries import sql


def write_counts(cur: Cursor, scope: tuple[str, int], page: Page) -> dict[ZoneId, list[Span]]:
    changed: dict[ZoneId, list[Span]] = {}
    if page.counts:
        cuts = (list(page.counts), [rows.cut for rows in page.counts.values()])
        cur.execute(sql("pages.cut_count_intervals"), (*scope, *cuts))
        cut: dict[ZoneId, list[Account]] = {}
        for zone_id, started_at, ended_at, occupied, capacity in cur.fetchall():
            cut.setdefault(zone_id, []).append(Account(started_at, ended_at, (occupied, capacity)))
        for zone_id, rows in page.counts.items():
            changed[zone_id] = list(differences(cut.get(zone_id, ()), map(count_account, rows.spans)))
        copy_rows(
            cur,
            "pages.copy_count_intervals",
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
        cur.execute(sql("pages.drop_counts"), (*scope, [*page.count_folds, *page.gone_counts]))
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
        copy_rows(cur, "pages.copy_counts", "text int4 text jsonb".split(), docs)
    if page.count_checkpoint_cuts:
        cuts = (list(page.count_checkpoint_cuts), list(page.count_checkpoint_cuts.values()))
        cur.execute(sql("pages.cut_count_checkpoints"), (*scope, *cuts))
    copy_rows(
        cur,
        "pages.copy_count_checkpoints",
        "text int4 text timestamptz jsonb".split(),
        (
            (*scope, zone_id, fold.as_of, Jsonb(count_fold_doc(fold)))
            for zone_id, fold in page.count_checkpoints
        ),
    )
    return changed


def write_zones(cur: Cursor, scope: tuple[str, int], page: Page) -> None:
    if not page.zones and not page.gone_zones:
        return
    cur.execute(sql("pages.drop_zones"), (*scope, [*page.zones, *page.gone_zones]))
    copy_rows(
        cur,
        "pages.copy_zones",
        "text int4 text int8 int4 int4 int4 int4 int4 int4 int4 jsonb timestamptz text float8 float8".split(),
        (
            (*scope, *_zone_row(availability, version))
            for zone_id, (availability, version) in page.zones.items()
        ),
    )


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
