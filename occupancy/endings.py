"""When what a sensor said stops being evidence of its bay: it broke its promise, was moved, or was cut off."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import NamedTuple

from occupancy.clocks import z
from occupancy.device_fold import CutOff, DeviceFold, Watch
from occupancy.model import ReadingKey
from occupancy.transitions import AGREES, Verdict


class End(NamedTuple):
    """When what a sensor said stops being evidence, and why."""

    at: datetime
    why: str
    verdict: Verdict


def ends(fold: DeviceFold, watch: Watch, *, unbroken: bool = False) -> End:
    """When what the sensor said last stops being evidence: its promise is broken, it was moved, or cut off.

    `unbroken`: what it said next shows that no change is missing, so that an outage in between hid nothing.
    """
    end = End(fold.as_of + watch.silent_after, f"silent since {z(fold.as_of)}", Verdict.SILENT)
    if not unbroken and was_cut_off(fold, watch):
        first = watch.cut_offs[bisect_right(watch.cut_offs, fold.as_of, key=_at)]
        if first.at <= end.at:
            end = End(first.at, first.why, Verdict.CUT_OFF)
    for moved_at in watch.moves:
        if fold.as_of < moved_at <= end.at:
            why = f"moved at {z(moved_at)}, nothing said about this bay since"
            return End(moved_at, why, Verdict.MOVED)
    return end


def ended(fold: DeviceFold, at: datetime, watch: Watch, key: ReadingKey, verdict: Verdict) -> End | None:
    """The end of the evidence, when it came before a word at `at`; `verdict` is that of the word if it did not."""
    if at <= fold.as_of + watch.silent_after and not watch.moves and not was_cut_off(fold, watch):
        return None
    end = ends(fold, watch, unbroken=_leaves_no_room(fold.key, key, verdict))
    return end if end.at < at or (end.at == at and end.verdict is Verdict.MOVED) else None


def was_cut_off(fold: DeviceFold, watch: Watch) -> bool:
    """Whether an outage began after the sensor's last word."""
    return bool(watch.cut_offs) and watch.cut_offs[-1].at > fold.as_of


def _leaves_no_room(before: ReadingKey, key: ReadingKey, verdict: Verdict) -> bool:
    """Whether too few messages are missing between two for a change and the one back."""
    if before.boot != key.boot or before.incarnation != key.incarnation:
        return False
    return key.seq - before.seq <= (2 if verdict in AGREES else 1)


def _at(cut_off: CutOff) -> datetime:
    return cut_off.at
