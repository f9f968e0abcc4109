"""How far the counts of car parks are from the truth, with drift control and without, side by side.

Recorded counts become passages seen by faulty gates (`simulator.gate_faults`); the same passages and the same sparse
recounts go through the engine's counting, and through plain adding and subtracting. Both are asked at recorded times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from occupancy.availability import car_park_availability
from occupancy.car_park import OPERATOR, CarPark, CountEvent, CountFold
from occupancy.gates import count_tail, step_count
from occupancy.model import AreaId, DeviceId, Gate, Name, ReadingKey, Zone, ZoneId, ZoneKind
from simulator.gate_faults import HEADWAY_S, HEARTBEAT_S, GateFaults, Seen, Truth, lanes, observed
from simulator.recordings import Recording, Row

_ASKED_EVERY = timedelta(minutes=15)
_HEADWAY_KNOWN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CarParkTask:
    """`recount_every`: how often somebody counts. `start`, `end`: rows outside are left out."""

    faults: GateFaults
    recount_every: timedelta
    start: datetime | None = None
    end: datetime | None = None
    places: int | None = None
    """So many car parks, spread over the recording; None: all."""
    seed: int = 0


@dataclass(slots=True)
class Tally:
    """Sums over the answers of all car parks."""

    places: int = 0
    asked: int = 0
    known: int = 0
    estimated: int = 0
    error: float = 0.0
    error_share: float = 0.0
    naive_error: float = 0.0
    naive_error_share: float = 0.0
    naive_error_all: float = 0.0
    held: int = 0
    width_share: float = 0.0
    negative: int = 0
    above_capacity: int = 0
    naive_negative: int = 0
    naive_above_capacity: int = 0
    recounts: int = 0
    passages: int = 0

    def figures(self) -> Mapping[str, float]:
        known, asked = max(1, self.known), max(1, self.asked)
        return {
            "mae": self.error / known,
            "naive_mae": self.naive_error / known,
            "mae_share": self.error_share / known,
            "naive_mae_share": self.naive_error_share / known,
            "naive_mae_all": self.naive_error_all / asked,
            "interval_coverage": self.held / known,
            "interval_width_share": self.width_share / known,
            "unknown_share": 1 - self.known / asked,
            "estimated_share": self.estimated / asked,
            "negative": self.negative,
            "above_capacity": self.above_capacity,
            "naive_negative": self.naive_negative,
            "naive_above_capacity": self.naive_above_capacity,
            "places": self.places,
            "asked": self.asked,
            "recounts": self.recounts,
            "passages": self.passages,
        }


def score(recording: Recording, task: CarParkTask) -> Tally:
    """Every car park of a recording, one after the other."""
    tally = Tally()
    every = recording.places
    chosen = set(every[:: max(1, len(every) // task.places)][: task.places]) if task.places else set(every)
    rows: dict[str, list[Row]] = {}
    for row in recording.rows():
        if row.place not in chosen:
            continue
        if (task.start is None or row.at >= task.start) and (task.end is None or row.at < task.end):
            rows.setdefault(row.place, []).append(row)
    for place, own in rows.items():
        capacity = recording.capacity_of(place)
        if capacity:
            park = _park(place, capacity, recording.time_zone)
            _Judged(park, capacity, task, tally).run(
                observed(own, capacity, task.faults, f"{task.seed}/{place}")
            )
    return tally


def _park(place: str, capacity: int, time_zone: str) -> CarPark:
    area = AreaId("recorded")
    zone = Zone(
        zone_id=ZoneId("park"),
        area_id=area,
        kind=ZoneKind.CAR_PARK,
        name=Name(en=place),
        lat=0.0,
        lon=0.0,
        capacity=capacity,
    )
    gates = tuple(
        Gate(
            device_id=DeviceId(name),
            zone_id=zone.zone_id,
            area_id=area,
            model="anpr",
            expected_heartbeat_s=HEARTBEAT_S,
            min_headway_s=min(HEADWAY_S, _HEADWAY_KNOWN_S),
        )
        for name in lanes(capacity)
    )
    return CarPark(zone=zone, gates=gates, time_zone=time_zone)


class _Judged:
    """One car park: the engine's count and the plain one beside the truth."""

    def __init__(self, park: CarPark, capacity: int, task: CarParkTask, tally: Tally) -> None:
        self._park = park
        self._capacity = capacity
        self._task = task
        self._tally = tally
        self._fold: CountFold | None = None
        self._plain: int | None = None
        self._seq = 0
        self._asked_at: datetime | None = None
        self._recounted_at: datetime | None = None

    def run(self, said: Iterator[Seen | Truth]) -> None:
        self._tally.places += 1
        for what in said:
            if isinstance(what, Seen):
                self._see(what)
            else:
                self._ask(what)

    def _see(self, seen: Seen) -> None:
        self._step(seen.at, DeviceId(seen.gate), delta=seen.delta or None, vehicle=seen.token)
        self._tally.passages += abs(seen.delta)
        if self._plain is not None:
            self._plain += seen.delta

    def _ask(self, truth: Truth) -> None:
        if self._plain is not None and (self._asked_at is None or truth.at - self._asked_at >= _ASKED_EVERY):
            self._asked_at = truth.at
            self._judge(truth)
        every = self._task.recount_every
        if self._recounted_at is None or truth.at - self._recounted_at >= every:
            self._recounted_at = truth.at
            self._plain = max(0, truth.occupied)
            self._tally.recounts += 1
            self._step(truth.at, OPERATOR, count=self._plain)

    def _step(
        self,
        at: datetime,
        device_id: DeviceId,
        *,
        count: int | None = None,
        delta: int | None = None,
        vehicle: str | None = None,
    ) -> None:
        self._seq += 1
        event = CountEvent(at, device_id, ReadingKey(0, 1, self._seq), count, delta, vehicle=vehicle)
        self._fold, _ = step_count(self._park, self._fold, event)

    def _judge(self, truth: Truth) -> None:
        tally, capacity, plain = self._tally, self._capacity, self._plain or 0
        true = min(max(0, truth.occupied), capacity)
        off = abs(min(max(0, plain), capacity) - true)
        tally.asked += 1
        tally.naive_error_all += off
        tally.naive_negative += plain < 0
        tally.naive_above_capacity += plain > capacity
        if self._fold is None:
            return
        span = count_tail(self._park, self._fold, truth.at)[-1]
        answer = car_park_availability(self._park.zone, span, self._fold.as_of, is_open=True)
        occupied = answer.counts.occupied
        tally.negative += occupied < 0 or answer.free_min < 0
        tally.above_capacity += occupied > capacity or answer.free_max > capacity
        if answer.counts.unknown:
            return
        tally.known += 1
        tally.estimated += span.estimated
        tally.error += abs(occupied - true)
        tally.error_share += abs(occupied - true) / capacity
        tally.naive_error += off
        tally.naive_error_share += off / capacity
        tally.held += answer.free_min <= capacity - true <= answer.free_max
        tally.width_share += (answer.free_max - answer.free_min) / capacity
