"""What the final tables say of every instant, beside the truth: the live answers' mistakes, less what was repaired."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from baycast.score.bay_tally import FREE, OCCUPIED, UNKNOWN


class Stretch(NamedTuple):
    """One answer (UNKNOWN, FREE, OCCUPIED) during [start_ms, end_ms)."""

    start_ms: int
    end_ms: int
    answer: int


class HistoryTally:
    """One contestant's history, bay by bay; what no stretch covers is unknown. Closed times are not left out."""

    def __init__(self, start_ms: int, end_ms: int) -> None:
        self._start_ms, self._end_ms = start_ms, end_ms
        self._total = self._wrong = self._known = 0

    def bay(
        self, occupied_at_start: bool, changes: Sequence[tuple[int, bool]], said: Iterable[Stretch]
    ) -> None:
        """`changes` are true ones, (time, occupied); both in order of time."""
        self._total += self._end_ms - self._start_ms
        true: list[tuple[int, int, bool]] = []
        since, occupied = self._start_ms, occupied_at_start
        for at_ms, after in [*changes, (self._end_ms, False)]:
            true.append((since, at_ms, occupied))
            since, occupied = at_ms, after
        n = 0
        for start_ms, end_ms, answer in said:
            if answer == UNKNOWN:
                continue
            while n and true[n][0] > start_ms:
                n -= 1
            while n < len(true) and true[n][1] <= start_ms:
                n += 1
            k = n
            while k < len(true) and true[k][0] < end_ms:
                shared = min(end_ms, true[k][1]) - max(start_ms, true[k][0])
                self._known += shared
                self._wrong += shared if (answer == OCCUPIED) is not true[k][2] else 0
                k += 1
            n = min(n, len(true) - 1)

    def figures(self) -> dict[str, float | None]:
        if not self._total:
            return {"history_wrong_share": None, "history_unknown_share": None}
        return {
            "history_wrong_share": self._wrong / self._total,
            "history_unknown_share": 1 - self._known / self._total,
        }


def between(spans: Sequence[tuple[int, int]], start_ms: int, end_ms: int) -> Iterable[Stretch]:
    """Occupied in the spans and free around them: how an engine sees it that never doubts."""
    at_ms = start_ms
    for arrived_ms, departed_ms in spans:
        yield Stretch(at_ms, arrived_ms, FREE)
        yield Stretch(arrived_ms, departed_ms, OCCUPIED)
        at_ms = departed_ms
    yield Stretch(at_ms, end_ms, FREE)
