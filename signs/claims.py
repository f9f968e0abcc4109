"""What is certain enough to be said (L6): (sign, what is known, the word that stands) -> claim. Pure.

A word is entered at one threshold and left at another, so that a count which swings around one of them does not
change the sign. Either way it is said only of what is known now: what stood before moves the threshold, and
nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from occupancy.model import Sign
from signs.bounds import Known
from signs.words import FrameState


@dataclass(frozen=True, slots=True)
class Claim:
    """A word, and the number of spaces that goes with it, where one does."""

    state: FrameState
    number: int | None = None


NOTHING = Claim(FrameState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Bays; each is what `free_max` must be below, to enter a word or to stay with it."""

    full_below: int
    full_until: int
    almost_full_below: int
    almost_full_until: int


def thresholds(sign: Sign) -> Thresholds:
    """Return a sign's thresholds with what holds where it says nothing; those of ALMOST FULL are then 0: never."""
    full = sign.reserve + 1 if sign.full_below is None else sign.full_below
    almost = 0 if sign.almost_full_below is None else sign.almost_full_below
    return Thresholds(
        full_below=full,
        full_until=full if sign.full_until is None else sign.full_until,
        almost_full_below=almost,
        almost_full_until=almost if sign.almost_full_until is None else sign.almost_full_until,
    )


def number_of(sign: Sign, free: int) -> int | None:
    """Return the number shown for this many bays that are free for certain; None: the word alone."""
    offered = free - sign.reserve
    if sign.clamp is not None:
        offered = min(offered, sign.clamp)
    shown = offered - offered % sign.rounding
    return shown if shown >= 1 else None


def claim(sign: Sign, what: Known, standing: FrameState | None = None) -> Claim:
    """Return what is certain, `NOTHING` where nothing is. `standing` is the word that was said last."""
    if what.all_closed or (what.capacity > 0 and what.open == 0):
        return Claim(FrameState.CLOSED)
    if what.open == 0:
        # Not one bay there is for these drivers: neither FULL nor SPACES would be about anything.
        return NOTHING
    at = thresholds(sign)
    if what.free_max < (at.full_until if standing is FrameState.FULL else at.full_below):
        return Claim(FrameState.FULL)
    if not _has_space(sign, what):
        return NOTHING
    almost = at.almost_full_until if standing is FrameState.ALMOST_FULL else at.almost_full_below
    if what.free_max < almost:
        return Claim(FrameState.ALMOST_FULL, number_of(sign, what.free_min))
    return Claim(FrameState.SPACES, number_of(sign, what.free_min))


def still(sign: Sign, what: Known, standing: FrameState) -> Claim:
    """Return the word that stands where it is true of what is known now, with the number of now; else `NOTHING`."""
    at = thresholds(sign)
    match standing:
        case FrameState.SPACES if _has_space(sign, what):
            return Claim(standing, number_of(sign, what.free_min))
        case FrameState.ALMOST_FULL if _has_space(sign, what) and what.free_max < at.almost_full_until:
            return Claim(standing, number_of(sign, what.free_min))
        case FrameState.FULL if what.capacity > 0 and what.free_max < at.full_until:
            return Claim(standing)
    return NOTHING


def _has_space(sign: Sign, what: Known) -> bool:
    return what.free_min > sign.reserve
