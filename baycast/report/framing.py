"""What all plots of the page share: the table behind, what is said of the highest and lowest, the days. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from baycast.report.markup import Cell, Table, figure
from baycast.report.plots import Plate
from baycast.report.telling import Telling, number, percent
from baycast.report.words import PlotWords
from occupancy.history.metrics import Sums


def framed(
    telling: Telling,
    told: PlotWords,
    drawn: str,
    plate: Plate,
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[Cell]]],
    *,
    below: bool = True,
) -> str:
    """A plot under its heading with its figures behind it. `below`: what it says is written under it, too."""
    table = Table(caption=told.heading, columns=columns, rows=rows)
    said = plate.says if below else ""
    return figure(told.heading, told.says, drawn, said, table, telling.words.as_table)


def plate_of(name: str, told: PlotWords, says: str) -> Plate:
    return Plate(name=name, title=told.heading, says=says, x=told.x, y=told.y)


def extremes(telling: Telling, values: Mapping[str, float | None]) -> str:
    """The highest and the lowest of some places."""
    known = {place: value for place, value in values.items() if value is not None}
    if not known:
        return telling.words.no_extremes
    highest, lowest = max(known, key=lambda place: known[place]), min(known, key=lambda place: known[place])
    whole = all(isinstance(value, int) for value in known.values())
    told = {
        "highest": f"{highest} ({number(known[highest]) if whole else percent(known[highest] / 100)})",
        "lowest": f"{lowest} ({number(known[lowest]) if whole else percent(known[lowest] / 100)})",
    }
    return telling.words.extremes.format(**told)


def coverage(telling: Telling, sums: Sums | None) -> Cell:
    """The share of bay time that was observed."""
    return telling.coverage("occupancy_pct", sums)


def day_names(telling: Telling) -> list[str]:
    return [telling.day(day) for day in telling.history.month.days]


def day_ticks(telling: Telling) -> list[str]:
    """The number of each day over the initial of its weekday."""
    initials = telling.words.weekday_initials
    return [f"{day.day}\n{initials[day.weekday()]}" for day in telling.history.month.days]


def weekends(telling: Telling) -> list[int]:
    """Which days of the month are Saturdays and Sundays, from 0 on."""
    return [place for place, day in enumerate(telling.history.month.days) if day.weekday() >= 5]
