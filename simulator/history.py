"""What happened in a city during a run, whole: the truth that devices report of, and that engines are judged by."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.plan import CityPlan
from simulator.world import BayChanged, Passed, World


@dataclass(frozen=True, slots=True)
class TrueStay:
    """One vehicle in the bay with this index; `departed_ms` None: still there at the end."""

    bay: int
    arrived_ms: int
    departed_ms: int | None
    driver: str


@dataclass(slots=True)
class History:
    """Times are milliseconds since 1970; bays and car parks are indexes of the plan."""

    plan: CityPlan
    start_ms: int
    end_ms: int
    occupied_at_start: list[bool]
    changes: list[BayChanged] = field(default_factory=list)
    passages: list[Passed] = field(default_factory=list)
    parked_at_start: list[int] = field(default_factory=list)
    stays: list[TrueStay] = field(default_factory=list)

    def changes_by_bay(self) -> list[list[tuple[int, bool]]]:
        """(time, occupied) of each bay's changes, in order."""
        found: list[list[tuple[int, bool]]] = [[] for _ in self.plan.bays]
        for change in self.changes:
            found[change.bay].append((change.at_ms, change.occupied))
        return found


def play(plan: CityPlan, *, seed: int, start_ms: int, end_ms: int) -> History:
    """Let the city live from start to end."""
    world = World(plan, seed=seed, start_ms=start_ms)
    bays = range(len(plan.bays))
    history = History(plan, start_ms, end_ms, [world.is_occupied(bay) for bay in bays])
    history.parked_at_start = [world.in_car_park(park) for park in range(len(plan.car_parks))]
    inside = {bay: (world.since_ms(bay), world.driver_in(bay)) for bay in bays if world.is_occupied(bay)}
    for event in world.advance(end_ms):
        if isinstance(event, Passed):
            history.passages.append(event)
            continue
        history.changes.append(event)
        if event.occupied:
            inside[event.bay] = (event.at_ms, event.driver)
        else:
            arrived_ms, driver = inside.pop(event.bay)
            history.stays.append(TrueStay(event.bay, arrived_ms, event.at_ms, driver))
    history.stays += [TrueStay(bay, at_ms, None, driver) for bay, (at_ms, driver) in inside.items()]
    return history
