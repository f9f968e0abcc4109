"""The cells of zones: what they are computed from, and writing them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from occupancy.car_park import CountSpan
from occupancy.cells import Held
from occupancy.due_cells import Piece
from occupancy.model import BayId, DeviceId, State, ZoneCell, ZoneId
from store.copying import Cursor, copy_rows
from store.generation import Generation
from store.queries import sql

_STATES = {state.value: state for state in State}
_CELL_TYPES = "text int4 text timestamptz float8 float8 float8 float8 int4 int4".split()


def bay_intervals_in(
    cur: Cursor, at: Generation, wanted: Sequence[tuple[Piece, Sequence[BayId]]]
) -> list[list[Held]]:
    """What held at each of the bays in its piece, in time order: what begins there, and the one before."""
    bays = [bay_id for _, own in wanted for bay_id in own]
    spans = [number for number, (_, own) in enumerate(wanted, 1) for _ in own]
    columns = bays, spans, [piece.start for piece, _ in wanted], [piece.end for piece, _ in wanted]
    cur.execute(sql("cells.bay_intervals_in"), (at.area, at.generation, *columns))
    found: list[list[Held]] = [[] for _ in bays]
    for number, started_at, ended_at, state in cur.fetchall():
        found[number - 1].append(Held(started_at, ended_at, _STATES[state]))
    return found


def held_since(
    cur: Cursor, at: Generation, bays: Collection[BayId], since: datetime
) -> dict[tuple[BayId, DeviceId], list[Held]]:
    """What held at some bays from a time on, by bay and sensor, in time order: what begins then, and the one before."""
    cur.execute(sql("cells.held_since"), (at.area, at.generation, list(bays), since))
    found: dict[tuple[BayId, DeviceId], list[Held]] = {}
    for bay_id, device_id, started_at, ended_at, state in cur.fetchall():
        held = Held(started_at, ended_at, _STATES[state])
        found.setdefault((BayId(bay_id), DeviceId(device_id)), []).append(held)
    return found


def count_spans_in(cur: Cursor, at: Generation, wanted: Sequence[Piece]) -> list[list[CountSpan]]:
    """The counts of each of the car parks, in time order: what begins in its piece, and the one before."""
    columns = [p.zone_id for p in wanted], [p.start for p in wanted], [p.end for p in wanted]
    cur.execute(sql("cells.count_intervals_in"), (at.area, at.generation, *columns))
    found: list[list[CountSpan]] = [[] for _ in wanted]
    for number, started_at, ended_at, occupied, over, passages, spread, capacity, estimated in cur.fetchall():
        found[number - 1].append(
            CountSpan(
                started_at=started_at,
                ended_at=ended_at,
                occupied=occupied,
                over=over,
                passages=passages,
                spread=spread,
                capacity=capacity,
                estimated=estimated,
            )
        )
    return found


def first_evidence(
    cur: Cursor, at: Generation, zones: Mapping[ZoneId, Sequence[BayId] | None]
) -> dict[ZoneId, datetime]:
    """When zones were first heard of: a street by the rows of its bays, a car park (None) by its own."""
    asked = [
        (zone_id, bay_id) for zone_id, bays in zones.items() for bay_id in ([None] if bays is None else bays)
    ]
    columns = [zone_id for zone_id, _ in asked], [bay_id for _, bay_id in asked]
    cur.execute(sql("cells.first_evidence"), (at.area, at.generation, *columns))
    return dict(cur.fetchall())


def replace_cells(cur: Cursor, at: Generation, gone: Sequence[Piece], cells: Iterable[ZoneCell]) -> None:
    """Drop cells, then write others."""
    scope = (at.area, at.generation)
    if gone:
        columns = [p.zone_id for p in gone], [p.start for p in gone], [p.end for p in gone]
        cur.execute(sql("cells.cut_cells"), (*scope, *columns))
    copy_rows(
        cur,
        "cells.copy_cells",
        _CELL_TYPES,
        (
            (
                *(*scope, c.zone_id, c.cell_at, c.free_s, c.occupied_s, c.unknown_s, c.closed_s),
                *(c.arrivals, c.departures),
            )
            for c in cells
        ),
    )
