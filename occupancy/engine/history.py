"""Writes the hours of history that a page makes due: of zones from their rows, of what is wider as sums."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from occupancy.cell_pass import capacities, closing
from occupancy.due_cells import Changed, DueCells, Piece, lots
from occupancy.engine.config import ENGINE_VERSION
from occupancy.history.car_parks import car_park_hours
from occupancy.history.hour import HOUR, Dim, HourRow, Scope, Series, floor_hour
from occupancy.history.kerb import Kerb
from occupancy.history.streets import street_hours
from occupancy.model import AreaId, Bay, ZoneId, ZoneKind
from occupancy.page import BEGINNING, Page
from occupancy.registry import Registry
from store import cells, history_final, history_hours, tail
from store.copying import Cursor
from store.generation import Generation
from store.history_final import Standing

LATE_KNOWLEDGE = "late knowledge"
"""Why a record is revised while the engine runs: late words, late overrides, what days have taught."""
REGISTRY = "registry"
"""Likewise, in a page of the log that changes documents: what they say counts for all the past."""
FirstEvidence = Callable[[Iterable[ZoneId]], dict[ZoneId, datetime]]
"""When zones were first heard of, by the rows."""


class HistoryHours:
    """The hours of one area's generation. `first`: when its zones were first heard of; `ids`: its series' numbers.

    `kept_from`: the full hour before which rows have gone (None: none have). `silent_from`: the area's first watermark,
    since when those of whom nothing was heard are known to be silent (None: there is none yet).
    """

    def __init__(
        self,
        registry: Registry,
        first: Mapping[ZoneId, datetime],
        ids: Mapping[Series, int],
        standing: Standing,
        final_after: timedelta,
        kept_from: datetime | None,
        silent_from: datetime | None,
    ) -> None:
        self._registry = registry
        self._final_to, self._live = standing
        self._final_after = final_after
        self._due = DueCells(registry, first, HOUR, kept_from, silent_from)
        self._kerb = Kerb(registry)
        self._ids = dict(ids)

    def write(
        self,
        cur: Cursor,
        at: Generation,
        page: Page,
        changed: Changed,
        before: datetime | None,
        first: FirstEvidence,
    ) -> None:
        """Write what a page makes due, which is written itself; `before`: the watermark before it."""
        if page.watermark is None:
            return
        if self._due.silent_from is None:
            self._due.silent_from = tail.first_watermark(cur, at.area)
        if page.registry_changed:
            self._kerb = Kerb(self._registry)
        dirty = self._due.dirty(page, changed)
        for bay_id, spans in changed.turns.items():
            if bay := self._registry.bays.get(bay_id):
                dirty.setdefault(bay.zone_id, []).extend(spans)
        asked = self._due.may_begin_anew(dirty)
        found = first(asked) if asked else {}
        due = self._due.due(dirty, {zone_id: found.get(zone_id) for zone_id in asked}, before, page.watermark)
        cause = REGISTRY if page.registry_changed else LATE_KNOWLEDGE
        hours = set(history_hours.cut_hours(cur, at, due.gone))
        for lot in lots(due.computed, self._bays_in, HOUR):
            rows = self._rows(cur, at, lot)
            self._number(cur, at, (row.series for row in rows))
            history_hours.write_hours(cur, at, rows, self._ids)
            hours.update(row.hour_at for row in rows)
        if self._live:  # before they are summed up, records must be what they are now
            self._settle(cur, at, self._final_to, hours, cause)
        self._sum_up(cur, at, sorted(hours))
        if self._live:
            self._settle(cur, at, floor_hour(page.watermark - self._final_after), hours, cause)

    def recount(self, cur: Cursor, at: Generation, first: FirstEvidence) -> Iterator[HourRow]:
        """Every hour of every zone up to the watermark, from the rows as they are: what `write` came to in steps."""
        if at.watermark is None:
            return
        zones, heard = self._registry.zones, first(self._registry.zones)
        due = self._due.due(
            {zone_id: [(BEGINNING, at.watermark)] for zone_id in zones},
            {zone_id: heard.get(zone_id) for zone_id in zones},
            None,
            at.watermark,
        )
        for lot in lots(due.computed, self._bays_in, HOUR):
            yield from self._rows(cur, at, lot)

    def _settle(
        self,
        cur: Cursor,
        at: Generation,
        final_to: datetime | None,
        written: Collection[datetime],
        cause: str,
    ) -> None:
        """Hours before `final_to` become records; those that were already are revised where they are others now."""
        before = self._final_to
        if before is not None:
            final_to = before if final_to is None else max(final_to, before)
        if final_to is not None and (final_to != before or any(hour < final_to for hour in written)):
            history_final.settle(
                cur,
                at,
                before=before,
                final_to=final_to,
                cause=cause,
                engine_version=ENGINE_VERSION,
                time_zone=self._registry.area.time_zone if self._registry.area else None,
            )
            self._final_to = final_to

    def _sum_up(self, cur: Cursor, at: Generation, hours: Sequence[datetime]) -> None:
        """Write some hours of controlled zones and of the area anew.

        What is not derived here stands in the records: it is final, or older than what a generation was folded from.
        """
        parts: dict[Series, list[int]] = {}
        for series, number in self._ids.items():
            if series.scope is Scope.ZONE:
                for whole in self._wholes(at.area, series):
                    parts.setdefault(whole, []).append(number)
        self._number(cur, at, parts)
        with_slots = [self._ids[series] for series in parts if series.dim is Dim.ALL]
        numbered = {self._ids[series]: own for series, own in parts.items()}
        final_to = self._final_to or BEGINNING
        history_hours.sum_up(cur, at, hours, numbered, with_slots, final_to)

    def _wholes(self, area: AreaId, series: Series) -> Iterator[Series]:
        """The wider series that a zone's is a part of."""
        yield series._replace(scope=Scope.AREA, scope_id=area)
        zone = self._registry.zones.get(ZoneId(series.scope_id))
        if zone is not None and zone.controlled_zone is not None:
            yield series._replace(scope=Scope.CONTROLLED_ZONE, scope_id=zone.controlled_zone)

    def _number(self, cur: Cursor, at: Generation, wanted: Iterable[Series]) -> None:
        unknown = {series for series in wanted if series not in self._ids}
        self._ids.update(history_hours.series_ids(cur, at.area, unknown))

    def _rows(self, cur: Cursor, at: Generation, lot: Sequence[Piece]) -> list[HourRow]:
        zones = self._registry.zones
        streets = [piece for piece in lot if zones[piece.zone_id].kind is not ZoneKind.CAR_PARK]
        parks = [piece for piece in lot if zones[piece.zone_id].kind is ZoneKind.CAR_PARK]
        return [*self._streets(cur, at, streets), *self._car_parks(cur, at, parks)]

    def _streets(self, cur: Cursor, at: Generation, pieces: Sequence[Piece]) -> Iterator[HourRow]:
        heard = [piece for piece in pieces if not self._due.is_silent(piece)]
        wanted = [(piece, [bay.bay_id for bay in self._bays_of(piece.zone_id)]) for piece in heard]
        pasts = dict(zip(heard, history_hours.pasts_in(cur, at, wanted) if wanted else (), strict=True))
        for piece in pieces:
            zone, span = self._registry.zones[piece.zone_id], (piece.start, piece.end)
            yield from street_hours(
                zone, span, self._bays_of(piece.zone_id), pasts.get(piece, {}), self._kerb
            )

    def _car_parks(self, cur: Cursor, at: Generation, pieces: Sequence[Piece]) -> Iterator[HourRow]:
        found = cells.count_spans_in(cur, at, pieces) if pieces else []
        for piece, counts in zip(pieces, found, strict=True):
            zone, span = self._registry.zones[piece.zone_id], (piece.start, piece.end)
            closed, capacity_at = closing(self._registry, zone, span), capacities(self._registry, zone)
            yield from car_park_hours(zone, span, counts, closed, capacity_at)

    def _bays_of(self, zone_id: ZoneId) -> Sequence[Bay]:
        return self._registry.bays_by_zone.get(zone_id, ())

    def _bays_in(self, zone_id: ZoneId) -> int:
        return len(self._bays_of(zone_id))
