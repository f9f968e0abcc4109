"""The whole page: one file that needs no other. Pure, and the same bytes for the same figures."""

from __future__ import annotations

from importlib.resources import files

from baycast.report.brief import brief
from baycast.report.counts import lengths, seen, turns
from baycast.report.foretold import forecasts
from baycast.report.fullness import full
from baycast.report.listed import car_parks, definitions, final, sensors, streets
from baycast.report.markup import text
from baycast.report.month import MonthHistory, Standing
from baycast.report.telling import Telling
from baycast.report.words import Words

PARTS = (brief, full, lengths, turns, seen, streets, car_parks, sensors, forecasts, final, definitions)


def page(history: MonthHistory, words: Words, version: str) -> str:
    """HTML in the language of `words`. `version`: what made it."""
    telling = Telling(history, words)
    area = telling.name(history.area.name)
    month = telling.month(history.month)
    title = words.title.format(area=area, month=month)
    style = files("baycast.report").joinpath("style.css").read_text(encoding="utf-8")
    made = words.made_by.format(version=version, time_zone=history.area.time_zone)
    sections = "\n".join(part(telling) for part in PARTS)
    return f"""<!DOCTYPE html>
<html lang="{words.code}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{text(title)}</h1>
{standing(telling)}
</header>
<main>
{sections}
</main>
<footer>{text(made)}</footer>
</body>
</html>
"""


def standing(telling: Telling) -> str:
    """Whether figures may still change, and up to when they reach."""
    history, words = telling.history, telling.words
    state, reached = history.standing, history.extent.watermark
    time = "" if reached is None else telling.time(reached)
    as_of = words.no_history_at_all if reached is None else words.as_of.format(time=time)
    if state is Standing.RUNNING:
        as_of = ""  # it is said already
    kind = "badge" if state is Standing.FINAL else "badge open"
    told = words.standing[state].format(time=time)
    return (
        f'<p class="standing"><span class="{kind}">{text(words.badge[state])}</span> '
        f"{text(f'{told} {as_of}'.strip())}</p>"
    )
