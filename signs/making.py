"""From what is known to what a sign may show: (sign, area, availability, what stood before, now) -> frame. Pure.

SPACES needs `free_min`, FULL needs `free_max`, CLOSED needs every usable bay closed; otherwise the frame is
blank (L6). A claim that cannot be said in every language of the area, in their order and within the sign's
lines and width, is not made at all: text is never cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from occupancy.model import Area, Legend, Show, Sign, ZoneAvailability, ZoneId
from signs.bounds import known
from signs.claims import NOTHING, Claim
from signs.dwelling import Standing, dwell
from signs.frame import NO_LANGUAGE, Frame, Page, blank
from signs.layout import legend_pages, pages
from signs.words import FrameState, Mode

_BEST_FIRST = (FrameState.SPACES, FrameState.ALMOST_FULL, FrameState.FULL, FrameState.CLOSED)
_ALL_SEGMENTS = "8"
"""The character that lights most of a sign's elements."""

Memory = Mapping[ZoneId | None, Standing]
"""What stands, by zone, or under None of their sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """When a frame is made, on both clocks: the time of day, and monotonic seconds for how long a word stood."""

    now: datetime
    now_s: float


def next_frame(
    sign: Sign,
    area: Area,
    zones: Sequence[ZoneAvailability],
    memory: Memory,
    at: Instant,
    *,
    sequence: int,
    fresh: bool,
    versions: Mapping[str, str] | None = None,
) -> tuple[Memory, Frame]:
    """Return the frame for one sign, and the memory for the next one.

    `zones` is the availability of the sign's zones in any order. One missing blanks what would be said of it, which
    is everything where the sum is shown. `fresh` False says that the pipeline behind the numbers is not known to be
    alive: the sign is blank, and remembers what stood.
    """
    nothing = blank(sign, now=at.now, sequence=sequence, versions=versions)
    if not fresh:
        return memory, nothing
    named = {zone.zone_id: zone for zone in zones}
    after: dict[ZoneId | None, Standing] = dict(memory)
    said: dict[ZoneId | None, Claim] = {}
    for subject, zone_ids in subjects(sign).items():
        if not zone_ids or any(zone_id not in named for zone_id in zone_ids):
            continue
        what = known([named[zone_id] for zone_id in zone_ids], sign.driver)
        standing, claim = dwell(sign, what, memory.get(subject), at.now_s)
        if standing is not None:
            after[subject] = standing
        if claim is not NOTHING:
            said[subject] = claim
    shown = pages(sign, area.languages, said)
    if not shown:
        return after, nothing
    best = min((claim.state for claim in said.values()), key=_BEST_FIRST.index)
    return after, replace(nothing, state=best, pages=shown)


def frame(
    sign: Sign,
    area: Area,
    zones: Sequence[ZoneAvailability],
    *,
    now: datetime,
    sequence: int,
    fresh: bool,
    versions: Mapping[str, str] | None = None,
) -> Frame:
    """Return the frame of a sign on which nothing stood before; otherwise as `next_frame`."""
    at = Instant(now=now, now_s=0.0)
    return next_frame(sign, area, zones, {}, at, sequence=sequence, fresh=fresh, versions=versions)[1]


def manual_frame(
    sign: Sign, area: Area, mode: Mode, legend: Legend | None, *, now: datetime, sequence: int
) -> Frame:
    """Return the frame of what an operator has set; blank where it cannot be shown whole.

    It is the operator's claim, not the sensors': nothing of what is known is looked at.
    """
    dark = blank(sign, now=now, sequence=sequence, mode=mode)
    match mode:
        case Mode.FULL | Mode.CLOSED:
            state = FrameState.FULL if mode is Mode.FULL else FrameState.CLOSED
            shown = pages(sign, area.languages, {subject: Claim(state) for subject in subjects(sign)})
            return replace(dark, state=state, pages=shown) if shown else dark
        case Mode.LEGEND if legend is not None:
            return replace(dark, pages=legend_pages(sign, area.languages, dict(legend.texts)))
        case Mode.TEST:
            lines = (_ALL_SEGMENTS * sign.width,) * sign.lines
            return replace(dark, pages=(Page(language=NO_LANGUAGE, lines=lines),))
    return dark


def subjects(sign: Sign) -> dict[ZoneId | None, tuple[ZoneId, ...]]:
    """Return what the sign speaks of: each zone, or under None the sum of them."""
    zone_ids = tuple(dict.fromkeys(sign.zone_ids))
    return {None: zone_ids} if sign.show is Show.SUM else {zone_id: (zone_id,) for zone_id in zone_ids}
