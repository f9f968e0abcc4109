"""How good issued forecasts were: each is held against what came, and beside it two guesses that anybody could make.

The guesses are what is usual at that time of the week, and that all stays as it was when the forecast was issued (where
that is not known: what is usual). Shares are of the bays that are taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum

import numpy as np

from occupancy.calendar import EVENT, day_bounds, declared_types, is_bank_holiday
from occupancy.forecast.chances import limits
from occupancy.forecast.issue import Issue
from occupancy.forecast.panel import Floats, Ints
from occupancy.forecast.scores import BINS, pinball
from occupancy.model import OverrideKind, ZoneId
from occupancy.registry import Registry
from occupancy.rules import zones_of


class KindOfDay(StrEnum):
    ORDINARY = "ordinary"
    BANK_HOLIDAY = "bank_holiday"
    EVENT = "event"
    """The calendar declares it, or an override is an event in the zone."""


@dataclass(slots=True)
class Sums:
    """Over some forecasts."""

    forecasts: int = 0
    off: float = 0.0
    off_usual: float = 0.0
    off_now: float = 0.0
    pinball: float = 0.0
    inside: int = 0
    brier: float = 0.0
    brier_usual: float = 0.0
    brier_now: float = 0.0
    zone_answers: int = 0
    """What was told of zones of several places, each as a whole (`zone_skill`)."""
    zone_brier: float = 0.0
    zone_brier_usual: float = 0.0
    zone_brier_now: float = 0.0

    def add(self, other: Sums) -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def mean(self, total: float) -> float | None:
        """Of one of the sums, by forecast; None: there is none."""
        return total / self.forecasts if self.forecasts else None

    @property
    def skill(self) -> float | None:
        """Brier skill of the chance of a free bay against what is usual: 1 is perfect, 0 no better; None: not known."""
        return _skill(self.brier, self.brier_usual)

    @property
    def skill_now(self) -> float | None:
        """Likewise against what was seen when it was issued."""
        return _skill(self.brier, self.brier_now)

    @property
    def zone_skill(self) -> float | None:
        """Likewise of zones as a whole, against what is usual,"""
        return _skill(self.zone_brier, self.zone_brier_usual)

    @property
    def zone_skill_now(self) -> float | None:
        """and against what was seen."""
        return _skill(self.zone_brier, self.zone_brier_now)


@dataclass(slots=True)
class Chances:
    """What was said of a free bay, by tenths, and how often there was one."""

    forecasts: list[int] = field(default_factory=lambda: [0] * BINS)
    said: list[float] = field(default_factory=lambda: [0.0] * BINS)
    came: list[int] = field(default_factory=lambda: [0] * BINS)

    @property
    def calibration_error(self) -> float | None:
        """Expected calibration error: how far from what was said is what came; None: nothing was said."""
        total = sum(self.forecasts)
        apart = sum(abs(said - came) for said, came in zip(self.said, self.came, strict=True))
        return apart / total if total else None


@dataclass(frozen=True, slots=True)
class Guesses:
    """What is usual at the time that was forecast: the share that is taken, and how often a bay is free; (places,)."""

    share: Floats
    some_free: Floats


@dataclass(slots=True)
class Scored:
    """Sums of one civil day and one horizon, by zone and kind of day."""

    zones: dict[tuple[ZoneId, KindOfDay], Sums] = field(default_factory=dict)
    chances: dict[KindOfDay, Chances] = field(default_factory=dict)

    def take_up(
        self,
        issue: Issue,
        horizon: int,
        truth: Floats,
        now: Floats,
        usual: Guesses,
        kinds: Mapping[ZoneId, KindOfDay],
    ) -> None:
        """One issue, for its horizon of that index. `truth` then and `now` when it was issued are shares that are
        taken, (places,); NaN: not known."""
        seen = np.isfinite(truth) & (issue.bays > 0)
        if not seen.any():
            return
        truth, bays = truth[seen], issue.bays[seen]
        share, quantiles = issue.free[seen, horizon], issue.quantiles[seen, horizon]
        said = issue.any_free[seen, horizon]
        free = 1 - truth
        room = limits(bays.astype(float))
        came = (truth <= room).astype(float)
        was = now[seen]
        as_now = np.where(np.isfinite(was), was, usual.share[seen])
        some_now = np.where(np.isfinite(was), was <= room, usual.some_free[seen])
        columns = (
            np.ones(len(truth)),
            np.abs(share - free),
            np.abs(usual.share[seen] - truth),
            np.abs(as_now - truth),
            pinball(free, quantiles),
            ((free >= quantiles[:, 0] - _ROUNDED) & (free <= quantiles[:, -1] + _ROUNDED)).astype(float),
            (said - came) ** 2,
            (usual.some_free[seen] - came) ** 2,
            (some_now - came) ** 2,
        )
        owners = [place.zone_id for place, own in zip(issue.places, seen, strict=True) if own]
        self._add_places(owners, np.stack(columns, axis=1), kinds)
        self._say(owners, said, came, kinds)

    def add_zone(self, zone_id: ZoneId, sums: Sums, kinds: Mapping[ZoneId, KindOfDay]) -> None:
        """Sums of one zone."""
        self.zones.setdefault((zone_id, kinds.get(zone_id, KindOfDay.ORDINARY)), Sums()).add(sums)

    def _add_places(self, owners: Sequence[ZoneId], rows: Floats, kinds: Mapping[ZoneId, KindOfDay]) -> None:
        numbers = {zone_id: number for number, zone_id in enumerate(dict.fromkeys(owners))}
        totals = np.zeros((len(numbers), rows.shape[1]))
        np.add.at(totals, [numbers[zone_id] for zone_id in owners], rows)
        for zone_id, total in zip(numbers, totals.tolist(), strict=True):
            forecasts, off, off_usual, off_now, missed, inside, brier, brier_usual, brier_now = total
            own = Sums(round(forecasts), off, off_usual, off_now, missed, round(inside))
            own.brier, own.brier_usual, own.brier_now = brier, brier_usual, brier_now
            self.add_zone(zone_id, own, kinds)

    def _say(
        self, owners: Sequence[ZoneId], said: Floats, came: Floats, kinds: Mapping[ZoneId, KindOfDay]
    ) -> None:
        tenths: Ints = np.minimum((said * BINS).astype(np.int64), BINS - 1)
        for zone_id, tenth, chance, one in zip(
            owners, tenths.tolist(), said.tolist(), came.tolist(), strict=True
        ):
            known = self.chances.setdefault(kinds.get(zone_id, KindOfDay.ORDINARY), Chances())
            known.forecasts[tenth] += 1
            known.said[tenth] += chance
            known.came[tenth] += round(one)


_ROUNDED = 0.0005 + 1e-9
"""Records are in thousandths: a truth on the edge of a band is in it."""


def kinds_of_day(registry: Registry, day: date) -> dict[ZoneId, KindOfDay]:
    """What kind of day it is in each zone of an area, by what its registry says now."""
    area = registry.area
    if area is None:
        return {}
    everywhere = KindOfDay.ORDINARY
    if EVENT in declared_types(registry.calendar, day):
        everywhere = KindOfDay.EVENT
    if is_bank_holiday(area, registry.calendar, day):
        everywhere = KindOfDay.BANK_HOLIDAY
    found = dict.fromkeys(registry.zones, everywhere)
    if everywhere is KindOfDay.ORDINARY:
        start, end = day_bounds(area.time_zone, day)
        for override in registry.overrides.values():
            held = override.starts_at < end and (override.until is None or override.until > start)
            if override.kind is OverrideKind.EVENT and held:
                found.update(dict.fromkeys(zones_of(registry, override), KindOfDay.EVENT))
    return found


def _skill(own: float, other: float) -> float | None:
    return 1 - own / other if other > 0 else None
