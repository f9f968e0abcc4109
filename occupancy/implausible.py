"""A state that has lasted longer than is plausible for its bay: the sensor sticks, or has missed the end.

Pure. It is looked at by the age of the spell, more seldom as it grows older, and a row depends on when the spell began
and on nothing that came in between: what a sensor repeats is no evidence here, for one that sticks repeats, too, and
its record counts for the confidence of what it shows. Time in which the bay was closed does not count: nobody was to
come or go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from occupancy.clocks import z
from occupancy.learnt import Timeline
from occupancy.model import Bay, BayId, DeviceId, State, Suspicion, SuspicionKind
from occupancy.registry import Registry
from occupancy.rules import CLOSING_USES, access_at

LIMIT = 0.5
"""P(the sensor sees nothing any more) from which on it is suspect. That a single edge was missed is much likelier, and
no fault of the sensor: what is shown then is not claimed for that, see `doubt.py`."""
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
    blind, over = known.plausibility.blind(bay, lasting.state, since, at)
    if blind < LIMIT:
        return None
    lasting.suspicion = Suspicion(
        bay_id=key[0],
        device_id=key[1],
        kind=SuspicionKind.IMPLAUSIBLE,
        began_at=at,
        ended_at=None,
        reason=f"{lasting.state} since {z(lasting.since)}; {_in_words(over)} such spells here are over by {z(at)}",
        evidence={
            "state": lasting.state.value,
            "since": lasting.since.isoformat(),
            "blind": round(blind, 3),
            "over_by_then": round(over, 6),
        },
    )
    return lasting.suspicion


def _in_words(share: float) -> str:
    """Of a hundred, or of as many as it takes to name those that are left."""
    of = next((of for of in (100, 1_000, 10_000) if (1 - share) * of >= 1), 100_000)
    return f"{int(share * of)} of {of}"


def _open_since(registry: Registry, bay: Bay, lasting: Lasting) -> datetime:
    """The beginning of the state, or the last look before this one at which the bay was closed."""
    closers = (registry.rules.get(rule_id) for rule_id in bay.rule_ids)
    if not registry.overrides.of_bay(bay) and all(r is None or r.use not in CLOSING_USES for r in closers):
        return lasting.since
    looks = (lasting.since + age for age in reversed(_LOOKS[: lasting.looked]))
    return next((at for at in looks if access_at(registry, bay, at).closed), lasting.since)
