"""One area's forecasts: its places, what was seen of them of late, and the model in use."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from occupancy.engine.forecasts.metrics import FAILURES
from occupancy.engine.forecasts.window import Window
from occupancy.forecast.issue import Issue
from occupancy.forecast.issuing import issue
from occupancy.forecast.model import Model, empty_model
from occupancy.forecast.model_file import ModelFileError
from occupancy.forecast.other_places import model_of
from occupancy.forecast.places import bays_at, members_of, most_bays
from occupancy.forecast.profile import Week
from occupancy.forecast.zone_skill import WholeZones
from occupancy.model import Area, AreaId
from occupancy.registry import Registry
from store.copying import Cursor
from store.forecast_models import ModelFolder

_log = logging.getLogger("baycast.forecast")


class AreaModel:
    """The newest model of an area that can be used; the one before stands while a newer one cannot be."""

    def __init__(self, folder: ModelFolder, area_id: AreaId) -> None:
        self._folder, self._area_id = folder, area_id
        self._version: str | None = None
        self.newest: Model | None = None

    def look(self) -> None:
        """Take up a model that is new in the folder."""
        try:
            version = self._folder.version()
            if version == self._version:
                return
            self._version = version
            self.newest = self._folder.current() or self.newest
        except ModelFileError as problem:
            FAILURES.labels("model").inc()
            before = "the one before" if self.newest else "none"
            _log.error("model not usable, forecasts go by %s: %s", before, problem)
        else:
            _log.info("model taken up", extra={"area": self._area_id, "model": version})


@dataclass(frozen=True, slots=True)
class Standing:
    """What an area's state in memory is of: another one makes it anew."""

    generation: int
    mark: str


class AreaForecasts:
    """Of one registry and one generation."""

    def __init__(self, area: Area, registry: Registry, model: AreaModel) -> None:
        self.area, self.registry = area, registry
        self.places = members_of(registry)
        self.week = Week(area, registry.calendar)
        self.whole_zones = WholeZones(registry, self.places)
        self._model = model
        self._window = Window(registry, self.places)
        self._of: tuple[Model | None, Model] | None = None
        self._told_of: str | None = None

    def issue(self, cur: Cursor, data_to: datetime, now: datetime) -> Issue:
        """Forecast by what is known up to `data_to`, which is not after `now`."""
        bays = bays_at(self.registry, self.places, now)
        recent = self._window.seen(cur, data_to)
        issued = issue(self.model(now), self.area.area_id, recent, bays, self.week, now)
        self._tell_of_trees(now)
        return issued

    def _tell_of_trees(self, now: datetime) -> None:
        """Once of each model: trees that cannot be asked leave the first tier."""
        model = self.model(now)
        faults = [one.grown.fault for one in model.horizons if one.grown is not None and one.grown.fault]
        if faults and self._told_of != model.version:
            self._told_of = model.version
            FAILURES.labels("model").inc()
            _log.error("trees cannot be asked, the first tier stands: %s", faults[0])

    def model(self, now: datetime) -> Model:
        """The newest model as it is of the places that there are now."""
        newest = self._model.newest
        if self._of is None or self._of[0] is not newest:
            places = [members.place for members in self.places]
            kinds = [members.kind for members in self.places]
            bays = most_bays(self.registry, self.places, now)
            found = (
                empty_model(places, kinds, bays) if newest is None else model_of(newest, places, kinds, bays)
            )
            self._of = newest, found
        return self._of[1]
