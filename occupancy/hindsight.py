"""From when on the sensors of a bay are to be judged again, since the registry or an override is another for past time.

Pure. A suspicion follows from the registry as it is now, whenever that was entered, as every derived row does. So what
was judged by another one is judged anew, as far back as anything is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from occupancy.model import BayId, Override, Rule, ZoneId
from occupancy.page import BEGINNING
from occupancy.registry import Registry
from occupancy.rules import CLOSING_USES
from occupancy.spells import kind_of


class Grounds(NamedTuple):
    """What the judgement of a bay's sensors takes from the registry, overrides aside: while it is equal, it stands."""

    zone_id: ZoneId
    kind: str
    closed_by: tuple[Rule, ...]
    all_known: bool
    """Of its rules; where they are not, none of them closes."""
    civil: object
    """By which its closing rules go."""
    registered: bool
    """The area."""


def grounds(registry: Registry) -> dict[BayId, Grounds]:
    area = registry.area
    civil = area and (area.time_zone, area.bank_holidays, registry.calendar)
    found = {}
    for bay_id, bay in registry.bays.items():
        rules = [registry.rules.get(rule_id) for rule_id in bay.rule_ids]
        closed_by = tuple(rule for rule in rules if rule is not None and rule.use in CLOSING_USES)
        found[bay_id] = Grounds(
            bay.zone_id,
            kind_of(bay),
            closed_by,
            None not in rules,
            civil if closed_by else None,
            area is not None,
        )
    return found


def other_grounds(before: Mapping[BayId, Grounds], now: Mapping[BayId, Grounds]) -> Iterable[BayId]:
    """The bays whose sensors were judged by other grounds, bays that came or went among them."""
    return (bay_id for bay_id in before.keys() | now.keys() if before.get(bay_id) != now.get(bay_id))


class Hindsight:
    """Bays to be judged again, each from an instant on, since they were last asked for."""

    def __init__(self) -> None:
        self._from: dict[BayId, datetime] = {}

    def registry_changed(self, bays: Iterable[BayId]) -> None:
        self._from.update(dict.fromkeys(bays, BEGINNING))

    def override(self, registry: Registry, override: Override) -> None:
        """An override has come, gone or changed."""
        bays = set(override.bay_ids)
        for zone_id in override.zone_ids:
            bays.update(bay.bay_id for bay in registry.bays_by_zone.get(zone_id, ()))
        for bay_id in bays:
            self._from[bay_id] = min(override.starts_at, self._from.get(bay_id, override.starts_at))

    def due(self, watermark: datetime | None) -> Mapping[BayId, datetime]:
        """Those of which something is past; the others are judged as their time comes."""
        found = {bay_id: at for bay_id, at in self._from.items() if watermark is not None and at < watermark}
        self._from.clear()
        return found
