"""What a change of the registry or of an override does to everything else that is kept of an area."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from occupancy.batch import Change
from occupancy.cell_pass import grounds
from occupancy.model import ZoneId
from occupancy.outages import Outages
from occupancy.overrides import KIND as OVERRIDE
from occupancy.overstays import LimitedStays
from occupancy.page import BEGINNING, Page
from occupancy.registry import Registry
from occupancy.rules import zones_of
from occupancy.sensed import SensedBays
from occupancy.spans import FOREVER
from occupancy.suspects import Suspects
from occupancy.zone_answers import ZoneAnswers


class RegistryChanges:
    """Puts documents into the registry of one area, and tells those who lean on it."""

    def __init__(
        self,
        registry: Registry,
        sensed: SensedBays,
        outages: Outages,
        limited: LimitedStays,
        answers: ZoneAnswers,
        suspects: Suspects,
    ) -> None:
        self.registry = registry
        self._sensed = sensed
        self._outages = outages
        self._limited = limited
        self._answers = answers
        self._suspects = suspects

    def change(self, changes: Sequence[Change], page: Page, watermark: datetime | None) -> set[ZoneId]:
        """Returns the zones whose answer may be another by that."""
        documents = [change for change in changes if change[0] != OVERRIDE]
        touched = self._documents(documents, page, watermark) if documents else set()
        touched |= self._overrides([(id, doc) for kind, id, doc in changes if kind == OVERRIDE], page)
        return touched

    def _overrides(self, changes: Sequence[tuple[str, object | None]], page: Page) -> set[ZoneId]:
        """Put overrides in or out. What they cover of the past is computed again, what lies ahead when it comes."""
        touched: set[ZoneId] = set()
        for override_id, doc in changes:
            before = self.registry.overrides.get(override_id)
            self.registry.put_override(override_id, doc)
            after = self.registry.overrides.get(override_id)
            for override in (before, after) if before != after else ():
                if override is None:
                    continue
                self._limited.override(override, page)
                self._suspects.override(override)
                for zone_id in zones_of(self.registry, override):
                    touched.add(zone_id)
                    # A stay counts where it ends, by what the kerb was for when it began: what came later, too.
                    page.dirty(zone_id, override.starts_at, FOREVER)
        if touched:
            self._answers.registry_changed()
        return touched

    def _documents(self, changes: Sequence[Change], page: Page, watermark: datetime | None) -> set[ZoneId]:
        zones, bays = set(self.registry.zones), set(self.registry.bays)
        before = {zone.zone_id: grounds(self.registry, zone) for zone in self.registry.zones.values()}
        limited_before, judged_before = self._limited.grounds(), self._suspects.grounds()
        for kind, id, doc in changes:
            if doc is None:
                self.registry.remove(kind, id)
            else:
                self.registry.put(kind, id, doc)
        page.registry_changed = True
        self._limited.change(limited_before, page)
        for zone_id in zones - set(self.registry.zones):
            page.gone_zones.add(zone_id)
            page.zones.pop(zone_id, None)
            self._answers.said.pop(zone_id, None)
        for bay_id in bays - set(self.registry.bays):
            page.forget_bay(bay_id)
        self._outages.registry_changed()
        self._suspects.registry_changed(judged_before, page)
        self._sensed.registry_changed(watermark)
        self._answers.registry_changed()
        if watermark is not None:
            for zone in self.registry.zones.values():
                if grounds(self.registry, zone) != before.get(zone.zone_id):
                    page.dirty(zone.zone_id, BEGINNING)
        return set(self.registry.zones)
