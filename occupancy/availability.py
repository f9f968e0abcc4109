"""The live answer for one zone, from what is known of its bays or from the count of its vehicles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from occupancy.gates import DRIFT_PER_PASSAGE, CountSpan
from occupancy.model import (
    Bay,
    BayId,
    BayState,
    BayType,
    Counts,
    Group,
    Source,
    State,
    Zone,
    ZoneAvailability,
)
from occupancy.rules import Access

GENERAL = frozenset({"general"})
COUNTED_CONFIDENCE = 0.9
EVIDENCE_STEP = timedelta(minutes=1)
"""`as_of` of a zone moves in steps, so that heartbeats that change nothing do not make a new answer each."""


def in_service(bay: Bay, at: datetime) -> bool:
    return (bay.in_service_from is None or bay.in_service_from <= at) and (
        bay.in_service_to is None or at < bay.in_service_to
    )


def street_availability(
    zone: Zone,
    bays: Sequence[Bay],
    states: Mapping[BayId, BayState],
    access: Callable[[Bay], Access],
    now: datetime,
) -> ZoneAvailability:
    """Count the bays in service at `now` by what they are and who may use them; a bay nobody senses is unknown."""
    tallies: dict[tuple[BayType, frozenset[str], int | None], list[int]] = {}
    newest: datetime | None = None
    confidence = 0.0
    for bay in bays:
        if (bay.in_service_from or bay.in_service_to) and not in_service(bay, now):
            continue
        admitted = access(bay)
        live = states.get(bay.bay_id)
        state = State.CLOSED if admitted.closed else (live.state if live else State.UNKNOWN)
        key = (bay.bay_type, admitted.admits, admitted.max_stay_min)
        tally = tallies.setdefault(key, [0, 0, 0, 0])
        tally[_INDEX[state]] += 1
        if live is not None and state in (State.FREE, State.OCCUPIED):
            confidence += live.confidence
        if live is not None and live.as_of is not None and (newest is None or live.as_of > newest):
            newest = live.as_of
    groups = tuple(
        Group(bay_type=bay_type, access=admits, max_stay_min=limit, counts=_counts(tally))
        for (bay_type, admits, limit), tally in sorted(tallies.items(), key=_group_order)
    )
    counts = sum((group.counts for group in groups), Counts())
    observed = counts.free + counts.occupied
    return ZoneAvailability(
        zone_id=zone.zone_id,
        groups=groups,
        counts=counts,
        free_min=counts.free,
        free_max=counts.free + counts.unknown,
        as_of=_step(newest),
        source=Source.SENSOR,
        confidence=round(confidence / observed, 2) if observed else 0.0,
        coverage=_share(observed, counts),
    )


def car_park_availability(
    zone: Zone, span: CountSpan | None, as_of: datetime | None, *, is_open: bool
) -> ZoneAvailability:
    """Bound the count by the capacity; every passage since the last absolute count widens what is not sure."""
    capacity = zone.capacity or 0
    if not is_open:
        counts, drift = Counts(closed=capacity), 0
    elif span is None or span.occupied is None:
        counts, drift = Counts(unknown=capacity), capacity
    else:
        occupied = min(span.occupied, capacity)
        counts = Counts(free=capacity - occupied, occupied=occupied)
        drift = math.ceil(span.passages * DRIFT_PER_PASSAGE)
    known = counts.free + counts.occupied
    return ZoneAvailability(
        zone_id=zone.zone_id,
        groups=(Group(bay_type=BayType.STANDARD, access=GENERAL if is_open else frozenset(), counts=counts),),
        counts=counts,
        free_min=max(0, counts.free - drift),
        free_max=min(counts.capacity - counts.closed, counts.free + drift),
        as_of=_step(as_of),
        source=Source.COUNT,
        confidence=COUNTED_CONFIDENCE if known else 0.0,
        coverage=_share(known, counts),
    )


_INDEX = {State.FREE: 0, State.OCCUPIED: 1, State.UNKNOWN: 2, State.CLOSED: 3}


def _counts(tally: Sequence[int]) -> Counts:
    return Counts(free=tally[0], occupied=tally[1], unknown=tally[2], closed=tally[3])


def _group_order(
    item: tuple[tuple[BayType, frozenset[str], int | None], list[int]],
) -> tuple[str, list[str], int]:
    bay_type, admits, limit = item[0]
    return bay_type.value, sorted(admits), -1 if limit is None else limit


def _share(observed: int, counts: Counts) -> float:
    in_use = counts.capacity - counts.closed
    return round(observed / in_use, 4) if in_use else 0.0


def _step(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    return at.replace(second=0, microsecond=0)
