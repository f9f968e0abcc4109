"""How full places were at instants, read from what held at their bays: what forecasts are made of and held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import numpy as np

from occupancy.forecast.panel import DAY, Floats
from occupancy.forecast.places import Members, capacity_at, observable
from occupancy.model import AreaId, ZoneKind
from occupancy.registry import Registry
from store.copying import Cursor
from store.queries import sql

KNOWN_SHARE = 0.5
"""Of the bays in service, so many must be known for their share to stand for all."""
_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Instants:
    """(instants, places): the occupied share of the bays that are known, NaN where too few are, and the share of the
    bays in service that are known."""

    shares: Floats
    known: Floats


def known_to(cur: Cursor, area: AreaId) -> datetime | None:
    """How far what is known reaches (the watermark); None: nothing is."""
    cur.execute(sql("forecast.watermark"), (area,))
    row = cur.fetchone()
    return None if row is None else row[0]


def heard_since(cur: Cursor, area: AreaId, places: Sequence[Members]) -> datetime | None:
    """When any of the places was first heard of; None: none was."""
    bays = [bay.bay_id for members in places for bay in members.bays]
    parks = [members.zone.zone_id for members in places if members.zone.kind is ZoneKind.CAR_PARK]
    cur.execute(sql("forecast.heard_since"), (area, bays, parks))
    row = cur.fetchone()
    return None if row is None else row[0]


def instants(
    cur: Cursor, registry: Registry, places: Sequence[Members], first: datetime, step: timedelta, count: int
) -> Instants:
    """Read `count` instants from `first` on: a day at a time, so that rows of one day are held at most."""
    found = Instants(np.empty((count, len(places))), np.empty((count, len(places))))
    per_day = max(1, DAY // step)
    for start in range(0, count, per_day):
        end = min(start + per_day, count)
        part = _part(cur, _Asked(registry, places, first + start * step, step, end - start))
        found.shares[start:end], found.known[start:end] = part.shares, part.known
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """Some instants of some places."""

    registry: Registry
    places: Sequence[Members]
    first: datetime
    step: timedelta
    count: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.count, len(self.places)


def _part(cur: Cursor, asked: _Asked) -> Instants:
    occupied, known, bays = _streets(cur, asked)
    _car_parks(cur, asked, occupied, known, bays)
    share = np.divide(known, bays, out=np.zeros_like(known), where=bays > 0)
    enough = (share >= KNOWN_SHARE) & (known > 0)
    full = np.divide(occupied, known, out=np.full_like(known, np.nan), where=enough)
    return Instants(np.clip(full, 0.0, 1.0), np.clip(share, 0.0, 1.0))


def _streets(cur: Cursor, asked: _Asked) -> tuple[Floats, Floats, Floats]:
    """(instants, places) each: bays that are occupied, known, in service."""
    end = asked.first + asked.count * asked.step
    spans = [
        (bay.bay_id, number, start, until)
        for number, members in enumerate(asked.places)
        for bay in members.bays
        for start, until in observable(asked.registry, bay, asked.first, end)
    ]
    if not spans:
        return np.zeros(asked.shape), np.zeros(asked.shape), np.zeros(asked.shape)
    columns = [list(column) for column in zip(*spans, strict=True)]
    step_s = asked.step.total_seconds()
    bays = _held(
        asked.shape,
        [
            (n, ceil((start - asked.first) / asked.step), ceil((until - asked.first) / asked.step))
            for _, n, start, until in spans
        ],
    )
    cur.execute(
        sql("forecast.bays_at_instants"),
        (asked.registry.area_id, asked.first, step_s, asked.count, *columns),
        binary=True,
    )
    rows = cur.fetchall()
    occupied = _held(asked.shape, [row[:3] for row in rows if row[3]])
    return occupied, _held(asked.shape, [row[:3] for row in rows]), bays


def _held(shape: tuple[int, int], rows: Sequence[tuple[int, int, int]]) -> Floats:
    """How many of (place, first, last) hold at each instant, by place."""
    changes = np.zeros((shape[0] + 1, shape[1]))
    if rows:
        places, first, last = np.array(rows, dtype=np.int64).T
        np.add.at(changes, (first, places), 1.0)
        np.subtract.at(changes, (last, places), 1.0)
    found: Floats = np.cumsum(changes, axis=0)[:-1]
    return found


def _car_parks(cur: Cursor, asked: _Asked, occupied: Floats, known: Floats, bays: Floats) -> None:
    """Fill in the car parks, of which one that is counted is known as a whole."""
    parks = {n: one.zone for n, one in enumerate(asked.places) if one.zone.kind is ZoneKind.CAR_PARK}
    if not parks:
        return
    for number, zone in parks.items():
        apart = max(1, _QUARTER // asked.step) if zone.capacity_hours else asked.count
        for begin in range(0, asked.count, apart):
            at = asked.first + begin * asked.step
            bays[begin : begin + apart, number] = capacity_at(asked.registry, zone, at)
    columns = [zone.zone_id for zone in parks.values()], list(parks)
    step_s = asked.step.total_seconds()
    cur.execute(
        sql("forecast.car_parks_at_instants"),
        (asked.registry.area_id, asked.first, step_s, asked.count, *columns),
    )
    for number, first, last, inside, capacity in cur.fetchall():
        if capacity is not None:
            bays[first:last, number] = capacity
        known[first:last, number] = bays[first:last, number]
        occupied[first:last, number] = np.minimum(inside, bays[first:last, number])
