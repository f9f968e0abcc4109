"""Plots as SVG that stands in the page itself: no colour says what nothing else says, no letter is a picture."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baycast.report.markup import text

INK, PALE, GRID = "#1b2430", "#5b6572", "#dfe3e8"
BLUE, ORANGE, GREEN = "#0b5d9e", "#b84a00", "#00705a"
_FULL = ("#f3f7fb", "#c4dcf0", "#7fb2dc", "#2f78b8", "#0b3f75")
"""From empty to full: one hue, so that it is the same to all eyes and in grey."""
_LOOKS = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, ":", "^"))
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "baycast",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": PALE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """What every plot has. `name` is its own in the page; `title` and `says` are for those who do not see it."""

    name: str
    title: str
    says: str
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class Line:
    """None: a gap."""

    label: str
    values: Sequence[float | None]


Values = Sequence[float | None]


def heat_map(plate: Plate, values: Sequence[Values], rows: Sequence[str], columns: Sequence[str]) -> str:
    """Percentages, each told in its square; None: hatched, with a dash."""
    with _style("#c3c9d2"):
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.patches import Rectangle

        colours = LinearSegmentedColormap.from_list("full", _FULL)
        figure, axes = _canvas(2.5)
        for row, line in enumerate(values):
            for column, value in enumerate(line):
                ground = "#ffffff" if value is None else colours(value / 100)
                hatch = "///" if value is None else None
                axes.add_patch(
                    Rectangle((column, row), 1, 1, facecolor=ground, edgecolor="white", hatch=hatch)
                )
                ink = _ink_on(ground)
                told = "–" if value is None else f"{value:.0f}"
                axes.text(column + 0.5, row + 0.53, told, ha="center", va="center", color=ink, size=7)
        axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0), xlabel=plate.x)
        axes.set_xticks([place + 0.5 for place in range(len(columns))], columns)
        axes.set_yticks([place + 0.5 for place in range(len(rows))], rows)
        axes.spines[:].set_visible(False)
        return _svg(figure, plate)


def lines(
    plate: Plate,
    drawn: Sequence[Line],
    ticks: Sequence[str],
    *,
    shaded: Sequence[int] = (),
    least: float | None = None,
) -> str:
    """Percentages over places in order. `shaded`: which places lie on a darker ground; `least`: a level with a line."""
    with _style(PALE):
        figure, axes = _canvas(2.6)
        _shade(axes, shaded)
        for line, (colour, dashes, mark) in zip(drawn, _LOOKS, strict=False):
            values = [float("nan") if value is None else value for value in line.values]
            axes.plot(
                values,
                color=colour,
                linestyle=dashes,
                marker=mark,
                markersize=3.2,
                linewidth=1.6,
                label=line.label,
            )
        if least is not None:
            axes.axhline(least, color=PALE, linestyle=(0, (4, 3)), linewidth=1)
        axes.set(xlim=(-0.6, len(ticks) - 0.4), ylim=(0, 102), xlabel=plate.x, ylabel=plate.y)
        axes.set_yticks(range(0, 101, 25))
        axes.grid(axis="y")
        axes.set_xticks(range(len(ticks)), ticks)
        if len(drawn) > 1:
            _legend(axes, len(drawn))
        return _svg(figure, plate)


def bars(
    plate: Plate,
    drawn: Sequence[Line],
    ticks: Sequence[str],
    *,
    shaded: Sequence[int] = (),
    above: bool = False,
) -> str:
    """Counts, several side by side, a dash where there is none; `above`: each bar has its number."""
    with _style("white"):
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        figure, axes = _canvas(2.6)
        _shade(axes, shaded)
        width = 0.76 / len(drawn)
        for number, (line, (colour, _, _)) in enumerate(zip(drawn, _LOOKS, strict=False)):
            places = [place - 0.38 + width * (number + 0.5) for place in range(len(line.values))]
            heights = [value or 0 for value in line.values]
            hatch = "////" if number else None
            edge = "white" if number else colour
            axes.bar(
                places,
                heights,
                width=width * 0.94,
                color=colour,
                hatch=hatch,
                edgecolor=edge,
                linewidth=0,
                label=line.label,
            )
            for place, value in zip(places, line.values, strict=True):
                told = "–" if value is None else f"{value:,.0f}" if above else ""
                if told:
                    axes.annotate(
                        told,
                        (place, value or 0),
                        (0, 2),
                        textcoords="offset points",
                        ha="center",
                        va="bottom",
                        size=7,
                    )
        highest = max((value for line in drawn for value in line.values if value is not None), default=0)
        axes.set(xlim=(-0.6, len(ticks) - 0.4), ylim=(0, 1.1 * highest or 1), xlabel=plate.x, ylabel=plate.y)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.grid(axis="y")
        axes.set_xticks(range(len(ticks)), ticks)
        if len(drawn) > 1:
            _legend(axes, len(drawn))
        return _svg(figure, plate)


def _style(hatch: str) -> Any:
    """`hatch`: its colour."""
    import matplotlib as mpl

    return mpl.rc_context({**_STYLE, "hatch.color": hatch})


def _ink_on(ground: Any) -> str:
    """Black or white, whichever is read better: at least 4.5 to 1 on any ground, by the formula of WCAG."""
    from matplotlib.colors import to_rgb

    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(ground)
    )
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


def _canvas(height: float) -> tuple[Any, Any]:
    """Of the width of a sheet of A4 between its margins; inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, height), layout="constrained")
    return figure, figure.add_subplot()


def _shade(axes: Any, places: Sequence[int]) -> None:
    for place in places:
        axes.axvspan(place - 0.5, place + 0.5, color="#eceff3", linewidth=0, zorder=0)


def _legend(axes: Any, columns: int) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, borderaxespad=0.2, handlelength=3.2)


def _svg(figure: Any, plate: Plate) -> str:
    """The drawing without what belongs to a file of its own; every id begins with the name of the plot."""
    file = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(file, format="svg", metadata=nothing, transparent=True)
    drawn = file.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(
        r"<!--.*?-->\n?|<metadata>.*?</metadata>\n?|<defs>\s*<style.*?</defs>\n?", "", drawn, flags=re.DOTALL
    )
    drawn = re.sub(r'\bid="', f'id="{plate.name}-', drawn)
    drawn = re.sub(r'(xlink:href="|url\()#', rf"\g<1>#{plate.name}-", drawn)
    viewbox = re.search(r'viewBox="[^"]*"', drawn)
    if viewbox is None:
        raise ValueError("a drawing without a viewBox")
    opened = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {viewbox[0]} '
        f'role="img" aria-labelledby="{plate.name}-title {plate.name}-says">\n'
        f'<title id="{plate.name}-title">{text(plate.title)}</title>\n'
        f'<desc id="{plate.name}-says">{text(plate.says)}</desc>'
    )
    return opened + drawn[drawn.index(">") + 1 :].rstrip()
