"""`baycast forecast drivers`: was there a bay, where a driver was told that there would be one?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np

from baycast.forecasting.drivers_city import BEGINS, Flags, SeenCity, seen_city
from baycast.measured import measured
from occupancy.forecast.chances import limits
from occupancy.forecast.first_days import untaught
from occupancy.forecast.gridding import busy_steps
from occupancy.forecast.issue import GRID, HORIZONS
from occupancy.forecast.issuing import REMEMBERED, Recent, issue
from occupancy.forecast.logit import log_odds, logistic
from occupancy.forecast.model import Model, empty_model
from occupancy.forecast.nearby import AT_ONE_SPOT, any_of
from occupancy.forecast.panel import Floats, Ints, Panel
from occupancy.forecast.prior import usual_week
from occupancy.forecast.training import train
from occupancy.forecast.untaught import untaught_horizons, untaught_weeks
from occupancy.forecast.usual import UsualWeek
from occupancy.model import AreaId
from simulator.scenarios import SCENARIOS

SURE = 0.8
"""A driver who is told so much goes there."""
AHEAD_MIN = (5, 10, 15, 30)
ASKED_EVERY = 3
"""Steps of the grid."""
DECILES = 10
_OPEN, _CLOSED = timedelta(hours=7), timedelta(hours=21)

Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which city, and after how many days of history each it is asked for a week."""

    bays: int = 300
    history: Sequence[int] = (1, 7, 28, 90)
    seed: int = 1
    scenario: str = "typical"
    tested_days: int = 7

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise ValueError(f"--scenario is one of {', '.join(SCENARIOS)}")
        if not 1 <= self.bays <= 3_300:
            raise ValueError("--bays is from 1 to 3300")
        if not self.history or not all(0 <= days <= 365 for days in self.history):
            raise ValueError("--history is days from 0 to 365")


@dataclass(slots=True)
class _Answers:
    """Chances that were said of some arrivals, and whether there was a bay (1) or not (0)."""

    ours: list[Floats] = field(default_factory=list)
    free_now: list[Floats] = field(default_factory=list)
    known_before: list[Floats] = field(default_factory=list)
    came: list[Floats] = field(default_factory=list)
    known_as: str = "climatology"
    """What `known_before` is: how often a bay was free at that time of the week, or what is said by a half."""

    def figures(self, name: str) -> Iterator[tuple[str, float | None]]:
        """By name, as the command gives them; `name` says how far ahead, and after how many days."""
        if not self.came:
            yield f"asked.{name}", 0
            return
        ours, before, now, came = (
            np.concatenate(one) for one in (self.ours, self.known_before, self.free_now, self.came)
        )
        sure = ours >= SURE
        brier = float(((ours - came) ** 2).mean())
        yield f"asked.{name}", len(came)
        yield f"had_bay.{name}", float(came.mean())
        yield f"sure_share.{name}", float(sure.mean())
        yield f"sure_kept.{name}", float(came[sure].mean()) if sure.any() else None
        yield f"free_now_kept.{name}", float(came[now >= SURE].mean()) if (now >= SURE).any() else None
        for against, said in ((self.known_as, before), ("free_now", now)):
            theirs = float(((said - came) ** 2).mean())
            yield f"brier_skill_{against}.{name}", 1 - brier / theirs if theirs else None
        yield f"brier.{name}", brier
        bins = np.minimum((ours * DECILES).astype(np.int64), DECILES - 1)
        counts = np.bincount(bins, minlength=DECILES)
        said_of, came_of = (np.bincount(bins, one, DECILES) for one in (ours, came))
        yield f"ece.{name}", float(np.abs(said_of - came_of).sum() / len(came))
        for decile in np.flatnonzero(counts):
            yield f"said.{name}.{decile}", float(said_of[decile] / counts[decile])
            yield f"came.{name}.{decile}", float(came_of[decile] / counts[decile])


def measure(plan: Plan, tell: Callable[[str], None]) -> dict[str, object]:
    """Play the city, and ask on the days after each history."""
    days = max(plan.history) + plan.tested_days
    city = seen_city(bays=plan.bays, days=days, seed=plan.seed, scenario=plan.scenario, tell=tell)
    figures: Figures = {"bays": plan.bays, "zones": city.zones, "places": len(city.places)}
    for history in plan.history:
        tell(f"asking after {history} days")
        for ahead, answers in _Asking(city, history).answers(plan.tested_days).items():
            figures.update(answers.figures(f"{ahead}m.{history}d"))
        if not history:
            figures.update({f"{name}.0d": value for name, value in _shares_untaught(city, plan).items()})
    return measured("forecast drivers", plan.seed, figures, scenario=plan.scenario)


class _Asking:
    """A model of some days, and what it says on the days after them."""

    def __init__(self, city: SeenCity, days: int) -> None:
        self._city, self._first = city, days * GRID.per_day
        self._model = self._taught() if days else self._untaught()
        self._halves = None if days else _of_halves(self._model, city.bays)
        self._climatology = self._usual()

    def answers(self, days: int) -> dict[int, _Answers]:
        """Of the days that follow, by minutes ahead."""
        known_as = "climatology" if self._halves is None else "half"
        found = {ahead: _Answers(known_as=known_as) for ahead in AHEAD_MIN}
        last = self._first + days * GRID.per_day - max(AHEAD_MIN) // 5
        for step in range(self._first, last, ASKED_EVERY):
            said = self._said(self._model, step)
            by_half = None if self._halves is None else self._said(self._halves, step)
            for ahead, answers in found.items():
                target = step + ahead // 5
                self._judge(step, target, said[ahead], None if by_half is None else by_half[ahead], answers)
        return found

    def _taught(self) -> Model:
        city, until = self._city, BEGINS + self._first * GRID.step
        before = Panel(GRID, city.panel.shares[: self._first], city.panel.slots[: self._first])
        return train(before, city.asked, city.kinds, city.bays, until)

    def _untaught(self) -> Model:
        return empty_model(self._city.asked, self._city.kinds, self._city.bays)

    def _said(self, model: Model, step: int) -> dict[int, Floats]:
        """By minutes ahead, the chance of a free bay at each place."""
        city = self._city
        now = BEGINS + step * GRID.step
        shares = city.panel.shares[max(0, step - REMEMBERED + 1) : step + 1]
        recent = Recent(now, shares, now, shares[-1])
        found = issue(model, AreaId("cardiff"), recent, city.bays, city.week, now)
        odds, at = log_odds(found.any_free), [ahead.total_seconds() / 60 for ahead in HORIZONS]
        return {
            ahead: logistic(np.array([np.interp(ahead, at, place) for place in odds])) for ahead in AHEAD_MIN
        }

    def _judge(self, step: int, target: int, said: Floats, by_half: Floats | None, answers: _Answers) -> None:
        city, quarter = self._city, self._city.quarter(target)
        usable = city.open_to_all[quarter]
        asked = self._by_zone(usable & city.controlled[quarter]) > 0
        if not asked.any():
            return
        free = city.truly_free[target] & usable[city.place_of]
        there = np.bincount(city.zone_of[city.place_of[free]], minlength=city.zones) > 0
        before = self._climatology[city.panel.slots[target]]
        if by_half is not None:
            before = self._some_of_zone(by_half, usable)
        now = self._some_free(step, usable)
        answers.ours.append(self._some_of_zone(said, usable)[asked])
        answers.known_before.append(before[asked])
        answers.free_now.append(np.where(np.isfinite(now), now, before)[asked])
        answers.came.append(there[asked].astype(float))

    def _some_of_zone(self, said: Floats, usable: Flags) -> Floats:
        """(zones,): the chance of a usable bay, by the rule that drivers are told it by."""
        zones = range(self._city.zones)
        return np.array(
            [any_of(said[usable & (self._city.zone_of == zone)].tolist(), AT_ONE_SPOT) for zone in zones]
        )

    def _usual(self) -> Floats:
        """How often a bay was seen free that anybody might use, (slots of the week, zones)."""
        city, week = self._city, UsualWeek(GRID, self._city.zones, float("inf"))
        for begin in range(0, self._first, GRID.per_day):
            steps = range(begin, begin + GRID.per_day)
            seen = [self._some_free(step, city.open_to_all[city.quarter(step)]) for step in steps]
            week.take_up(city.panel.slots[begin : begin + GRID.per_day], np.stack(seen))
        return week.shares()

    def _some_free(self, step: int, usable: Flags) -> Floats:
        """(zones,): 1 where a usable bay is seen free, 0 where none is; NaN: nothing is known."""
        city, shares = self._city, self._city.panel.shares[step]
        known = usable & np.isfinite(shares)
        free = known & (np.nan_to_num(shares, nan=1.0) <= limits(city.bays.astype(float)))
        found = np.where(self._by_zone(free) > 0, 1.0, 0.0)
        return np.where(self._by_zone(known) > 0, found, np.nan)

    def _by_zone(self, of_places: Floats | Flags) -> Floats:
        """Sums."""
        found: Floats = np.bincount(self._city.zone_of, of_places, self._city.zones).astype(np.float64)
        return found


def _shares_untaught(city: SeenCity, plan: Plan) -> dict[str, float]:
    """How far from what was seen the shares are that are said of places before anything was learnt."""
    steps = slice(0, plan.tested_days * GRID.per_day)
    seen = Panel(GRID, city.panel.shares[steps], city.panel.slots[steps])
    return untaught(
        seen,
        city.bays,
        busy_steps(seen, _OPEN, _CLOSED)[::ASKED_EVERY],
        usual_week(city.kinds, GRID),
        plan.seed,
    )


def _of_halves(model: Model, bays: Ints) -> Model:
    """The same where any place is taken to be usually half full."""
    half = np.full_like(model.weeks.usual, 0.5)
    return replace(model, weeks=untaught_weeks(half, bays), horizons=untaught_horizons(half, bays, GRID))
