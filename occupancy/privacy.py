"""Of which single bays the public is told nothing. Pure.

A Blue Badge or residents' bay in front of a home tells when one known person is there. How many such bays are free in a
street is told: that is what their drivers need.
"""

from __future__ import annotations

from occupancy.model import Bay, BayId, BayType, Use
from occupancy.registry import Registry

_PERSONAL_USES = frozenset({Use.RESIDENT, Use.BLUE_BADGE})


def told_bays(registry: Registry) -> frozenset[BayId]:
    """The bays of which everybody may be told one by one; one that is not registered (any more) is none of them."""
    return frozenset(bay.bay_id for bay in registry.bays.values() if withheld_because(registry, bay) is None)


def withheld_because(registry: Registry, bay: Bay) -> str | None:
    """Return why the public is not told the state of this bay, in words; None: it is told.

    A bay that is a resident's for a part of the week is withheld at any hour: its nights tell of its days.
    """
    if bay.bay_type is BayType.BLUE_BADGE:
        return "a Blue Badge bay"
    if any(rule_id not in registry.rules for rule_id in bay.rule_ids):
        return "a bay whose rules are not all known"
    uses = {registry.rules[rule_id].use for rule_id in bay.rule_ids} & _PERSONAL_USES
    if Use.BLUE_BADGE in uses:
        return "a Blue Badge bay at some hours"
    return "a residents' bay" if uses else None
