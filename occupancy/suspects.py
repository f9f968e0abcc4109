"""Sensors that are not to be believed: what they say is implausible, or they chatter, echo a neighbour or drift.

Pure, and by event time: what is said of a sensor at an instant follows from its intervals up to then, the registry,
and what was learnt and held at that instant (dated entries of the log). So any order of arrival gives the same rows
(L3), and what is entered late for past time has that judged again, as far back as late readings are promised to count;
rows of what is older stand. Nothing is suspected before something was learnt. A suspicion is a row beside the intervals
and stays, which stay as the sensor said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from occupancy.hindsight import Grounds, Hindsight, grounds, other_grounds
from occupancy.implausible import FIRST_LOOK, Lasting, look
from occupancy.learnt import Known, Learnt, Timeline
from occupancy.model import BayId, BayInterval, DeviceId, Override, State, Stay, Suspicion, SuspicionKind
from occupancy.outages import remembered_from
from occupancy.page import BEGINNING, Before, Page
from occupancy.plausibility import Plausibility
from occupancy.registry import Registry
from occupancy.said_suspicions import Key, SaidSuspicions
from occupancy.schedule import Schedule
from occupancy.short_spells import ShortSpells

BY_DAYS = (SuspicionKind.CROSSTALK, SuspicionKind.DRIFT)
"""Those that closed days tell: they hold from one entry of the log to another."""


class Suspects:
    """The suspicions of one area, and what the next ones depend on. Rows go into the page that is handed over."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._timeline = Timeline()
        self._watermark: datetime | None = None
        self._from = BEGINNING
        """What ended before is settled."""
        self._lasting: dict[Key, Lasting] = {}
        self._looks: Schedule[Key] = Schedule()
        self._said = SaidSuspicions()
        self._shorts = ShortSpells(registry, self._timeline, self._said)
        self._hindsight = Hindsight()

    def load(
        self,
        watermark: datetime | None,
        learnt: Iterable[Learnt],
        short_spells: Mapping[Key, Sequence[datetime]],
        said: Iterable[Suspicion],
    ) -> None:
        """Take up where an earlier process stopped: what was learnt, in its order; and, since `remembered_from`, the
        ends of short spells and the suspicions, in order of time."""
        for entry in learnt:
            self.learn(entry)
        if watermark is None:
            return
        self._watermark = watermark
        self._said.load(said)
        self._shorts.load(short_spells, watermark)
        self._forget(remembered_from(watermark))

    def take_up(self, lasting: Iterable[BayInterval], watermark: datetime | None) -> None:
        """Take up the intervals that last, looked at up to the watermark, after `load`."""
        for one in lasting:
            self._last((one.bay_id, one.device_id), one, watermark or BEGINNING)

    def learn(self, learnt: Learnt) -> None:
        """Take in an entry of the log; it holds from an instant on that the watermark has not reached."""
        self._timeline.add(learnt)

    def grounds(self) -> dict[BayId, Grounds]:
        """What judgements take from the registry, for `registry_changed`."""
        return grounds(self.registry)

    def registry_changed(self, before: Mapping[BayId, Grounds], page: Page) -> None:
        """Bays with other grounds are to be judged again. Of a sensor that watches a bay no more, as the registry now
        has it, closed days tell nothing any longer."""
        self._hindsight.registry_changed(other_grounds(before, self.grounds()))
        for row in self._said.lasting():
            key = (row.bay_id, row.device_id)
            if row.kind in BY_DAYS and self._watermark is not None and not self._bound(key):
                ended = [replace(row, ended_at=self._watermark)] if row.began_at < self._watermark else []
                self._said.say(key, row.kind, row.began_at, ended, page)

    def override(self, override: Override) -> None:
        """An override has come, gone or changed: what it covers of the past is to be judged again."""
        self._hindsight.override(self.registry, override)

    def judge_again(self, watermark: datetime | None, page: Page) -> dict[DeviceId, Before]:
        """Forget what was judged by what the registry was before. Returns the sensors whose intervals must be seen
        again, from before an instant on."""
        again: dict[DeviceId, Before] = {}
        due = self._hindsight.due(watermark)
        for bay_id, at in due.items() if self._timeline else ():
            for binding in self.registry.bindings_by_bay.get(bay_id, ()):
                key = (bay_id, binding.device_id)
                self._lasting.pop(key, None)
                self._looks.drop(key)
                self._shorts.weigh(key, watermark, page)
                if key[1] in self.registry.sensors:
                    again[key[1]] = again.get(key[1], Before()).or_earlier(max(at, self._from))
        return again

    def saw(
        self,
        key: Key,
        cut: datetime,
        intervals: Sequence[BayInterval],
        watermark: datetime | None,
        page: Page,
    ) -> None:
        """A bay's intervals by one sensor, from `cut` on, are these now, in order."""
        self._weigh_lasting(key, cut, intervals, watermark, page)
        self._shorts.saw(key, cut, intervals, watermark, page)

    def advance(self, watermark: datetime, page: Page) -> set[DeviceId]:
        """The watermark moves on. Returns the sensors that are believed again, or no longer."""
        before, self._watermark = self._watermark or watermark, watermark
        touched: set[DeviceId] = set()
        for known in self._timeline.beginning_in(before, watermark):
            touched |= self._hold(known, watermark, page)
        for key in list(self._looks.reached(watermark)):
            lasting = self._lasting[key]
            self._look(key, lasting, watermark)
            if lasting.suspicion is not None:
                self._said.say(key, SuspicionKind.IMPLAUSIBLE, lasting.since, [lasting.suspicion], page)
                touched.add(key[1])
        touched |= self._shorts.advance(watermark, page)
        if (settled := remembered_from(watermark)) != self._from:
            self._forget(settled)
        return touched

    @property
    def plausible(self) -> Plausibility | None:
        """What is known of the spells here at the watermark."""
        known = None if self._watermark is None else self._timeline.at(self._watermark)
        return None if known is None else known.plausibility

    def doubt(self, key: Key) -> Suspicion | None:
        """Why a sensor is not to be believed now; None: it is."""
        return self._said.doubt(key)

    def during(self, stay: Stay) -> bool:
        """Whether the sensor was suspect at some time of a stay."""
        return self._said.during(stay)

    def untold(self, page: Page) -> set[BayId]:
        """Bays of whose stays in a page some are older than what is remembered: what was written of them must be told,
        but for the rows that the page has anew."""
        return page.bays_of_stays_before(self._from)

    @property
    def remembered(self) -> datetime:
        """All suspicions that ended later are known here."""
        return self._from

    def page_taken(self) -> None:
        """All stays up to now are judged."""
        self._said.page_taken()

    def counts(self) -> dict[SuspicionKind, int]:
        """How many sensors are suspect now, by why."""
        rows = self._said.lasting()
        return {kind: sum(row.kind is kind for row in rows) for kind in SuspicionKind}

    # --- what lasts ------------------------------------------------------------------------------------------

    def _weigh_lasting(
        self,
        key: Key,
        cut: datetime,
        intervals: Sequence[BayInterval],
        watermark: datetime | None,
        page: Page,
    ) -> None:
        before = self._lasting.pop(key, None)
        self._looks.drop(key)
        if key[0] not in self.registry.bays:
            self._leave(key, page)
            return
        found: list[Suspicion] = []
        settled = 0
        for one in intervals:
            end = one.ended_at
            if end is not None and end <= self._from:
                settled += 1
                continue
            if one.state is State.UNKNOWN or (end is not None and end - one.started_at < FIRST_LOOK):
                continue
            same = before is not None and (before.since, before.state) == (one.started_at, one.state)
            lasting = before if before is not None and same else self._new(key, one)
            if end is None:
                self._lasting[key] = lasting
            self._look(key, lasting, watermark or BEGINNING, before=end)
            if (row := lasting.suspicion) is not None and (end is None or row.began_at < end):
                found.append(replace(row, ended_at=end))
        if found or key in self._said:
            first = intervals[settled].started_at if settled < len(intervals) else self._from
            self._said.say(key, SuspicionKind.IMPLAUSIBLE, max(cut, first) if settled else cut, found, page)

    def _leave(self, key: Key, page: Page) -> None:
        """Of a bay that has left only what is settled stands; where it comes back in time, that goes on."""
        own = self._said.of(key, SuspicionKind.IMPLAUSIBLE)
        found = [
            replace(row, ended_at=min(row.ended_at or self._from, self._from))
            for row in own
            if row.began_at < self._from
        ]
        self._said.say(key, SuspicionKind.IMPLAUSIBLE, BEGINNING, found, page)

    def _new(self, key: Key, one: BayInterval) -> Lasting:
        """A state with what was said of it before all that is settled."""
        lasting = Lasting(one.state, one.started_at)
        for row in self._said.of(key, SuspicionKind.IMPLAUSIBLE):
            if one.started_at <= row.began_at <= self._from:
                lasting.suspicion = replace(row, ended_at=None)
        lasting.pass_over(self._from)
        return lasting

    def _last(self, key: Key, one: BayInterval, watermark: datetime) -> None:
        """Take up a state that lasts, looked at up to the watermark."""
        if one.state is State.UNKNOWN:
            return
        lasting = self._lasting[key] = Lasting(one.state, one.started_at)
        lasting.pass_over(watermark)
        own = self._said.of(key, SuspicionKind.IMPLAUSIBLE)
        lasting.suspicion = next((row for row in own if row.ended_at is None), None)
        if (due := lasting.next_look) is not None:
            self._looks.set(key, due)

    def _look(self, key: Key, lasting: Lasting, until: datetime, *, before: datetime | None = None) -> None:
        """Take the looks at a state that are due `until` an instant; at one that has ended, those `before` its end."""
        while (due := lasting.next_look) is not None and (due <= until if before is None else due < before):
            look(self.registry, key, lasting, self._timeline)
        if before is None and due is not None:
            self._looks.set(key, due)

    # --- what is said ----------------------------------------------------------------------------------------

    def _hold(self, known: Known, watermark: datetime, page: Page) -> set[DeviceId]:
        """An entry begins to hold: sensors that it names are suspect until one does not, and other limits hold."""
        at = known.learnt.holds_from
        named = {
            (*key, one.kind): one
            for one in known.learnt.unreliable
            if self._bound(key := (BayId(one.bay_id), DeviceId(one.device_id)))
        }
        touched = set()
        for row in self._said.lasting():
            key = (row.bay_id, row.device_id)
            if row.kind in BY_DAYS and named.pop((*key, row.kind), None) is None:
                self._said.say(key, row.kind, row.began_at, [replace(row, ended_at=at)], page)
                touched.add(row.device_id)
        for (bay_id, device_id, kind), one in named.items():
            row = Suspicion(
                bay_id=bay_id,
                device_id=device_id,
                kind=kind,
                began_at=at,
                ended_at=None,
                reason=one.reason,
                evidence=one.evidence,
            )
            self._said.say((bay_id, device_id), kind, at, [row], page)
            touched.add(device_id)
        return touched | self._shorts.weigh_all(watermark, page)

    def _bound(self, key: Key) -> bool:
        """Whether the registry knows the bay, and the sensor as one that watches it at some time."""
        bindings = self.registry.bindings_by_device.get(key[1], ())
        known = key[0] in self.registry.bays and key[1] in self.registry.sensors
        return known and any(binding.bay_id == key[0] for binding in bindings)

    def _forget(self, settled: datetime) -> None:
        """Drop what is older than anything that may come; what was said of it stands."""
        self._from = settled
        self._timeline.forget(settled)
        self._said.forget(settled)
        self._shorts.forget(settled)
