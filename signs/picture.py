"""A sign drawn in characters: its edge, and the lines of the page whose turn it is, centred."""

from __future__ import annotations

from signs.frame import Page
from signs.text import columns


def fits(page: Page, *, lines: int, width: int) -> bool:
    """Return whether a page can be shown whole on this many lines and columns, character by character."""
    wide = [columns(line) for line in page.lines]
    return len(page.lines) <= lines and all(each is not None and each <= width for each in wide)


def picture(page: Page | None, *, lines: int, width: int) -> str:
    """Return the sign as text. A page that does not fit is not shown (L6), like no page at all."""
    shown = page.lines if page is not None and fits(page, lines=lines, width=width) else ()
    above = (lines - len(shown)) // 2
    rows = (*[""] * above, *shown, *[""] * (lines - len(shown) - above))
    edge = "─" * (width + 2)
    return "\n".join([f"┌{edge}┐", *(f"│ {row.center(width)} │" for row in rows), f"└{edge}┘"])
