"""Suspensions, closures and events: what an operator puts over rules and sensors for a while.

Pure. An override is an entry of the log like any registry document, and its times are data: it holds while the area's
watermark lies in [starts_at, until), in history as in forecasts, however late it was entered. It wins over sensors and
rules; what the sensors said meanwhile stays in the bays' own intervals. Where several hold, the strictest wins: a
closure before a suspension before an event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from occupancy.calendar import EVENT
from occupancy.model import AreaId, Bay, BayId, Override, OverrideKind, ZoneId
from occupancy.registry_fields import ID_PATTERN, Fields, format_instant

KIND = "override"
"""The kind of its log entries; no kind of registry document, so no import or export touches it."""

_DAY_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_STRICTEST = {OverrideKind.CLOSURE: 0, OverrideKind.SUSPENSION: 1, OverrideKind.EVENT: 2}


def override_of(id: str, doc: object) -> Override:
    """Read a document strictly. Raises `RegistryError` for the first thing wrong with it."""
    read = Fields(f"override {id}", doc)
    if ID_PATTERN.fullmatch(id) is None:
        raise read.error("id", f"{ascii(id)[:80]} is not of the form {ID_PATTERN.pattern}", "rename it")
    kind = read.choice("kind", OverrideKind)
    found = Override(
        override_id=id,
        area_id=AreaId(read.match("area_id")),
        kind=kind,
        reason=read.text("reason"),
        starts_at=_minute(read, "starts_at"),
        ends_at=_minute(read, "ends_at") if read.optional("ends_at") else None,
        expires_at=_minute(read, "expires_at") if read.optional("expires_at") else None,
        notice=read.text("notice", 64) if read.optional("notice") else None,
        day_type=read.match("day_type", _DAY_TYPE) if read.optional("day_type") else EVENT,
        bay_ids=frozenset(BayId(i) for i in read.matches("bay_ids"))
        if read.optional("bay_ids")
        else frozenset(),
        zone_ids=frozenset(ZoneId(i) for i in read.matches("zone_ids"))
        if read.optional("zone_ids")
        else frozenset(),
    )
    read.done()
    for field, at in (("ends_at", found.ends_at), ("expires_at", found.expires_at)):
        if at is not None and at <= found.starts_at:
            raise read.error(field, "is not after starts_at", "correct one of them")
    if not found.bay_ids and not found.zone_ids:
        raise read.error(
            "bay_ids", "it is for no bay and no zone", "name at least one in bay_ids or zone_ids"
        )
    if kind is not OverrideKind.EVENT and found.day_type != EVENT:
        raise read.error("day_type", f"a {kind} declares no day", "leave it out, or make it an event")
    return found


def override_document(override: Override) -> dict[str, object]:
    """The exact inverse of `override_of`; what is left out is at its default."""
    doc: dict[str, object] = {
        "area_id": override.area_id,
        "kind": override.kind.value,
        "reason": override.reason,
        "starts_at": format_instant(override.starts_at),
    }
    if override.ends_at is not None:
        doc["ends_at"] = format_instant(override.ends_at)
    if override.expires_at is not None:
        doc["expires_at"] = format_instant(override.expires_at)
    if override.notice is not None:
        doc["notice"] = override.notice
    if override.day_type != EVENT:
        doc["day_type"] = override.day_type
    if override.bay_ids:
        doc["bay_ids"] = sorted(override.bay_ids)
    if override.zone_ids:
        doc["zone_ids"] = sorted(override.zone_ids)
    return doc


def strictest_first(overrides: Iterable[Override]) -> tuple[Override, ...]:
    return tuple(sorted(overrides, key=lambda o: (_STRICTEST[o.kind], o.starts_at, o.override_id)))


def in_force(overrides: Iterable[Override], at: datetime) -> tuple[Override, ...]:
    """Those that hold at the instant, the strictest first."""
    return strictest_first(override for override in overrides if override.holds_at(at))


def not_ended(overrides: Iterable[Override], at: datetime) -> frozenset[str]:
    """The ids of those that hold at the instant or will, so far as is known by now."""
    return frozenset(one.override_id for one in overrides if one.until is None or one.until > at)


def closing_of(overrides: Iterable[Override]) -> Override | None:
    """The one that closes, of those in force in the order of their strength; None: none does."""
    return next((override for override in overrides if override.closes), None)


def closed_in_words(override: Override) -> str:
    """Why a bay is closed, for people."""
    what = "closed" if override.kind is OverrideKind.CLOSURE else "suspended"
    until = f"until {override.until:%Y-%m-%d %H:%MZ}" if override.until else "until further notice"
    notice = f", notice {override.notice}" if override.notice else ""
    return f"{what} from {override.starts_at:%Y-%m-%d %H:%MZ} {until}{notice}: {override.reason}"


class Overrides(Mapping[str, Override]):
    """The overrides of one area by id, also to be asked by bay and zone."""

    def __init__(self) -> None:
        self._by_id: dict[str, Override] = {}
        self._by_bay: dict[BayId, frozenset[Override]] = {}
        self._by_zone: dict[ZoneId, frozenset[Override]] = {}

    def __getitem__(self, override_id: str) -> Override:
        return self._by_id[override_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def put(self, override: Override) -> None:
        self.remove(override.override_id)
        self._by_id[override.override_id] = override
        for bay_id in override.bay_ids:
            self._by_bay[bay_id] = self._by_bay.get(bay_id, frozenset()) | {override}
        for zone_id in override.zone_ids:
            self._by_zone[zone_id] = self._by_zone.get(zone_id, frozenset()) | {override}

    def remove(self, override_id: str) -> None:
        """Take one out; one that is not there is no error."""
        gone = self._by_id.pop(override_id, None)
        if gone is None:
            return
        for bay_id in gone.bay_ids:
            self._by_bay[bay_id] -= {gone}
        for zone_id in gone.zone_ids:
            self._by_zone[zone_id] -= {gone}

    def of_bay(self, bay: Bay) -> frozenset[Override]:
        """Those that name the bay or its zone, at whatever time they hold."""
        if not self._by_id:
            return frozenset()
        return self._by_bay.get(bay.bay_id, frozenset()) | self._by_zone.get(bay.zone_id, frozenset())

    def of_zone(self, zone_id: ZoneId) -> frozenset[Override]:
        """Those that name the zone as a whole."""
        return self._by_zone.get(zone_id, frozenset())


def _minute(read: Fields, field: str) -> datetime:
    """An instant on a whole minute, as those of the rules are: everything is judged once a minute."""
    at = read.instant(field)
    if at.second or at.microsecond:
        raise read.error(field, "is not on a whole minute", "leave the seconds out, as 2026-04-01T08:00:00Z")
    return at
