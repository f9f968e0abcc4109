"""A state that has lasted longer than is plausible for its bay: the sensor sticks, or has missed the end.

Pure. It is looked at by the age of the spell, more seldom as it grows older, and a row depends on when the spell began
and on nothing that came in between: what a sensor repeats is no evidence here, for one that sticks repeats, too, and
its record counts for the confidence of what it shows. Time in which the bay was closed does not count: nobody was to
come or go.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta

from occupancy.learnt import Timeline
from occupancy.model import Bay, BayId, DeviceId, State, Suspicion, SuspicionKind
from occupancy.plausibility import GRID_H, Course, Shown
from occupancy.registry import Registry
from occupancy.rules import CLOSING_USES, access_at
from occupancy.step import z

LIMIT = 0.3
"""P(wrong) from which on a state is not believed. Of what it hides in simulated cities more is wrong than right."""
FIRST_LOOK = timedelta(hours=1)
_GROWTH = 1.25
_LOOKS = [FIRST_LOOK]
while _LOOKS[-1] < timedelta(days=60):
    _LOOKS.append(_LOOKS[-1] * _GROWTH)


@dataclass(slots=True)
class Lasting:
    """A state that lasts, or lasted, from `since`; the `looked` first looks at it are over."""

    state: State
    since: datetime
    looked: int = 0
    suspicion: Suspicion | None = None

    @property
    def next_look(self) -> datetime | None:
        """None: it is suspect already, or was looked at for two months."""
        if self.suspicion is not None or self.looked >= len(_LOOKS):
            return None
        return self.since + _LOOKS[self.looked]

    def pass_over(self, until: datetime) -> None:
        """The looks up to an instant are over: another process had them."""
        while (due := self.next_look) is not None and due <= until:
            self.looked += 1


def look(
    registry: Registry, key: tuple[BayId, DeviceId], lasting: Lasting, timeline: Timeline
) -> Suspicion | None:
    """Take the next look at a state that lasts; the suspicion that begins with it, which `lasting` then has."""
    at = lasting.since + _LOOKS[lasting.looked]
    lasting.looked += 1
    bay, known = registry.bays.get(key[0]), timeline.at(at)
    if bay is None or known is None or registry.area is None:
        return None
    since = _open_since(registry, bay, lasting)
    if since >= at:
        return None
    wrong = known.plausibility.wrong(bay, Shown(lasting.state, since, since, 0, 0), at)
    if wrong < LIMIT:
        return None
    over = 100 * (1 - _lasts(known.plausibility.course(bay, lasting.state, since), at - since))
    lasting.suspicion = Suspicion(
        bay_id=key[0],
        device_id=key[1],
        kind=SuspicionKind.IMPLAUSIBLE,
        began_at=at,
        ended_at=None,
        reason=f"{lasting.state} since {z(lasting.since)}; here {int(over)} of 100 such spells are over by {z(at)}",
        evidence={
            "state": lasting.state.value,
            "since": lasting.since.isoformat(),
            "wrong": round(wrong, 3),
            "over_by_then": round(over / 100, 4),
        },
    )
    return lasting.suspicion


def _lasts(course: Course, age: timedelta) -> float:
    """The share of spells that last so long."""
    return course.lasts[bisect_right(GRID_H, age.total_seconds() / 3600) - 1]


def _open_since(registry: Registry, bay: Bay, lasting: Lasting) -> datetime:
    """The beginning of the state, or the last look before this one at which the bay was closed."""
    closers = (registry.rules.get(rule_id) for rule_id in bay.rule_ids)
    if not registry.overrides.of_bay(bay) and all(r is None or r.use not in CLOSING_USES for r in closers):
        return lasting.since
    looks = (lasting.since + age for age in reversed(_LOOKS[: lasting.looked]))
    return next((at for at in looks if access_at(registry, bay, at).closed), lasting.since)
