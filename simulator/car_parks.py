"""One car park: how many vehicles are in it, who would come now, and when they must be out."""

from __future__ import annotations

from random import Random

from simulator.civil import QUARTER_MS, LocalWeek, weekday_and_hour
from simulator.demand import arrivals_per_s, share_taken, stays
from simulator.plan import CarParkPlan

_SOON_MIN = 15
_SHARE_WHEN_CLOSED = 0.03
_STAY_OVER_NIGHT = 0.04
_QUARTERS_A_WEEK = 7 * 96


class CarPark:
    """Vehicles inside one car park, by number only."""

    def __init__(self, plan: CarParkPlan, week: LocalWeek) -> None:
        self.plan = plan
        self.occupied = 0
        self.stays = stays("general", plan.profile, None)
        self._week = week
        self._shares: dict[int, float] = {}

    def is_open(self, at_ms: int) -> bool:
        return self.plan.is_open(self._week.minute(at_ms))

    def usual(self, at_ms: int) -> int:
        """Vehicles that are usually inside at this time."""
        share = self._share(self._week.minute(at_ms)) if self.is_open(at_ms) else _SHARE_WHEN_CLOSED
        return round(share * self.plan.capacity)

    def demand(self, at_ms: int) -> float:
        """Arrivals per second; none while closed."""
        if not self.is_open(at_ms):
            return 0.0
        minute = self._week.minute(at_ms)
        share, soon = self._share(minute), self._share(minute + _SOON_MIN)
        return arrivals_per_s(share, soon, _SOON_MIN * 60, self.stays.mean_s) * self.plan.capacity

    def leaves_at(self, now_ms: int, wanted_ms: int, random: Random) -> int:
        """When a vehicle that would leave at `wanted_ms` really does: before closing, or after the next
        opening."""
        if self.is_open(wanted_ms):
            return wanted_ms
        closing = self._first_quarter(wanted_ms, -1) + QUARTER_MS
        leaving = closing - int(random.uniform(60, 1_500) * 1000)
        if leaving > now_ms + 60_000 and random.random() >= _STAY_OVER_NIGHT:
            return leaving
        opening = self._first_quarter(wanted_ms, 1)
        return max(opening, now_ms) + int(random.uniform(60, 5_400) * 1000)

    def _share(self, week_minute: int) -> float:
        found = self._shares.get(week_minute)
        if found is None:
            weekday, hour = weekday_and_hour(week_minute)
            found = share_taken("general", self.plan.profile, weekday, hour, open_to_all=True, shared=False)
            self._shares[week_minute] = found
        return found

    def _first_quarter(self, at_ms: int, step: int) -> int:
        """Start of the nearest open quarter hour in that direction; `at_ms` if there is none in a week."""
        quarter = at_ms // QUARTER_MS
        for _ in range(_QUARTERS_A_WEEK):
            if self.is_open(quarter * QUARTER_MS):
                return quarter * QUARTER_MS
            quarter += step
        return at_ms
