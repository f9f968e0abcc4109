"""A whole week from what is known at its beginning: for plans, and where forecasts of hours end."""

from __future__ import annotations

import numpy as np

from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Ints, Panel, known_mean
from occupancy.forecast.ridge import Ridge
from occupancy.forecast.usual import LATELY_DAYS, UsualWeek


class WeekAhead:
    """Learns from the weeks before a day, each as it was seen from its beginning."""

    def __init__(self, panel: Panel, scored: Ints) -> None:
        """`scored`: the steps of a day that are forecast."""
        self._panel, self._scored = panel, scored

    def forecast(self, first: int) -> tuple[Ints, Floats]:
        """The targets, and the occupied shares (targets, places), of the week that begins on a day of the panel;
        nothing of that week is read. Raises `ValueError` for a day that is not there."""
        panel, per_day = self._panel, self._panel.grid.per_day
        usual, lately = UsualWeek(panel.grid, panel.places), UsualWeek(panel.grid, panel.places, LATELY_DAYS)
        ridge = Ridge()
        seen: list[tuple[Ints, Floats, Floats]] = []
        for day in range(first + 1):
            targets, rows, base = self._seen(day, usual.shares(), lately.shares())
            if day == first:
                found = ridge.solve()
                return targets, np.clip(base if found is None else base + rows @ found, 0.0, 1.0)
            seen.append((targets, rows, base))
            if day >= DAYS_PER_WEEK:  # a week that is over now
                self._learn(ridge, *seen.pop(0))
            steps = np.arange(day * per_day, (day + 1) * per_day)
            for week in (usual, lately):
                week.take_up(panel.slots[steps], panel.shares[steps])
        raise ValueError(f"day {first} is not in the panel")

    def _learn(self, ridge: Ridge, targets: Ints, rows: Floats, base: Floats) -> None:
        inside = targets < self._panel.steps
        truth = self._panel.shares[targets[inside]]
        known = np.isfinite(truth)
        if known.any():
            ridge.take_up(rows[inside][known], (truth - base[inside])[known])

    def _seen(self, day: int, usual: Floats, lately: Floats) -> tuple[Ints, Floats, Floats]:
        """Of the week from a day on: targets, features and what is usual."""
        panel, per_day = self._panel, self._panel.grid.per_day
        days = np.arange(day, day + DAYS_PER_WEEK)
        targets = (days[:, None] * per_day + self._scored).ravel()
        slots = (targets % panel.grid.per_week + panel.slots[0]) % panel.grid.per_week
        inside = targets < panel.steps
        slots[inside] = panel.slots[targets[inside]]
        base = usual[slots]
        before = [self._residuals(targets - weeks * panel.grid.per_week, usual, day) for weeks in (1, 2)]
        past = np.arange((day - DAYS_PER_WEEK) * per_day, day * per_day)
        last = self._residuals(past, usual, day)
        levels = [known_mean(last, axis=0), known_mean(last[-per_day:], axis=0)]
        by_slot = last.reshape(DAYS_PER_WEEK, per_day, -1)
        on_weekdays = np.nan_to_num(known_mean(by_slot, axis=0))[targets % per_day]
        found = [*before, (lately - usual)[slots], on_weekdays, base]
        found += [np.broadcast_to(level, base.shape) for level in levels]
        found += [np.broadcast_to(known_mean(one.T, axis=0)[:, None], base.shape) for one in before]
        found.append(np.ones_like(base))
        return targets, np.nan_to_num(np.stack(found, axis=-1)), base

    def _residuals(self, steps: Ints, usual: Floats, day: int) -> Floats:
        """Of steps before a day; NaN for those that are before the first."""
        panel = self._panel
        kept = np.clip(steps, 0, day * panel.grid.per_day - 1) if day else np.zeros_like(steps)
        found = panel.shares[kept] - usual[panel.slots[kept]]
        rows: Floats = np.where(((steps >= 0) & (steps == kept) & (day > 0))[:, None], found, np.nan)
        return rows
