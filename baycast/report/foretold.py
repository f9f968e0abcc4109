"""The part of the page on forecasts: how good they were, and whether what was said of a free bay came true. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from baycast.report import plots
from baycast.report.framing import framed, plate_of
from baycast.report.markup import Cell, Table, paragraph, section, table
from baycast.report.plots import Line
from baycast.report.telling import Telling, number, percent
from baycast.report.words import PlotWords
from occupancy.forecast.issue import horizon_name
from occupancy.forecast.scores import BINS
from occupancy.forecast.skill import Chances, KindOfDay, Sums

DRAWN_MIN = 30
"""The horizon of which it is drawn what was said and what came: about as far as people drive."""


def forecasts(telling: Telling) -> str:
    """How good forecasts were, by horizon and kind of day."""
    history, words = telling.history, telling.words.forecasts
    if not history.skill:
        return section("forecasts", words.heading, (paragraph(words.none),))
    told = Table(
        caption=words.table,
        columns=(
            words.ahead,
            *(words.number, words.error, words.error_usual, words.error_now, words.band),
            *(words.skill, words.skill_now),
        ),
        rows=[
            (_row_of(telling, minutes, kind), _measures(telling, sums))
            for (minutes, kind), sums in sorted(history.skill.items())
        ],
    )
    chances = history.chances.get(DRAWN_MIN)
    drawn = "" if chances is None else _calibration(telling, chances)
    return section("forecasts", words.heading, (paragraph(words.says), table(told), drawn))


def _row_of(telling: Telling, minutes: int, kind: KindOfDay) -> str:
    words = telling.words.forecasts
    return words.on_days[kind].format(horizon=words.horizons[horizon_name(minutes)])


def _measures(telling: Telling, sums: Sums) -> list[Cell]:
    shares = (
        *(sums.mean(total) for total in (sums.off, sums.off_usual, sums.off_now, sums.inside)),
        *(sums.skill, sums.skill_now),
    )
    return [Cell(number(sums.forecasts)), *(_share(telling, share) for share in shares)]


def _share(telling: Telling, share: float | None) -> Cell:
    return telling.none("none") if share is None else Cell(percent(share))


def _calibration(telling: Telling, chances: Chances) -> str:
    words = telling.words.forecasts
    horizon = words.horizons[horizon_name(DRAWN_MIN)]
    says = PlotWords(
        heading=words.calibration,
        says=words.calibration_says.format(horizon=horizon),
        x=words.tenth,
        y=words.share,
    )
    said, came = _means(chances, chances.said), _means(chances, chances.came)
    tenths = [f"{10 * tenth}–{10 * (tenth + 1)}" for tenth in range(BINS)]
    plate = plate_of("calibration", says, says.says)
    drawn = plots.lines(plate, [Line(words.said, said), Line(words.came, came)], tenths)
    rows = [
        (
            f"{tenths[tenth]}%",
            [Cell(number(chances.forecasts[tenth])), *_told(telling, said[tenth], came[tenth])],
        )
        for tenth in range(BINS)
    ]
    columns = (words.tenth, words.number, words.said, words.came)
    return framed(telling, says, drawn, plate, columns, rows, below=False)


def _means(chances: Chances, totals: Sequence[float]) -> list[float | None]:
    """Percentages by tenth; None: nothing was said there."""
    counts = chances.forecasts
    return [100 * total / count if count else None for total, count in zip(totals, counts, strict=True)]


def _told(telling: Telling, *values: float | None) -> list[Cell]:
    return [_share(telling, None if value is None else value / 100) for value in values]
