"""What a place is for, as far as it says who parks there and when: car park, short stays, residents, loading, ...

The physical type of its bays says so, and for standard bays the use that its rules give them by day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from occupancy.model import BayType, Rule, Use


class Kind(StrEnum):
    """Places of a kind fill alike."""

    CAR_PARK = "car_park"
    SHORT_STAY = "short_stay"
    """Bays that are paid for, or in which waiting is limited."""
    OPEN = "open"
    """Bays that anybody may use for as long as they like."""
    RESIDENT = "resident"
    SHARED = "shared"
    BLUE_BADGE = "blue_badge"
    LOADING = "loading"
    EV = "ev"
    MOTORCYCLE = "motorcycle"
    COACH = "coach"


_BY_USE: Mapping[Use, Kind] = {
    Use.FREE_PARKING: Kind.OPEN,
    Use.LIMITED_WAITING: Kind.SHORT_STAY,
    Use.PAY: Kind.SHORT_STAY,
    Use.RESIDENT: Kind.RESIDENT,
    Use.SHARED: Kind.SHARED,
    Use.BLUE_BADGE: Kind.BLUE_BADGE,
    Use.LOADING: Kind.LOADING,
    Use.EV: Kind.EV,
    Use.MOTORCYCLE: Kind.MOTORCYCLE,
    Use.COACH: Kind.COACH,
}
"""Uses that close a bay say nothing about who parks there when it is open."""
_BY_DAY_MIN = (8 * 60, 18 * 60)
"""The hours at which it matters most to drivers what bays are for."""


def kind_of_bays(bay_type: BayType, rules: Iterable[Rule]) -> Kind:
    """Of bays of a street: standard ones are of the use that holds for most of the week's days; rules of declared days
    (events) do not count."""
    if bay_type is not BayType.STANDARD:
        return Kind(bay_type.value)
    minutes: Counter[Kind] = Counter()
    for rule in rules:
        kind = _BY_USE.get(rule.use)
        if kind is not None and rule.only_on is None:
            begin, end = max(rule.starts_min, _BY_DAY_MIN[0]), min(rule.ends_min, _BY_DAY_MIN[1])
            minutes[kind] += len(rule.days) * max(0, end - begin)
    most = max(Kind, key=lambda kind: minutes[kind])
    return most if minutes[most] else Kind.OPEN
