"""Pieces of HTML: text that is escaped, tables that a screen reader can read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table. `why`: said beside a dash."""

    text: str
    why: str = ""
    number: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`columns` have a heading each; the first one's cells are the headings of the rows. `numbers`: which columns'
    headings stand over numbers; None: all but the first."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    numbers: frozenset[int] | None = None


def text(words: str) -> str:
    """Escaped, for elements and attributes."""
    return escape(words, quote=True)


def paragraph(words: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f"<p{named}>{text(words)}</p>" if words else ""


def table(told: Table, kind: str = "") -> str:
    """With a caption, and the scope of each heading."""
    numbers = frozenset(range(1, len(told.columns))) if told.numbers is None else told.numbers
    head = "".join(
        f'<th scope="col"{" class=n" if place in numbers else ""}>{text(heading)}</th>'
        for place, heading in enumerate(told.columns)
    )
    body = "\n".join(
        f'<tr><th scope="row">{text(heading)}</th>{"".join(map(_cell, cells))}</tr>'
        for heading, cells in told.rows
    )
    named = f' class="{kind}"' if kind else ""
    return (
        f'<div class="scroll"><table{named}><caption>{text(told.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _cell(cell: Cell) -> str:
    why = f" <small>{text(cell.why)}</small>" if cell.why else ""
    return f"<td{' class=n' if cell.number else ''}>{text(cell.text)}{why}</td>"


def figure(heading: str, says: str, drawn: str, below: str, told: Table, summary: str) -> str:
    """A plot under its heading, and behind it all its figures as a table."""
    return (
        f"<figure>\n<figcaption><h3>{text(heading)}</h3>{paragraph(says)}</figcaption>\n{drawn}\n"
        f"{paragraph(below, 'below')}"
        f"<details><summary>{text(summary)}</summary>{table(told)}</details>\n</figure>"
    )


def section(name: str, heading: str, parts: Iterable[str]) -> str:
    inside = "\n".join(part for part in parts if part)
    return f'<section aria-labelledby="{name}">\n<h2 id="{name}">{text(heading)}</h2>\n{inside}\n</section>'
