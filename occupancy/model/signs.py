"""The registry: variable message signs, what each may say, and the legends that were approved for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from occupancy.model.ids import AreaId, LegendId, SignId, ZoneId
from occupancy.model.places import Name


class Show(StrEnum):
    """How a sign speaks of its zones."""

    SUM = "sum"
    """Of all of them together."""
    PAGES = "pages"
    """Of one after the other."""
    LINES = "lines"
    """Of each in a line of its own, on the same page."""


class Layout(StrEnum):
    """Where the languages stand."""

    PAGES = "pages"
    """One after the other, in the area's order."""
    TWO_LINES = "two_lines"
    """On one page, the first of the area's languages above."""


class Controller(StrEnum):
    """Who drives the sign."""

    BAYCAST = "baycast"
    UTMC = "utmc"
    """The authority's own UTMC instation: it asks us for car parks, and no frame of ours is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A variable message sign and what it may say. Widths are characters, all numbers of spaces are bays.

    Where it speaks of its zones one by one, numbers and thresholds hold for each of them.
    """

    sign_id: SignId
    area_id: AreaId
    name: Name
    zone_ids: tuple[ZoneId, ...]
    lat: float
    lon: float
    driver: str = "general"
    show: Show = Show.SUM
    short_names: tuple[tuple[ZoneId, str, str], ...] = ()
    """(zone, language, text) in front of what is said of each, unless it is said of their sum."""
    lines: int = 2
    width: int = 12
    layout: Layout = Layout.PAGES
    ttl_s: int = 60
    reserve: int = 0
    """Bays held back: that many are not offered, and not in the number."""
    clamp: int | None = None
    """The greatest number shown; what is more is shown as this."""
    rounding: int = 1
    """The number is shown as a multiple of this: the one below, never the one above."""
    full_below: int | None = None
    """FULL is said when even the most favourable count (`free_max`) is below this; None: one above `reserve`."""
    full_until: int | None = None
    """FULL, once said, stands as long as `free_max` is below this; None: `full_below`."""
    almost_full_below: int | None = None
    """ALMOST FULL is said when there is a space for certain, and `free_max` is below this; None: never."""
    almost_full_until: int | None = None
    """ALMOST FULL, once said, stands as long as `free_max` is below this; None: `almost_full_below`."""
    min_dwell_s: int = 60
    """Seconds between two changes of words. Nothing untrue stands for it: the sign is blank for the rest of them."""
    controller: Controller = Controller.BAYCAST
    words: tuple[tuple[str, str, str], ...] = ()
    """(state, language, text) overriding the defaults of `signs.words`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """A text that an operator may put on signs, as the authority has approved it."""

    legend_id: LegendId
    area_id: AreaId
    texts: tuple[tuple[str, str], ...]
    """(language, text), in every language of the area."""
    authorisation: str
    """The authority's reference of its approval."""
