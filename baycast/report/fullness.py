"""The part of the page on how full the bays were, each plot with all its figures in a table behind it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from baycast.report import plots
from baycast.report.framing import coverage, day_names, day_ticks, extremes, framed, plate_of, weekends
from baycast.report.markup import paragraph, section
from baycast.report.plots import Line
from baycast.report.telling import Telling
from occupancy.history.metrics import Sums, together

_HOURS = [f"{hour:02}" for hour in range(24)]
_WORKING, _SATURDAY, _SUNDAY = range(5), range(5, 6), range(6, 7)


def full(telling: Telling) -> str:
    """How full the bays were, by hour of the week, on a typical day, and by day."""
    words = telling.words
    return section(
        "full",
        words.full.heading,
        (paragraph(words.full.says), _heat_map(telling), _typical_day(telling), _by_day(telling)),
    )


def _heat_map(telling: Telling) -> str:
    history, words = telling.history, telling.words
    week = [[history.hours_of_week.get(24 * day + hour) for hour in range(24)] for day in range(7)]
    values = [[_value(telling, sums) for sums in line] for line in week]
    plate = plate_of(
        "week",
        words.heat_map,
        extremes(
            telling,
            {
                f"{words.weekdays[day]} {hour}:00": value
                for day, line in enumerate(values)
                for hour, value in zip(_HOURS, line, strict=True)
            },
        ),
    )
    rows = [
        (
            f"{hour}:00",
            [telling.figure("occupancy_pct", week[day][int(hour)]) for day in range(7)],
        )
        for hour in _HOURS
    ]
    columns = (words.hour, *words.weekdays_short)
    drawn = plots.heat_map(plate, values, words.weekdays, _HOURS)
    return framed(telling, words.heat_map, drawn, plate, columns, rows)


def _typical_day(telling: Telling) -> str:
    history, words = telling.history, telling.words
    sources = (
        (history.working_hours, _WORKING),
        (history.hours_of_week, _SATURDAY),
        (history.hours_of_week, _SUNDAY),
    )
    days = [
        [_of_days(hours, [24 * day + hour for day in days]) for hour in range(24)] for hours, days in sources
    ]
    drawn = [
        Line(label, [_value(telling, sums) for sums in line])
        for label, line in zip(words.kinds_of_day, days, strict=True)
    ]
    plate = plate_of(
        "typical",
        words.typical_day,
        extremes(
            telling,
            {
                f"{line.label} {hour}:00": value
                for line in drawn
                for hour, value in zip(_HOURS, line.values, strict=True)
            },
        ),
    )
    rows = [
        (f"{hour}:00", [telling.figure("occupancy_pct", line[int(hour)]) for line in days]) for hour in _HOURS
    ]
    columns = (words.hour, *words.kinds_of_day)
    return framed(telling, words.typical_day, plots.lines(plate, drawn, _HOURS), plate, columns, rows)


def _by_day(telling: Telling) -> str:
    history, words = telling.history, telling.words
    values = [_value(telling, history.days.get(day)) for day in history.month.days]
    plate = plate_of(
        "days", words.by_day, extremes(telling, dict(zip(day_names(telling), values, strict=True)))
    )
    drawn = plots.lines(
        plate, [Line(words.figures["occupancy_pct"], values)], day_ticks(telling), shaded=weekends(telling)
    )
    rows = [
        (
            telling.day(day),
            [
                telling.figure("occupancy_pct", history.days.get(day)),
                coverage(telling, history.days.get(day)),
            ],
        )
        for day in history.month.days
    ]
    columns = (words.day, words.figures["occupancy_pct"], words.coverage)
    return framed(telling, words.by_day, drawn, plate, columns, rows)


def _value(telling: Telling, sums: Sums | None) -> float | None:
    return telling.history.figure("occupancy_pct", sums).value


def _of_days(hours: Mapping[int, Sums], wanted: Sequence[int]) -> Sums | None:
    found = [hours[hour] for hour in wanted if hour in hours]
    return together(found) if found else None
