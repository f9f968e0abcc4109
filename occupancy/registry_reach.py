"""How far back into history a change of the registry reaches: what is said of earlier times stays. Pure.

It errs towards the beginning: history may turn out as it was, but never changes before the instant that was told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from occupancy.model import (
    Area,
    Bay,
    Binding,
    Calendar,
    DeviceId,
    Gate,
    Legend,
    Rule,
    Sensor,
    Sign,
    Zone,
    ZoneId,
    ZoneKind,
)
from occupancy.page import BEGINNING
from occupancy.registry import Entity, Registry
from occupancy.spans import FOREVER


class Changed(NamedTuple):
    """One document before and after; None: there is none."""

    before: Entity | None
    after: Entity | None


def reaches_back_to(changes: Sequence[Changed], after: Registry) -> datetime | None:
    """The first instant whose history may be told otherwise, `BEGINNING` for all of it; None: none of it is."""
    reach = _Reach(changes, after)
    return min(filter(None, map(reach.of, changes)), default=None)


class _Reach:
    def __init__(self, changes: Iterable[Changed], after: Registry) -> None:
        self._after = after
        old = [change.before for change in changes if change.before is not None]
        self._old_rules = {rule.rule_id: rule for rule in old if isinstance(rule, Rule)}
        bays = [*after.bays.values(), *(bay for bay in old if isinstance(bay, Bay))]
        self._named = {rule_id for bay in bays for rule_id in bay.rule_ids}
        self._new_zones = {
            change.after.zone_id
            for change in changes
            if change.before is None and isinstance(change.after, Zone)
        }

    def of(self, change: Changed) -> datetime | None:
        one = change.after or change.before
        match one:
            case Rule():
                return self._rule(change) if one.rule_id in self._named else None
            case Bay():
                return self._bay(change)
            case Binding():
                return _between(change, "valid_from", "valid_to")
            case Sensor():
                return self._sensor(change)
            case Gate():
                return self._gate(change)
            case Zone():
                return _zone(change)
            case Area():
                return _area(change)
            case Calendar():
                return BEGINNING if self._named else None
            case Sign() | Legend() | None:
                return None

    def _rule(self, change: Changed) -> datetime | None:
        old, new = (
            replace(one, tariff=None, order=None) if isinstance(one, Rule) else None for one in change
        )
        return _between(Changed(old, new), "valid_from", "valid_to")

    def _bay(self, change: Changed) -> datetime | None:
        old, new = (
            replace(one, lat=0.0, lon=0.0, ev_connectors=()) if isinstance(one, Bay) else None
            for one in change
        )
        if old is not None and new is not None and old.rule_ids != new.rule_ids:
            others = {*old.rule_ids} ^ {*new.rule_ids}
            rules = [self._old_rules.get(id) or self._after.rules.get(id) for id in others]
            begins = [BEGINNING if rule is None else rule.valid_from or BEGINNING for rule in rules]
            rest = _between(
                Changed(replace(old, rule_ids=new.rule_ids), new), "in_service_from", "in_service_to"
            )
            return min([*begins, *([] if rest is None else [rest])], default=BEGINNING)
        return _between(Changed(old, new), "in_service_from", "in_service_to")

    def _sensor(self, change: Changed) -> datetime | None:
        """From where it first watched a bay; one that comes or goes takes its bindings along, which tell."""
        old, new = change
        if not (isinstance(old, Sensor) and isinstance(new, Sensor)):
            return None
        told = (old.expected_heartbeat_s, old.incarnation, old.gateway)
        if told == (new.expected_heartbeat_s, new.incarnation, new.gateway):
            return None
        bindings = self._after.bindings_by_device.get(DeviceId(new.device_id), ())
        return min((one.valid_from or BEGINNING for one in bindings), default=None)

    def _gate(self, change: Changed) -> datetime | None:
        old, new = (one if isinstance(one, Gate) else None for one in change)
        if old is None and new is not None and ZoneId(new.zone_id) in self._new_zones:
            return None
        return None if old == new else BEGINNING


def _between(change: Changed, starts: str, ends: str) -> datetime | None:
    """Of documents that hold from one instant to another: the first at which the two are not the same."""
    there: list[Any] = [one for one in change if one is not None]
    spans = [(getattr(one, starts) or BEGINNING, getattr(one, ends) or FOREVER) for one in there]
    if len(there) < 2:
        return spans[0][0]
    old, new = (replace(one, **{starts: None, ends: None}) for one in there)
    differ = [min(edges) for edges in zip(*spans, strict=True) if old != new or edges[0] != edges[1]]
    return min(differ, default=None)


def _zone(change: Changed) -> datetime | None:
    """A street has what its bays have; a car park counts as a whole."""
    old, new = change
    if isinstance(old, Zone) and isinstance(new, Zone):
        shown = replace(old, name=new.name, lat=new.lat, lon=new.lon, line=new.line)
        fitted = replace(
            shown,
            height_limit_m=new.height_limit_m,
            step_free=new.step_free,
            ev_connectors=new.ev_connectors,
        )
        return None if fitted == new else BEGINNING
    one = new or old
    return BEGINNING if isinstance(one, Zone) and one.kind is ZoneKind.CAR_PARK else None


def _area(change: Changed) -> datetime | None:
    old, new = change
    if not (isinstance(old, Area) and isinstance(new, Area)):
        return None if old is None else BEGINNING
    return None if replace(old, name=new.name, languages=new.languages) == new else BEGINNING


def recomputed(since: datetime | None) -> str | None:
    """What whoever changes the registry is told of it; None: the past stays as it is."""
    if since is None:
        return None
    return f"recomputed from {'the beginning' if since == BEGINNING else f'{since:%Y-%m-%dT%H:%M:%SZ}'}"
