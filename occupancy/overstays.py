"""Overstays: stays beyond the limit in force, as far as there is evidence for them.

Pure. The error to avoid is a stay that is two: a departure and an arrival that were both missed. So a stay counts only
where its arrival was seen (not worked out, not cut off, and no less certain than the grace), and only as far as the
sensor itself has spoken since: a word after limit and grace that it is still there, or the departure reported then.
What follows from silence counts for nothing. Each row is a function of the stay, the registry, and of the newest word
of the sensor while the vehicle is still there, so that any order of arrival gives the same rows (L3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from occupancy.limits import LOOKED_AT, Limits, RunsOut
from occupancy.model import (
    BayId,
    BayType,
    DeviceId,
    Override,
    Overstay,
    OverstayState,
    Quality,
    Rule,
    Stay,
    ZoneId,
)
from occupancy.page import BEGINNING, OverstayRows, Page
from occupancy.registry import Registry
from occupancy.rule_versions import version_of
from occupancy.schedule import Schedule

PLAUSIBLE = timedelta(days=1)
"""A longer stay under a limit is a sensor that sticks sooner than a vehicle: it is not published."""

_Key = tuple[BayId, DeviceId]


class Grounds(NamedTuple):
    """What the judgement of a bay's stays takes from the registry: while it is equal, they stand."""

    rules: tuple[Rule | None, ...]
    bay_type: BayType
    zone_id: ZoneId
    """Whose overrides are the bay's, too."""
    civil: object


class Word(NamedTuple):
    """When the sensor of a stay spoke last, and whether it was suspect while the stay lasted."""

    at: datetime
    suspect: bool


WordOf = Callable[[Stay], Word | None]


def overstay_of(
    stay: Stay,
    found: RunsOut,
    grace_min: int,
    silent_after: timedelta,
    word: Word | None,
    watermark: datetime | None,
) -> Overstay | None:
    """The overstay in a stay whose limit runs out by `found`; None: there is none, or nobody can know.

    `word` is the sensor's newest, which counts for a stay that lasts.
    """
    if stay.arrival is not Quality.OBSERVED or stay.arrived_uncertain_s > grace_min * 60:
        return None
    reached, (said, said_at) = _present_until(stay, silent_after, word)
    if stay.departed_at is None:
        over = reached > found.candidate_at or (watermark is not None and watermark >= found.candidate_at)
    else:
        over = stay.departed_at > found.candidate_at
    if not over:
        return None
    confirmed, evidence = reached > found.candidate_at, f"{said} {_words(said_at)}"
    state = OverstayState.CONFIRMED if confirmed else OverstayState.CANDIDATE
    if confirmed and (word is None or not word.suspect):
        if reached - stay.arrived_at <= PLAUSIBLE:
            state = OverstayState.PUBLISHED
        else:
            evidence += "; longer than a day, so the sensor may stick"
    elif confirmed:
        evidence += "; but the sensor is suspect"
    rule, limit_min = found.limit.rule, found.limit.limit_min
    assert rule is not None and limit_min is not None  # noqa: S101, PT018 - a limit ran out
    return Overstay(
        bay_id=stay.bay_id,
        arrived_at=stay.arrived_at,
        device_id=stay.device_id,
        rule_id=rule.rule_id,
        rule_version=version_of(rule),
        limit_min=limit_min,
        grace_min=grace_min,
        over_from=found.over_from,
        over_to=found.over_to,
        candidate_at=found.candidate_at,
        confirmed_at=min(reached, found.over_to or reached) if confirmed else None,
        ended_at=stay.departed_at,
        state=state,
        evidence=evidence if confirmed else f"no word since limit and grace ran out; {evidence}",
        exemptions=found.limit.exemptions,
    )


def _present_until(
    stay: Stay, silent_after: timedelta, word: Word | None
) -> tuple[datetime, tuple[str, datetime]]:
    """Up to when the vehicle was there for sure, and by what evidence: in words, and of when."""
    if stay.departed_at is None:
        at = stay.arrived_at if word is None else max(word.at, stay.arrived_at)
        return at, ("the sensor's newest word that it is there is of", at)
    if stay.departure is Quality.OBSERVED:
        at = stay.departed_at - timedelta(seconds=stay.departed_uncertain_s)
        return at, ("the sensor reported the departure at", stay.departed_at)
    if stay.departure is Quality.CENSORED:
        # What ended was the evidence: its last piece is no older than the silence that was waited for.
        at = max(stay.arrived_at, stay.departed_at - silent_after)
        return at, ("the evidence ended at", stay.departed_at)
    at = stay.departed_at - timedelta(seconds=stay.departed_uncertain_s)
    return max(stay.arrived_at, at), ("the departure was worked out, not before", at)


def _words(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


class LimitedStays:
    """The stays of one area held against the limits. Rows go into the page that the caller hands over."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._limits = Limits(registry)
        self._open: dict[_Key, Stay] = {}
        self._due: Schedule[_Key] = Schedule()
        self._over: dict[BayId, dict[DeviceId, Word | None]] = {}
        """Stays that last beyond limit and grace, with the word by which they were judged."""

    def load(self, stays: Iterable[Stay]) -> None:
        """Take up the stays that last, where an earlier process stopped."""
        for stay in stays:
            self._keep(stay)

    def grounds(self) -> dict[BayId, Grounds]:
        """What the judgement of each bay's stays takes from the registry, overrides aside."""
        area = self.registry.area
        civil = area and (area.time_zone, area.bank_holidays, area.overstay_grace_min, self.registry.calendar)
        found = {}
        for bay_id, bay in self.registry.bays.items():
            rules = tuple(self.registry.rules.get(rule_id) for rule_id in bay.rule_ids)
            found[bay_id] = Grounds(rules, bay.bay_type, bay.zone_id, civil if any(rules) else None)
        return found

    def change(self, before: Mapping[BayId, Grounds], page: Page) -> None:
        """The registry has changed: from where a bay's grounds differ on, its stays are judged again."""
        self._limits = Limits(self.registry)
        now = self.grounds()
        for bay_id in before.keys() | now.keys():
            old, new = before.get(bay_id), now.get(bay_id)
            if old != new:
                self._judge_again(bay_id, differs_from(old, new), page)

    def override(self, override: Override, page: Page) -> None:
        """An override has come, gone or changed: stays that it may bear upon are judged again."""
        bays = set(override.bay_ids) & self.registry.bays.keys()
        for zone_id in override.zone_ids:
            bays.update(bay.bay_id for bay in self.registry.bays_by_zone.get(zone_id, ()))
        for bay_id in bays:
            self._judge_again(bay_id, override.starts_at, page)

    def stamp(self, stay: Stay) -> Stay:
        """The stay with the rule in force at its arrival."""
        bay = self.registry.bays.get(stay.bay_id)
        found = None if bay is None else self._limits.at(bay, stay.arrived_at)
        in_force = (
            (None, None, None) if found is None else (found.rule_id, found.rule_version, found.limit_min)
        )
        if in_force == (stay.rule_id, stay.rule_version, stay.limit_min):
            return stay
        rule_id, rule_version, limit_min = in_force
        return replace(stay, rule_id=rule_id, rule_version=rule_version, limit_min=limit_min)

    def overstays(self, stays: Iterable[Stay], word_of: WordOf, watermark: datetime | None) -> list[Overstay]:
        """The overstays among some stays."""
        found = []
        area = self.registry.area
        for stay in stays:
            bay, sensor = self.registry.bays.get(stay.bay_id), self.registry.sensors.get(stay.device_id)
            runs_out = None if bay is None else self._limits.runs_out(bay, stay.arrived_at)
            if runs_out is None or area is None or sensor is None:
                continue
            overstay = overstay_of(
                stay, runs_out, area.overstay_grace_min, sensor.silent_after, word_of(stay), watermark
            )
            if overstay is not None:
                found.append(overstay)
        return found

    def judge(self, page: Page, word_of: WordOf, watermark: datetime | None, remembered: datetime) -> None:
        """Stamp the page's stays and say which are overstays; also those that last, as their sensors speak on.

        `word_of` knows all suspicions of the page's stays, and those since `remembered` of any other.
        """
        for key, rows in page.bays.items():
            rows.stays[:] = [self.stamp(stay) for stay in rows.stays]
            last = rows.stays[-1] if rows.stays else None
            if last is not None and last.departed_at is None:
                self._keep(last)
            elif key in self._open and self._open[key].arrived_at >= rows.cut:
                self._forget(key)
            page.overstays[key] = OverstayRows(rows.cut, self.overstays(rows.stays, word_of, watermark))
        if watermark is None:
            return
        for bay_id, device_id in self._due.reached(watermark):
            self._over.setdefault(bay_id, {})[device_id] = None
            self._judge_lasting((bay_id, device_id), page, word_of, watermark, remembered)
        # Nothing else can be heard of a bay than what changes its live state.
        for bay_id in page.bay_states.keys() & self._over.keys():
            for device_id in self._over[bay_id]:
                self._judge_lasting((bay_id, device_id), page, word_of, watermark, remembered)

    def _judge_lasting(
        self, key: _Key, page: Page, word_of: WordOf, watermark: datetime, remembered: datetime
    ) -> None:
        """Judge a stay that lasts beyond limit and grace, if its sensor has another word for it."""
        stay = self._open[key]
        word, judged_by = word_of(stay), self._over[key[0]][key[1]]
        self._over[key[0]][key[1]] = word
        if word == judged_by or key in page.overstays:
            return
        if stay.arrived_at < remembered:
            page.judge_again(key[0], stay.arrived_at)
        else:
            rows_now = self.overstays([stay], word_of, watermark)
            page.overstays[key] = OverstayRows(stay.arrived_at, rows_now)

    def _judge_again(self, bay_id: BayId, from_at: datetime, page: Page) -> None:
        page.judge_again(bay_id, from_at - LOOKED_AT if from_at > BEGINNING else BEGINNING)
        for stay in [stay for stay in self._open.values() if stay.bay_id == bay_id]:
            self._keep(stay)

    def _keep(self, stay: Stay) -> None:
        key = (stay.bay_id, stay.device_id)
        self._forget(key)
        self._open[key] = stay
        bay = self.registry.bays.get(stay.bay_id)
        if bay is not None and (found := self._limits.runs_out(bay, stay.arrived_at)):
            self._due.set(key, found.candidate_at)

    def _forget(self, key: _Key) -> None:
        self._open.pop(key, None)
        self._due.drop(key)
        over = self._over.get(key[0], {})
        over.pop(key[1], None)
        if not over:
            self._over.pop(key[0], None)


def differs_from(old: Grounds | None, new: Grounds | None) -> datetime:
    """The first instant at which two grounds may give different limits."""
    if old is None or new is None or old._replace(rules=()) != new._replace(rules=()):
        return BEGINNING
    if None in old.rules or None in new.rules:
        return BEGINNING
    versions: dict[str, list[Rule]] = {}
    for rule in {*old.rules} ^ {*new.rules}:
        if rule is not None:
            versions.setdefault(rule.rule_id, []).append(rule)
    return min((_versions_differ_from(found) for found in versions.values()), default=BEGINNING)


def _versions_differ_from(versions: Sequence[Rule]) -> datetime:
    """As `differs_from`, for a rule that was changed (two versions), or added or removed (one)."""
    begins = [rule.valid_from or BEGINNING for rule in versions]
    ends = [rule.valid_to for rule in versions if rule.valid_to is not None]
    if len(versions) == 2 and replace(versions[0], valid_to=versions[1].valid_to) == versions[1]:
        return min(ends)
    return min(begins)
