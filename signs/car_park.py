"""A car park's state in UTMC words, by the rules that signs speak by. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from occupancy.model import Name, Sign, SignId, Zone, ZoneAvailability
from signs.bounds import LIVE_SOURCES, known
from signs.claims import claim
from signs.words import FrameState


def speaker_for(zone: Zone, signs: Iterable[Sign]) -> Sign:
    """Return the sign whose thresholds and drivers hold for a car park: the one that speaks of it alone.

    Of several the first by id; without one, what holds for a sign of which nothing is said.
    """
    alone = [sign for sign in signs if sign.zone_ids == (zone.zone_id,)]
    return min(alone, key=lambda sign: sign.sign_id, default=_plain(zone))


def state_of(speaker: Sign, availability: ZoneAvailability, *, fresh: bool) -> FrameState:
    """Return what is certain of a car park (L6). `fresh`: the pipeline behind the number is known to be alive."""
    return claim(speaker, known([availability], speaker.driver)).state if fresh else FrameState.UNKNOWN


def occupied_of(availability: ZoneAvailability, *, fresh: bool) -> int | None:
    """Return how many of all bays are taken; None where that is not known, or modelled (L5)."""
    counts = availability.counts
    live = fresh and availability.source in LIVE_SOURCES
    return counts.occupied if live and counts.unknown == 0 else None


def _plain(zone: Zone) -> Sign:
    return Sign(
        sign_id=SignId(""),
        area_id=zone.area_id,
        name=Name(en=""),
        zone_ids=(zone.zone_id,),
        lat=zone.lat,
        lon=zone.lon,
    )
