"""When the short spells of an area's bays ended, as far as it is remembered, and which sensors chatter by that."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from occupancy.chatter import FEWEST, WINDOW, chatter, chatter_spans, is_short, span_of
from occupancy.learnt import Timeline
from occupancy.model import BayInterval, DeviceId, State, SuspicionKind
from occupancy.page import BEGINNING, Page
from occupancy.registry import Registry
from occupancy.said_suspicions import Key, SaidSuspicions
from occupancy.schedule import Schedule


class ShortSpells:
    """What follows from them is said in `said`, and goes into the page that is handed over."""

    def __init__(self, registry: Registry, timeline: Timeline, said: SaidSuspicions) -> None:
        self.registry = registry
        self._timeline = timeline
        self._said = said
        self._from = BEGINNING
        """What ended before is settled."""
        self._ends: dict[Key, list[datetime]] = {}
        self._calming: Schedule[Key] = Schedule()
        """Who may chatter less by then."""

    def load(self, ends: Mapping[Key, Sequence[datetime]], watermark: datetime) -> None:
        for key, own in ends.items():
            self._ends[key] = list(own)
            self._plan_calming(key, own, watermark)

    def saw(
        self,
        key: Key,
        cut: datetime,
        intervals: Sequence[BayInterval],
        watermark: datetime | None,
        page: Page,
    ) -> None:
        """A bay's intervals by one sensor, from `cut` on, are these now, in order."""
        ends = [then.started_at for one, then in pairwise(intervals) if is_short(one, then)]
        known = self._ends.get(key)
        if known is None and not ends:
            return
        known = known or []
        goes_on = intervals and intervals[0].started_at == cut and intervals[0].state is not State.UNKNOWN
        kept = (bisect_right if goes_on else bisect_left)(known, cut)
        if known[kept:] == ends:
            return
        self._ends[key] = [*known[:kept], *(end for end in ends if end > self._from)]
        self.weigh(key, watermark, page)

    def advance(self, watermark: datetime, page: Page) -> set[DeviceId]:
        """The watermark moves on. Returns the sensors that are believed again, or no longer."""
        due = list(self._calming.reached(watermark))
        return {key[1] for key in due if self.weigh(key, watermark, page)}

    def weigh_all(self, watermark: datetime, page: Page) -> set[DeviceId]:
        """Other limits hold. Returns the sensors of which something else is said now."""
        some = [key for key, ends in self._ends.items() if len(ends) >= FEWEST]
        return {key[1] for key in some if self.weigh(key, watermark, page)}

    def weigh(self, key: Key, watermark: datetime | None, page: Page) -> bool:
        """Say when a sensor chatters, as far as that is not settled. Whether it is another than was said."""
        bay, ends = self.registry.bays.get(key[0]), self._ends.get(key, [])
        if watermark is None:
            return False

        def most_at(at: datetime) -> int | None:
            known = self._timeline.at(at)
            return None if known is None or bay is None else known.most_short_spells(bay)

        start = self._from + WINDOW
        turns = [known.learnt.holds_from for known in self._timeline.beginning_in(start, watermark)]
        said = self._said.of(key, SuspicionKind.CHATTER)
        lasted = next((row for row in said if row.began_at < start <= (row.ended_at or start)), None)
        before = None if lasted is None else span_of(lasted)
        spans = chatter_spans(ends, most_at, turns, start, watermark, before=before)
        self._plan_calming(key, ends, watermark)
        cut = start if before is None else before.began_at
        return self._said.say(key, SuspicionKind.CHATTER, cut, [chatter(key, span) for span in spans], page)

    def forget(self, settled: datetime) -> None:
        """Drop what is older than anything that may come; what was said of it stands."""
        self._from = settled
        left = {key: [end for end in ends if end > settled] for key, ends in self._ends.items()}
        self._ends = {key: ends for key, ends in left.items() if ends}

    def _plan_calming(self, key: Key, ends: Sequence[datetime], watermark: datetime) -> None:
        if len(ends) >= FEWEST:
            ahead = (at for end in ends for at in (end, end + WINDOW) if at > watermark)
            if (due := min(ahead, default=None)) is not None:
                self._calming.set(key, due)
