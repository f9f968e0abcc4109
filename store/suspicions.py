"""Suspicions: their rows, and what the engine takes up of them when it starts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from occupancy.chatter import LONGEST, SHORTEST
from occupancy.model import BayId, DeviceId, Suspicion, SuspicionKind
from occupancy.page import Page
from occupancy.spans import Account, Span, differences
from store.copying import Cursor, copy_rows
from store.generation import Generation
from store.queries import sql

_TYPES = "text int4 text text text timestamptz timestamptz text jsonb".split()


def write_suspicions(cur: Cursor, scope: tuple[str, int], page: Page) -> dict[BayId, list[Span]]:
    """Returns by bay when its sensors are, or were, not to be believed and the other way round before."""
    if not page.suspicions:
        return {}
    bays, devices, kinds, begins = zip(*page.suspicions, strict=True)
    columns = list(bays), list(devices), [kind.value for kind in kinds], list(begins)
    cur.execute(sql("suspicion.drop"), (*scope, *columns))
    changed: dict[BayId, list[Span]] = {}
    before = {
        (bay, device, SuspicionKind(kind), began): ended for bay, device, kind, began, ended in cur.fetchall()
    }
    for key, now in page.suspicions.items():
        began_at = key[3]
        old = [Account(began_at, before[key], None)] if key in before else []
        new = [Account(began_at, now.ended_at, None)] if now is not None else []
        changed.setdefault(key[0], []).extend(differences(old, new))
    rows = (row for row in page.suspicions.values() if row is not None)
    copy_rows(
        cur,
        "suspicion.copy",
        _TYPES,
        (
            (
                *(*scope, row.bay_id, row.device_id, row.kind.value, row.began_at, row.ended_at, row.reason),
                Jsonb(dict(row.evidence)),
            )
            for row in rows
        ),
    )
    return changed


def load_suspicions(cur: Cursor, at: Generation, since: datetime) -> list[Suspicion]:
    """Those that last or ended at `since` or after it, in order of time."""
    cur.execute(sql("suspicion.load"), (at.area, at.generation, since))
    return [suspicion_of(row) for row in cur.fetchall()]


def suspicions_of(cur: Cursor, at: Generation, bays: Collection[BayId]) -> list[Suspicion]:
    """All there ever were of some bays, in order of time."""
    cur.execute(sql("suspicion.of_bays"), (at.area, at.generation, list(bays)))
    return [suspicion_of(row) for row in cur.fetchall()]


def load_short_spells(
    cur: Cursor, at: Generation, bays: Collection[BayId], since: datetime
) -> dict[tuple[BayId, DeviceId], list[datetime]]:
    """When short spells ended after `since`, by bay and sensor, in order of time."""
    cur.execute(sql("suspicion.short_spells"), (at.area, at.generation, list(bays), since, SHORTEST, LONGEST))
    return {(BayId(bay_id), DeviceId(device_id)): ends for bay_id, device_id, ends in cur.fetchall()}


def suspicion_of(row: Any) -> Suspicion:
    bay_id, device_id, kind, began_at, ended_at, reason, evidence = row
    return Suspicion(
        bay_id=bay_id,
        device_id=device_id,
        kind=SuspicionKind(kind),
        began_at=began_at,
        ended_at=ended_at,
        reason=reason,
        evidence=evidence,
    )
