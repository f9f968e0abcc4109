"""The rules and overrides that zones name, as data and in words, rendered once each. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from api.visits import Visits
from occupancy.answers import instant
from occupancy.model import Override, Rule, ZoneAvailability
from occupancy.registry_fields import format_days, format_minutes
from occupancy.rule_words import override_words, rule_words
from store.feed import ZoneLive

Table = dict[str, msgspec.Raw]
"""Documents by id."""


def tables(zones: Iterable[ZoneLive], visits: Visits) -> dict[str, Table]:
    """Return what `rules_in_force` and `overrides_in_force` of these zones name, by id, in a stable order."""
    rules: Table = {}
    overrides: Table = {}
    for live in zones:
        registry = visits.timetable(live.zone.area_id).registry
        named, over = _named(live.availability)
        rules.update((id, _rule(registry.rules[id])) for id in named if id in registry.rules)
        overrides.update((id, _override(registry.overrides[id])) for id in over if id in registry.overrides)
    return {"rules": dict(sorted(rules.items())), "overrides": dict(sorted(overrides.items()))}


def _named(availability: ZoneAvailability) -> tuple[set[str], set[str]]:
    terms = [group.terms for group in availability.groups if group.terms is not None]
    return (
        {id for one in terms for id in one.rules_in_force},
        {id for one in terms for id in one.overrides_in_force},
    )


@lru_cache(maxsize=4096)
def _rule(rule: Rule) -> msgspec.Raw:
    document = {
        "use": rule.use.value,
        "days": format_days(rule.days),
        "starts": format_minutes(rule.starts_min),
        "ends": format_minutes(rule.ends_min),
        "bank_holidays": rule.bank_holidays,
        "only_on": rule.only_on,
        "max_stay_min": rule.max_stay_min,
        "no_return_min": rule.no_return_min,
        "permit_areas": rule.permit_areas,
        "exemptions": rule.exemptions,
        "valid_from": instant(rule.valid_from),
        "valid_to": instant(rule.valid_to),
        "tariff": rule.tariff,
        "order": rule.order,
        "words": rule_words(rule),
    }
    return msgspec.Raw(msgspec.json.encode(document))


@lru_cache(maxsize=4096)
def _override(override: Override) -> msgspec.Raw:
    document = {
        "kind": override.kind.value,
        "starts_at": instant(override.starts_at),
        "until": instant(override.until),
        "day_type": None if override.closes else override.day_type,
        "notice": override.notice,
        "reason": override.reason,
        "words": override_words(override),
    }
    return msgspec.Raw(msgspec.json.encode(document))
