"""`baycast forecast train`: models of what the store knows, each written beside the one that it follows."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from baycast.measured import measured
from baycast.settings import UsageError
from occupancy.forecast.civil_slots import slots_of
from occupancy.forecast.issue import GRID
from occupancy.forecast.model import Model
from occupancy.forecast.panel import DAY, Panel
from occupancy.forecast.places import Members, members_of, most_bays
from occupancy.forecast.profile import Week
from occupancy.forecast.training import train
from occupancy.model import AreaId
from occupancy.registry import Registry
from store import overrides
from store.forecast_models import ModelFolder, TrainedElsewhereError
from store.forecast_panel import heard_since, instants, known_to
from store.postgres import Connection
from store.registry import load_registries

DAYS = 120
"""What is older has faded: the longest memory halves every sixty days."""
MOST_DAYS = 730

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an area is learnt from."""

    places: tuple[Members, ...]
    panel: Panel
    until: datetime


def train_areas(
    conn: Connection, data_dir: Path, area: str | None, days: int, progress: Progress | None
) -> dict[str, object]:
    """Train one area or all, and say what came of it; `conn` commits by itself. Raises `UsageError`, `psycopg.Error`,
    `OSError`."""
    registries = load_registries(conn)
    if area is not None and area not in registries:
        raise UsageError(f"forecast train: there is no area {area}")
    asked = [AreaId(area)] if area is not None else sorted(registries)
    figures: dict[str, float | None] = dict.fromkeys(
        ("areas", "places", "days", "read_s", "train_s", "bytes"), 0
    )
    models: dict[str, str | None] = {}
    for area_id in asked:
        folder, models[area_id] = ModelFolder(data_dir, area_id), None
        try:
            with folder.training():
                began = time.monotonic()
                seen = _seen(conn, _with_overrides(conn, area_id, registries[area_id]), days)
                figures["read_s"] = (figures["read_s"] or 0) + time.monotonic() - began
                if seen is None:
                    continue
                began = time.monotonic()
                model = _trained(registries[area_id], seen, progress)
                figures["train_s"] = (figures["train_s"] or 0) + time.monotonic() - began
                figures["bytes"] = (figures["bytes"] or 0) + folder.keep(model)
        except TrainedElsewhereError as other:
            raise UsageError(f"forecast train: {other}; wait until that has ended") from None
        figures["areas"] = (figures["areas"] or 0) + 1
        figures["places"] = (figures["places"] or 0) + len(model.places)
        figures["days"] = max(figures["days"] or 0, seen.panel.steps // GRID.per_day)
        models[area_id] = model.version
    figures["peak_mib"] = peak_mib()
    return measured("forecast train", None, figures, models=models)


def peak_mib() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _with_overrides(conn: Connection, area_id: AreaId, registry: Registry) -> Registry:
    for entered in overrides.load(conn, area_id):
        registry.overrides.put(entered.override)
    return registry


def _seen(conn: Connection, registry: Registry, days: int) -> _Seen | None:
    """Whole days (UTC) up to the newest one that is over; None: there is none."""
    places = members_of(registry)
    area = registry.area
    with conn.cursor() as cur:
        if area is None or not places:
            return None
        watermark, heard = known_to(cur, area.area_id), heard_since(cur, area.area_id, places)
        if watermark is None or heard is None:
            return None
        until = _midnight(watermark)
        first = max(_midnight(heard), until - timedelta(days=days))
        count = (until - first) // DAY * GRID.per_day
        if count <= 0:
            return None
        shares = instants(cur, registry, places, first, GRID.step, count).shares
    slots = slots_of(Week(area, registry.calendar), GRID, first, count)
    return _Seen(places, Panel(GRID, shares, slots), until)


def _trained(registry: Registry, seen: _Seen, progress: Progress | None) -> Model:
    bays = most_bays(registry, seen.places, seen.until)
    places, kinds = [one.place for one in seen.places], [one.kind for one in seen.places]
    return train(seen.panel, places, kinds, bays, seen.until, progress)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
