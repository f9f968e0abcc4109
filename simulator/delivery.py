"""What becomes of sensors' words on their way over months: lost, late by hours or days, delivered twice, or never sent
because a battery is empty. Gates have lines of their own and no faults here."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from simulator.sensor_eye import DAY_MS
from simulator.words import Word

_HOUR_MS = 3_600_000
_YEAR_MS = 365 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFaults:
    """Shares of words that are lost, that come late, and that come a second time as late as others do; how often in a
    year a sensor falls silent; between which hours what is late comes, and days who is silent is."""

    lost: float = 0.0
    late: float = 0.0
    repeated: float = 0.0
    silent_a_year: float = 0.0
    late_h: tuple[float, float] = (1.0, 120.0)
    silent_days: tuple[float, float] = (1.0, 10.0)


NONE = DeliveryFaults()
ORDINARY = DeliveryFaults(lost=0.01, late=0.005, repeated=0.005, silent_a_year=0.5)


class Delivery:
    """Holds what is late until it is due; deterministic by seed."""

    def __init__(
        self, faults: DeliveryFaults, sensors: Iterable[str], *, seed: int, start_ms: int, end_ms: int
    ) -> None:
        self._faults = faults
        self._random = Random(f"delivery {seed}")  # noqa: S311 - a simulation
        self._silent = {
            device_id: spans for device_id in sensors if (spans := self._silences(start_ms, end_ms))
        }
        self._held: list[tuple[int, int, Word]] = []
        self._kept = 0

    def carry(self, words: Iterable[Word], until_ms: int) -> Iterator[tuple[int, Word]]:
        """(time of arrival, word) of what arrives up to `until_ms`, in order; `words` are those sent up to then."""
        held = self._held
        for word in words:
            if held and held[0][0] <= word.at_ms:
                yield from self._due(word.at_ms)
            if word.kind != "state" or self._gets_through(word):
                yield word.at_ms, word
        yield from self._due(until_ms)

    def _gets_through(self, word: Word) -> bool:
        """Whether it arrives at once. Held meanwhile is what arrives late, or once more."""
        if self._is_silent(word):
            return False
        luck, faults = self._random.random(), self._faults
        if luck < faults.lost:
            return False
        late = luck < faults.lost + faults.late
        if late or luck < faults.lost + faults.late + faults.repeated:
            self._hold(word)
        return not late

    def _hold(self, word: Word) -> None:
        self._kept += 1
        arrives_ms = word.at_ms + int(self._random.uniform(*self._faults.late_h) * _HOUR_MS)
        heapq.heappush(self._held, (arrives_ms, self._kept, word))

    def _due(self, until_ms: int) -> Iterator[tuple[int, Word]]:
        while self._held and self._held[0][0] <= until_ms:
            arrives_ms, _, word = heapq.heappop(self._held)
            yield arrives_ms, word

    def _is_silent(self, word: Word) -> bool:
        spans = self._silent.get(word.device_id)
        return spans is not None and any(start_ms <= word.at_ms < end_ms for start_ms, end_ms in spans)

    def _silences(self, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        if self._faults.silent_a_year <= 0:
            return found
        at_ms = start_ms
        while True:
            at_ms += int(self._random.expovariate(self._faults.silent_a_year / _YEAR_MS))
            if at_ms >= end_ms:
                return found
            found.append((at_ms, at_ms + int(self._random.uniform(*self._faults.silent_days) * DAY_MS)))
