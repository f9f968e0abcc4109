"""What the auditor looks at, as plain data: the rows of the log, what was quarantined, and what was derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from baycast.chaos.model import Interval, Row, Stay


class Batch(NamedTuple):
    """One position of the area's log."""

    position: int
    batch_id: int
    readings: int
    entries: int


class Quarantined(NamedTuple):
    """`payload` None: nothing of its `size` bytes was kept. `times`: how often it came."""

    topic: str
    reason: str
    payload: bytes | None
    size: int
    times: int


class Shown(NamedTuple):
    """A bay's live answer; microseconds since 1970."""

    state: str
    since: int | None
    as_of: int | None


class Zone(NamedTuple):
    capacity: int
    free: int
    occupied: int
    unknown: int
    closed: int


class Cell(NamedTuple):
    """A quarter of an hour of a zone: bay-seconds in all, and what came and went."""

    zone: str
    at: int
    seconds: float
    arrivals: int
    departures: int


@dataclass(slots=True)
class Derived:
    """The live generation."""

    position: int = 0
    intervals: list[Interval] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    bays: dict[str, Shown] = field(default_factory=dict)
    zones: dict[str, Zone] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    vehicles: int | None = None
    """In the car park now, as counted."""


@dataclass(slots=True)
class Evidence:
    head: int = 0
    """The position that the log's head stands at."""
    batches: list[Batch] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    entries: dict[int, int] = field(default_factory=dict)
    """Registry changes and outages by batch."""
    quarantine: list[Quarantined] = field(default_factory=list)
    overflow: dict[str, int] = field(default_factory=dict)
    """Refused messages beyond their source's cap, by reason: counted, not kept."""
    seen: dict[tuple[str, int, int], list[tuple[int, int]]] = field(default_factory=dict)
    """Sequence numbers seen of each (device, incarnation, boot), as ranges [from, to)."""
    derived: Derived = field(default_factory=Derived)
    live_hashes: Mapping[str, str] = field(default_factory=dict)
    """Each derived table, without the number of its generation."""
    rebuilt_hashes: Mapping[str, str] = field(default_factory=dict)
