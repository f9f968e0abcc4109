"""The parts of the page with plots, each with all its figures in a table behind it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from baycast.report import plots
from baycast.report.markup import Cell, Table, figure, paragraph, section
from baycast.report.plots import Line, Plate, Values
from baycast.report.telling import DASH, Telling, least, number, percent
from baycast.report.words import PlotWords
from occupancy.history.definitions import HISTOGRAM_MIN
from occupancy.history.metrics import Sums, histogram, together

_HOURS = [f"{hour:02}" for hour in range(24)]
_WORKING, _SATURDAY, _SUNDAY = range(5), range(5, 6), range(6, 7)
_CLASSES = (0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Lower ends of the classes that places are counted in by their coverage, and the upper end of the last one."""


def full(telling: Telling) -> str:
    """How full the bays were, by hour of the week, on a typical day, and by day."""
    words = telling.words
    return section(
        "full",
        words.full.heading,
        (paragraph(words.full.says), _heat_map(telling), _typical_day(telling), _by_day(telling)),
    )


def lengths(telling: Telling) -> str:
    words = telling.words
    return section("lengths", words.lengths.heading, (paragraph(words.lengths.says), _histogram(telling)))


def turns(telling: Telling) -> str:
    """Arrivals and overstays by day."""
    words = telling.words
    arrivals = _counts(telling, "arrivals", words.arrivals, {"arrivals": words.figures["arrivals"]})
    over = {"overstay_candidates": words.candidates, "overstays_confirmed": words.confirmed}
    return section(
        "turns",
        words.turns.heading,
        (paragraph(words.turns.says), arrivals, _counts(telling, "overstays", words.overstays, over)),
    )


def seen(telling: Telling) -> str:
    """What was observed, by day and by place."""
    words = telling.words
    parts = (paragraph(words.seen.says), _coverage_by_day(telling), _coverage_by_place(telling))
    return section("seen", words.seen.heading, parts)


def _heat_map(telling: Telling) -> str:
    history, words = telling.history, telling.words
    week = [[_at(history.hours_of_week, 24 * day + hour) for hour in range(24)] for day in range(7)]
    values = [[_value(telling, sums) for sums in line] for line in week]
    plate = _plate(
        "week",
        words.heat_map,
        _extremes(
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
    return _figure(telling, words.heat_map, drawn, plate, columns, rows)


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
    plate = _plate(
        "typical",
        words.typical_day,
        _extremes(
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
    return _figure(telling, words.typical_day, plots.lines(plate, drawn, _HOURS), plate, columns, rows)


def _by_day(telling: Telling) -> str:
    history, words = telling.history, telling.words
    values = [_value(telling, history.days.get(day)) for day in history.month.days]
    plate = _plate("days", words.by_day, _extremes(telling, dict(zip(_days(telling), values, strict=True))))
    drawn = plots.lines(
        plate, [Line(words.figures["occupancy_pct"], values)], _ticks(telling), shaded=_weekends(telling)
    )
    rows = [
        (
            telling.day(day),
            [
                telling.figure("occupancy_pct", history.days.get(day)),
                _coverage(telling, history.days.get(day)),
            ],
        )
        for day in history.month.days
    ]
    columns = (words.day, words.figures["occupancy_pct"], words.coverage)
    return _figure(telling, words.by_day, drawn, plate, columns, rows)


def _histogram(telling: Telling) -> str:
    history, words = telling.history, telling.words
    sums = history.sums
    told = history.figure("stays", sums)
    counts: Sequence[int | None] | None = None
    if sums is not None and told.value is not None:
        counts = histogram(sums, personal=False) or [0] * (len(HISTOGRAM_MIN) + 1)
    ends = [_length(telling, minutes) for minutes in HISTOGRAM_MIN]
    last = words.over.format(length=ends[-1])
    named = [*(words.up_to.format(length=end) for end in ends), last]
    values: Values = [None] * len(named) if counts is None else counts
    plate = _plate("stays", words.histogram, _extremes(telling, dict(zip(named, counts or [], strict=False))))
    instead = DASH if counts is None else words.few_bar
    drawn = plots.bars(
        plate,
        [Line(words.figures["stays"], values)],
        [end.replace(" ", "\n") for end in (*ends, f">{ends[-1]}")],
        instead=instead,
        above=True,
    )
    cells = (
        [telling.none(told.missing or "none")] * len(named)
        if counts is None
        else [telling.none("few") if count is None else Cell(number(count)) for count in counts]
    )
    rows = [(name, [cell]) for name, cell in zip(named, cells, strict=True)]
    columns = (words.histogram.x.partition(",")[0], words.figures["stays"])
    return _figure(telling, words.histogram, drawn, plate, columns, rows)


def _counts(telling: Telling, name: str, told: PlotWords, figures: Mapping[str, str]) -> str:
    """Counts of vehicles by day."""
    history, words = telling.history, telling.words
    days = [history.days.get(day) for day in history.month.days]
    drawn = [
        Line(label, [history.figure(figure, sums).value for sums in days])
        for figure, label in figures.items()
    ]
    plate = _plate(name, told, _extremes(telling, dict(zip(_days(telling), drawn[0].values, strict=True))))
    rows = [
        (telling.day(day), [*(telling.figure(figure, sums) for figure in figures), _coverage(telling, sums)])
        for day, sums in zip(history.month.days, days, strict=True)
    ]
    columns = (words.day, *figures.values(), words.coverage)
    svg = plots.bars(plate, drawn, _ticks(telling), shaded=_weekends(telling))
    return _figure(telling, told, svg, plate, columns, rows)


def _coverage_by_day(telling: Telling) -> str:
    history, words = telling.history, telling.words
    days = [history.days.get(day) for day in history.month.days]
    values = [None if sums is None or sums.coverage is None else 100 * sums.coverage for sums in days]
    threshold = words.threshold.format(share=least(history.least_coverage))
    said = f"{_extremes(telling, dict(zip(_days(telling), values, strict=True)))} {threshold}."
    plate = _plate("coverage", words.coverage_by_day, said)
    rows = [
        (
            telling.day(day),
            [
                _coverage(telling, sums),
                telling.hours("unknown_min", sums),
                telling.hours("closed_min", sums),
            ],
        )
        for day, sums in zip(history.month.days, days, strict=True)
    ]
    columns = (words.day, words.coverage, words.unknown_hours, words.closed_hours)
    drawn = plots.lines(
        plate,
        [Line(words.coverage, values)],
        _ticks(telling),
        shaded=_weekends(telling),
        least=100 * history.least_coverage,
    )
    return _figure(telling, words.coverage_by_day, drawn, plate, columns, rows)


def _coverage_by_place(telling: Telling) -> str:
    history, words = telling.history, telling.words
    shares = [period.sums.coverage for period in history.places]
    classes = list(pairwise(_CLASSES))
    counts: list[float | None] = [
        sum(1 for share in shares if share is not None and low <= share < high) for low, high in classes
    ]
    whole = sum(1 for share in shares if share == _CLASSES[-1])
    counts[-1] = (counts[-1] or 0) + whole
    named = [f"{100 * low:.0f}{DASH}{100 * high:.0f}" for low, high in classes]
    plate = _plate(
        "places",
        words.coverage_by_place,
        "; ".join(f"{name}%: {number(count or 0)}" for name, count in zip(named, counts, strict=True)),
    )
    rows = [(f"{name}%", [Cell(number(count or 0))]) for name, count in zip(named, counts, strict=True)]
    drawn = plots.bars(plate, [Line(words.places, counts)], named, above=True)
    return _figure(
        telling, words.coverage_by_place, drawn, plate, (words.coverage, words.places), rows, below=False
    )


def _figure(
    telling: Telling,
    told: PlotWords,
    drawn: str,
    plate: Plate,
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[Cell]]],
    *,
    below: bool = True,
) -> str:
    table = Table(caption=told.heading, columns=columns, rows=rows)
    said = plate.says if below else ""
    return figure(told.heading, told.says, drawn, said, table, telling.words.as_table)


def _plate(name: str, told: PlotWords, says: str) -> Plate:
    return Plate(name=name, title=told.heading, says=says, x=told.x, y=told.y)


def _extremes(telling: Telling, values: Mapping[str, float | None]) -> str:
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


def _value(telling: Telling, sums: Sums | None) -> float | None:
    return telling.history.figure("occupancy_pct", sums).value


def _coverage(telling: Telling, sums: Sums | None) -> Cell:
    return telling.coverage("occupancy_pct", sums)


def _at(hours: Mapping[int, Sums], hour: int) -> Sums | None:
    return hours.get(hour)


def _of_days(hours: Mapping[int, Sums], wanted: Sequence[int]) -> Sums | None:
    found = [hours[hour] for hour in wanted if hour in hours]
    return together(found) if found else None


def _length(telling: Telling, minutes: int) -> str:
    if minutes < 60:
        return telling.words.minutes_short.format(n=minutes)
    hours = minutes / 60
    return telling.words.hours_short.format(n=f"{hours:g}")


def _days(telling: Telling) -> list[str]:
    return [telling.day(day) for day in telling.history.month.days]


def _ticks(telling: Telling) -> list[str]:
    initials = telling.words.weekday_initials
    return [f"{day.day}\n{initials[day.weekday()]}" for day in telling.history.month.days]


def _weekends(telling: Telling) -> list[int]:
    return [place for place, day in enumerate(telling.history.month.days) if day.weekday() >= 5]
