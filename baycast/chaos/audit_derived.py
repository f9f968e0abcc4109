"""The derived half of the audit: intervals, stays, states, zones, cells and the car park, worked out anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from itertools import pairwise
from typing import TypeVar

from baycast.chaos import city
from baycast.chaos.evidence import Cell, Derived, Evidence, Shown, Zone
from baycast.chaos.finding import Finding, Kind
from baycast.chaos.model import Bay, Interval, Row, bay_of, by_device, vehicles

T = TypeVar("T", bound=Hashable)

_CELL_US = 900 * 1_000_000


def derived_findings(evidence: Evidence) -> Iterator[Finding]:
    """Everything derived that does not follow from the rows of the log."""
    derived = evidence.derived
    devices = by_device(evidence.rows)
    bays = {
        device: bay
        for device, rows in devices.items()
        if _is_sensor(rows[0]) and (bay := bay_of(device, rows)) is not None
    }
    if derived.position != evidence.head:
        text = f"the engine stands at {derived.position}, the log at {evidence.head}"
        yield Finding(Kind.WRONG_STATE, text)
    intervals = [interval for bay in bays.values() for interval in bay.intervals]
    stays = [stay for bay in bays.values() for stay in bay.stays]
    yield from _rows_differ("interval", intervals, derived.intervals)
    yield from _rows_differ("stay", stays, derived.stays)
    yield from _states(bays, derived)
    yield from _zones(bays, derived)
    yield from _cells(intervals, derived)
    park = [row for row in evidence.rows if not _is_sensor(row)]
    if (counted := vehicles(park)) != derived.vehicles:
        text = f"{derived.vehicles} vehicles in the car park, {counted} by its gates"
        yield Finding(Kind.DOUBLE_COUNTED, text)
    for table in sorted(evidence.live_hashes.keys() | evidence.rebuilt_hashes.keys()):
        if evidence.live_hashes.get(table) != evidence.rebuilt_hashes.get(table):
            yield Finding(Kind.UNEQUAL, f"table {table} differs after a rebuild")


def _is_sensor(row: Row) -> bool:
    return row.device != city.COUNTER and not row.device.startswith("chaos-gate-")


def _rows_differ(what: str, due: Iterable[T], there: Iterable[T]) -> Iterator[Finding]:
    expected, found = Counter(due), Counter(there)
    for row in (expected - found).elements():
        yield Finding(Kind.DOUBLE_COUNTED, f"{what} missing: {row}")
    for row in (found - expected).elements():
        yield Finding(Kind.DOUBLE_COUNTED, f"{what} too many: {row}")


def _states(bays: dict[str, Bay], derived: Derived) -> Iterator[Finding]:
    for bay_id in sorted(bays.keys() | derived.bays.keys()):
        bay, shown = bays.get(bay_id), derived.bays.get(bay_id)
        due = Shown("unknown", None, None) if bay is None else Shown(bay.state, bay.since, bay.as_of)
        if shown != due:
            yield Finding(Kind.WRONG_STATE, f"bay {bay_id} is shown as {shown}, its readings say {due}")


def _zones(bays: dict[str, Bay], derived: Derived) -> Iterator[Finding]:
    """A street's counts are its bays' states; every bay that exists has a live answer."""
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for bay_id in derived.bays:
        state = bays[bay_id].state if bay_id in bays else "unknown"
        expected[_street_of(bay_id)][state] += 1
    streets = {zone: counts for zone, counts in derived.zones.items() if zone != city.CAR_PARK}
    for zone in sorted(expected.keys() | streets.keys()):
        due = expected[zone]
        counts = Zone(sum(due.values()), due["free"], due["occupied"], due["unknown"], due["closed"])
        if streets.get(zone) != counts:
            yield Finding(Kind.WRONG_STATE, f"zone {zone} is {streets.get(zone)}, its bays give {counts}")


def _cells(intervals: list[Interval], derived: Derived) -> Iterator[Finding]:
    """A cell holds every bay's every second once, and each arrival and departure in the cell it falls in."""
    turnover: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for before, after in pairwise(intervals):
        if before.bay == after.bay and before.ended == after.started:
            cell_at = after.started - after.started % _CELL_US
            turnover[_street_of(after.bay), cell_at][f"{before.state} {after.state}"] += 1
    cells: dict[str, list[Cell]] = defaultdict(list)
    for cell in derived.cells:
        if cell.zone != city.CAR_PARK:
            cells[cell.zone].append(cell)
    for zone, own in cells.items():
        capacity = derived.zones[zone].capacity if zone in derived.zones else 0
        for cell in own:
            came_and_went = turnover.pop((zone, cell.at), Counter())
            due = (came_and_went["free occupied"], came_and_went["occupied free"])
            if (cell.arrivals, cell.departures) != due:
                text = f"cell {zone} {cell.at}: {cell.arrivals} arrivals, {cell.departures} departures; due {due}"
                yield Finding(Kind.DOUBLE_COUNTED, text)
            if abs(cell.seconds - capacity * 900) > 0.01:
                text = f"cell {zone} {cell.at}: {cell.seconds} bay-seconds of {capacity} bays"
                yield Finding(Kind.DOUBLE_COUNTED, text)
        last = max(cell.at for cell in own)
        for (street, at), moved in turnover.items():
            if street == zone and at <= last and (moved["free occupied"] or moved["occupied free"]):
                yield Finding(Kind.DOUBLE_COUNTED, f"cell {zone} {at} is missing")


def _street_of(bay_id: str) -> str:
    return city.street_id(int(bay_id.rpartition("-")[2]))
