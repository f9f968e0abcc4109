"""The final table of stays beside the true ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from simulator.repairable import Merge

SAME_EDGE_MS = 300_000
"""Both edges within this: it is the same stay."""
SPANS_BY_MS = 60_000

Span = tuple[int, int]
"""Arrival and departure, in milliseconds since 1970."""


class StayMatch:
    """One contestant's stays against the truth, bay by bay. Only completed ones take part."""

    def __init__(self) -> None:
        self._true = self._claimed = self._matched = 0
        self._error_ms = 0.0
        self._merges: dict[str, list[int]] = {}

    def bay(self, true: Sequence[Span], claimed: Sequence[Span]) -> None:
        """Both in order of arrival. A stay is found when one claimed stay has both its edges."""
        self._true += len(true)
        self._claimed += len(claimed)
        starts = [start for start, _ in claimed]
        used: set[int] = set()
        for start, end in true:
            first = bisect_left(starts, start - SAME_EDGE_MS)
            for n in range(first, len(claimed)):
                if starts[n] > start + SAME_EDGE_MS:
                    break
                if n not in used and abs(claimed[n][1] - end) <= SAME_EDGE_MS:
                    used.add(n)
                    self._matched += 1
                    break
            self._error_ms += abs(_longest_overlap(start, end, claimed, starts) - (end - start))

    def merges(self, repairable: Sequence[Merge], true: Sequence[Span], claimed: Sequence[Span]) -> None:
        """A merge is repaired when no claimed stay spans it, and each of its two stays shares time with one, be the
        edges known or not: to say nothing repairs nothing. `true` are all stays of the bay."""
        began, ended = {end: start for start, end in true}, dict(true)
        for merge in repairable:
            spans = any(
                start < merge.departed_ms - SPANS_BY_MS and end > merge.arrived_ms + SPANS_BY_MS
                for start, end in claimed
            )
            before = _sharing((began[merge.departed_ms], merge.departed_ms), claimed)
            after = _sharing((merge.arrived_ms, ended[merge.arrived_ms]), claimed)
            told_apart = bool(before and after) and len(before | after) > 1
            tally = self._merges.setdefault(merge.by, [0, 0])
            tally[told_apart and not spans] += 1

    def figures(self) -> Mapping[str, float | None]:
        merges = [sum(part) for part in zip(*self._merges.values(), strict=True)] or [0, 0]
        return {
            "stays": self._claimed,
            "stay_precision": self._matched / self._claimed if self._claimed else None,
            "stay_recall": self._matched / self._true if self._true else None,
            "stay_duration_mae_s": self._error_ms / self._true / 1000 if self._true else None,
            "repairable_merges": sum(merges),
            "repaired_share": merges[True] / sum(merges) if sum(merges) else None,
            **{f"repaired_share.{by}": part[1] / sum(part) for by, part in sorted(self._merges.items())},
        }


def _sharing(one: Span, claimed: Sequence[Span]) -> set[Span]:
    """The claimed stays that share time with a true one."""
    return {(start, end) for start, end in claimed if start < one[1] and end > one[0]}


def _longest_overlap(start: int, end: int, claimed: Sequence[Span], starts: Sequence[int]) -> int:
    """Length of the claimed stay that shares the most time with [start, end); 0: none does."""
    best = length = 0
    n = max(0, bisect_left(starts, start) - 1)
    while n < len(claimed) and starts[n] < end:
        shared = min(end, claimed[n][1]) - max(start, starts[n])
        if shared > best:
            best, length = shared, claimed[n][1] - starts[n]
        n += 1
    return length
