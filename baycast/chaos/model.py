"""What must follow from the readings of the log, by the auditor's own few rules and none of the engine's code.

A sensor's readings are taken in the order (incarnation, boot, seq). Each is placed at its own time, or without a
clock at its receipt less its age, and never before the one before it. A new state begins a run; a reading that says
nothing about the bay (health, boot) moves the last word only, and as the first one begins with not knowing. A change to
the state that was, or a repeat of the other one, tells that an edge was missed: it is put halfway to the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple


class Row(NamedTuple):
    """One reading of the log. Times are microseconds since 1970."""

    batch_id: int
    ordinal: int
    device: str
    incarnation: int
    boot: int
    seq: int
    kind: str
    at: int | None
    age_ms: int | None
    received: int
    occupied: bool | None
    cause: str | None
    direction: str | None
    counted: int | None


class Interval(NamedTuple):
    bay: str
    started: int
    ended: int | None
    state: str


class Stay(NamedTuple):
    bay: str
    arrived: int
    departed: int | None
    arrival: str
    departure: str | None


class Run(NamedTuple):
    """A state from `since` on; `before` is the state that it ended, `then` the one that ended it."""

    since: int
    state: str
    before: str | None = None
    then: str | None = None
    inferred: bool = False


@dataclass(slots=True)
class Bay:
    """All that is known of one bay from its sensor."""

    state: str
    since: int
    as_of: int
    intervals: list[Interval]
    stays: list[Stay]


def placed(row: Row) -> int:
    """When a reading's own device says it was."""
    return row.at if row.at is not None else row.received - 1000 * (row.age_ms or 0)


def said(row: Row) -> str | None:
    """The state of the bay in a reading; None: nothing about it."""
    if row.kind != "state":
        return None
    return "unknown" if row.occupied is None else "occupied" if row.occupied else "free"


def bay_of(device: str, rows: Iterable[Row]) -> Bay | None:
    """Fold one sensor's readings, given in any order."""
    ordered = sorted(rows, key=lambda row: (row.incarnation, row.boot, row.seq))
    runs: list[Run] = []
    clock = stated = 0
    for row in ordered:
        clock = max(clock, placed(row))
        state = said(row)
        if not runs:
            runs.append(Run(clock, state or "unknown"))
        elif state is not None:
            now = runs[-1]
            fits = (state != now.state) == (row.cause == "change")
            missed_at = None if fits else halfway(max(stated, now.since), clock)
            if missed_at is not None and "unknown" not in (state, now.state):
                other = "free" if now.state == "occupied" else "occupied"
                runs[-1] = now._replace(then=other)
                runs.append(Run(missed_at, other, now.state, inferred=True))
            if state != runs[-1].state:
                _turn(runs, clock, state)
        stated = clock if state is not None else stated
    if not runs:
        return None
    return Bay(runs[-1].state, runs[-1].since, clock, intervals_of(device, runs), stays_of(device, runs))


def _turn(runs: list[Run], at: int, state: str) -> None:
    before = runs[-1].state
    if at == runs[-1].since:
        runs.pop()  # lasted no time: it has no row, but it was said
    else:
        runs[-1] = runs[-1]._replace(then=state)
    runs.append(Run(at, state, before))


def halfway(start: int, end: int) -> int | None:
    """The middle in whole microseconds, the half one to the even; None when nothing lies between."""
    half, odd = divmod(end - start, 2)
    middle = start + half + (odd and half % 2)
    return middle if start < middle < end else None


def intervals_of(bay: str, runs: Sequence[Run]) -> list[Interval]:
    ends = [run.since for run in runs[1:]]
    return [Interval(bay, run.since, end, run.state) for run, end in zip(runs, [*ends, None], strict=True)]


def stays_of(bay: str, runs: Sequence[Run]) -> list[Stay]:
    """Occupied runs; of an edge that the bay was free on the other side of it is known whether it was seen."""
    found = []
    for run, following in zip_longest(runs, runs[1:]):
        if run.state != "occupied":
            continue
        arrival = _quality(run) if run.before == "free" else "censored"
        departure = None if following is None else _quality(following) if run.then == "free" else "censored"
        found.append(Stay(bay, run.since, following and following.since, arrival, departure))
    return found


def _quality(began: Run) -> str:
    return "repaired" if began.inferred else "observed"


def by_device(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.device, []).append(row)
    return found


def vehicles(rows: Iterable[Row]) -> int | None:
    """Vehicles in a car park: the one absolute count, and what passed the gates since; None without a count."""
    anchor: int | None = None
    net = 0
    for row in rows:
        if row.kind == "count":
            anchor = row.counted
        elif row.kind == "passage":
            net += 1 if row.direction == "in" else -1
    return None if anchor is None else anchor + net
