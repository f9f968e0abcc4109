"""Figures, times and names as people read them, in one language. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from baycast.report.markup import Cell
from baycast.report.month import CivilMonth, MonthHistory
from baycast.report.words import Words
from occupancy.calendar import zone_of
from occupancy.history.definitions import BY_NAME
from occupancy.history.metrics import Figure, Sums
from occupancy.model import Name, ZoneId

DASH = "–"
_DIGITS = {"occupancy_pct": 1, "some_free_pct": 1, "turnover": 3, "arrivals_per_hour": 1}


class Telling:
    """One month's history in one language."""

    def __init__(self, history: MonthHistory, words: Words) -> None:
        self.history, self.words = history, words

    def name(self, name: Name) -> str:
        """In the language of the page, as far as there is one."""
        return (name.cy or name.en) if self.words.code == "cy" else name.en

    def place(self, zone_id: str) -> str:
        zone = self.history.zones.get(ZoneId(zone_id))
        return f"{zone_id} ({self.words.no_longer_registered})" if zone is None else self.name(zone.name)

    def month(self, month: CivilMonth) -> str:
        return f"{self.words.months[month.month - 1]} {month.year}"

    def time(self, at: datetime) -> str:
        """By the clock on the area's walls."""
        local = at.astimezone(zone_of(self.history.area.time_zone))
        month = self.words.months[local.month - 1]
        return self.words.time.format(day=local.day, month=month, year=local.year, clock=f"{local:%H:%M}")

    def day(self, day: date) -> str:
        return f"{self.words.weekdays_short[day.weekday()]} {day.day}"

    def stretch(self, start: datetime, end: datetime) -> str:
        """From the first to the last day."""
        zone = zone_of(self.history.area.time_zone)
        first, last = start.astimezone(zone).date(), (end - timedelta(microseconds=1)).astimezone(zone).date()
        month = CivilMonth(first.year, first.month)
        if last == month.days[-1]:
            return self.month(month)
        return f"{first.day}{DASH}{last.day} {self.month(month)}"

    def figure(self, name: str, sums: Sums | None) -> Cell:
        """Or a dash and the reason."""
        return self.cell(name, self.history.figure(name, sums))

    def cell(self, name: str, found: Figure) -> Cell:
        if found.value is None:
            return self.none(found.missing or "none")
        return Cell(self.value(name, found.value))

    def none(self, why: str) -> Cell:
        return Cell(DASH, self.words.missing[why])

    def value(self, name: str, value: float) -> str:
        share = "%" if BY_NAME[name].unit == "%" else ""
        return number(value, _DIGITS.get(name, 0)) + share

    def hours(self, name: str, sums: Sums | None) -> Cell:
        """A figure of minutes, in hours."""
        found = self.history.figure(name, sums)
        return (
            self.none(found.missing or "none") if found.value is None else Cell(number(found.value / 60, 1))
        )

    def unit(self, name: str) -> str:
        """What stands behind the number; "": it is in the number already."""
        unit = BY_NAME[name].unit
        return "" if unit == "%" else self.words.units[unit]

    def coverage(self, name: str, sums: Sums | None) -> Cell:
        """What share of the time a figure is made of was observed."""
        share = self.history.known_share(name, sums)
        return self.none("history" if sums is None else "none") if share is None else Cell(percent(share))

    def change(self, name: str, now: Figure, before: Figure) -> str:
        """From the month before; "": it cannot be said."""
        if now.value is None or before.value is None:
            return ""
        if BY_NAME[name].unit == "%":
            return points(now.value - before.value, self.words)
        return f"{_signed(100 * (now.value / before.value - 1))}%" if before.value else ""


def number(value: float, digits: int = 0) -> str:
    """As in 12,345.6, with a true minus."""
    told = f"{value:,.{digits}f}"
    return told.replace("-", "−") if float(told.replace(",", "")) else told.lstrip("-")


def percent(share: float) -> str:
    """Of a share; what is not all is not told as all."""
    return "99.9%" if 0.9995 <= share < 1 else f"{number(100 * share, 1)}%"


def least(share: float) -> str:
    """Of the share that a figure needs, as it was set."""
    return f"{100 * share:g}%"


def points(value: float, words: Words) -> str:
    """A difference of percentages."""
    return f"{_signed(value)} {words.points}"


def _signed(value: float) -> str:
    told = number(value, 1)
    return told if told.startswith("−") else f"+{told}" if float(told.replace(",", "")) else "±0"
