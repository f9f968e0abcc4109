"""How sure the shown state is: a probability, from the sensor's own record and how long it has been quiet.

P(wrong) = of itself + missing x (what a lost word leaves wrong + what has happened since the last word), where
`missing` is the share of this sensor's words that showed one before them to be missing, drawn towards one in fifty
while there are few. It is a step function of the silence, so that rows seldom change. The numbers were read off
simulated cities (`docs/engine.md` says how well they hold) and are the same for every model of sensor.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from occupancy.model import State

DECAYS_AT: tuple[timedelta, ...] = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=12))
"""Ages of the last word about the bay at which the state is less sure than before."""

_WRONG_OF_ITSELF = 0.004
_PRIOR_WORDS = 50.0
_PRIOR_MISSED = 1.0
_LEFT_WRONG = 0.3
"""Of the words lost or never said, those that have left the state wrong from its first moment."""
_SINCE: Sequence[float] = tuple(3 * (1 - math.exp(-hours / 8)) for hours in (0.5, 2.2, 7.0, 17.0))
"""By step: edges that a silent sensor may have behind it, less those that cancel out. A bay forgets in about 8 h."""
_OVERDUE: Mapping[State, float] = MappingProxyType({State.FREE: 0.35, State.OCCUPIED: 0.1})
"""P(wrong) of a sensor that owes a heartbeat: mostly it is cut off, in the hours in which bays fill."""
_SURE_OF_BOUNDS = 0.9

_LEVELS = (0.01, 0.02, 0.03, 0.06, 0.1, 0.12, 0.2, 0.35, 0.6)
_STAND_FOR = (0.003, 0.014, 0.024, 0.043, 0.077, 0.11, 0.155, 0.265, 0.46, 0.77)
"""P(wrong) by what has been learnt is shown in steps, so that rows seldom change: from one level up to the next."""
DOUBTED: Mapping[State, float] = MappingProxyType({State.FREE: 0.1, State.OCCUPIED: 0.12})
"""P(wrong) from which a state is not claimed. A free bay that is none costs a driver more than one that is overlooked,
and most bays that nobody looks after are taken."""


def level(wrong: float) -> int:
    """In which step a probability of being wrong lies."""
    return bisect_right(_LEVELS, wrong)


def learnt_confidence(wrong: float) -> float:
    """The confidence in a state that is wrong with this probability by what has been learnt."""
    return round((1 - _WRONG_OF_ITSELF) * (1 - stands_for(wrong)), 3)


def stands_for(wrong: float) -> float:
    """The probability that is shown for all of its step."""
    return _STAND_FOR[level(wrong)]


def confidence(state: State, *, agreed: int, missed: int, quiet: timedelta, overdue: bool) -> float:
    """The probability that `state` is so now.

    `agreed` and `missed` count the words that fitted what was known before them and those that did not; `quiet` is the
    age of the last word about the bay; `overdue`: a heartbeat is missing.
    """
    if state is State.UNKNOWN:
        return 0.0
    missing = (missed + _PRIOR_MISSED) / (agreed + missed + _PRIOR_WORDS)
    wrong = _WRONG_OF_ITSELF + missing * (_LEFT_WRONG + _SINCE[bisect_right(DECAYS_AT, quiet)])
    if overdue:
        wrong = max(wrong, _OVERDUE[state])
    return round(max(0.0, 1 - wrong), 3)


def most_wrong(expected: float, bays: int) -> int:
    """Of so many bays, how many are wrong at most, nine times in ten, when `expected` of them are on average."""
    found, chance = 0, math.exp(-expected)
    covered = chance
    while covered < _SURE_OF_BOUNDS and found < bays:
        found += 1
        chance *= expected / found
        covered += chance
    return found
