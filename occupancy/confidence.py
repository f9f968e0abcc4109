"""How sure the shown state is: a probability, from the sensor's own record and how long it has been quiet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from occupancy.model import State

RIGHT_OF_ITSELF: Mapping[State, float] = MappingProxyType({State.FREE: 0.99, State.OCCUPIED: 0.985})
"""Of a sensor whose words never contradict each other: it can still be wrong, and more often misses a departure."""
_PRIOR_WORDS = 50.0
_PRIOR_MISSED = 0.5
"""A sensor without a record is taken for one that missed one edge in a hundred."""
_WRONG_MEANWHILE = 0.5
"""A state found wrong at the next word was wrong for half of the time before it, on average."""


def confidence(state: State, *, agreed: int, missed: int, stated: float | None, late_by: float) -> float:
    """The probability that `state` is so now.

    `agreed` and `missed` count the words that fitted what was known before them and those that did not; `stated` is the
    reading's own confidence; `late_by` is the silence beyond a heartbeat, in heartbeats.
    """
    if state is State.UNKNOWN:
        return 0.0
    missing = (missed + _PRIOR_MISSED) / (agreed + missed + _PRIOR_WORDS)
    right = RIGHT_OF_ITSELF[state] * (1 - missing * (_WRONG_MEANWHILE + late_by))
    return round(max(0.0, right if stated is None else min(right, stated)), 3)
