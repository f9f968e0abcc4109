"""Matching vehicles that come in with those that go out, where the gates send tokens.

A token is compared and never shown, and leaves the ledger after the longest stay (L10). It tells a double read at
once. A vehicle that came in and never left was missed going out; one that left and never came was missed coming in. A
misread plate looks like one of each: both are believed after the longest stay, by whole nights, and so cancel out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from occupancy.model import DeviceId, ReadingKey

DOUBLE_READ = timedelta(seconds=30)
"""The same vehicle in the same direction again within this time was read twice."""

MOST_VISITS = 5_000
"""Visits in the ledger at most; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One vehicle's passage. Rows name the reading, whose token they look up: it stands in one place only."""

    at: datetime
    device_id: DeviceId
    key: ReadingKey
    vehicle: str


class Visits(msgspec.Struct, frozen=True):
    """Who is inside, who went out lately, and what did not match."""

    inside: tuple[Visit, ...] = ()
    left: tuple[Visit, ...] = ()
    unmatched: tuple[tuple[datetime, int], ...] = ()
    """When a vehicle was missed, as it seems, and what that makes of the count: +1 coming in, -1 going out."""
    since: datetime | None = None
    """From when on what does not match says something of the count; None: it never began."""

    def from_night(self, night: datetime) -> Visits:
        """What happens before this night says nothing any more: it was counted, or estimated from elsewhere."""
        if self.since is None or self.since >= night:
            return self
        return replace(self, unmatched=(), since=night)

    def is_double(self, visit: Visit, delta: int) -> bool:
        """Whether this passage was counted a moment ago."""
        for other in reversed(self.inside if delta > 0 else self.left):
            if visit.at - other.at > DOUBLE_READ:
                return False
            if other.vehicle == visit.vehicle:
                return True
        return False

    def passed(
        self, visit: Visit, delta: int, begins: datetime, counted_at: datetime | None
    ) -> tuple[Visits, int]:
        """One passage that is no double read. Returns the ledger, and the vehicles that it reveals as gone (-1).

        `begins`: the night when a ledger that begins now knows of all who are inside."""
        since = self.since or begins
        vehicles = [other.vehicle for other in self.inside]
        place = vehicles.index(visit.vehicle) if visit.vehicle in vehicles else None
        others = self.inside if place is None else (*self.inside[:place], *self.inside[place + 1 :])
        if delta > 0:
            # Inside already: it must have left unseen to come again.
            gone = place is not None and _after(self.inside[place].at, counted_at)
            return replace(self, inside=(*others, visit)[-MOST_VISITS:], since=since), -1 if gone else 0
        left = (*(other for other in self.left if visit.at - other.at <= DOUBLE_READ), visit)
        missed = ((visit.at, 1),) if place is None and visit.at > since else ()
        return Visits(others, left, (*self.unmatched, *missed)[-MOST_VISITS:], since), 0

    def settled(self, cut: datetime) -> Visits:
        """Forget the vehicles that came or left up to `cut`, the longest stay ago: who is inside then was missed."""
        if not ((self.inside and self.inside[0].at <= cut) or (self.left and self.left[0].at <= cut)):
            return self
        stayed = [(visit.at, -1) for visit in self.inside if visit.at <= cut and _after(visit.at, self.since)]
        return replace(
            self,
            inside=tuple(visit for visit in self.inside if visit.at > cut),
            left=tuple(visit for visit in self.left if visit.at > cut),
            unmatched=(*self.unmatched, *stayed)[-MOST_VISITS:],
        )

    def told(self, cut: datetime) -> tuple[Visits, int]:
        """What did not match up to the night `cut`. Returns the ledger and the vehicles to correct the count by.

        From night to night, since few are inside then: a misread plate whose two ends lie on either side of an edge
        would count as one missed vehicle."""
        if not self.unmatched:
            return self, 0
        missed = sum(way for at, way in self.unmatched if at <= cut)
        return replace(self, unmatched=tuple(one for one in self.unmatched if one[0] > cut)), missed


def _after(at: datetime, since: datetime | None) -> bool:
    return since is not None and at > since
