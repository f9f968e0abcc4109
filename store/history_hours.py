"""The hours of history as the engine writes them, and what they are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from occupancy.due_cells import Piece
from occupancy.history.hour import Dim, HourRow, Scope, Series
from occupancy.history.streets import BayPast, HeldBy, VisitEnds
from occupancy.model import (
    AreaId,
    BayId,
    DeviceId,
    Overstay,
    OverstayState,
    Quality,
    State,
)
from occupancy.spans import FOREVER, Span
from store.binary_copy import copy_encoded
from store.copying import Cursor
from store.generation import Generation
from store.queries import sql

_HOUR_TYPES = [
    *("int4", "int4", "timestamptz", *["int8"] * 8),
    *("int4", "int4", "int4[]", "int4[]", "int8", "int4", "int4", "int4", "int8"),
]
_SLOT_TYPES = "int4 int4 timestamptz int8[] int8[] int8[] int8[] int4[] int4[]".split()
_STATES = {state.value: state for state in State}
_QUALITIES = {quality.value: quality for quality in Quality}


class _Wanted(NamedTuple):
    """Bays, each in one of some spans, as the statements take them."""

    bays: list[BayId]
    spans: list[int]
    starts: list[datetime]
    ends: list[datetime]


def all_series(cur: Cursor, area: AreaId) -> dict[Series, int]:
    """The numbers of all series of an area."""
    cur.execute(sql("history_hours.all_series"), (area,))
    return {_series(*row): number for *row, number in cur.fetchall()}


def series_ids(cur: Cursor, area: AreaId, wanted: Iterable[Series]) -> dict[Series, int]:
    """The numbers of some series; those that have none get one."""
    wanted = sorted(set(wanted))
    if not wanted:
        return {}
    columns = [list(column) for column in zip(*wanted, strict=True)]
    cur.execute(sql("history_hours.new_series"), (area, *columns))
    cur.execute(sql("history_hours.series"), (area, *columns))
    return {_series(*row): number for *row, number in cur.fetchall()}


def cut_hours(cur: Cursor, at: Generation, gone: Sequence[Piece]) -> list[datetime]:
    """Drop the hours of some zones; returns which hours there were."""
    if not gone:
        return []
    columns = [p.zone_id for p in gone], [p.start for p in gone], [p.end for p in gone]
    cur.execute(sql("history_hours.cut"), (at.area, at.generation, *columns))
    return [row[0] for row in cur.fetchall()]


def write_hours(cur: Cursor, at: Generation, rows: Sequence[HourRow], ids: Mapping[Series, int]) -> None:
    """Write hours that are not there."""
    copy_encoded(
        cur,
        "history_hours.copy_hours",
        _HOUR_TYPES,
        (
            (
                *(ids[row.series], at.generation, row.hour_at),
                *(row.in_service_us, row.free_us, row.occupied_us, row.closed_us),
                *(
                    row.usable_us,
                    row.some_free_us,
                    row.all_taken_us,
                    row.peak_us,
                    row.arrivals,
                    row.departures,
                ),
                *(row.stays.minutes, row.stays.counts, row.stays.sum_s, row.censored),
                *(row.over_candidates, row.over_confirmed, row.over_s),
            )
            for row in rows
        ),
    )
    copy_encoded(
        cur,
        "history_hours.copy_slots",
        _SLOT_TYPES,
        (
            (
                *(ids[row.series], at.generation, row.hour_at, slots.in_service, slots.free, slots.occupied),
                *(slots.closed, slots.arrivals, slots.departures),
            )
            for row in rows
            if (slots := row.slots) is not None
        ),
    )


def sum_up(
    cur: Cursor,
    at: Generation,
    hours: Sequence[datetime],
    parts: Mapping[int, Iterable[int]],
    with_slots: Iterable[int],
    final_to: datetime,
) -> None:
    """Write some hours of wider series anew, each as the sum of its parts; `with_slots` are those of all bays."""
    if not hours or not parts:
        return
    cur.execute(sql("history_hours.cut_sums"), (list(parts), at.generation, list(hours)))
    recorded = [hour for hour in hours if hour < final_to]
    for statement, chosen in (
        (sql("history_hours.sum_slots"), set(with_slots)),
        (sql("history_hours.sum_hours"), set(parts)),
    ):
        pairs = [(whole, part) for whole, own in parts.items() if whole in chosen for part in own]
        columns = [whole for whole, _ in pairs], [part for _, part in pairs]
        cur.execute(statement, (at.generation, list(hours), *columns, recorded))


def pasts_in(
    cur: Cursor, at: Generation, wanted: Sequence[tuple[Piece, Sequence[BayId]]]
) -> list[dict[BayId, BayPast]]:
    """By piece, what is known of its bays there."""
    asked = _Wanted(
        bays=[bay_id for _, own in wanted for bay_id in own],
        spans=[number for number, (_, own) in enumerate(wanted, 1) for _ in own],
        starts=[piece.start for piece, _ in wanted],
        ends=[piece.end for piece, _ in wanted],
    )
    intervals: list[list[HeldBy]] = [[] for _ in asked.bays]
    stays: list[list[VisitEnds]] = [[] for _ in asked.bays]
    overstays: list[list[Overstay]] = [[] for _ in asked.bays]
    distrusted: list[dict[DeviceId, list[Span]]] = [{} for _ in asked.bays]
    cur.execute(sql("history_hours.intervals_in"), (at.area, at.generation, *asked))
    for number, started_at, ended_at, state, device_id in cur.fetchall():
        intervals[number - 1].append(HeldBy(started_at, ended_at, _STATES[state], device_id))
    cur.execute(sql("history_hours.stays_in"), (at.area, at.generation, *asked))
    for number, arrived_at, departed_at, arrival, departure, device_id in cur.fetchall():
        ends = VisitEnds(arrived_at, departed_at, _QUALITIES[arrival], _QUALITIES.get(departure), device_id)
        stays[number - 1].append(ends)
    cur.execute(sql("history_hours.overstays_in"), (at.area, at.generation, *asked))
    for number, *overstay in cur.fetchall():
        overstays[number - 1].append(_overstay(*overstay))
    # What overlaps a stay bears on all of it, also on what lies beyond the span.
    stretches = [
        _stretch(wanted[span - 1][0], own, beyond)
        for span, own, beyond in zip(asked.spans, stays, overstays, strict=True)
    ]
    since, until = ([stretch[edge] for stretch in stretches] for edge in (0, 1))
    cur.execute(sql("history_hours.suspicions_in"), (at.area, at.generation, asked.bays, since, until))
    for number, device_id, began_at, ended_at in cur.fetchall():
        distrusted[number - 1].setdefault(device_id, []).append((began_at, ended_at or FOREVER))
    found: list[dict[BayId, BayPast]] = [{} for _ in wanted]
    for number, (bay_id, span) in enumerate(zip(asked.bays, asked.spans, strict=True)):
        found[span - 1][bay_id] = BayPast(
            intervals=intervals[number],
            stays=stays[number],
            overstays=overstays[number],
            distrusted=distrusted[number],
        )
    return found


def count_hours(cur: Cursor, at: Generation) -> int:
    """How many hours of series a generation holds."""
    cur.execute(sql("history_hours.count_hours"), (at.area, at.generation))
    return int(cur.fetchall()[0][0])


def differing(
    cur: Cursor, at: Generation, live: int, complete_from: datetime, most: int
) -> tuple[int, list[tuple[Series, datetime]]]:
    """How many hours a generation has otherwise than they are stored, and the first `most`: of those that it computed
    at all, and from `complete_from` on of all that are stored."""
    cur.execute(sql("history_hours.differing"), (at.area, live, at.generation, complete_from, most))
    found = cur.fetchall()
    told = [(_series(*series), hour_at) for *series, hour_at, _ in found]
    return int(found[0][-1]) if found else 0, told


def _stretch(piece: Piece, stays: Sequence[VisitEnds], overstays: Sequence[Overstay]) -> Span:
    """From the first to the last instant of a piece and of what counts in it."""
    begins = [stay.arrived_at for stay in stays] + [over.arrived_at for over in overstays]
    ends = [stay.departed_at or FOREVER for stay in stays] + [over.ended_at or FOREVER for over in overstays]
    return min([piece.start, *begins]), max([piece.end, *ends])


def stays_over(
    cur: Cursor, scope: tuple[str, int], spans: Mapping[BayId, Sequence[Span]]
) -> dict[BayId, list[Span]]:
    """By bay, the stays that reach into some stretches of time, from beginning to end."""
    asked = [(bay_id, *span) for bay_id, own in spans.items() for span in own]
    if not asked:
        return {}
    columns = [list(column) for column in zip(*asked, strict=True)]
    cur.execute(sql("history_hours.stays_over"), (*scope, *columns))
    found: dict[BayId, list[Span]] = {}
    for bay_id, arrived_at, departed_at in cur.fetchall():
        found.setdefault(bay_id, []).append((arrived_at, departed_at or FOREVER))
    return found


def _series(scope: str, scope_id: str, dim: str, value: str) -> Series:
    return Series(Scope(scope), scope_id, Dim(dim), value)


def _overstay(
    bay_id: BayId,
    arrived_at: datetime,
    device_id: DeviceId,
    rule_id: str,
    limit_min: int,
    grace_min: int,
    over_from: datetime,
    over_to: datetime | None,
    candidate_at: datetime,
    confirmed_at: datetime | None,
    ended_at: datetime | None,
    state: str,
) -> Overstay:
    return Overstay(
        bay_id=bay_id,
        arrived_at=arrived_at,
        device_id=device_id,
        rule_id=rule_id,
        rule_version=None,
        limit_min=limit_min,
        grace_min=grace_min,
        over_from=over_from,
        over_to=over_to,
        candidate_at=candidate_at,
        confirmed_at=confirmed_at,
        ended_at=ended_at,
        state=OverstayState(state),
        evidence="",
        exemptions=(),
    )
