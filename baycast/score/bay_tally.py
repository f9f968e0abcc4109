"""How long a contestant's answer for each bay was right, wrong or unknown, and what its confidence was worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from occupancy.model import State

if TYPE_CHECKING:
    from baycast.score.ground import Ground

UNKNOWN, FREE, OCCUPIED = 0, 1, 2
ANSWERS = {State.FREE: FREE, State.OCCUPIED: OCCUPIED}
"""Any other state claims nothing: UNKNOWN."""
_BINS = 20


class BayTally:
    """One contestant. `shown` is what it says of each bay now (UNKNOWN, FREE, OCCUPIED), until it says otherwise."""

    def __init__(self, ground: Ground, at_first: int) -> None:
        bays = len(ground.bays)
        self.shown = [at_first] * bays
        self.free_in: dict[str, set[int]] = {bay.zone_id: set() for bay in ground.bays}
        if at_first == FREE:
            for index, bay in enumerate(ground.bays):
                self.free_in[bay.zone_id].add(index)
        self._confidence = [0.0] * bays
        self._since = [ground.now_ms] * bays
        self._ground = ground
        self._ms: Counter[tuple[int, bool, bool]] = Counter()
        self._wrong_ms: Counter[str] = Counter()
        self._sure_ms: dict[float, list[int]] = {}
        self._withheld: list[tuple[int, float] | None] = [None] * bays
        self._withheld_ms: dict[float, list[int]] = {}

    def show(
        self, bay: int, answer: int, confidence: float, at_ms: int, withheld: tuple[int, float] | None = None
    ) -> None:
        """The contestant answers so from `at_ms` on. `withheld`: what it would have answered in place of UNKNOWN, and
        how likely it takes that to be so."""
        if (answer, confidence, withheld) == (self.shown[bay], self._confidence[bay], self._withheld[bay]):
            return
        self.settle(bay, at_ms)
        if answer != self.shown[bay]:
            free = self.free_in[self._ground.bays[bay].zone_id]
            (free.add if answer == FREE else free.discard)(bay)
        self.shown[bay], self._confidence[bay], self._withheld[bay] = answer, confidence, withheld

    def settle(self, bay: int, at_ms: int) -> None:
        """Count what was shown up to `at_ms`; whatever it was judged by may change then."""
        from_ms = self._since[bay]
        self._since[bay] = at_ms
        if at_ms <= from_ms or self._ground.closed[bay]:
            return
        answer, truth, lasted = self.shown[bay], self._ground.occupied[bay], at_ms - from_ms
        self._ms[answer, truth, self._ground.silent[bay]] += lasted
        if answer == UNKNOWN:
            if (withheld := self._withheld[bay]) is not None:
                likely = self._withheld_ms.setdefault(round(withheld[1], 3), [0, 0])
                likely[(withheld[0] == OCCUPIED) is truth] += lasted
            return
        right = (answer == OCCUPIED) is truth
        sure = self._sure_ms.setdefault(round(self._confidence[bay], 3), [0, 0])
        sure[right] += lasted
        if not right:
            self._wrong_ms[self._ground.cause(bay, from_ms, at_ms)] += lasted

    def figures(self) -> dict[str, float | None]:
        """Shares of all bay time that was judged."""
        total = sum(self._ms.values()) or 1
        false_free = self._sum(FREE, truth=True) / total
        false_occupied = self._sum(OCCUPIED, truth=False) / total
        silent = sum(ms for (_, _, silent), ms in self._ms.items() if silent)
        return {
            "wrong_share": false_free + false_occupied,
            "unknown_share": (self._sum(UNKNOWN, truth=True) + self._sum(UNKNOWN, truth=False)) / total,
            "truly_silent_share": silent / total,
            "false_free_share": false_free,
            "false_occupied_share": false_occupied,
        }

    def causes(self) -> dict[str, float]:
        """`wrong_share` by what lay behind it, the largest first."""
        total = sum(self._ms.values()) or 1
        return {why: ms / total for why, ms in self._wrong_ms.most_common()}

    def calibration(self) -> dict[str, float | None]:
        """Of the confidence of claims (free or occupied), weighted by time: the mean gap between it and the share of
        claims that were right, over bins of 0.05; and the gain in squared error over a constant, also with the answers
        that were withheld for being too unlikely, each with its own likelihood."""
        total = sum(map(sum, self._sure_ms.values()))
        bins: dict[int, list[float]] = {}
        for confidence, (wrong_ms, right_ms) in self._sure_ms.items():
            parts = bins.setdefault(min(_BINS - 1, int(confidence * _BINS)), [0.0, 0.0])
            parts[0] += confidence * (wrong_ms + right_ms)
            parts[1] += right_ms
        claims = [(sure, wrong, right) for sure, (wrong, right) in self._sure_ms.items()]
        withheld = [(likely, wrong, right) for likely, (wrong, right) in self._withheld_ms.items()]
        return {
            "ece": sum(abs(claimed - came) for claimed, came in bins.values()) / total if total else None,
            "brier_skill": _brier_skill(claims),
            "brier_skill_with_withheld": _brier_skill([*claims, *withheld]),
        }

    def _sum(self, answer: int, *, truth: bool) -> int:
        return self._ms[answer, truth, False] + self._ms[answer, truth, True]


def _brier_skill(said: Sequence[tuple[float, int, int]]) -> float | None:
    """Of (probability, ms in which it was wrong, ms in which it was right): 1 - Brier score / that of a constant."""
    total = sum(wrong + right for _, wrong, right in said)
    rate = sum(right for _, _, right in said) / total if total else 0.0
    constant = rate * (1 - rate)
    brier = sum(sure**2 * wrong + (1 - sure) ** 2 * right for sure, wrong, right in said)
    return 1 - brier / total / constant if constant else None
