"""What a stretch of the log changes in the derived tables: collected by the fold, written in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from occupancy.car_park import CountFold, CountSpan
from occupancy.device_fold import DeviceFold
from occupancy.gates import CarParkCount
from occupancy.model import (
    BayId,
    BayInterval,
    BayState,
    DeviceId,
    Outage,
    Overstay,
    ReadingKey,
    State,
    Stay,
    Suspicion,
    SuspicionKind,
    ZoneAvailability,
    ZoneId,
)
from occupancy.spans import FOREVER, Span
from occupancy.transitions import Verdict

BEGINNING = datetime.min.replace(tzinfo=UTC)
FIRST_KEY = ReadingKey(-1, -1, -1)
SuspicionKey = tuple[BayId, DeviceId, SuspicionKind, datetime]
"""What tells suspicions apart: whose, of which kind, and when it began."""
LAST_KEY = ReadingKey(2**31 - 1, 2**63 - 1, 2**63 - 1)


class Before(NamedTuple):
    """Where a sensor's history is reopened: at a reading, or at a time."""

    key: ReadingKey = LAST_KEY
    at: datetime = FOREVER

    def leaves(self, checkpoint: DeviceFold) -> bool:
        """Whether what was folded up to a checkpoint stays as it is."""
        return checkpoint.key < self.key and checkpoint.as_of <= self.at

    def or_earlier(self, at: datetime) -> Before:
        """Also at a time, if that is earlier."""
        return self._replace(at=min(at, self.at))


@dataclass(slots=True)
class BayRows:
    """A bay's rows by one device from `cut` on: what stands there goes, these take its place."""

    cut: datetime
    intervals: list[BayInterval]
    stays: list[Stay]


@dataclass(slots=True)
class OverstayRows:
    """A bay's overstays by one device in stays from `cut` on: what stands there goes, these take its place."""

    cut: datetime
    overstays: list[Overstay]


@dataclass(slots=True)
class CountRows:
    cut: datetime
    spans: list[CountSpan]


@dataclass(slots=True)
class Page:
    """Rows to write. `position` and `watermark` are the cursor after it; `version` the newest change shown."""

    position: int
    watermark: datetime | None
    version: int
    devices: dict[DeviceId, DeviceFold] = field(default_factory=dict)
    checkpoints: list[DeviceFold] = field(default_factory=list)
    checkpoint_cuts: dict[DeviceId, ReadingKey] = field(default_factory=dict)
    """Checkpoints after this key were folded without a reading that has come since."""
    bays: dict[tuple[BayId, DeviceId], BayRows] = field(default_factory=dict)
    bay_states: dict[BayId, BayState] = field(default_factory=dict)
    counts: dict[ZoneId, CountRows] = field(default_factory=dict)
    count_folds: dict[ZoneId, CarParkCount] = field(default_factory=dict)
    gone_counts: set[ZoneId] = field(default_factory=set)
    count_checkpoints: list[tuple[ZoneId, CountFold]] = field(default_factory=list)
    count_checkpoint_cuts: dict[ZoneId, datetime] = field(default_factory=dict)
    zones: dict[ZoneId, tuple[ZoneAvailability, int]] = field(default_factory=dict)
    gone_zones: set[ZoneId] = field(default_factory=set)
    gone_bays: set[BayId] = field(default_factory=set)
    dirty_cells: dict[ZoneId, list[Span]] = field(default_factory=dict)
    """By zone, when its cells may be others for another reason than rows that differ."""
    overstays: dict[tuple[BayId, DeviceId], OverstayRows] = field(default_factory=dict)
    judge_from: dict[BayId, datetime] = field(default_factory=dict)
    """By bay, the arrival from which stays written before are to be held against other limits now."""
    outages: dict[tuple[str, datetime], Outage | None] = field(default_factory=dict)
    """By group and beginning; None: there was none after all."""
    suspicions: dict[SuspicionKey, Suspicion | None] = field(default_factory=dict)
    """None: there is none after all."""
    registry_changed: bool = False
    verdicts: Counter[Verdict] = field(default_factory=Counter)

    def replace_bay(
        self,
        bay_id: BayId,
        device_id: DeviceId,
        cut: datetime,
        intervals: list[BayInterval],
        stays: list[Stay],
    ) -> None:
        rows = self.bays.get((bay_id, device_id))
        if rows is None:
            self.bays[bay_id, device_id] = BayRows(cut, intervals, stays)
            return
        while rows.intervals and rows.intervals[-1].started_at >= cut:
            rows.intervals.pop()
        while rows.stays and rows.stays[-1].arrived_at >= cut:
            rows.stays.pop()
        rows.cut = min(rows.cut, cut)
        rows.intervals.extend(intervals)
        rows.stays.extend(stays)

    def bays_of_stays_before(self, at: datetime) -> set[BayId]:
        """Bays with stays to write that vehicles arrived for before a time."""
        return {bay for (bay, _), rows in self.bays.items() if rows.stays and rows.stays[0].arrived_at < at}

    def show(self, state: BayState) -> None:
        """A bay's live state. Of a bay that nothing is known of there is no row, whatever was shown of it before."""
        if state.state is State.UNKNOWN and state.device_id is None:
            self.forget_bay(state.bay_id)
        else:
            self.gone_bays.discard(state.bay_id)
            self.bay_states[state.bay_id] = state

    def forget_bay(self, bay_id: BayId) -> None:
        self.gone_bays.add(bay_id)
        self.bay_states.pop(bay_id, None)

    def replace_count(self, zone_id: ZoneId, cut: datetime, spans: list[CountSpan]) -> None:
        rows = self.counts.get(zone_id)
        if rows is None:
            self.counts[zone_id] = CountRows(cut, spans)
            return
        while rows.spans and rows.spans[-1].started_at >= cut:
            rows.spans.pop()
        rows.cut = min(rows.cut, cut)
        rows.spans.extend(spans)

    def cut_checkpoints(self, device_id: DeviceId, key: ReadingKey) -> None:
        self.checkpoint_cuts[device_id] = min(key, self.checkpoint_cuts.get(device_id, key))
        self.checkpoints = [c for c in self.checkpoints if c.device_id != device_id or c.key <= key]

    def checkpoint_before(self, device_id: DeviceId, before: Before) -> DeviceFold | None:
        """The newest checkpoint of a sensor that stands, among those that this page is to write."""
        own = [c for c in self.checkpoints if c.device_id == device_id and before.leaves(c)]
        return max(own, key=lambda checkpoint: checkpoint.key, default=None)

    def written_before(self, device_id: DeviceId, before: Before) -> Before:
        """What a checkpoint that is written already must lie before to stand."""
        cut = self.checkpoint_cuts.get(device_id)
        return before if cut is None else before._replace(key=min(before.key, cut._replace(seq=cut.seq + 1)))

    def judged(self, verdicts: Iterable[Verdict]) -> None:
        self.verdicts.update(verdicts)

    def dirty(self, zone_id: ZoneId, start: datetime, end: datetime = FOREVER) -> None:
        self.dirty_cells.setdefault(zone_id, []).append((start, end))

    def judge_again(self, bay_id: BayId, arrived_from: datetime) -> None:
        self.judge_from[bay_id] = min(arrived_from, self.judge_from.get(bay_id, arrived_from))
