"""What the counting of one car park deals in: its registry entry, what its gates say, and where the count stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cached_property

import msgspec

from occupancy.calendar import civil_at, zone_of
from occupancy.drift import Drift, Learnt
from occupancy.flows import Flow
from occupancy.model import (
    AnyReading,
    CountReading,
    DeviceId,
    Direction,
    Gate,
    PassageReading,
    ReadingKey,
    Zone,
    ZoneId,
)
from occupancy.visits import Visits

COUNTER_MODEL = "counter"
"""The gate model that stands for the car park's own system and sends absolute counts."""

OPERATOR = DeviceId("~operator")
"""Who counts in a recount; no device can have this id."""

NIGHT = time(4)
"""The civil time at which a car park is quietest, and what is inside stays the night."""


@dataclass(frozen=True, slots=True, order=True)
class CountEvent:
    """What one gate said, ordered as it is folded. `count` and `delta` None: only a sign of life."""

    at: datetime
    device_id: DeviceId
    key: ReadingKey
    count: int | None = None
    delta: int | None = None
    capacity: int | None = field(default=None, compare=False)
    vehicle: str | None = field(default=None, compare=False, repr=False)
    """Compared with that of other passages only; stored nowhere but with the reading (L10)."""


@dataclass(frozen=True, slots=True)
class Recount:
    """Somebody went and counted. `position` and `ordinal` are its place in the log."""

    zone_id: ZoneId
    at: datetime
    occupied: int
    position: int
    ordinal: int

    def event(self) -> CountEvent:
        return CountEvent(self.at, OPERATOR, ReadingKey(0, self.position, self.ordinal), count=self.occupied)


class CountFold(msgspec.Struct, frozen=True, kw_only=True):
    """Where the count stands. `occupied` None: not known."""

    since: datetime
    as_of: datetime
    occupied: int | None = None
    over: bool = False
    counted_at: datetime | None = None
    heard: tuple[tuple[DeviceId, datetime], ...] = ()
    """Last word of each passage gate, by device."""
    gap: bool = False
    """Whether a passage gate was silent beyond its promise since the anchor: the gates support the count no more."""
    estimated: bool = False
    """Whether a silence since the last count was bridged by what is usual: an estimate, not a count (L5)."""
    capacity: int | None = None
    """What the car park's own system said of its capacity last."""
    drift: Drift | None = None
    """None: never counted."""
    learnt: Learnt = msgspec.field(default_factory=Learnt)
    flows: tuple[tuple[DeviceId, Flow], ...] = ()
    lanes: tuple[tuple[DeviceId, int, datetime], ...] = ()
    """Last passage of each gate that cannot be passed at once, by direction."""
    visits: Visits = msgspec.field(default_factory=Visits)
    night_at: datetime | None = None
    """When the next night is asked what it says."""
    folded: int = 0
    """Events folded so far; decides when a checkpoint is due."""

    @property
    def passages(self) -> int:
        """Passages since the last absolute count."""
        return 0 if self.drift is None or self.occupied is None else self.drift.ins + self.drift.outs

    @property
    def spread(self) -> int:
        """Half the width of the interval around `occupied` that is to hold the truth."""
        return 0 if self.drift is None or self.occupied is None else self.drift.spread


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSpan:
    """One count during [started_at, ended_at); `passages` since the anchor, as the span began."""

    started_at: datetime
    ended_at: datetime | None
    occupied: int | None
    over: bool
    passages: int
    spread: int = 0
    capacity: int | None = None
    estimated: bool = False

    @property
    def health(self) -> str:
        """`underflow` or `overflow` where the passages ran into a bound, as UK outstations name it."""
        if not self.over:
            return "normal"
        return "overflow" if self.occupied else "underflow"


@dataclass(frozen=True, kw_only=True)
class CarPark:
    """What the registry says of the counting of one car park."""

    zone: Zone
    gates: tuple[Gate, ...]
    time_zone: str

    @property
    def zone_id(self) -> ZoneId:
        return self.zone.zone_id

    @cached_property
    def counter_silent_after(self) -> timedelta:
        """How long an absolute count stands; a park without a counter of its own is held to its slowest gate."""
        counters = [gate for gate in self.gates if gate.model == COUNTER_MODEL] or self.gates
        return max((gate.silent_after for gate in counters), default=timedelta(0))

    @cached_property
    def passage_gates(self) -> tuple[Gate, ...]:
        return tuple(gate for gate in self.gates if gate.model != COUNTER_MODEL)

    @cached_property
    def gate_of(self) -> dict[DeviceId, Gate]:
        """The passage gates by device."""
        return {gate.device_id: gate for gate in self.passage_gates}

    @cached_property
    def promises(self) -> dict[DeviceId, timedelta]:
        """How long each passage gate may say nothing."""
        return {gate.device_id: gate.silent_after for gate in self.passage_gates}

    @property
    def longest_stay(self) -> timedelta:
        return timedelta(hours=self.zone.longest_stay_h)

    def capacity_at(self, at: datetime, said: int | None = None) -> int:
        """Bays in use at an instant; what the car park's own system `said` stands above the registry."""
        return scheduled_capacity(self.zone, self.time_zone, at) if said is None else said

    def night_after(self, at: datetime) -> datetime:
        """The next quiet of the night after an instant."""
        zone = zone_of(self.time_zone)
        day = at.astimezone(zone).date()
        night = datetime.combine(day, NIGHT, zone).astimezone(UTC)
        while night <= at:
            day += timedelta(days=1)
            night = datetime.combine(day, NIGHT, zone).astimezone(UTC)
        return night


def scheduled_capacity(zone: Zone, time_zone: str, at: datetime) -> int:
    """The capacity that the registry has for an instant."""
    if zone.capacity_hours:
        civil = civil_at(time_zone, at)
        for hours in zone.capacity_hours:
            if civil.weekday in hours.days and hours.starts_min <= civil.minute < hours.ends_min:
                return hours.capacity
    return zone.capacity or 0


def event_of(reading: AnyReading, at: datetime) -> CountEvent:
    """The event that a gate's reading is, at its observed time."""
    match reading:
        case CountReading():
            return CountEvent(
                at, reading.device_id, reading.key, count=reading.occupied, capacity=reading.capacity
            )
        case PassageReading():
            delta = 1 if reading.direction is Direction.IN else -1
            return CountEvent(at, reading.device_id, reading.key, delta=delta, vehicle=reading.vehicle)
        case _:
            return CountEvent(at, reading.device_id, reading.key)
