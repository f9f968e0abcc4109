"""From what is known to what a sign may say: (sign, area, availability, now) -> frame. Pure.

SPACES needs `free_min`, FULL needs `free_max`, CLOSED needs every usable bay closed; otherwise the frame is
blank (L6). A claim that cannot be said in every language of the area, in their order and within the sign's
lines and width, is not made at all: text is never cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from occupancy.model import Area, Sign, SignId, ZoneAvailability, aware
from signs.bounds import Known, known
from signs.text import fit
from signs.words import FrameState, phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One picture of the sign in one language; each line at most as wide as the sign."""

    language: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What one sign shows from now on, for `ttl_s` seconds and no longer. No pages: blank.

    `sequence` strictly grows per sign, so that an old frame played again is refused. `versions` names the
    feed version of each zone it was made from.
    """

    sign_id: SignId
    sequence: int
    issued_at: datetime
    ttl_s: int
    state: FrameState
    pages: tuple[Page, ...]
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> tuple[FrameState, tuple[Page, ...]]:
        """What a passer-by sees; two frames with the same content differ only in time."""
        return self.state, self.pages


def claim(sign: Sign, what: Known) -> tuple[FrameState, int | None]:
    """Return the state that is certain, and the number that goes with it; (UNKNOWN, None) where none is."""
    if what.all_closed or (what.capacity > 0 and what.open == 0):
        return FrameState.CLOSED, None
    if what.open == 0:
        # Not one bay there is for these drivers: neither FULL nor SPACES would be about anything.
        return FrameState.UNKNOWN, None
    if what.free_max < sign.full_below:
        return FrameState.FULL, None
    if what.free_min >= 1:
        return FrameState.SPACES, what.free_min
    return FrameState.UNKNOWN, None


def pages(sign: Sign, area: Area, state: FrameState, number: int | None) -> tuple[Page, ...] | None:
    """Return a page per language in the area's order, or None when one has no word or does not fit."""
    made: list[Page] = []
    for language in area.languages:
        text = phrase(sign, state, language, number)
        lines = None if text is None else fit(text, lines=sign.lines, width=sign.width)
        if lines is None:
            return None
        made.append(Page(language=language, lines=lines))
    return tuple(made) or None


def blank(sign: Sign, *, now: datetime, sequence: int, versions: Mapping[str, str] | None = None) -> Frame:
    """Return the frame that claims nothing."""
    return Frame(
        sign_id=sign.sign_id,
        sequence=sequence,
        issued_at=aware(now, "now"),
        ttl_s=sign.ttl_s,
        state=FrameState.UNKNOWN,
        pages=(),
        versions=dict(versions or {}),
    )


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
    """Return the frame for one sign.

    `zones` is the availability of the sign's zones in any order; one missing blanks the sign, for a sum of
    some of them is not what the sign promises. `fresh` False says that the pipeline behind the numbers is
    not known to be alive.
    """
    nothing = blank(sign, now=now, sequence=sequence, versions=versions)
    named = {zone.zone_id: zone for zone in zones}
    if not fresh or not sign.zone_ids or any(zone_id not in named for zone_id in sign.zone_ids):
        return nothing
    state, number = claim(
        sign, known([named[zone_id] for zone_id in dict.fromkeys(sign.zone_ids)], sign.driver)
    )
    spoken = None if state is FrameState.UNKNOWN else pages(sign, area, state, number)
    if spoken is None:
        return nothing
    return Frame(
        sign_id=sign.sign_id,
        sequence=sequence,
        issued_at=nothing.issued_at,
        ttl_s=sign.ttl_s,
        state=state,
        pages=spoken,
        versions=nothing.versions,
    )
