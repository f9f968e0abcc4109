"""Faults planted in the derived rows, each with the kind of finding that it must lead to."""

from collections.abc import Callable

from baycast.chaos.evidence import Cell, Evidence, Shown, Zone
from baycast.chaos.finding import Kind
from baycast.chaos.ledger import Ledger
from baycast.chaos.model import Interval, Stay
from tests.support.chaos_log_faults import Plant


def lose_interval(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.derived.intervals.pop(3)


def double_interval(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.derived.intervals.append(evidence.derived.intervals[3])


def change_interval(change: Callable[[Interval], Interval]) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        index = next(i for i, one in enumerate(evidence.derived.intervals) if one.ended is not None)
        evidence.derived.intervals[index] = change(evidence.derived.intervals[index])

    return plant


def lose_stay(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.derived.stays.pop()


def double_stay(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.derived.stays.append(evidence.derived.stays[0])


def change_stay(change: Callable[[Stay], Stay]) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        index = next(i for i, stay in enumerate(evidence.derived.stays) if stay.departed is not None)
        evidence.derived.stays[index] = change(evidence.derived.stays[index])

    return plant


def split_stay(_ledger: Ledger, evidence: Evidence) -> None:
    stay = next(stay for stay in evidence.derived.stays if stay.departed is not None)
    middle = (stay.arrived + (stay.departed or 0)) // 2
    evidence.derived.stays.remove(stay)
    evidence.derived.stays += [stay._replace(departed=middle), stay._replace(arrived=middle)]


def change_bay(change: Callable[[Shown], Shown]) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        bay_id = next(id for id, shown in evidence.derived.bays.items() if shown.state == "occupied")
        evidence.derived.bays[bay_id] = change(evidence.derived.bays[bay_id])

    return plant


def lose_bay(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.derived.bays.pop("chaos-00003")


def change_zone(change: Callable[[Zone], Zone]) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        zone = next(iter(evidence.derived.zones))
        evidence.derived.zones[zone] = change(evidence.derived.zones[zone])

    return plant


def lose_zone(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.derived.zones.pop(next(iter(evidence.derived.zones)))


def change_cell(change: Callable[[Cell], Cell]) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        index = next(i for i, cell in enumerate(evidence.derived.cells) if cell.arrivals)
        evidence.derived.cells[index] = change(evidence.derived.cells[index])

    return plant


def lose_cell(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.derived.cells.remove(next(cell for cell in evidence.derived.cells if cell.arrivals))


def change_vehicles(by: int) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        evidence.derived.vehicles = (evidence.derived.vehicles or 0) + by

    return plant


def forget_vehicles(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.derived.vehicles = None


def engine_behind(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.derived.position -= 1


def rebuilt_otherwise(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.rebuilt_hashes = {**evidence.rebuilt_hashes, "stay": "1 z"}


def rebuilt_without(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.rebuilt_hashes = {"stay": evidence.live_hashes["stay"]}


DERIVED_FAULTS: dict[str, tuple[Plant, Kind]] = {
    "an interval missing": (lose_interval, Kind.DOUBLE_COUNTED),
    "an interval twice": (double_interval, Kind.DOUBLE_COUNTED),
    "an interval of another state": (
        change_interval(lambda i: i._replace(state="unknown" if i.state != "unknown" else "free")),
        Kind.DOUBLE_COUNTED,
    ),
    "an interval that ends early": (
        change_interval(lambda i: i._replace(ended=(i.ended or 0) - 1)),
        Kind.DOUBLE_COUNTED,
    ),
    "an interval that does not end": (change_interval(lambda i: i._replace(ended=None)), Kind.DOUBLE_COUNTED),
    "a stay missing": (lose_stay, Kind.DOUBLE_COUNTED),
    "a stay twice": (double_stay, Kind.DOUBLE_COUNTED),
    "a stay in two": (split_stay, Kind.DOUBLE_COUNTED),
    "a stay that goes on": (
        change_stay(lambda s: s._replace(departed=None, departure=None)),
        Kind.DOUBLE_COUNTED,
    ),
    "a stay of another bay": (change_stay(lambda s: s._replace(bay="chaos-00039")), Kind.DOUBLE_COUNTED),
    "an arrival of another quality": (
        change_stay(lambda s: s._replace(arrival="censored" if s.arrival == "observed" else "observed")),
        Kind.DOUBLE_COUNTED,
    ),
    "a cell that counts an arrival twice": (
        change_cell(lambda c: c._replace(arrivals=c.arrivals + 1)),
        Kind.DOUBLE_COUNTED,
    ),
    "a cell that misses a departure": (
        change_cell(lambda c: c._replace(departures=c.departures - 1)),
        Kind.DOUBLE_COUNTED,
    ),
    "a cell with too many seconds": (
        change_cell(lambda c: c._replace(seconds=c.seconds + 1)),
        Kind.DOUBLE_COUNTED,
    ),
    "a cell missing": (lose_cell, Kind.DOUBLE_COUNTED),
    "a vehicle too many": (change_vehicles(1), Kind.DOUBLE_COUNTED),
    "a vehicle too few": (change_vehicles(-1), Kind.DOUBLE_COUNTED),
    "vehicles forgotten": (forget_vehicles, Kind.DOUBLE_COUNTED),
    "a bay of another state": (change_bay(lambda b: b._replace(state="free")), Kind.WRONG_STATE),
    "a bay since another time": (
        change_bay(lambda b: b._replace(since=(b.since or 0) + 1)),
        Kind.WRONG_STATE,
    ),
    "a bay whose last word is older": (
        change_bay(lambda b: b._replace(as_of=(b.as_of or 0) - 1)),
        Kind.WRONG_STATE,
    ),
    "a bay without an answer": (lose_bay, Kind.WRONG_STATE),
    "a zone with a space too many": (
        change_zone(lambda z: z._replace(free=z.free + 1, occupied=z.occupied - 1)),
        Kind.WRONG_STATE,
    ),
    "a zone of another capacity": (
        change_zone(lambda z: z._replace(capacity=z.capacity + 1)),
        Kind.WRONG_STATE,
    ),
    "a zone missing": (lose_zone, Kind.WRONG_STATE),
    "an engine that is behind": (engine_behind, Kind.WRONG_STATE),
    "a table that is rebuilt otherwise": (rebuilt_otherwise, Kind.UNEQUAL),
    "a table that is not rebuilt": (rebuilt_without, Kind.UNEQUAL),
}
