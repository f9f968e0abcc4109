"""The city that the simulator plays, as plain data. Who may park where is a weekly timetable, ready to read.

The composition root makes it from a registry (`baycast.world_plan`); nothing in here knows where it came
from.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import StrEnum

MINUTES_A_WEEK = 7 * 1440


class Profile(StrEnum):
    """The rhythm of a street or car park: when it fills and how long people stay."""

    SHOPPING = "shopping"
    OFFICE = "office"
    RESIDENTIAL = "residential"
    EVENING = "evening"


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may use a bay in one stretch of the week. `drivers` empty: nobody.

    `drivers` holds "general" (everybody), "blue_badge", "permit:CODE", "loading", "ev", "motorcycle",
    "coach". `max_stay_min` is the limit for a general driver, in minutes; None: no limit.
    """

    drivers: frozenset[str]
    max_stay_min: int | None = None

    def admits(self, driver: str) -> bool:
        return "general" in self.drivers or driver in self.drivers


@dataclass(frozen=True, slots=True)
class Timetable:
    """Admissions by minute of the local week (Monday 00:00 = 0): `starts[i]` is when `admissions[i]` begins.

    `starts` begins with 0 and rises; the last entry lasts to the end of Sunday.
    """

    starts: tuple[int, ...]
    admissions: tuple[Admission, ...]

    def __post_init__(self) -> None:
        if not self.starts or self.starts[0] != 0 or len(self.starts) != len(self.admissions):
            raise ValueError("a timetable begins at minute 0 and has one admission for each start")
        if list(self.starts) != sorted(set(self.starts)) or self.starts[-1] >= MINUTES_A_WEEK:
            raise ValueError(f"the starts of a timetable rise within the week: {self.starts}")

    def at(self, week_minute: int) -> Admission:
        return self.admissions[bisect_right(self.starts, week_minute) - 1]


OPEN_TO_ALL = Timetable((0,), (Admission(frozenset({"general"})),))


@dataclass(frozen=True, slots=True, kw_only=True)
class BayPlan:
    """One bay and, where it has one, the sensor that watches it."""

    bay_id: str
    zone_id: str
    profile: Profile
    timetable: Timetable = OPEN_TO_ALL
    device_id: str | None = None
    heartbeat_s: int = 900
    model: str = ""
    """The maker's name for the kind of sensor; `simulator.sensor_models` knows some."""
    neighbours: tuple[str, ...] = ()
    """Bays whose vehicles stand close enough to disturb this one's sensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePlan:
    """A barrier, loop or camera. `ways` holds "in", "out" or both."""

    device_id: str
    ways: frozenset[str] = frozenset({"in", "out"})
    heartbeat_s: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterPlan:
    """The car park's own system, which sends absolute counts."""

    device_id: str
    every_s: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class CarParkPlan:
    """`opening` holds (first, last) minutes of the local week, half open; empty: always open."""

    zone_id: str
    capacity: int
    profile: Profile = Profile.SHOPPING
    gates: tuple[GatePlan, ...] = ()
    counter: CounterPlan | None = None
    opening: tuple[tuple[int, int], ...] = ()

    def is_open(self, week_minute: int) -> bool:
        return not self.opening or any(first <= week_minute < last for first, last in self.opening)


@dataclass(frozen=True, slots=True, kw_only=True)
class CityPlan:
    """Everything the simulator plays. Bays of one zone stand together, in their order along the street."""

    area_id: str
    time_zone: str
    bays: tuple[BayPlan, ...]
    car_parks: tuple[CarParkPlan, ...] = ()
    pace: float = 1.0
    """How many times as many drivers come to the streets, each for so much shorter: as full, but livelier."""
    event_clock: bool = False
    """The area takes its time from our clock messages, so it may run faster or slower than the real one."""

    def first_bays(self, count: int) -> CityPlan:
        """Return the plan with the first `count` sensed bays only (bays without a sensor go), and all car
        parks."""
        sensed = tuple(bay for bay in self.bays if bay.device_id is not None)
        return replace(self, bays=sensed[:count])

    def device_ids(self) -> list[str]:
        found = [bay.device_id for bay in self.bays if bay.device_id is not None]
        for park in self.car_parks:
            found.extend(gate.device_id for gate in park.gates)
            if park.counter is not None:
                found.append(park.counter.device_id)
        return found
