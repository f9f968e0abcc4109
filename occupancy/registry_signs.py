"""Reads the documents of signs and of the legends approved for them, strictly into their domain types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from occupancy.model import AreaId, Controller, Layout, Legend, LegendId, Show, Sign, SignId, ZoneId
from occupancy.registry_fields import LANGUAGE_PATTERN, Fields

SIGN_STATES: Final = ("spaces", "spaces_n", "spaces_one", "almost_full", "full", "closed")
"""What a sign may have words for; the counted phrases fall back to "spaces"."""

TTL_MIN_S: Final = 2
"""A frame is sent again after a quarter of its ttl: what is shorter would leave no time for it."""

_BAYS_MAX = 1_000_000


def _by_language(where: str, doc: object, longest: int = 64) -> list[tuple[str, str]]:
    """{language: text}, in the order of the languages' codes."""
    texts = Fields(where, doc)
    found: list[tuple[str, str]] = []
    for language in sorted(doc) if isinstance(doc, Mapping) else ():
        if LANGUAGE_PATTERN.fullmatch(language) is None:
            raise texts.error(language, "is no language code", "two or three letters, as cy")
        found.append((language, texts.text(language, longest)))
    return found


def _words(sign_id: str, doc: object) -> tuple[tuple[str, str, str], ...]:
    states = Fields(f"sign {sign_id}: words", doc)
    found: list[tuple[str, str, str]] = []
    for state in SIGN_STATES:
        if states.optional(state):
            spoken = _by_language(f"sign {sign_id}: words.{state}", states.raw(state))
            found += [(state, language, text) for language, text in spoken]
    states.done()
    return tuple(sorted(found))


def _short_names(sign_id: str, doc: object, zone_ids: tuple[str, ...]) -> tuple[tuple[ZoneId, str, str], ...]:
    zones = Fields(f"sign {sign_id}: short_names", doc)
    found: list[tuple[ZoneId, str, str]] = []
    for zone_id in zone_ids:
        if zones.optional(zone_id):
            spoken = _by_language(f"sign {sign_id}: short_names.{zone_id}", zones.raw(zone_id))
            found += [(ZoneId(zone_id), language, text) for language, text in spoken]
    zones.done()
    return tuple(sorted(found))


def read_sign(id: str, read: Fields) -> Sign:
    def bays(field: str, least: int = 1) -> int | None:
        return read.whole(field, least, _BAYS_MAX) if read.optional(field) else None

    zone_ids = read.matches("zone_ids")
    if not zone_ids:
        raise read.error("zone_ids", "the sign speaks of no zone", "name at least one")
    return Sign(
        sign_id=SignId(id),
        area_id=AreaId(read.match("area_id")),
        name=read.name("name"),
        zone_ids=tuple(ZoneId(zone_id) for zone_id in zone_ids),
        lat=read.number("lat", -90, 90),
        lon=read.number("lon", -180, 180),
        driver=read.driver("driver") if read.optional("driver") else "general",
        show=read.choice("show", Show) if read.optional("show") else Show.SUM,
        short_names=_short_names(id, read.raw("short_names"), zone_ids)
        if read.optional("short_names")
        else (),
        lines=read.whole("lines", 1, 10) if read.optional("lines") else 2,
        width=read.whole("width", 1, 100) if read.optional("width") else 12,
        layout=read.choice("layout", Layout) if read.optional("layout") else Layout.PAGES,
        ttl_s=read.whole("ttl_s", TTL_MIN_S, 86_400) if read.optional("ttl_s") else 60,
        reserve=bays("reserve", 0) or 0,
        clamp=bays("clamp"),
        rounding=bays("rounding") or 1,
        full_below=bays("full_below"),
        full_until=bays("full_until"),
        almost_full_below=bays("almost_full_below"),
        almost_full_until=bays("almost_full_until"),
        min_dwell_s=read.whole("min_dwell_s", 0, 3600) if read.optional("min_dwell_s") else 60,
        controller=read.choice("controller", Controller)
        if read.optional("controller")
        else Controller.BAYCAST,
        words=_words(id, read.raw("words")) if read.optional("words") else (),
    )


def read_legend(id: str, read: Fields) -> Legend:
    texts = _by_language(f"legend {id}: texts", read.raw("texts"), 200)
    if not texts:
        raise read.error("texts", "the legend says nothing", 'give its texts, as {"cy": "...", "en": "..."}')
    return Legend(
        legend_id=LegendId(id),
        area_id=AreaId(read.match("area_id")),
        texts=tuple(texts),
        authorisation=read.text("authorisation"),
    )
