"""How likely it is that what a sensor said last of a bay is not so any more, by what spells here are like.

Of all spells that begin alike, some still last; some have ended in a word that got lost or was never said (what is
shown is wrong); some of those have been followed by another like the first (what is shown is right again). A sensor may
also have stopped seeing at all. Which of the four it is nobody says, but how much there must be of each is known: the
probability here is that of the wrong ones, by Bayes' rule.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import exp, log
from typing import NamedTuple

from occupancy.arrivals import LOOKED_BACK, Came
from occupancy.model import Bay, BayId, State
from occupancy.spells import (
    ALL,
    STATES,
    LearntSpells,
    SpellRates,
    cell_of,
    hour_of_week,
    kind_of,
    part_of_week,
)

GRID_H: Sequence[float] = (
    *(quarter / 4 for quarter in range(16)),
    *(4 + half / 2 for half in range(16)),
    *(12.0 + hour for hour in range(37)),
)
"""Hours after the beginning of a spell at which its course is known; in between it is as at the last of them."""
_GRID = tuple(timedelta(hours=hours) for hours in GRID_H)
_ZONE_PRIOR = 30.0
"""Ends of spells, as expected, that a zone's own factor begins with."""
_FACTORS = (0.5, 0.6, 0.72, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0)
"""A zone's factor is one of these, so that zones share courses."""

UNSEEN = 2.0
"""Edges missed for each that was found out by what came after."""
_PRIOR_WORDS = 100.0
_PRIOR_MISSED = 2.0
_STAYS_HIDDEN = 0.4
"""Of edges missed, the share that a word which repeats the old state does not bring to light."""
_UNRECORDED = UNSEEN * _PRIOR_MISSED / _PRIOR_WORDS
"""Share of edges that go unseen with a sensor that has no record yet."""
_STUCK_PER_H = 0.001 / 24
"""Sensors that stop seeing, per hour: cities have seen one to two in a hundred a month; a doubt is cheap, so more."""
_CAME_PRIOR = 4.0
"""Arrivals, as many as usual, that those seen beside a bay are added to: an hour differs by half from its like."""
_LEAST = 1e-300
_LOOKED_BACK = bisect_right(GRID_H, LOOKED_BACK / timedelta(hours=1)) - 1


class Shown(NamedTuple):
    """What is shown of a bay: a state since an instant, last stated at another, by a sensor of this record."""

    state: State
    since: datetime
    stated_at: datetime
    agreed: int
    missed: int
    came: Came | None = None
    """Who came beside a free bay since it was freed; None: that is not looked at."""


class Course(NamedTuple):
    """What has become of spells that begin alike, by the points of `GRID_H`, as shares of all of them.

    `lasts`: it has not ended. `missed`: it ended unseen and the other state holds; `back`: that ended, too. `kept`:
    what is left of what was `missed` at the beginning (two points give what is left from one to the other). `other`:
    the bay is in the other state, seen or unseen. (`missed` and `back` are shares of those whose end goes unseen.)
    """

    lasts: Sequence[float]
    missed: Sequence[float]
    back: Sequence[float]
    kept: Sequence[float]
    other: Sequence[float]


class Plausibility:
    """What the learnt spells of one area say about what is shown of its bays."""

    def __init__(self, learnt: LearntSpells, time_zone: str) -> None:
        self.learnt = learnt
        self._time_zone = time_zone
        self._rates = SpellRates(learnt.kinds)
        self._alike: dict[BayId, tuple[Bay, str, float, float]] = {}
        self._courses: dict[tuple[str, float, float, State, int], Course] = {}

    def wrong(self, bay: Bay, shown: Shown, now: datetime) -> float:
        """The probability that what is shown is not so at `now`."""
        if shown.state not in STATES:
            return 0.0
        return _Weighed(self.course(bay, shown.state, shown.since), shown).wrong(_index(shown.since, now))

    def steps(self, bay: Bay, shown: Shown, after: datetime | None) -> Iterator[tuple[datetime, float]]:
        """(instant, that probability from then on) after an instant, in order, if nothing more is heard."""
        if shown.state not in STATES:
            return
        weighed = _Weighed(self.course(bay, shown.state, shown.since), shown)
        first = 1 if after is None else _index(shown.since, after) + 1
        for index in range(first, len(GRID_H)):
            at = shown.since + _GRID[index]
            if at > shown.stated_at:
                yield at, weighed.wrong(index)

    def blind(self, bay: Bay, state: State, since: datetime, now: datetime) -> tuple[float, float]:
        """The probability that a sensor which has said nothing else since `since` sees nothing any more, and the share
        of such spells that are over by `now`."""
        course, at = self.course(bay, state, since), _index(since, now)
        stuck = _STUCK_PER_H * GRID_H[at]
        lasts, unseen = course.lasts[at], _UNRECORDED * (course.missed[at] + course.back[at])
        return stuck / (lasts + unseen + stuck), 1 - lasts

    def free(self, bay: Bay, state: State, said_at: datetime, now: datetime) -> float:
        """The probability that a bay is free at `now`, of which nothing is known since it was in `state`."""
        other = self.course(bay, state, said_at).other[_index(said_at, now)]
        return other if state is State.OCCUPIED else 1 - other

    def free_steps(
        self, bay: Bay, state: State, said_at: datetime, after: datetime
    ) -> Iterator[tuple[datetime, float]]:
        """(instant, that probability from then on) after an instant, in order."""
        other = self.course(bay, state, said_at).other
        for index in range(_index(said_at, after) + 1, len(GRID_H)):
            free = other[index] if state is State.OCCUPIED else 1 - other[index]
            yield said_at + timedelta(hours=GRID_H[index]), free

    def course(self, bay: Bay, state: State, since: datetime) -> Course:
        """What becomes of the bay's spells of that state that begin in the same hour of the week."""
        alike = self._alike.get(bay.bay_id)
        if alike is None or alike[0] is not bay:
            kind = kind_of(bay)
            kind = kind if kind in self.learnt.kinds else ALL
            alike = self._alike[bay.bay_id] = (bay, kind, self._factor(bay, 0), self._factor(bay, 1))
        key = (*alike[1:], state, hour_of_week(since, self._time_zone))
        found = self._courses.get(key)
        if found is None:
            found = self._courses[key] = self._run(*key)
        return found

    def _factor(self, bay: Bay, state: int) -> float:
        """By how much spells end sooner in the bay's zone than elsewhere."""
        seen, expected = self.learnt.zones.get(bay.zone_id, ((0.0, 0.0), (0.0, 0.0)))[state]
        factor = (seen + _ZONE_PRIOR) / (expected + _ZONE_PRIOR)
        return min(_FACTORS, key=lambda one: abs(one - factor))

    def _run(self, kind: str, free: float, occupied: float, state: State, hour: int) -> Course:
        own, other = STATES.index(state), 1 - STATES.index(state)
        factors = (free, occupied)
        same = [rate * factors[own] for rate in self._rates.of(kind, own)]
        opposite = [rate * factors[other] for rate in self._rates.of(kind, other)]
        lasts, kept = 1.0, 1.0
        missed, back, turned, again = _Share(), _Share(), _Share(), _Share()
        rows = [(lasts, missed.share, back.share, kept, turned.share)]
        for start, end in pairwise(GRID_H):
            step, part = end - start, part_of_week(int(hour + 0.5 + (start + end) / 2))
            ended = lasts * (1 - exp(-same[cell_of(part, (start + end) / 2)] * step))
            lasts -= ended
            before = missed.share
            followed = missed.go_on(opposite, part, step, ended)
            kept *= 1 - followed / before if before else 1.0
            back.go_on(same, part, step, followed)
            returned = turned.go_on(opposite, part, step, ended)
            turned.add(again.go_on(same, part, step, returned), step)
            rows.append((lasts, missed.share, back.share, kept, turned.share))
        return Course(*zip(*rows, strict=True))


class _Share:
    """Spells that began at different times, by their share and their mean age in hours."""

    def __init__(self) -> None:
        self.share = self._age = 0.0

    def go_on(self, rates: Sequence[float], part: int, step: float, new: float) -> float:
        """Let `step` hours pass in which `new` ones begin; returns the share that ended."""
        ended = self.share * (1 - exp(-rates[cell_of(part, self._age + step / 2)] * step))
        self.share -= ended
        self._age += step
        self.add(new, step)
        return ended

    def add(self, new: float, step: float) -> None:
        """Take in a share that began in the step that is over."""
        if new:
            self._age = (self.share * self._age + new * step / 2) / (self.share + new)
            self.share += new


class _Weighed:
    """What is shown of a bay, ready to be asked for any point of the grid: most of it is the same at all of them."""

    def __init__(self, course: Course, shown: Shown) -> None:
        self._course = course
        self._missing = UNSEEN * (shown.missed + _PRIOR_MISSED) / (shown.agreed + shown.missed + _PRIOR_WORDS)
        self._word = _index(shown.since, shown.stated_at)
        self._came = shown.came

    def wrong(self, at: int) -> float:
        """The probability that it is not so, at a point of the grid."""
        course, word = self._course, min(at, self._word)
        lasts, missed, back = course.lasts[at], course.missed[at], course.back[at]
        # What had been missed by the last word would mostly have come to light then.
        found = (1 - _STAYS_HIDDEN) * course.missed[word]
        if found:
            left = found * course.kept[at] / course.kept[word] if course.kept[word] > 0 else 0.0
            missed, back = max(0.0, missed - left), max(0.0, back - (found - left))
        if self._came is not None and 0 < at < _LOOKED_BACK and lasts < 1:
            faster = _faster(self._came, lasts)
            sooner = (1 - lasts**faster) / (1 - lasts)
            lasts, missed, back = lasts**faster, sooner * missed, sooner * back
        stuck = _STUCK_PER_H * GRID_H[at]
        unseen = self._missing * missed
        return (unseen + stuck * course.other[at]) / (lasts + unseen + self._missing * back + stuck)


def _faster(came: Came, lasts: float) -> float:
    """By how much the free bays of a street were taken faster than usual, since a spell began of which so many last."""
    usual = -log(max(lasts, _LEAST)) * came.free
    return (came.seen + _CAME_PRIOR) / (usual + _CAME_PRIOR)


def _index(since: datetime, at: datetime) -> int:
    return max(0, bisect_right(GRID_H, (at - since) / _HOUR) - 1)


_HOUR = timedelta(hours=1)
