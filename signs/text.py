"""Fitting words into the lines and columns of a sign: all of the text, or none of it (L6)."""

from __future__ import annotations

import unicodedata


def columns(text: str) -> int | None:
    """Return how many characters wide a text is on a sign, None when it has one that no sign can show.

    A letter with its accent is one character (ŵ), however it was typed.
    """
    composed = unicodedata.normalize("NFC", text)
    if any(unicodedata.category(char)[0] in "CM" or char in "\u2028\u2029" for char in composed):
        return None
    return len(composed)


def fit(text: str, *, lines: int, width: int) -> tuple[str, ...] | None:
    """Return the text broken between words into at most `lines` lines of `width`, or None: never cut."""
    rows: list[str] = []
    for word in unicodedata.normalize("NFC", text).split(" "):
        if not word:
            continue
        wide = columns(word)
        if wide is None or wide > width:
            return None
        if rows and len(rows[-1]) + 1 + wide <= width:
            rows[-1] = f"{rows[-1]} {word}"
        else:
            rows.append(word)
    return tuple(rows) if 0 < len(rows) <= lines else None
