"""The bays of one street: which are free, who would come now, and where a driver may stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from random import Random

from simulator.civil import weekday_and_hour
from simulator.demand import Stays, arrivals_per_s, share_taken, stays
from simulator.plan import Admission, BayPlan, Timetable

_QUARTER_MIN = 15
BETWEEN_VEHICLES_MS = 30_000
"""A bay stays empty this long between two vehicles: manoeuvring takes time, and no sensor resolves less."""


class _Alike:
    """Bays with one timetable. `free` holds their indices; `place` says where each stands in it (swap and
    pop)."""

    def __init__(self, timetable: Timetable) -> None:
        self.timetable = timetable
        self.bays: list[int] = []
        self.free: list[int] = []
        self.place: dict[int, int] = {}

    def put(self, bay: int) -> None:
        self.place[bay] = len(self.free)
        self.free.append(bay)

    def take(self, bay: int) -> None:
        at = self.place.pop(bay)
        last = self.free.pop()
        if last != bay:
            self.free[at] = last
            self.place[last] = at


class Demand:
    """Drivers who come to a street, each so often a second; `rate` is that of all of them."""

    __slots__ = ("_cumulative", "_drivers", "rate")

    def __init__(self, rates: Sequence[tuple[str, float]]) -> None:
        self.rate = sum(rate for _, rate in rates)
        self._drivers = [driver for driver, _ in rates]
        self._cumulative = list(accumulate(rate for _, rate in rates))

    def draw(self, random: Random) -> str | None:
        """Who comes next; None: nobody does."""
        return random.choices(self._drivers, cum_weights=self._cumulative)[0] if self._drivers else None


class Street:
    """Free bays by timetable, and the demand for them. Indices are those of the plan's bays."""

    def __init__(self, bays: Sequence[tuple[int, BayPlan]], pace: float = 1.0) -> None:
        self.profile = bays[0][1].profile
        self._pace = pace
        self._alike: dict[Timetable, _Alike] = {}
        self._of: dict[int, _Alike] = {}
        for index, bay in bays:
            alike = self._alike.setdefault(bay.timetable, _Alike(bay.timetable))
            alike.bays.append(index)
            alike.put(index)
            self._of[index] = alike
        drivers = {
            driver
            for alike in self._alike.values()
            for admission in alike.timetable.admissions
            for driver in admission.drivers
        }
        if "general" in drivers:
            drivers |= {"blue_badge", "ev"}
        self._drivers = sorted(drivers)
        self._demand: dict[int, Demand] = {}

    def bays(self) -> Iterable[int]:
        return self._of

    def take(self, bay: int) -> None:
        self._of[bay].take(bay)

    def put(self, bay: int) -> None:
        self._of[bay].put(bay)

    def admission(self, bay: int, week_minute: int) -> Admission:
        return self._of[bay].timetable.at(week_minute)

    def stays(self, driver: str, admission: Admission) -> Stays:
        """How long such a driver stays in such a bay."""
        return stays(driver, self.profile, admission.max_stay_min, self._pace)

    def shares(self, admission: Admission, week_minute: int) -> list[tuple[str, float]]:
        """Who would be in such a bay now, and with what probability each."""
        weekday, hour = weekday_and_hour(week_minute)
        permits = sum(driver.startswith("permit:") for driver in admission.drivers)
        open_to_all = "general" in admission.drivers
        found = []
        for driver in self._drivers:
            if admission.admits(driver) and (not driver.startswith("permit:") or driver in admission.drivers):
                share = share_taken(
                    driver,
                    self.profile,
                    weekday,
                    hour,
                    open_to_all=open_to_all,
                    shared=open_to_all and permits > 0,
                )
                found.append((driver, share / permits if driver.startswith("permit:") else share))
        return found

    def demand(self, week_minute: int) -> Demand:
        """Who comes how often, the same for a whole quarter hour."""
        quarter = week_minute // _QUARTER_MIN
        found = self._demand.get(quarter)
        if found is None:
            found = self._demand[quarter] = self._demand_at(quarter * _QUARTER_MIN)
        return found

    def _demand_at(self, week_minute: int) -> Demand:
        rates = dict.fromkeys(self._drivers, 0.0)
        for alike in self._alike.values():
            admission = alike.timetable.at(week_minute)
            soon = dict(self.shares(admission, week_minute + _QUARTER_MIN))
            for driver, share in self.shares(admission, week_minute):
                mean_s = self.stays(driver, admission).mean_s
                per_bay = arrivals_per_s(share, soon[driver], _QUARTER_MIN * 60, mean_s)
                rates[driver] += per_bay * len(alike.bays)
        return Demand([(driver, rate) for driver, rate in rates.items() if rate > 0])

    def choose(
        self, driver: str, week_minute: int, ready: Callable[[int], bool], random: Random
    ) -> int | None:
        """A free bay that this driver may use, those kept for such drivers first; None: there is none."""
        kept: list[_Alike] = []
        open_to_all: list[_Alike] = []
        for alike in self._alike.values():
            admission = alike.timetable.at(week_minute)
            if alike.free and admission.admits(driver):
                (open_to_all if "general" in admission.drivers else kept).append(alike)
        for group in (kept, open_to_all):
            for _ in range(4 if group else 0):
                alike = random.choices(group, [len(one.free) for one in group])[0]
                bay = alike.free[random.randrange(len(alike.free))]
                if ready(bay):
                    return bay
        return None
