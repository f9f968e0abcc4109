"""`baycast bench forecast`: how long a model takes to learn, and what is said every minute to issue."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np

from baycast.forecasting.train import peak_mib
from baycast.measured import measured
from occupancy.forecast.issue import GRID, Place
from occupancy.forecast.issuing import REMEMBERED, Recent, issue
from occupancy.forecast.kinds import Kind
from occupancy.forecast.model import Model
from occupancy.forecast.other_places import model_of
from occupancy.forecast.panel import Floats, Ints, Panel
from occupancy.forecast.profile import Week
from occupancy.forecast.training import train
from occupancy.model import Area, AreaId, Clock, Name, ZoneId

ISSUED = 1_000
"""Places that forecasts are issued for."""
_ISSUES = 20
_BAYS = (4, 40)
_AREA = Area(
    area_id=AreaId("bench"),
    name=Name(en="Bench"),
    time_zone="Europe/London",
    languages=("en",),
    clock=Clock.EVENT,
)
_START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""
_LEFT, _MOVED = 0.99, 0.02
"""What is left of a disturbance after a step, and how much is new."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A city, by the number of its places, and for how many days it is known."""

    places: int
    days: int
    seed: int

    def __post_init__(self) -> None:
        if not 1 <= self.places <= 10_000:
            raise ValueError("--places is from 1 to 10000")
        if not 8 <= self.days <= 730:
            raise ValueError("--days is from 8 to 730")


def measure(plan: Plan, tell: Callable[[str], None]) -> dict[str, object]:
    """Train, then issue. Memory is that of the whole process, the city included."""
    tell(f"{plan.places} places, {plan.days} days")
    bays = np.random.default_rng(plan.seed).integers(*_BAYS, plan.places)
    panel = _city(plan, bays)
    until = _START + timedelta(days=plan.days)
    began, cpu_began = time.perf_counter(), time.process_time()
    model = train(panel, _places(plan.places), [Kind.OPEN] * plan.places, bays, until)
    figures: dict[str, float | None] = {
        "train_city_year_s": time.perf_counter() - began,
        "train_cpu_s": time.process_time() - cpu_began,
        "train_peak_mib": peak_mib(),
        "places": plan.places,
        "days": plan.days,
    }
    tell("trained")
    linear = replace(model, horizons=tuple(replace(one, grown=None) for one in model.horizons))
    took, cpu = _issues(linear, panel, until)
    figures["issue_1000_ms"], figures["issue_1000_cpu_ms"] = 1_000 * took, 1_000 * cpu
    grown = [one.grown for one in model.horizons if one.grown is not None]
    figures["horizons_with_trees"] = len(grown)
    if grown:
        rich = replace(
            model, horizons=tuple(replace(one, grown=one.grown or grown[0]) for one in model.horizons)
        )
        took, cpu = _issues(rich, panel, until)
        figures["issue_1000_trees_ms"], figures["issue_1000_trees_cpu_ms"] = 1_000 * took, 1_000 * cpu
    return measured("bench forecast", plan.seed, figures)


def _city(plan: Plan, bays: Ints) -> Panel:
    """Days with a peak of each place's own, and disturbances that fade within hours."""
    dice = np.random.default_rng(plan.seed)
    steps = np.arange(plan.days * GRID.per_day)
    shares = np.empty((len(steps), plan.places))
    peaks, levels = dice.uniform(0.4, 0.6, plan.places), dice.uniform(0.3, 0.8, plan.places)
    moved = np.zeros(plan.places)
    for step in steps:
        moved = _LEFT * moved + dice.normal(0, _MOVED, plan.places)
        at = step % GRID.per_day / GRID.per_day
        shares[step] = levels + 0.3 * np.cos(2 * np.pi * (at - peaks)) + moved
    np.clip(np.rint(shares * bays) / bays, 0.0, 1.0, out=shares)
    return Panel(GRID, shares, steps % GRID.per_week)


def _places(number: int) -> list[Place]:
    return [Place(ZoneId(f"street-{number:05}")) for number in range(number)]


def _issues(model: Model, panel: Panel, now: datetime) -> tuple[float, float]:
    """Wall clock and CPU of one batch for `ISSUED` places, in seconds: medians."""
    columns = np.arange(ISSUED) % panel.places
    bays = np.full(ISSUED, _BAYS[-1])
    places = [*model.places, *_places(ISSUED + panel.places)[panel.places :]][:ISSUED]
    wide = model_of(model, places, [Kind.OPEN] * ISSUED, bays)
    shares: Floats = panel.shares[-REMEMBERED:, columns]
    recent = Recent(now - GRID.step, shares, now - GRID.step, shares[-1])
    week = Week(_AREA, None)
    found = []
    for _ in range(_ISSUES):
        began, cpu_began = time.perf_counter(), time.process_time()
        issue(wide, _AREA.area_id, recent, bays, week, now)
        found.append((time.perf_counter() - began, time.process_time() - cpu_began))
    took, cpu = (median(column) for column in zip(*found, strict=True))
    return took, cpu


__all__ = ["Plan", "measure"]
