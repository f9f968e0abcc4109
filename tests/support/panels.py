"""Towns of car parks that are known by formula, for forecasts."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from occupancy.forecast.panel import Floats, Grid, Panel

STEP = timedelta(minutes=30)


def town(days: int, places: int = 4, seed: int = 1, step: timedelta = STEP, noise: float = 0.05) -> Panel:
    """Shares that follow a daily curve of each place's own, with a disturbance that fades within hours."""
    grid, dice = Grid(step), np.random.default_rng(seed)
    steps = np.arange(days * grid.per_day)
    at = steps % grid.per_day / grid.per_day
    levels = dice.uniform(0.3, 0.7, places)
    usual = levels + 0.25 * np.sin(2 * np.pi * (at[:, None] - dice.uniform(0.2, 0.4, places)))
    left = 0.9 ** (step / timedelta(minutes=30))
    moved = np.zeros((len(steps), places))
    for now in range(1, len(steps)):
        moved[now] = left * moved[now - 1] + dice.normal(0, noise * np.sqrt(1 - left**2), places)
    shares: Floats = np.clip(usual + moved, 0.0, 1.0)
    return Panel(grid, shares, steps % grid.per_week)
