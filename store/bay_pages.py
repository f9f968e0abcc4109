"""A page's rows of sensors and bays: folds, intervals, stays, overstays, live states, outages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from occupancy.due_cells import bay_account
from occupancy.history.turns import (
    OverstayAccount,
    StayAccount,
    overstay_account,
    overstay_turns,
    stay_account,
    stay_turns,
)
from occupancy.model import BayId, BayInterval, DeviceId, Overstay, Stay
from occupancy.page import Page
from occupancy.spans import Account, Span, differences
from store.copying import Cursor, copy_rows
from store.device_rows import DEVICE_TYPES, device_row
from store.generation import Generation
from store.queries import sql

_DEVICE_TYPES = "text int4".split() + DEVICE_TYPES


@dataclass(frozen=True, slots=True)
class Judged:
    """Stays held against the limits, and the overstays among them."""

    stays: Sequence[Stay]
    overstays: Sequence[Overstay]


def write_devices(cur: Cursor, scope: tuple[str, int], page: Page) -> None:
    if page.devices:
        cur.execute(sql("pages.drop_devices"), (*scope, list(page.devices)))
        rows = ((*scope, *device_row(fold)) for fold in page.devices.values())
        copy_rows(cur, "pages.copy_devices", _DEVICE_TYPES, rows)
    if page.checkpoint_cuts:
        keys = page.checkpoint_cuts
        cur.execute(
            sql("pages.cut_checkpoints"),
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
        copy_rows(cur, "pages.copy_checkpoints", _DEVICE_TYPES, rows)


def write_bays(
    cur: Cursor, scope: tuple[str, int], page: Page
) -> tuple[dict[BayId, list[Span]], dict[BayId, list[Span]]]:
    """Returns by bay where its intervals differ, and where its stays begin or end otherwise."""
    changed: dict[BayId, list[Span]] = {}
    turns: dict[BayId, list[Span]] = {}
    if page.bays:
        cuts = (
            [bay_id for bay_id, _ in page.bays],
            [device_id for _, device_id in page.bays],
            [rows.cut for rows in page.bays.values()],
        )
        cur.execute(sql("pages.cut_bay_intervals"), (*scope, *cuts))
        cut: dict[tuple[BayId, DeviceId], list[Account]] = {}
        for bay_id, device_id, started_at, ended_at, state in cur.fetchall():
            cut.setdefault((bay_id, device_id), []).append(Account(started_at, ended_at, state))
        for key, rows in page.bays.items():
            found = differences(cut.get(key, ()), map(bay_account, rows.intervals))
            changed.setdefault(key[0], []).extend(found)
        cur.execute(sql("pages.cut_stays"), (*scope, *cuts))
        old: dict[BayId, list[StayAccount]] = {}
        for bay_id, *stay in cur.fetchall():
            old.setdefault(bay_id, []).append(StayAccount(*stay))
        new: dict[BayId, list[StayAccount]] = {}
        for (bay_id, _), rows in page.bays.items():
            new.setdefault(bay_id, []).extend(map(stay_account, rows.stays))
        turns = {bay_id: stay_turns(old.get(bay_id, ()), stays) for bay_id, stays in new.items()}
        copy_rows(
            cur,
            "pages.copy_bay_intervals",
            "text int4 text timestamptz timestamptz text text text bool float8".split(),
            ((*scope, *_interval_row(i)) for rows in page.bays.values() for i in rows.intervals),
        )
        copy_rows(
            cur,
            "pages.copy_stays",
            "text int4 text timestamptz timestamptz text text text float8 float8 text text int4".split(),
            ((*scope, *_stay_row(s)) for rows in page.bays.values() for s in rows.stays),
        )
    if page.bay_states or page.gone_bays:
        cur.execute(sql("pages.drop_bay_states"), (*scope, [*page.bay_states, *page.gone_bays]))
        copy_rows(
            cur,
            "pages.copy_bay_states",
            "text int4 text text timestamptz timestamptz float8 text text".split(),
            (
                (*scope, s.bay_id, s.state.value, s.since, s.as_of, s.confidence, s.reason, s.device_id)
                for s in page.bay_states.values()
            ),
        )
    return changed, turns


def replace_judgements(
    cur: Cursor, at: Generation, bays: Mapping[BayId, datetime], judged: Judged
) -> dict[BayId, list[Span]]:
    """Stamp stays anew; overstays of some bays, each from an arrival on, go and these take their place. Returns where
    they differ."""
    scope = (at.area, at.generation)
    stays = judged.stays
    cur.execute(
        sql("pages.stamp_stays"),
        (
            *scope,
            [stay.bay_id for stay in stays],
            [stay.arrived_at for stay in stays],
            [stay.rule_id for stay in stays],
            [stay.rule_version for stay in stays],
            [stay.limit_min for stay in stays],
        ),
    )
    cur.execute(sql("pages.cut_overstays"), (*scope, list(bays), [None] * len(bays), list(bays.values())))
    changed = _overstay_turns(cur.fetchall(), judged.overstays)
    _copy_overstays(cur, scope, judged.overstays)
    return changed


def write_overstays(cur: Cursor, scope: tuple[str, int], page: Page) -> dict[BayId, list[Span]]:
    changed: dict[BayId, list[Span]] = {}
    if page.overstays:
        cuts = (
            [bay_id for bay_id, _ in page.overstays],
            [device_id for _, device_id in page.overstays],
            [rows.cut for rows in page.overstays.values()],
        )
        cur.execute(sql("pages.cut_overstays"), (*scope, *cuts))
        new = [overstay for rows in page.overstays.values() for overstay in rows.overstays]
        changed = _overstay_turns(cur.fetchall(), new)
        _copy_overstays(cur, scope, new)
    return changed


def _overstay_turns(cut: Iterable[tuple[Any, ...]], new: Iterable[Overstay]) -> dict[BayId, list[Span]]:
    before: dict[BayId, list[OverstayAccount]] = {}
    for bay_id, *account in cut:
        before.setdefault(bay_id, []).append(OverstayAccount(*account))
    after: dict[BayId, list[OverstayAccount]] = {}
    for overstay in new:
        after.setdefault(overstay.bay_id, []).append(overstay_account(overstay))
    return {
        bay_id: overstay_turns(before.get(bay_id, ()), after.get(bay_id, ()))
        for bay_id in before.keys() | after.keys()
    }


def _copy_overstays(cur: Cursor, scope: tuple[str, int], overstays: Iterable[Overstay]) -> None:
    types = "text int4 text timestamptz text text text int4 int4"
    times = ["timestamptz"] * 5
    copy_rows(
        cur,
        "pages.copy_overstays",
        [*types.split(), *times, "text", "text", "text[]", "bool"],
        (
            (
                *(
                    *scope,
                    o.bay_id,
                    o.arrived_at,
                    o.device_id,
                    o.rule_id,
                    o.rule_version,
                    o.limit_min,
                    o.grace_min,
                ),
                *(o.over_from, o.over_to, o.candidate_at, o.confirmed_at, o.ended_at),
                *(o.state.value, o.evidence, list(o.exemptions), o.not_evidence),
            )
            for o in overstays
        ),
    )


def write_outages(cur: Cursor, scope: tuple[str, int], page: Page) -> None:
    if not page.outages:
        return
    groups, begins = zip(*page.outages, strict=True)
    cur.execute(sql("pages.drop_outages"), (*scope, list(groups), list(begins)))
    copy_rows(
        cur,
        "pages.copy_outages",
        "text int4 text timestamptz timestamptz timestamptz int4".split(),
        (
            (*scope, o.group, o.began_at, o.ended_at, o.noticed_at, o.sensors)
            for o in page.outages.values()
            if o is not None
        ),
    )


def _interval_row(i: BayInterval) -> tuple[object, ...]:
    known = (i.bay_id, i.started_at, i.ended_at, i.state.value, i.reason, i.device_id)
    return (*known, i.inferred, i.uncertain_s)


def _stay_row(s: Stay) -> tuple[object, ...]:
    known = (s.bay_id, s.arrived_at, s.departed_at, s.arrival, s.departure, s.device_id)
    return (*known, s.arrived_uncertain_s, s.departed_uncertain_s, s.rule_id, s.rule_version, s.limit_min)
