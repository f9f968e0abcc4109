"""Who may use a bay now: rules are data, read by the civil time of their area (L12, L7).

How rules add up, in the order of their strength, below the overrides (a closing one closes; an event brings the rules
of its day type into force):

1. a rule of use `suspended` or `no_parking` in force closes the bay, whatever else holds;
2. rules in force that keep others out (`resident`, `blue_badge`, `loading`, `ev`, `motorcycle`, `coach`)
   admit those they name and nobody else; several of them admit the sum;
3. any other rule (`pay`, `limited_waiting`, `free_parking`, `shared`), or none, leaves the bay to the
   drivers of its physical type: general ones for `standard`. `shared` adds the holders of its permits.

A bay of a physical type other than `standard` admits the drivers of that type at most. So a bay that is for
loading by day and for everybody by night is a `standard` bay with a loading rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from occupancy.calendar import CivilTime, civil_at, is_bank_holiday, is_day_of
from occupancy.model import Area, Bay, BayType, Override, OverrideKind, Rule, Use, Zone, ZoneId
from occupancy.overrides import closed_in_words, closing_of, in_force
from occupancy.registry import Registry, RegistryError
from occupancy.registry_problems import EXCLUSIVE_USES

CLOSING_USES = frozenset({Use.SUSPENDED, Use.NO_PARKING})
GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a bay at an instant, as driver tokens; `max_stay_min` binds those without a permit."""

    admits: frozenset[str]
    max_stay_min: int | None
    closed: bool
    closed_by: str = "closed by a rule in force"
    """Why, in words, where it is closed."""
    suspended: bool = False
    """Closed by a suspension: a rule of that use, or an override."""
    rules: tuple[str, ...] = ()
    """The rules in force, by id, in the bay's order."""
    overrides: tuple[str, ...] = ()
    """The overrides in force, by id, the strictest first."""


CLOSED = Access(frozenset(), None, closed=True)
NOBODY_KNOWN = Access(frozenset(), None, closed=False)
"""For a bay whose rules are not all known: it is not closed, but nothing may be claimed for anybody (L4)."""


def rules_at(registry: Registry, bay: Bay, at: datetime) -> tuple[Rule, ...]:
    """The bay's rules in force at the instant `at`, in the bay's order."""
    return rules_in_force(registry, bay.rule_ids, at, overrides_at(registry, bay, at))


def overrides_at(registry: Registry, bay: Bay, at: datetime) -> tuple[Override, ...]:
    """What an operator has put over the bay's rules at the instant `at`, the strictest first."""
    found = registry.overrides.of_bay(bay)
    return in_force(found, at) if found else ()


def zones_of(registry: Registry, override: Override) -> frozenset[ZoneId]:
    """The registered zones that an override touches, as a whole or in some bay."""
    bays = (registry.bays.get(bay_id) for bay_id in override.bay_ids)
    return (override.zone_ids | {bay.zone_id for bay in bays if bay is not None}) & registry.zones.keys()


def rules_in_force(
    registry: Registry, rule_ids: Iterable[str], at: datetime, overrides: Iterable[Override] = ()
) -> tuple[Rule, ...]:
    """Those of the rules that are in force at the instant `at`; ids of no rule are passed over.

    `overrides` are those in force for the bays in question; their events count as days of their type.
    """
    area = _area(registry)
    civil = civil_at(area.time_zone, at)
    declared = {override.day_type for override in overrides if not override.closes}
    found = (registry.rules.get(rule_id) for rule_id in rule_ids)
    return tuple(
        rule for rule in found if rule is not None and _applies(registry, area, rule, civil, at, declared)
    )


def access_at(registry: Registry, bay: Bay, at: datetime) -> Access:
    """Who may use the bay at the instant `at`."""
    return access_of(registry, bay.rule_ids, bay.bay_type, at, overrides_at(registry, bay, at))


def access_of(
    registry: Registry,
    rule_ids: tuple[str, ...],
    bay_type: BayType,
    at: datetime,
    overrides: tuple[Override, ...] = (),
) -> Access:
    """Who may use any bay of this type under these rules and overrides in force: one answer for all alike."""
    over = tuple(override.override_id for override in overrides)
    if closing := closing_of(overrides):
        suspended = closing.kind is OverrideKind.SUSPENSION
        why = closed_in_words(closing)
        return Access(frozenset(), None, closed=True, closed_by=why, suspended=suspended, overrides=over)
    by_type = GENERAL if bay_type is BayType.STANDARD else bay_type.value
    if not rule_ids:
        return Access(frozenset({by_type}), None, closed=False, overrides=over)
    if any(rule_id not in registry.rules for rule_id in rule_ids):
        return NOBODY_KNOWN
    rules = rules_in_force(registry, rule_ids, at, overrides)
    names = tuple(rule.rule_id for rule in rules)
    uses = {rule.use for rule in rules}
    if uses & CLOSING_USES:
        return Access(
            frozenset(), None, closed=True, suspended=Use.SUSPENDED in uses, rules=names, overrides=over
        )
    reserved = {token for rule in rules if rule.use in EXCLUSIVE_USES for token in _reserved_for(rule)}
    if bay_type is not BayType.STANDARD:
        admitted = {by_type} & (reserved or {by_type})
    elif reserved:
        admitted = reserved
    else:
        admitted = {GENERAL}.union(*(_permits(rule) for rule in rules if rule.use is Use.SHARED))
    limits = [rule.max_stay_min for rule in rules if rule.max_stay_min is not None]
    return Access(frozenset(admitted), min(limits, default=None), closed=False, rules=names, overrides=over)


def admits(access: frozenset[str], driver: str) -> bool:
    """Whether a driver (a `for=` value) may use a bay of this access. A general bay admits everybody."""
    return GENERAL in access or driver in access


def is_open(registry: Registry, zone: Zone, at: datetime) -> bool:
    """Whether the zone is open at the instant `at`: by its hours, if it has any, and unless an override closes it."""
    if closing_of_zone(registry, zone, at):
        return False
    if not zone.opening:
        return True
    civil = civil_at(_area(registry).time_zone, at)
    return any(
        civil.weekday in hours.days and hours.opens_min <= civil.minute < hours.closes_min
        for hours in zone.opening
    )


def closing_of_zone(registry: Registry, zone: Zone, at: datetime) -> Override | None:
    """The override that closes the whole zone at the instant `at`; None: none does."""
    return closing_of(in_force(registry.overrides.of_zone(zone.zone_id), at))


def _area(registry: Registry) -> Area:
    if registry.area is None:
        raise RegistryError(
            f"area {registry.area_id}", None, "is not registered", "add the area's own document"
        )
    return registry.area


def _applies(
    registry: Registry, area: Area, rule: Rule, civil: CivilTime, at: datetime, declared: Collection[str]
) -> bool:
    """The cheap tests first: most rules are told apart by day and minute."""
    return (
        civil.weekday in rule.days
        and rule.starts_min <= civil.minute < rule.ends_min
        and (rule.valid_from is None or rule.valid_from <= at)
        and (rule.valid_to is None or at < rule.valid_to)
        and (rule.bank_holidays or not is_bank_holiday(area, registry.calendar, civil.day))
        and (
            rule.only_on is None
            or rule.only_on in declared
            or is_day_of(rule.only_on, area, registry.calendar, civil.day)
        )
    )


def _permits(rule: Rule) -> frozenset[str]:
    return frozenset(f"permit:{code}" for code in rule.permit_areas)


def _reserved_for(rule: Rule) -> frozenset[str]:
    return _permits(rule) if rule.use is Use.RESIDENT else frozenset({rule.use.value})
