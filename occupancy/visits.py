"""Matching vehicles that come in with those that go out, where the gates send tokens.

A token is compared and never shown, and leaves the ledger after the longest stay (L10). It tells a double read at
once. A vehicle that came in and never left was missed going out; one that left and never came was missed coming in. A
misread plate looks like one of each, so both are believed only after the longest stay, when they cancel out.
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
    """Who is inside, who went out lately, and when somebody left whom nobody had seen come."""

    inside: tuple[Visit, ...] = ()
    left: tuple[Visit, ...] = ()
    strays: tuple[datetime, ...] = ()
    since: datetime | None = None
    """When the ledger began: a vehicle that left soon after may have come before."""

    def is_double(self, visit: Visit, delta: int) -> bool:
        """Whether this passage was counted a moment ago."""
        for other in reversed(self.inside if delta > 0 else self.left):
            if visit.at - other.at > DOUBLE_READ:
                return False
            if other.vehicle == visit.vehicle:
                return True
        return False

    def passed(
        self, visit: Visit, delta: int, longest_stay: timedelta, counted_at: datetime | None
    ) -> tuple[Visits, int]:
        """One passage that is no double read. Returns the ledger, and the vehicles that it reveals as gone (-1)."""
        since = self.since or visit.at
        before = [other for other in self.inside if other.vehicle == visit.vehicle]
        others = tuple(other for other in self.inside if other.vehicle != visit.vehicle)
        known = bool(before)
        if delta > 0:
            # Inside already: it must have left unseen to come again.
            gone = known and _after(before[-1].at, counted_at)
            return replace(self, inside=(*others, visit)[-MOST_VISITS:], since=since), -1 if gone else 0
        left = (*(other for other in self.left if visit.at - other.at <= DOUBLE_READ), visit)
        strays = self.strays
        if not known and visit.at - since >= longest_stay:
            strays = (*strays, visit.at)[-MOST_VISITS:]
        return Visits(others, left, strays, since), 0

    def settled(
        self, at: datetime, longest_stay: timedelta, counted_at: datetime | None
    ) -> tuple[Visits, int]:
        """Close what is older than the longest stay. Returns the ledger and the vehicles to correct the count by;
        what happened before the last absolute count is in that count."""
        cut = at - longest_stay
        if not (
            (self.inside and self.inside[0].at <= cut)
            or (self.strays and self.strays[0] <= cut)
            or (self.left and self.left[0].at <= cut)
        ):
            return self, 0
        missed_out = sum(1 for visit in self.inside if visit.at <= cut and _after(visit.at, counted_at))
        missed_in = sum(1 for stray in self.strays if stray <= cut and _after(stray, counted_at))
        return (
            Visits(
                tuple(visit for visit in self.inside if visit.at > cut),
                tuple(visit for visit in self.left if visit.at > cut),
                tuple(stray for stray in self.strays if stray > cut),
                self.since,
            ),
            missed_in - missed_out,
        )


def _after(at: datetime, counted_at: datetime | None) -> bool:
    return counted_at is not None and at > counted_at
