"""The hours of a street, from what held at each of its bays, the stays there, and what its sensors are worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from occupancy.history.hour import HOUR, Dim, HourRow, Scope, Series
from occupancy.history.kerb import Kerb, KerbTime, may_stop
from occupancy.history.tally import Tally, microseconds
from occupancy.model import Bay, BayId, BayType, DeviceId, Overstay, OverstayState, Quality, State, Zone
from occupancy.spans import Span

Stretch = tuple[int, int]
"""From a microsecond to another, counted from the first hour's beginning."""


class HeldBy(NamedTuple):
    """What held at a bay in [started_at, ended_at) by the word of a sensor; None: it lasts."""

    started_at: datetime
    ended_at: datetime | None
    state: State
    device_id: DeviceId


class VisitEnds(NamedTuple):
    """What hours take from a stay: when it began and ended, how sure that is, and by whose word."""

    arrived_at: datetime
    departed_at: datetime | None
    arrival: Quality
    departure: Quality | None
    device_id: DeviceId


@dataclass(frozen=True, slots=True, kw_only=True)
class BayPast:
    """What is known of one bay: rows that reach into the hours asked for, each kind in order of time."""

    intervals: Sequence[HeldBy] = ()
    stays: Sequence[VisitEnds] = ()
    overstays: Sequence[Overstay] = ()
    distrusted: Mapping[DeviceId, Sequence[Span]] = field(default_factory=dict)
    """When a sensor was not to be believed there: then nothing is known by it."""


NOTHING_KNOWN = BayPast()


class StreetHours:
    """Sums of one street over the whole hours of [start, start + hours)."""

    def __init__(self, zone: Zone, start: datetime, hours: int, kerb: Kerb) -> None:
        self._zone, self._start, self._hours, self._kerb = zone, start, hours, kerb
        self._end = start + hours * HOUR
        self._whole_us = microseconds(self._end - start)
        self._tallies: dict[Series, Tally] = {}
        self._alike: dict[tuple[BayType, str], tuple[Tally, ...]] = {}
        self._of(Dim.ALL, "")

    def add(self, bay: Bay, past: BayPast) -> None:
        """One bay of the street."""
        serves_from = max(self._start, bay.in_service_from or self._start)
        serves_to = min(self._end, bay.in_service_to or self._end)
        if serves_from < serves_to:
            known = self._known(past)
            begin = 0
            for part in self._kerb.during(bay, serves_from, serves_to):
                start = self._us(part.starts_at)
                while begin < len(known) and known[begin][1] <= start:
                    begin += 1
                self._add_part(bay, part, islice(known, begin, None))
        for stay in past.stays:
            self._add_stay(bay, stay, past.distrusted.get(stay.device_id, ()))
        for overstay in past.overstays:
            self._add_overstay(bay, overstay, past.distrusted.get(overstay.device_id, ()))

    def rows(self) -> list[HourRow]:
        """Every hour of every series of this street, by series and time."""
        return [row for series in sorted(self._tallies) for row in self._tallies[series].rows()]

    def _known(self, past: BayPast) -> list[tuple[int, int, State]]:
        """When the bay is known to be free or occupied, in order of time."""
        distrusted = {
            device_id: [(self._us(since), self._us(until)) for since, until in spans]
            for device_id, spans in past.distrusted.items()
        }
        return [
            (lo, hi, held.state)
            for held in past.intervals
            if held.state is not State.UNKNOWN
            for lo, hi in _without(
                (self._us(held.started_at), self._us(held.ended_at or self._end)),
                distrusted.get(held.device_id, ()),
            )
        ]

    def _add_part(self, bay: Bay, part: KerbTime, known: Iterable[tuple[int, int, State]]) -> None:
        start, end = self._us(part.starts_at), self._us(part.ends_at)
        tallies = self._tallies_of(bay, part.use)
        for tally in tallies:
            tally.in_service.add(start, end)
            if part.closed:
                tally.closed.add(start, end)
        if part.closed:
            return
        watched = [tally for tally in tallies if self._is_watched(tally, bay, part)]
        for tally in watched:
            tally.watch.add(start, end, opened=1)
        for since, until, state in known:
            if since >= end:
                break
            lo, hi = max(since, start), min(until, end)
            if lo < hi:
                free = state is State.FREE
                for tally in tallies:
                    (tally.free if free else tally.occupied).add(lo, hi)
                for tally in watched:
                    tally.watch.add(lo, hi, free=free, taken=not free)

    @staticmethod
    def _is_watched(tally: Tally, bay: Bay, part: KerbTime) -> bool:
        """Whether the bay counts among those that the tally's drivers may use."""
        if tally.series.dim is Dim.ALL:
            return may_stop(part, None)
        return tally.series.dim is Dim.BAY_TYPE and may_stop(part, bay.bay_type)

    def _add_stay(self, bay: Bay, stay: VisitEnds, distrusted: Sequence[Span]) -> None:
        tallies = self._tallies_at(bay, stay.arrived_at)
        if _any_holds(distrusted, stay.arrived_at, stay.departed_at or stay.arrived_at):
            return
        if stay.arrival is not Quality.CENSORED:
            for tally in tallies:
                tally.arrived(self._signed_us(stay.arrived_at))
        if stay.departed_at is None:
            return
        ended = self._signed_us(stay.departed_at)
        known_end = stay.departure is not Quality.CENSORED
        lasted = microseconds(stay.departed_at - stay.arrived_at)
        for tally in tallies:
            if known_end:
                tally.departed(ended)
            tally.stayed(ended, lasted if known_end and stay.arrival is not Quality.CENSORED else None)

    def _add_overstay(self, bay: Bay, overstay: Overstay, distrusted: Sequence[Span]) -> None:
        if _any_holds(distrusted, overstay.arrived_at, overstay.ended_at or overstay.over_from):
            return
        ended = overstay.ended_at
        over_s = 0
        if ended is not None:
            last = ended if overstay.over_to is None else min(ended, overstay.over_to)
            over_s = max(0, microseconds(last - overstay.over_from) // 1_000_000)
        for tally in self._tallies_at(bay, overstay.arrived_at):
            confirmed = overstay.state is not OverstayState.CANDIDATE
            tally.overstayed(self._signed_us(overstay.over_from), over_s, confirmed=confirmed)

    def _tallies_at(self, bay: Bay, at: datetime) -> tuple[Tally, ...]:
        part = self._kerb.at(bay, at)
        return () if part is None else self._tallies_of(bay, part.use)

    def _tallies_of(self, bay: Bay, use: str) -> tuple[Tally, ...]:
        found = self._alike.get((bay.bay_type, use))
        if found is None:
            by_type, by_use = self._of(Dim.BAY_TYPE, bay.bay_type.value), self._of(Dim.USE, use)
            found = self._alike[bay.bay_type, use] = (self._of(Dim.ALL, ""), by_type, by_use)
        return found

    def _of(self, dim: Dim, value: str) -> Tally:
        series = Series(Scope.ZONE, self._zone.zone_id, dim, value)
        tally = self._tallies.get(series)
        if tally is None:
            tally = Tally(series, self._start, self._hours, with_slots=dim is Dim.ALL)
            self._tallies[series] = tally
        return tally

    def _us(self, at: datetime) -> int:
        """Microseconds from the first hour's beginning, within the hours."""
        return min(max(self._signed_us(at), 0), self._whole_us)

    def _signed_us(self, at: datetime) -> int:
        return microseconds(at - self._start)


def street_hours(
    zone: Zone, span: Span, bays: Iterable[Bay], past: Mapping[BayId, BayPast], kerb: Kerb
) -> list[HourRow]:
    """The hours of [start, end), both whole hours."""
    street = StreetHours(zone, span[0], (span[1] - span[0]) // HOUR, kerb)
    for bay in bays:
        street.add(bay, past.get(bay.bay_id, NOTHING_KNOWN))
    return street.rows()


def _any_holds(spans: Iterable[Span], start: datetime, end: datetime) -> bool:
    return any(since <= end and start < until for since, until in spans)


def _without(stretch: Stretch, gone: Iterable[Stretch]) -> list[Stretch]:
    """What is left of a stretch; `gone` may lie anyhow."""
    left = [stretch]
    for lo, hi in gone:
        left = [part for a, b in left for part in ((a, min(b, lo)), (max(a, hi), b)) if part[0] < part[1]]
    return [part for part in left if part[0] < part[1]]
