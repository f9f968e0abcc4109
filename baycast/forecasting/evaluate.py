"""`baycast forecast evaluate`: a history in a file, forecast as if it were not known, and scored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baycast.day_bar import day_bar
from baycast.forecasting.files import read_history
from baycast.measured import measured
from baycast.settings import UsageError
from occupancy.forecast import protocols
from occupancy.forecast.first_days import untaught
from occupancy.forecast.gridding import busy_steps, day_of, days_of, fragments, panel_of, step_of
from occupancy.forecast.kinds import Kind
from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Ints, Panel
from occupancy.forecast.prior import usual_week

SEED = 1
_OPEN, _CLOSED = timedelta(hours=7), timedelta(hours=21)
"""What is forecast by night nobody asks for."""
_SCORED_EVERY = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_FIRST_DAYS = 2 * DAYS_PER_WEEK
"""By which also the bays are counted, where a file does not tell them."""

Scored = dict[str, float]
_Run = Callable[[Panel, Floats, Ints, int, protocols.Progress], Scored]


def evaluate(path: Path, protocol: str, *, bar: bool) -> dict[str, object]:
    """The figures. Raises `UsageError` for a file or a protocol that is none."""
    history = read_history(path)
    try:
        first, run = _protocol(protocol, history.times)
    except ValueError as error:
        raise UsageError(f"--protocol {protocol}: {error}") from None
    if first < 2 * DAYS_PER_WEEK:
        raise UsageError(
            f"--protocol {protocol}: {first} days before the first that is scored; two weeks are needed"
        )
    midnight = history.times.min().astype("datetime64[D]")
    words, bays = history.scaled(midnight + np.timedelta64(first, "D"))
    if not np.isfinite(words.shares).any():
        raise UsageError(f"{path}: of no place it is known how full it was")
    panel = panel_of(words, len(history.names), step_of(words))
    kept = np.flatnonzero(~fragments(panel) & np.isfinite(panel.shares).any(0))
    panel, bays = Panel(panel.grid, panel.shares[:, kept], panel.slots), bays[kept]
    scored = busy_steps(panel, _OPEN, _CLOSED)
    days = panel.steps // panel.grid.per_day
    figures: dict[str, float | None] = {
        "places": len(kept),
        "days": days,
        "days_before": first,
        "step_s": panel.grid.step.total_seconds(),
        "leaks": protocols.leaks(panel, scored, SEED),
        **run(panel, bays, scored, first, day_bar if bar else _silent),
    }
    return measured("forecast evaluate", SEED, figures, None, protocol=protocol, file=path.name)


def _protocol(name: str, times: NDArray[np.datetime64]) -> tuple[int, _Run]:
    """From which day of the file on is scored, and how. Raises `ValueError`."""
    days = days_of(times)
    if name == "rolling4":
        return days - 4 * DAYS_PER_WEEK, _rolling
    if name == "hourly80":
        return -(-days * 4 // 5), _hourly
    if name == "onestep":
        return days - DAYS_PER_WEEK, _one_step
    if name == "lastweek":
        return days - DAYS_PER_WEEK, _last_week
    if name == "untaught":
        return _FIRST_DAYS, _untaught
    kind, _, date = name.partition(":")
    if kind == "split" and date:
        return day_of(times, np.datetime64(date, "D")), _rolling
    raise ValueError("one of rolling4, hourly80, lastweek, onestep, untaught, split:YYYY-MM-DD is needed")


def _rolling(panel: Panel, bays: Floats, scored: Ints, first: int, progress: protocols.Progress) -> Scored:
    every = max(1, _SCORED_EVERY // panel.grid.step)
    return protocols.rolling(panel, bays, scored[scored % every == 0], first, progress).figures(SEED)


def _hourly(panel: Panel, bays: Floats, _: Ints, first: int, progress: protocols.Progress) -> Scored:
    hours = np.arange(0, panel.grid.per_day, panel.grid.steps(_HOUR))
    return protocols.rolling(panel, bays, hours, first, progress, protocols.HOURLY).figures(SEED)


def _one_step(panel: Panel, bays: Floats, scored: Ints, first: int, progress: protocols.Progress) -> Scored:
    return protocols.one_step(panel, bays, scored, first, progress).figures(SEED)


def _last_week(panel: Panel, _: Floats, scored: Ints, first: int, __: protocols.Progress) -> Scored:
    return protocols.last_week(panel, scored, first)


def _untaught(panel: Panel, bays: Floats, scored: Ints, first: int, _: protocols.Progress) -> Scored:
    """All places of a file are taken for car parks."""
    steps = slice(0, first * panel.grid.per_day)
    days = Panel(panel.grid, panel.shares[steps], panel.slots[steps])
    every = max(1, _SCORED_EVERY // panel.grid.step)
    usual = usual_week([Kind.CAR_PARK] * panel.places, panel.grid)
    found = untaught(days, np.rint(bays).astype(np.int64), scored[scored % every == 0], usual, SEED)
    return {**found, "days": days.steps // panel.grid.per_day, "days_before": 0}


def _silent(done: int, of: int) -> None:
    """Nobody looks."""
