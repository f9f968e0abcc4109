"""What must follow from the readings of the log, by the auditor's own few rules and none of the engine's code.

A sensor's readings are taken in the order (incarnation, boot, seq). Each is placed at its own time, or without a
clock at its receipt less its age, and never before the one before it. A new state begins a run; a reading that says
nothing about the bay (health, boot) moves the last word only, and as the first one begins with not knowing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    clock = 0
    for row in ordered:
        clock = max(clock, placed(row))
        state = said(row)
        if not runs:
            runs.append(Run(clock, state or "unknown"))
        elif state is not None and state != runs[-1].state:
            before = runs[-1].state
            if clock == runs[-1].since:
                runs.pop()  # lasted no time: it has no row, but it was said
            else:
                runs[-1] = runs[-1]._replace(then=state)
            runs.append(Run(clock, state, before))
    if not runs:
        return None
    return Bay(runs[-1].state, runs[-1].since, clock, intervals_of(device, runs), stays_of(device, runs))


def intervals_of(bay: str, runs: Sequence[Run]) -> list[Interval]:
    ends = [run.since for run in runs[1:]]
    return [Interval(bay, run.since, end, run.state) for run, end in zip(runs, [*ends, None], strict=True)]


def stays_of(bay: str, runs: Sequence[Run]) -> list[Stay]:
    """Occupied runs; an arrival or departure is observed when the bay was seen free on its other side."""
    found = []
    for index, run in enumerate(runs):
        if run.state != "occupied":
            continue
        left = runs[index + 1].since if index + 1 < len(runs) else None
        arrival = "observed" if run.before == "free" else "censored"
        departure = None if left is None else "observed" if run.then == "free" else "censored"
        found.append(Stay(bay, run.since, left, arrival, departure))
    return found


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
