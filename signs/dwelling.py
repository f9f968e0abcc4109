"""How long a word stands: (what stood, what is certain, now) -> (what stands, what is said). Pure.

Two changes of words are at least `min_dwell_s` apart. Truth comes first (L6): a word that is no longer certain goes
at once, and where its time is not over the sign is blank for the rest of it. So nothing here delays going blank, and
whatever has been certain for one dwell is shown, however the sign got dark.
"""

from __future__ import annotations

from dataclasses import dataclass

from occupancy.model import Sign
from signs.bounds import Known
from signs.claims import NOTHING, Claim, claim, still
from signs.words import FrameState


@dataclass(frozen=True, slots=True)
class Standing:
    """The word that was said last, also where the sign has gone dark meanwhile, and when it took over from another.

    Seconds are of one monotonic clock; where it starts does not matter.
    """

    state: FrameState
    since_s: float


def dwell(sign: Sign, what: Known, before: Standing | None, now_s: float) -> tuple[Standing | None, Claim]:
    """Return what stands from now on, and what is said now. `before` None: nothing was ever said."""
    certain = claim(sign, what, None if before is None else before.state)
    if certain is NOTHING:
        return before, NOTHING
    if before is None:
        return Standing(certain.state, now_s), certain
    if certain.state is before.state:
        return before, certain
    if now_s - before.since_s >= sign.min_dwell_s:
        return Standing(certain.state, now_s), certain
    return before, still(sign, what, before.state)
