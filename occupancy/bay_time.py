"""Bay-microseconds over a row of cells of one length: a stretch is laid over the cells that it reaches into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate


class BayTime:
    """Sums by cell of `cell_us` microseconds."""

    def __init__(self, cells: int, cell_us: int) -> None:
        self._cell_us = cell_us
        self._parts = [0] * (cells + 1)
        self._turns = [0] * (cells + 2)
        """How many more bays than in the cell before it fill a cell wholly."""

    def add(self, lo: int, hi: int, bays: int = 1) -> None:
        """So many bays during [lo, hi), in microseconds from the first cell's beginning."""
        (first, into), (last, reached) = divmod(lo, self._cell_us), divmod(hi, self._cell_us)
        if first == last:
            self._parts[first] += (hi - lo) * bays
        else:
            self._parts[first] += (self._cell_us - into) * bays
            self._parts[last] += reached * bays
            self._turns[first + 1] += bays
            self._turns[last] -= bays

    def by_cell(self) -> Iterator[int]:
        """The sums, cell by cell."""
        for part, whole in zip(self._parts[:-1], accumulate(self._turns), strict=False):
            yield part + whole * self._cell_us


class Watch:
    """How many of some bays are open, free and taken at a time: what at least one, or all of them, are."""

    def __init__(self) -> None:
        self._edges: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0, 0])

    def add(self, lo: int, hi: int, *, opened: int = 0, free: int = 0, taken: int = 0) -> None:
        """So many bays during [lo, hi)."""
        up, down = self._edges[lo], self._edges[hi]
        for number, bays in enumerate((opened, free, taken)):
            up[number] += bays
            down[number] -= bays

    def stretches(self) -> Iterator[tuple[int, int, int, int, int]]:
        """(from, to, open, free, taken) wherever a bay is open, in order."""
        opened = free = taken = 0
        before = 0
        for at in sorted(self._edges):
            if opened > 0:
                yield before, at, opened, free, taken
            more = self._edges[at]
            opened, free, taken, before = opened + more[0], free + more[1], taken + more[2], at
