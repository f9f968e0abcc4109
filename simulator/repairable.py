"""Which merged stays an engine could take apart again from what reached it: listed here, where the truth is.

Two stays merge when nothing that arrived while the bay stood empty says so. They can still be told apart by what came
later, or by a heartbeat that contradicts the last change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from simulator.sensor_eye import Said

_NEVER_MS = 2**62


class Merge(NamedTuple):
    """Between two stays the bay was empty during [departed_ms, arrived_ms), and its departure was not reported.

    `by` is the evidence that arrived: "prev_s" of a later change, "equal_change" (two arrivals in a row), or
    "heartbeat" (it says free against the last change, as does the first word after a restart). Evidence tells of one
    gap: where more than two stays have merged, what was said after the second does not tell it from the first.
    """

    departed_ms: int
    arrived_ms: int
    by: str


def repairable_merges(
    changes: Sequence[tuple[int, bool]], said: Sequence[Said], received_ms: Sequence[int | None]
) -> list[Merge]:
    """Those of one bay. `changes` are true ones; `said` and `received_ms` belong together."""
    arrived = [one for one, at_ms in zip(said, received_ms, strict=True) if at_ms is not None]
    ends = [*(at_ms for at_ms, _ in changes[2:]), _NEVER_MS]
    gaps = [
        (departed_ms, back_ms, left_ms)
        for ((departed_ms, occupied), (back_ms, _)), left_ms in zip(pairwise(changes), ends, strict=False)
        if not occupied
    ]
    found: list[Merge] = []
    after = 0
    for departed_ms, back_ms, left_ms in gaps:
        while after < len(arrived) and arrived[after].at_ms < departed_ms:
            after += 1
        if after == 0 or after == len(arrived) or not arrived[after - 1].occupied:
            continue  # the first stay is not known to be one, or nothing came after
        by = _evidence(arrived[after:], departed_ms, back_ms, left_ms)
        if by:
            found.append(Merge(departed_ms, back_ms, by))
    return found


def _evidence(later: Iterable[Said], departed_ms: int, back_ms: int, left_ms: int) -> str:
    """What tells the two stays apart, of which the second ended at `left_ms`; "" for nothing, or for a departure
    reported in the ordinary way."""
    for one in later:
        between = one.at_ms < back_ms
        if one.cause == "change":
            if not one.occupied and between:
                return ""
            second = one.at_ms <= left_ms
            began_ms = None if one.previous_s is None else one.at_ms - one.previous_s * 1000
            if began_ms is not None and began_ms >= departed_ms - 2_000 and (second or began_ms <= back_ms):
                return "prev_s"
            return "equal_change" if one.occupied and second else ""
        if not one.occupied and between:
            return "heartbeat"
        if one.cause == "boot":
            return ""  # what it believed before the restart is forgotten, and with it the proof
    return ""
