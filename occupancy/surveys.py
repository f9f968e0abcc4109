"""Beat surveys: what people saw on the street, held against what history says of the same bays and moments. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import NamedTuple, TypeVar

from occupancy.answers import instant
from occupancy.history.metrics import SMALL
from occupancy.model import BayId, DeviceId, State, Zone
from occupancy.registry import Registry

CLOSE_CALL = timedelta(seconds=60)
"""A look so near to a change, as history has it, counts neither way: watches differ, and parking takes a while."""
FIGURES_BACK = timedelta(days=366)
"""Looks this old still speak for figures."""
MENDING_BACK = timedelta(days=92)
"""Looks this old still speak against a sensor; one that was mended is not blamed for ever."""
RIGHT_SHARE = 0.9
"""A sensor that is surely right less often than this is to be looked at."""
LOOKS = 5
"""Fewer looks at a sensor say nothing about that."""
AGREEMENT = (
    "of looks at bays by people on the street in the year before the end of what is asked for, the share at which "
    "history, as it is known now, says what they saw; looks within 60 s of a change, and such at which history says "
    "nothing, count neither way; for keys without the scope personal, of bays alone that are not Blue Badge or "
    "residents' bays, and of more than three looks"
)
_Z95 = 1.959963984540054

Key = TypeVar("Key", bound=Hashable)


class Look(NamedTuple):
    """What a person saw of one bay. `occupied` None: could not tell."""

    bay_id: BayId
    seen_at: datetime
    occupied: bool | None


class Judged(NamedTuple):
    """Looks at one bay with one outcome. `sensor`: that of the bay at the time; `said`: by history, None: nothing."""

    bay_id: BayId
    sensor: DeviceId | None
    occupied: bool | None
    said: State | None
    turned: bool
    """History has the bay both free and taken within `CLOSE_CALL` of the look."""
    looks: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How often history and surveyors agree. Looks are of surveyors who could tell; `unclear` are the others.

    `personal`: whether it is for somebody who may be told of single looks. For anybody else a rate of few is none.
    """

    looks: int
    unclear: int
    close_calls: int
    taken_said_taken: int
    taken_said_free: int
    free_said_free: int
    free_said_taken: int
    since: datetime
    until: datetime
    personal: bool

    @property
    def missing(self) -> str | None:
        """Why there is no rate, in the words of history: `few`, or `none` where nothing is said; None: there is one."""
        if not self.said:
            return "none"
        return "few" if not self.personal and self.said <= SMALL else None

    @property
    def agreed(self) -> int:
        return self.taken_said_taken + self.free_said_free

    @property
    def said(self) -> int:
        """Looks at which history says free or occupied, but for close calls."""
        return self.agreed + self.taken_said_free + self.free_said_taken

    @property
    def said_share(self) -> float | None:
        """The coverage: of the looks that were no close calls, at how many history says anything."""
        whole = self.looks - self.close_calls
        return self.said / whole if whole else None

    @property
    def rate(self) -> float | None:
        return self.agreed / self.said if self.missing is None else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's, of 95 %: where the rate of very many such looks would be."""
        return wilson(self.agreed, self.said) if self.missing is None else None

    @property
    def surely_poor(self) -> bool:
        """Whether it is beyond chance that history is right less often than `RIGHT_SHARE`."""
        interval = self.interval
        return interval is not None and self.said >= LOOKS and interval[1] < RIGHT_SHARE

    def document(self) -> dict[str, object]:
        """As it is told beside figures."""
        low, high = self.interval or (None, None)
        return {
            "rate": self.rate,
            "missing": self.missing,
            "low": low,
            "high": high,
            "looks": self.looks,
            "said": self.said,
            "agreed": self._unless_few(self.agreed),
            "said_share": self.said_share,
            "since": instant(self.since),
            "until": instant(self.until),
        }

    def whole_document(self) -> dict[str, object]:
        """With how looks that do not speak for or against history came to that, and both kinds of error."""
        return {
            **self.document(),
            "close_calls": self.close_calls,
            "unclear": self.unclear,
            "taken_said_taken": self._unless_few(self.taken_said_taken),
            "taken_said_free": self._unless_few(self.taken_said_free),
            "free_said_free": self._unless_few(self.free_said_free),
            "free_said_taken": self._unless_few(self.free_said_taken),
        }

    def _unless_few(self, count: int) -> int | None:
        return None if self.missing == "few" else count


def wilson(right: int, of: int) -> tuple[float, float]:
    """Wilson's score interval of 95 % for a share: honest for few trials and for shares near 0 and 1. `of` > 0."""
    share, z2 = right / of, _Z95 * _Z95
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z95 * sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def agreements(
    judged: Iterable[Judged], key: Callable[[Judged], Key | None], *, personal: bool
) -> dict[Key, Agreement]:
    """By key; what has none is left out. `personal` as of `Agreement`."""
    groups: dict[Key, list[Judged]] = {}
    for one in judged:
        of = key(one)
        if of is not None:
            groups.setdefault(of, []).append(one)
    return {of: agreement(group, personal=personal) for of, group in groups.items()}


def agreement(judged: Iterable[Judged], *, personal: bool) -> Agreement:
    """Of at least one look."""
    group = list(judged)

    def count(wanted: Callable[[Judged], bool]) -> int:
        return sum(one.looks for one in group if wanted(one))

    def outcome(occupied: bool, said: State) -> int:
        return count(lambda one: one.occupied is occupied and one.said is said and not one.turned)

    return Agreement(
        looks=count(lambda one: one.occupied is not None),
        unclear=count(lambda one: one.occupied is None),
        close_calls=count(lambda one: one.occupied is not None and one.turned),
        taken_said_taken=outcome(occupied=True, said=State.OCCUPIED),
        taken_said_free=outcome(occupied=True, said=State.FREE),
        free_said_free=outcome(occupied=False, said=State.FREE),
        free_said_taken=outcome(occupied=False, said=State.OCCUPIED),
        since=min(one.first_at for one in group),
        until=max(one.last_at for one in group),
        personal=personal,
    )


def key_of(by: str, registry: Registry) -> Callable[[Judged], str | None]:
    """What looks are put together by: `sensor`, `zone`, `controlled_zone` or `area`."""

    def zone(one: Judged) -> Zone | None:
        bay = registry.bays.get(one.bay_id)
        return None if bay is None else registry.zones.get(bay.zone_id)

    match by:
        case "sensor":
            return lambda one: one.sensor
        case "zone":
            return lambda one: found.zone_id if (found := zone(one)) else None
        case "controlled_zone":
            return lambda one: found.controlled_zone if (found := zone(one)) else None
        case "area":
            return lambda _one: registry.area_id
        case _:
            raise ValueError(f"{by!r} is none of sensor, zone, controlled_zone, area")


def worst_first(found: Mapping[Key, Agreement]) -> list[tuple[Key, Agreement]]:
    """Where history is surely wrong most at the top; what says nothing at the end."""

    def harm(item: tuple[Key, Agreement]) -> tuple[float, float, int, str]:
        low, high = item[1].interval or (2.0, 2.0)
        return high, low, -item[1].looks, str(item[0])

    return sorted(found.items(), key=harm)
