"""The parts of the page on stays, arrivals, overstays and coverage, each plot with its table behind it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from baycast.report import plots
from baycast.report.framing import coverage, day_names, day_ticks, extremes, framed, plate_of, weekends
from baycast.report.markup import Cell, paragraph, section
from baycast.report.plots import Line, Values
from baycast.report.telling import DASH, Telling, least, number
from baycast.report.words import PlotWords
from occupancy.history.definitions import HISTOGRAM_MIN
from occupancy.history.metrics import histogram

_CLASSES = (0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Lower ends of the classes that places are counted in by their coverage, and the upper end of the last one."""


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
    plate = plate_of(
        "stays", words.histogram, extremes(telling, dict(zip(named, counts or [], strict=False)))
    )
    drawn = plots.bars(
        plate,
        [Line(words.figures["stays"], values)],
        [end.replace(" ", "\n") for end in (*ends, f">{ends[-1]}")],
        above=True,
    )
    cells = (
        [telling.none(told.missing or "none")] * len(named)
        if counts is None
        else [telling.none("hidden") if count is None else Cell(number(count)) for count in counts]
    )
    rows = [(name, [cell]) for name, cell in zip(named, cells, strict=True)]
    columns = (words.histogram.x.partition(",")[0], words.figures["stays"])
    return framed(telling, words.histogram, drawn, plate, columns, rows)


def _counts(telling: Telling, name: str, told: PlotWords, figures: Mapping[str, str]) -> str:
    """Counts of vehicles by day."""
    history, words = telling.history, telling.words
    found = {figure: history.by_day(figure) for figure in figures}
    drawn = [Line(label, [one.value for one in found[figure]]) for figure, label in figures.items()]
    plate = plate_of(
        name, told, extremes(telling, dict(zip(day_names(telling), drawn[0].values, strict=True)))
    )
    rows = [
        (
            telling.day(day),
            [
                *(telling.cell(figure, by_day[n]) for figure, by_day in found.items()),
                coverage(telling, history.days.get(day)),
            ],
        )
        for n, day in enumerate(history.month.days)
    ]
    columns = (words.day, *figures.values(), words.coverage)
    svg = plots.bars(plate, drawn, day_ticks(telling), shaded=weekends(telling))
    return framed(telling, told, svg, plate, columns, rows)


def _coverage_by_day(telling: Telling) -> str:
    history, words = telling.history, telling.words
    days = [history.days.get(day) for day in history.month.days]
    values = [None if sums is None or sums.coverage is None else 100 * sums.coverage for sums in days]
    threshold = words.threshold.format(share=least(history.least_coverage))
    said = f"{extremes(telling, dict(zip(day_names(telling), values, strict=True)))} {threshold}."
    plate = plate_of("coverage", words.coverage_by_day, said)
    rows = [
        (
            telling.day(day),
            [
                coverage(telling, sums),
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
        day_ticks(telling),
        shaded=weekends(telling),
        least=100 * history.least_coverage,
    )
    return framed(telling, words.coverage_by_day, drawn, plate, columns, rows)


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
    plate = plate_of(
        "places",
        words.coverage_by_place,
        "; ".join(f"{name}%: {number(count or 0)}" for name, count in zip(named, counts, strict=True)),
    )
    rows = [(f"{name}%", [Cell(number(count or 0))]) for name, count in zip(named, counts, strict=True)]
    drawn = plots.bars(plate, [Line(words.places, counts)], named, above=True)
    return framed(
        telling, words.coverage_by_place, drawn, plate, (words.coverage, words.places), rows, below=False
    )


def _length(telling: Telling, minutes: int) -> str:
    if minutes < 60:
        return telling.words.minutes_short.format(n=minutes)
    hours = minutes / 60
    return telling.words.hours_short.format(n=f"{hours:g}")
