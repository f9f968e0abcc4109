"""The first part of the page: the month in a few figures, beside those of the month before. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from baycast.report.markup import Cell, Table, paragraph, section, table, text
from baycast.report.telling import DASH, Telling, least, points

CARDS = (
    "occupancy_pct",
    "some_free_pct",
    "arrivals",
    "turnover",
    "median_stay_min",
    "overstay_candidates",
    "overstays_confirmed",
)
COMPARED = (
    "occupancy_pct",
    "peak_occupied",
    "some_free_pct",
    "full_min",
    "arrivals",
    "departures",
    "turnover",
    "arrivals_per_hour",
    "stays",
    "censored_stays",
    "mean_stay_min",
    "median_stay_min",
    "p85_stay_min",
    "p95_stay_min",
    "overstay_candidates",
    "overstays_confirmed",
    "over_min",
)


def brief(telling: Telling) -> str:
    history, words = telling.history, telling.words
    before = history.month.before.bounds(history.area.time_zone)[0], history.before_end
    compared = words.compared.format(stretch=telling.stretch(*before))
    cards = "\n".join([_card(telling, name) for name in CARDS] + [_coverage(telling)])
    return section(
        "brief",
        words.brief.heading,
        (
            paragraph(words.brief.says.format(share=least(history.least_coverage)), "note"),
            f'<ul class="cards">\n{cards}\n</ul>',
            paragraph(f"{compared} {words.compared_note}", "note"),
            table(_compared(telling)),
        ),
    )


def _card(telling: Telling, name: str) -> str:
    history, words = telling.history, telling.words
    cell, observed = telling.figure(name, history.sums), telling.coverage(name, history.sums)
    changed = telling.change(
        name, history.figure(name, history.sums), history.figure(name, history.sums_before)
    )
    more = (
        cell.why or telling.unit(name),
        words.against_before.format(change=changed) if changed else "",
        "" if observed.why else words.observed.format(share=observed.text),
    )
    return _li(words.figures[name], cell.text, more)


def _coverage(telling: Telling) -> str:
    history, words = telling.history, telling.words
    cell = telling.coverage("occupancy_pct", history.sums)
    now, before = (None if sums is None else sums.coverage for sums in (history.sums, history.sums_before))
    changed = "" if now is None or before is None else points(100 * (now - before), words)
    more = (cell.why, words.against_before.format(change=changed) if changed else "")
    return _li(words.coverage, cell.text, more)


def _li(name: str, value: str, more: Iterable[str]) -> str:
    lines = " ".join(f'<span class="more">{text(line)}</span>' for line in more if line)
    return f"<li><span>{text(name)}</span> <strong>{text(value)}</strong> {lines}</li>"


def _compared(telling: Telling) -> Table:
    history, words = telling.history, telling.words
    now, before = history.sums, history.sums_before
    rows = []
    for name in COMPARED:
        changed = telling.change(name, history.figure(name, now), history.figure(name, before))
        cells = [
            telling.figure(name, now),
            telling.figure(name, before),
            Cell(changed or DASH),
            telling.coverage(name, now),
            Cell(telling.unit(name) or "%", number=False),
        ]
        rows.append((words.figures[name], cells))
    return Table(
        caption=words.brief_table,
        columns=(
            words.figure,
            words.this_month,
            words.month_before,
            words.change,
            words.coverage,
            words.unit,
        ),
        rows=rows,
        numbers=frozenset({1, 2, 3, 4}),
    )
