"""One bay sensor over a whole run: what it believes of its bay, when it is wrong and why, and what it says.

A pure function of the bay's true changes, what happens next door, the faults drawn for it and its own random stream:
sensors may be played in any order, and adding a bay alters no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import itemgetter
from random import Random
from typing import NamedTuple

from simulator.scenarios import Faults
from simulator.sensor_models import SensorModel

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MONTH_MS = 30 * DAY_MS
_FLAT_MV = 2_850
_FADES_MS = 5 * DAY_MS


class Wrong(StrEnum):
    """Why a sensor is wrong about its bay."""

    MISSED_ARRIVAL = "missed_arrival"
    MISSED_DEPARTURE = "missed_departure"
    CROSSTALK = "crosstalk"
    FLAP = "flap"
    STUCK = "stuck"


class Said(NamedTuple):
    """What a sensor sends: at `sent_ms`, about `at_ms`, both in true time. `previous_s` None: it does not say."""

    sent_ms: int
    at_ms: int
    boot: int
    seq: int
    occupied: bool
    cause: str
    previous_s: int | None
    battery_mv: int


class Episode(NamedTuple):
    """Something that was so during [start_ms, end_ms)."""

    start_ms: int
    end_ms: int
    why: str


@dataclass(slots=True)
class Surroundings:
    """What there is to see: the bay's own changes, and the stays next door as (arrival, departure)."""

    start_ms: int
    end_ms: int
    occupied_at_start: bool
    changes: Sequence[tuple[int, bool]]
    next_door: Iterable[tuple[int, int]] = ()
    snow: Sequence[tuple[int, int]] = ()


@dataclass(slots=True)
class Watched:
    """One sensor's run. `dead_ms` None: alive to the end."""

    said: list[Said] = field(default_factory=list)
    wrong: list[Episode] = field(default_factory=list)
    stuck: list[Episode] = field(default_factory=list)
    dead_ms: int | None = None


def watch(model: SensorModel, faults: Faults, seen: Surroundings, random: Random, *, boot: int) -> Watched:
    """Play one sensor from its first word, within a minute of the start, to the end or its death."""
    return _Eye(model, faults, seen, random, boot).play()


class _Eye:
    def __init__(
        self, model: SensorModel, faults: Faults, seen: Surroundings, random: Random, boot: int
    ) -> None:
        self.model, self.faults, self.seen, self.random = model, faults, seen, random
        self.boot, self.seq = boot, 0
        self.truth = self.belief = seen.occupied_at_start
        self.believed_since_ms: int | None = None
        self.stuck: bool | None = None
        self.wrong_since_ms: int | None = None
        self.why = ""
        self.sent_ms = 0
        self.full_mv = random.randint(3_300, 3_640)
        self.miss_arrival = random.uniform(*faults.missed_arrival)
        self.miss_departure = random.uniform(*faults.missed_departure)
        self.run = Watched()

    def play(self) -> Watched:
        events = self._events()
        for at_ms, what, value in events:
            if what == "heartbeat":
                self._heartbeat(at_ms)
            elif what == "change":
                self._change(at_ms, occupied=value)
            elif what == "boot":
                self._boot(at_ms, again=value)
            elif what == "stuck":
                self.stuck = value
                self._believe(at_ms, value, Wrong.STUCK)
            elif what == "cleaned":
                self.stuck = None
                self._believe(at_ms, self.truth, Wrong.STUCK)
            elif self.stuck is None and not self.truth:
                # A shadow over an empty bay that comes (True) or goes (False).
                self._believe(at_ms, value, what)
            self._note_wrong(at_ms, what)
        end_ms = self.run.dead_ms or self.seen.end_ms
        if self.wrong_since_ms is not None:
            self.run.wrong.append(Episode(self.wrong_since_ms, end_ms, self.why))
        return self.run

    # --- what happens to it ------------------------------------------------------------------------------

    def _change(self, at_ms: int, *, occupied: bool) -> None:
        self.truth = occupied
        if self.stuck is not None or self.belief is occupied:
            return
        chance = self.miss_arrival if occupied else self.miss_departure
        if self._snows(at_ms):
            chance += self.faults.snow_miss
        if chance == 0 or self.random.random() >= chance:
            self._believe(at_ms, occupied, "")

    def _heartbeat(self, at_ms: int) -> None:
        if at_ms <= self.sent_ms:
            return  # a change is under way and says it all
        chance = self.faults.found_by_heartbeat * (0.5 if self._snows(at_ms) else 1.0)
        if self.belief is not self.truth and self.stuck is None and self.random.random() < chance:
            self.belief, self.believed_since_ms = self.truth, at_ms
        self._say(at_ms, at_ms, "heartbeat")

    def _boot(self, at_ms: int, *, again: bool) -> None:
        if again:
            self.boot, self.seq = self.boot + 1, 0
        self.belief = self.truth if self.stuck is None else self.stuck
        self.believed_since_ms = None
        self._say(at_ms, at_ms, "boot")

    def _believe(self, at_ms: int, occupied: bool, why: str) -> None:
        if self.belief is occupied:
            return
        self.why = why or self.why
        lasted_ms = None if self.believed_since_ms is None else at_ms - self.believed_since_ms
        self.belief, self.believed_since_ms = occupied, at_ms
        delay_ms = int(self.random.uniform(*self.model.detection_s) * 1000)
        previous_s = lasted_ms // 1000 if lasted_ms is not None and self.model.says_previous else None
        self._say(at_ms + delay_ms, at_ms, "change", previous_s)

    def _say(self, sent_ms: int, at_ms: int, cause: str, previous_s: int | None = None) -> None:
        self.sent_ms = max(sent_ms, self.sent_ms + 1_000)
        battery_mv = self.full_mv
        if self.run.dead_ms is not None:
            left = min(1.0, max(0.0, (self.run.dead_ms - sent_ms) / _FADES_MS))
            battery_mv = int(_FLAT_MV + left * (self.full_mv - _FLAT_MV))
        self.run.said.append(
            Said(self.sent_ms, at_ms, self.boot, self.seq, self.belief, cause, previous_s, battery_mv)
        )
        self.seq += 1

    def _note_wrong(self, at_ms: int, what: str) -> None:
        if self.belief is self.truth:
            if self.wrong_since_ms is not None:
                if at_ms > self.wrong_since_ms:
                    self.run.wrong.append(Episode(self.wrong_since_ms, at_ms, self.why))
                self.wrong_since_ms = None
        elif self.wrong_since_ms is None:
            self.wrong_since_ms = at_ms
            if self.stuck is not None:
                self.why = Wrong.STUCK
            elif what == "change":
                self.why = Wrong.MISSED_ARRIVAL if self.truth else Wrong.MISSED_DEPARTURE

    def _snows(self, at_ms: int) -> bool:
        return any(start <= at_ms < end for start, end in self.seen.snow)

    # --- what will happen to it --------------------------------------------------------------------------

    def _events(self) -> list[tuple[int, str, bool]]:
        random, faults, start, end = self.random, self.faults, self.seen.start_ms, self.seen.end_ms
        died = self._after(start, MONTH_MS / faults.death_month) if faults.death_month else end
        if died < end:
            end = self.run.dead_ms = died
        first = start + int(random.uniform(0, 60_000))
        events = [(first, "boot", False)]
        events += [(at, "boot", True) for at in self._poisson(first, end, faults.reboot_day / DAY_MS)]
        events += self._stuck(first, end) + self._shadows(first, end)
        period = self.model.heartbeat_s * 1000
        beat = first + int(random.uniform(0.1, 1) * period)
        while beat < end:
            events.append((beat, "heartbeat", False))
            beat += period + random.randint(-2_000, 2_000)
        events += [(at, "change", occupied) for at, occupied in self.seen.changes]
        events.sort(key=itemgetter(0))
        # What happened while it started up it sees at its first word.
        early = [value for at, what, value in events if at < first and what == "change"]
        self.truth = early[-1] if early else self.truth
        return [event for event in events if first <= event[0] < end]

    def _stuck(self, start: int, end: int) -> list[tuple[int, str, bool]]:
        rate = self.faults.stuck_month / MONTH_MS
        at = next(iter(self._poisson(start, end, rate)), None)
        if at is None:
            return []
        events = [(at, "stuck", self.random.random() < 0.5)]
        cleaned = end
        if self.random.random() < self.faults.cleaned_share:
            cleaned = at + int(self.random.uniform(1, 7) * DAY_MS)
            events.append((cleaned, "cleaned", False))
        self.run.stuck.append(Episode(at, min(cleaned, end), "occupied" if events[0][2] else "free"))
        return events

    def _shadows(self, start: int, end: int) -> list[tuple[int, str, bool]]:
        found: list[tuple[int, str, bool]] = []
        if self.random.random() < self.random.uniform(*self.faults.bad_sensors):
            for at in self._poisson(start, end, self.faults.flap_h / HOUR_MS):
                found.append((at, Wrong.FLAP, True))
                found.append((at + int(self.random.uniform(1, 10) * 60_000), Wrong.FLAP, False))
        if self.faults.crosstalk:
            for arrived, departed in self.seen.next_door:
                if self.random.random() < self.faults.crosstalk:
                    found += [(arrived, Wrong.CROSSTALK, True), (departed, Wrong.CROSSTALK, False)]
        return found

    def _poisson(self, start: int, end: int, rate_per_ms: float) -> Iterable[int]:
        at = start
        while rate_per_ms > 0:
            at = self._after(at, 1 / rate_per_ms)
            if at >= end:
                return
            yield at

    def _after(self, at: int, mean_ms: float) -> int:
        return at + 1 + int(self.random.expovariate(1 / mean_ms))
