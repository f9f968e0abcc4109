"""The picture of the reference sign."""

from __future__ import annotations

from signs.frame import Page
from signs.picture import fits, picture


def test_a_page_stands_in_the_middle() -> None:
    drawn = picture(Page(language="cy", lines=("12 LLE",)), lines=3, width=8)
    assert drawn.split("\n") == [
        "┌──────────┐",
        "│          │",
        "│  12 LLE  │",
        "│          │",
        "└──────────┘",
    ]


def test_l6_a_page_that_is_too_large_is_not_shown_at_all() -> None:
    wide = Page(language="en", lines=("12 SPACES",))
    tall = Page(language="en", lines=("12", "SPACES"))
    assert not fits(wide, lines=2, width=8)
    assert not fits(tall, lines=1, width=8)
    dark = picture(None, lines=1, width=8)
    assert picture(wide, lines=1, width=8) == dark
    assert picture(tall, lines=1, width=8) == dark
    assert dark.split("\n")[1] == "│          │"


def test_a_page_with_what_no_sign_can_show_is_not_shown() -> None:
    dark = picture(None, lines=1, width=8)
    for line in ("\x1b[2J", "12\nLLE", "\ud800", "\u202e12"):
        assert picture(Page(language="cy", lines=(line,)), lines=1, width=8) == dark
