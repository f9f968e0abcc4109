"""What a word of a sensor does to what is known of its bay: one table, total, from which the diagram is drawn too."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from occupancy.model import Cause, State


class Says(StrEnum):
    """What a reading states about the bay."""

    FREE = "free"
    OCCUPIED = "occupied"
    CANNOT_TELL = "cannot_tell"
    NOTHING = "nothing"


class Kind(StrEnum):
    """How it states it: an edge says that the bay has changed, a repeat that it is so."""

    EDGE = "edge"
    REPEAT = "repeat"
    NONE = "none"


class Verdict(StrEnum):
    """What became of a reading, or of a silence. A closed set; each is counted."""

    APPLIED = "applied"
    """A change that follows from what was known, or the first word."""
    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    """A repeat states the other state: an edge in between was missed."""
    REPEATED = "repeated"
    """A change to the state that was known: the edge back was missed."""
    PAIRED = "paired"
    """A duration shows that two edges in a row were missed."""
    ALIVE = "alive"
    CANNOT_TELL = "cannot_tell"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    """Older than the device's newest: history is folded again, the live state stays."""
    LATE = "late"
    """It arrived long after the time it gives, and the clock is believed."""
    FUTURE = "future"
    """It gives a time that had not come, or one that cannot be: its receipt is taken."""
    RECKONED = "reckoned"
    """Its clock is known to be wrong by so much: the time is put right."""
    OVERDUE = "overdue"
    SILENT = "silent"
    MOVED = "moved"
    CUT_OFF = "cut_off"
    """An outage began after its last word, and nothing it said since shows that none is missing."""
    FROZEN = "frozen"
    """So late that the log it belongs to has been dropped: it is passed over."""


AGREES = frozenset({Verdict.APPLIED, Verdict.CONFIRMED})
"""The word fits what was known before it."""


class Transition(NamedTuple):
    next: State
    verdict: Verdict


_F, _O, _U = State.FREE, State.OCCUPIED, State.UNKNOWN
_EDGE, _REPEAT, _NONE = Kind.EDGE, Kind.REPEAT, Kind.NONE

TABLE: Mapping[tuple[State, Kind, Says], Transition] = MappingProxyType(
    {
        (_U, _EDGE, Says.FREE): Transition(_F, Verdict.APPLIED),
        (_U, _EDGE, Says.OCCUPIED): Transition(_O, Verdict.APPLIED),
        (_U, _EDGE, Says.CANNOT_TELL): Transition(_U, Verdict.CANNOT_TELL),
        (_U, _REPEAT, Says.FREE): Transition(_F, Verdict.APPLIED),
        (_U, _REPEAT, Says.OCCUPIED): Transition(_O, Verdict.APPLIED),
        (_U, _REPEAT, Says.CANNOT_TELL): Transition(_U, Verdict.CANNOT_TELL),
        (_U, _NONE, Says.NOTHING): Transition(_U, Verdict.ALIVE),
        (_F, _EDGE, Says.FREE): Transition(_F, Verdict.REPEATED),
        (_F, _EDGE, Says.OCCUPIED): Transition(_O, Verdict.APPLIED),
        (_F, _EDGE, Says.CANNOT_TELL): Transition(_U, Verdict.CANNOT_TELL),
        (_F, _REPEAT, Says.FREE): Transition(_F, Verdict.CONFIRMED),
        (_F, _REPEAT, Says.OCCUPIED): Transition(_O, Verdict.CONTRADICTED),
        (_F, _REPEAT, Says.CANNOT_TELL): Transition(_U, Verdict.CANNOT_TELL),
        (_F, _NONE, Says.NOTHING): Transition(_F, Verdict.ALIVE),
        (_O, _EDGE, Says.FREE): Transition(_F, Verdict.APPLIED),
        (_O, _EDGE, Says.OCCUPIED): Transition(_O, Verdict.REPEATED),
        (_O, _EDGE, Says.CANNOT_TELL): Transition(_U, Verdict.CANNOT_TELL),
        (_O, _REPEAT, Says.FREE): Transition(_F, Verdict.CONTRADICTED),
        (_O, _REPEAT, Says.OCCUPIED): Transition(_O, Verdict.CONFIRMED),
        (_O, _REPEAT, Says.CANNOT_TELL): Transition(_U, Verdict.CANNOT_TELL),
        (_O, _NONE, Says.NOTHING): Transition(_O, Verdict.ALIVE),
    }
)
"""By what is known, how the sensor speaks and what it says."""

SAYS: Mapping[bool | None, Says] = MappingProxyType(
    {False: Says.FREE, True: Says.OCCUPIED, None: Says.CANNOT_TELL}
)
KINDS: Mapping[Cause, Kind] = MappingProxyType(
    {cause: Kind.EDGE if cause is Cause.CHANGE else Kind.REPEAT for cause in Cause}
)


def diagram() -> str:
    """The table as a Mermaid state diagram; `silent`, `moved` and `cut_off` are what a silence does."""
    lines = ["stateDiagram-v2", "    [*] --> unknown"]
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, kind, says), to in TABLE.items():
        word = says.value if kind is Kind.NONE else f"{kind.value} {says.value}"
        arrows.setdefault((state, to.next), []).append(f"{word} ({to.verdict.value})")
    for state in (_F, _O):
        arrows[state, _U].append(", ".join((Verdict.SILENT, Verdict.MOVED, Verdict.CUT_OFF)))
    lines += [f"    {a.value} --> {b.value}: {', '.join(words)}" for (a, b), words in arrows.items()]
    return "\n".join(lines) + "\n"
