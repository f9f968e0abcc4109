"""Which cells a page makes due: those that the rows it changed reach into, and those that the watermark has passed.

A zone has a cell for every quarter of an hour from its first evidence to the watermark. So what changes is: cells in
which a bay's (a car park's) rows differ, new cells at the end, and at the beginning those between the first evidence
as it was and as it is. Where silence counts, too (`silent_from`), every zone of the registry has cells from then on,
or from its first evidence if that is earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from occupancy.car_park import CountSpan
from occupancy.cells import CELL
from occupancy.model import EPOCH, BayId, BayInterval, ZoneId
from occupancy.page import BEGINNING, Page
from occupancy.registry import Registry
from occupancy.spans import FOREVER, Account, Span, joined

STRETCH = timedelta(days=4)
"""The longest piece."""
AT_ONCE = 50_000
"""Cells of bays computed in one go (about), so that years of history never sit in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Where the rows that a page replaced differ from those that took their place."""

    bays: Mapping[BayId, Iterable[Span]]
    car_parks: Mapping[ZoneId, Iterable[Span]]
    turns: Mapping[BayId, Iterable[Span]] = field(default_factory=dict)
    """Of stays: when they began and ended; of suspicions: while they last. Cells do not hold them, hours do."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole cells of one zone: [start, end)."""

    zone_id: ZoneId
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """Cells that go, and cells to be computed in their place or for the first time."""

    gone: list[Piece]
    computed: list[Piece]


class DueCells:
    """Remembers the first evidence of every zone of an area, as the rows have it."""

    def __init__(
        self,
        registry: Registry,
        first: Mapping[ZoneId, datetime],
        size: timedelta = CELL,
        kept_from: datetime | None = None,
        silent_from: datetime | None = None,
    ) -> None:
        """`kept_from`: a boundary of cells before which rows are gone, so that what was made of them stays as it is."""
        self._registry = registry
        self._first = dict(first)
        self.silent_from = silent_from
        """From when on there are cells of zones that have said nothing yet; None: they have none."""
        self._kept_from = kept_from or BEGINNING
        self._size = size
        """Of a cell; days are made of whole ones."""

    def dirty(self, page: Page, changed: Changed) -> dict[ZoneId, list[Span]]:
        """By zone, where its history may be another now."""
        dirty: dict[ZoneId, list[Span]] = {zone: [(BEGINNING, FOREVER)] for zone in page.gone_zones}
        for zone_id, spans in page.dirty_cells.items():
            dirty.setdefault(zone_id, []).extend(spans)
        for bay_id, differing in changed.bays.items():
            if bay := self._registry.bays.get(bay_id):
                dirty.setdefault(bay.zone_id, []).extend(differing)
        for zone_id, differing in changed.car_parks.items():
            dirty.setdefault(zone_id, []).extend(differing)
        return dirty

    def may_begin_anew(self, dirty: Mapping[ZoneId, Iterable[Span]]) -> list[ZoneId]:
        """Zones whose first evidence may be another now: whoever writes must look it up."""
        return [
            zone_id
            for zone_id, spans in dirty.items()
            if zone_id in self._registry.zones
            and any(start <= self._first.get(zone_id, FOREVER) for start, _ in spans)
        ]

    def due(
        self,
        dirty: Mapping[ZoneId, Iterable[Span]],
        first: Mapping[ZoneId, datetime | None],
        before: datetime | None,
        watermark: datetime,
    ) -> Due:
        """`first`: what was looked up. `before` is the watermark of the cells there are (None: there are none)."""
        written = BEGINNING if before is None else self._floor(before)
        due = Due([], [])
        for zone_id, spans in dirty.items():
            # Where bays change hands one span follows upon the other: joined first, few are left to be rounded.
            differing = joined((*spans, *self._began(zone_id, first)))
            cells = joined((self._floor(start), self._after(end)) for start, end in differing)
            cells = [(max(start, self._kept_from), end) for start, end in cells if end > self._kept_from]
            due.gone.extend(
                Piece(zone_id, start, min(end, written)) for start, end in cells if start < written
            )
            if (begins_at := self._begins(zone_id)) is not None:
                least, most = self._floor(begins_at), self._floor(watermark)
                for start, end in cells:
                    due.computed.extend(_pieces(zone_id, max(start, least), min(end, most)))
        return due

    def is_silent(self, piece: Piece) -> bool:
        """Whether there is no evidence of a zone up to the end of a piece."""
        return self._first.get(piece.zone_id, FOREVER) >= piece.end

    def _begins(self, zone_id: ZoneId) -> datetime | None:
        """From when on a zone has cells."""
        first = self._first.get(zone_id)
        if self.silent_from is None or zone_id not in self._registry.zones:
            return first
        return self.silent_from if first is None else min(first, self.silent_from)

    def _floor(self, at: datetime) -> datetime:
        """The start of the cell that holds an instant."""
        return at - (at - EPOCH) % self._size

    def _after(self, end: datetime) -> datetime:
        """The end of the cell that holds an instant."""
        return FOREVER if end > FOREVER - self._size else self._floor(end) + self._size

    def _began(self, zone_id: ZoneId, first: Mapping[ZoneId, datetime | None]) -> list[Span]:
        """Take up when a zone was first heard of; what lies between where its cells began and where they begin."""
        before = self._begins(zone_id)
        heard = self._first.pop(zone_id, None)
        if zone_id not in self._registry.zones:
            return []
        heard = first.get(zone_id, heard)
        if heard is not None:
            self._first[zone_id] = heard
        now = self._begins(zone_id)
        if before == now:
            return []
        known = [at for at in (before, now) if at is not None]
        return [(min(known), max(known) if len(known) == 2 else FOREVER)]


def lots(
    pieces: Iterable[Piece], bays_in: Callable[[ZoneId], int], size: timedelta = CELL
) -> Iterator[list[Piece]]:
    """The pieces in lots that may sit in memory together; `size`: of their cells."""
    lot: list[Piece] = []
    held = 0
    for piece in pieces:
        lot.append(piece)
        held += max(1, bays_in(piece.zone_id)) * ((piece.end - piece.start) // size)
        if held >= AT_ONCE:
            yield lot
            lot, held = [], 0
    if lot:
        yield lot


def bay_account(row: BayInterval) -> Account:
    """What cells take from a bay's row."""
    return Account(row.started_at, row.ended_at, row.state)


def count_account(row: CountSpan) -> Account:
    """What cells take from a car park's row."""
    return Account(row.started_at, row.ended_at, (row.occupied, row.capacity))


def _pieces(zone_id: ZoneId, start: datetime, end: datetime) -> Iterator[Piece]:
    """[start, end) in pieces of at most `STRETCH`."""
    while start < end:
        stop = min(end, start + STRETCH)
        yield Piece(zone_id, start, stop)
        start = stop
