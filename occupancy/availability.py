"""The live answer for one zone, from what is known of its bays or from the count of its vehicles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from occupancy.car_park import CountSpan
from occupancy.confidence import most_wrong
from occupancy.model import (
    Bay,
    BayId,
    BayState,
    BayType,
    Counts,
    Group,
    Source,
    State,
    Terms,
    Zone,
    ZoneAvailability,
)
from occupancy.overrides import Overrides, not_ended
from occupancy.rules import Access

GENERAL = frozenset({"general"})
COUNTED_CONFIDENCE = 0.9
LEAST_CONFIDENCE = 0.1


def in_service(bay: Bay, at: datetime) -> bool:
    return (bay.in_service_from is None or bay.in_service_from <= at) and (
        bay.in_service_to is None or at < bay.in_service_to
    )


_Kind = tuple[BayType, tuple[str, ...], tuple[str, ...], datetime | None, tuple[str, ...]]
"""What bays of one group have in common: type, rules, overrides that have not ended, end of service, connectors. At one
time the same drivers are admitted to all of them."""


def street_availability(
    zone: Zone,
    bays: Sequence[Bay],
    states: Mapping[BayId, BayState],
    access: Callable[[Bay], Access],
    now: datetime,
    overrides: Overrides,
) -> ZoneAvailability:
    """Count the bays in service at `now` by what they are, who may use them, and on what terms.

    A bay that nobody senses, or whose sensor is suspect, is unknown: it may be free, and is not counted as such.
    Of those counted, as many may be wrong, either way, as their confidence lets expect nine times in ten.
    """
    tallies: dict[_Kind, list[int]] = {}
    access_of: dict[_Kind, Access] = {}
    guessed_free: dict[_Kind, float] = {}
    newest: datetime | None = None
    sure = {State.FREE: 0.0, State.OCCUPIED: 0.0}
    for bay in bays:
        if (bay.in_service_from or bay.in_service_to) and not in_service(bay, now):
            continue
        admitted = access(bay)
        live = states.get(bay.bay_id)
        state = State.UNKNOWN if live is None or live.suspect else live.state
        if admitted.closed:
            state = State.CLOSED
        over = overrides.of_bay(bay)
        lasting = tuple(sorted(not_ended(over, now))) if over else ()
        key = (bay.bay_type, bay.rule_ids, lasting, bay.in_service_to, bay.ev_connectors)
        tally = tallies.get(key)
        if tally is None:
            tally = tallies[key] = [0, 0, 0, 0, 0]
            access_of[key] = admitted
        tally[_INDEX[state]] += 1
        if live is not None and state is State.UNKNOWN and live.free_chance is not None:
            tally[_GUESSED] += 1
            guessed_free[key] = guessed_free.get(key, 0.0) + live.free_chance
        if live is not None and state in sure:
            sure[state] += live.confidence
        if live is not None and live.as_of is not None and (newest is None or live.as_of > newest):
            newest = live.as_of
    groups = tuple(
        sorted(
            (
                _group(kind, access_of[kind], tally, guessed_free.get(kind, 0.0))
                for kind, tally in tallies.items()
            ),
            key=_group_order,
        )
    )
    counts = sum((group.counts for group in groups), Counts())
    observed = counts.free + counts.occupied
    return ZoneAvailability(
        zone_id=zone.zone_id,
        groups=groups,
        counts=counts,
        free_min=counts.free - most_wrong(counts.free - sure[State.FREE], counts.free),
        free_max=counts.free
        + counts.unknown
        + most_wrong(counts.occupied - sure[State.OCCUPIED], counts.occupied),
        as_of=_step(newest),
        source=Source.SENSOR,
        confidence=round(sum(sure.values()) / observed, 2) if observed else 0.0,
        coverage=_share(observed, counts),
    )


def car_park_availability(
    zone: Zone,
    span: CountSpan | None,
    as_of: datetime | None,
    *,
    is_open: bool,
    suspended: bool = False,
    capacity: int | None = None,
) -> ZoneAvailability:
    """Bound the count by the capacity in use: `capacity`, by the registry's hours (None: all of it), unless the car
    park's own system said another. The bays not in use are closed. What has drifted since the last count is not sure.
    """
    in_use = (zone.capacity or 0) if capacity is None else capacity
    if span is not None and span.capacity is not None:
        in_use = span.capacity
    whole = max(zone.capacity or 0, in_use)
    confidence, source = 0.0, Source.COUNT
    open_bays, least, most = Counts(unknown=in_use), 0, in_use
    if not is_open:
        open_bays, in_use, most = Counts(), 0, 0
    elif span is not None and span.occupied is not None:
        occupied = min(span.occupied, in_use)
        open_bays = Counts(free=in_use - occupied, occupied=occupied)
        least = max(0, in_use - span.occupied - span.spread)
        most = min(in_use, max(0, in_use - span.occupied + span.spread))
        unsure = span.spread / in_use if in_use else 0.0
        confidence = round(max(LEAST_CONFIDENCE, COUNTED_CONFIDENCE * (1 - unsure)), 2)
        source = Source.ESTIMATE if span.estimated else Source.COUNT
    shut = Counts(closed=whole - in_use)
    groups = [Group(bay_type=BayType.STANDARD, access=GENERAL, counts=open_bays)] if is_open else []
    if shut.closed or not groups:
        groups.append(Group(bay_type=BayType.STANDARD, access=frozenset(), counts=shut, suspended=suspended))
    counts = open_bays + shut
    return ZoneAvailability(
        zone_id=zone.zone_id,
        groups=tuple(groups),
        counts=counts,
        free_min=least,
        free_max=most,
        as_of=_step(as_of),
        source=source,
        confidence=confidence if counts.free + counts.occupied else 0.0,
        coverage=_share(counts.free + counts.occupied, counts),
    )


def closed_for_sure(found: ZoneAvailability, since: datetime | None) -> ZoneAvailability:
    """The answer for a zone that is closed as a whole: by its rules, its hours or an override, which are known
    beforehand and for sure, whatever was observed there. `since`: when the override began; None: there is none."""
    return replace(found, as_of=since, source=Source.PRIOR, confidence=1.0)


_GUESSED = 4
_INDEX = {State.FREE: 0, State.OCCUPIED: 1, State.UNKNOWN: 2, State.CLOSED: 3}


def _counts(tally: Sequence[int]) -> Counts:
    return Counts(free=tally[0], occupied=tally[1], unknown=tally[2], closed=tally[3])


def _group(kind: _Kind, access: Access, tally: Sequence[int], guessed_free: float) -> Group:
    bay_type, rule_ids, override_ids, in_service_to, ev_connectors = kind
    return Group(
        bay_type=bay_type,
        access=access.admits,
        max_stay_min=access.max_stay_min,
        suspended=access.suspended,
        terms=Terms(
            rule_ids=rule_ids,
            rules_in_force=access.rules,
            override_ids=override_ids,
            overrides_in_force=access.overrides,
            in_service_to=in_service_to,
            ev_connectors=ev_connectors,
        ),
        counts=_counts(tally),
        guessed=tally[_GUESSED],
        guessed_free=round(guessed_free, 2),
    )


def _group_order(group: Group) -> tuple[object, ...]:
    """Those that are used alike now stand together."""
    terms = group.terms or Terms()
    return (
        group.bay_type.value,
        sorted(group.access),
        -1 if group.max_stay_min is None else group.max_stay_min,
        terms.rule_ids,
        terms.override_ids,
        "" if terms.in_service_to is None else terms.in_service_to.isoformat(),
        terms.ev_connectors,
    )


def _share(observed: int, counts: Counts) -> float:
    in_use = counts.capacity - counts.closed
    return round(observed / in_use, 4) if in_use else 0.0


def _step(at: datetime | None) -> datetime | None:
    """`as_of` of a zone moves by whole minutes: heartbeats that change nothing must not make a new answer each."""
    if at is None:
        return None
    return at.replace(second=0, microsecond=0)
