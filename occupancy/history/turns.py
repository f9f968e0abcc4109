"""When the rows that a page replaces differ from the new ones in what hours take from single stays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from occupancy.model import Overstay, OverstayState, Stay
from occupancy.spans import Span


class StayAccount(NamedTuple):
    """What hours take from a stay: it counts where it begins and where it ends."""

    arrived_at: datetime
    departed_at: datetime | None
    arrival: str
    departure: str | None


class OverstayAccount(NamedTuple):
    """What hours take from an overstay: it counts where the limit ran out."""

    arrived_at: datetime
    over_from: datetime
    over_to: datetime | None
    ended_at: datetime | None
    confirmed: bool


def stay_account(stay: Stay) -> StayAccount:
    departure = None if stay.departure is None else stay.departure.value
    return StayAccount(stay.arrived_at, stay.departed_at, stay.arrival.value, departure)


def overstay_account(overstay: Overstay) -> OverstayAccount:
    confirmed = overstay.state is not OverstayState.CANDIDATE
    return OverstayAccount(
        overstay.arrived_at, overstay.over_from, overstay.over_to, overstay.ended_at, confirmed
    )


def stay_turns(old: Iterable[StayAccount], new: Iterable[StayAccount]) -> list[Span]:
    """The instants at which hours count a stay that is only in one of both."""
    times = {at for stay in set(old) ^ set(new) for at in (stay.arrived_at, stay.departed_at) if at}
    return [(at, at) for at in sorted(times)]


def overstay_turns(old: Iterable[OverstayAccount], new: Iterable[OverstayAccount]) -> list[Span]:
    """The instants at which hours count an overstay that is only in one of both."""
    return [(at, at) for at in sorted({over.over_from for over in set(old) ^ set(new)})]
