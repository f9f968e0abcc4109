"""What somebody may have meant by an id that is not there. Pure.

Looking through all ids for each of thousands of wrong ones would take minutes, so this is done for the first few only,
and among ids that begin alike.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

AT_MOST: Final = 5
"""Wrong ids for which another is suggested."""
CANDIDATES: Final = 500
"""Ids that each is held against: those around its place in the order."""
_LONGEST: Final = 64


class Likeness:
    """The ids that there are, to be asked for what is not among them."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = ids
        self._ordered: list[str] | None = None
        self._asked = 0

    def to(self, id: str) -> str | None:
        """The id most like one that is not there; None: none is like it, or too many were asked for."""
        self._asked += 1
        if self._asked > AT_MOST:
            return None
        if self._ordered is None:
            self._ordered = sorted(self._ids)
        place = bisect_left(self._ordered, id)
        first = max(0, place - CANDIDATES // 2)
        near = get_close_matches(id[:_LONGEST], self._ordered[first : first + CANDIDATES], n=1)
        return near[0] if near else None
