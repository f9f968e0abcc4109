"""What the signs would have said, minute by minute, against what drivers would have found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from baycast.score.ground import Ground
from baycast.score.sign_answers import Answers
from occupancy.model import Sign, SignId, ZoneId
from occupancy.registry import Registry
from occupancy.rules import admits
from signs.claims import NOTHING, Claim, thresholds
from signs.dwelling import Standing, dwell
from signs.making import subjects
from signs.words import FrameState

_OFFERS = (FrameState.SPACES, FrameState.ALMOST_FULL)
_WORST = ("spaces_none_minutes", "full_room_minutes", "blank_share")


@dataclass(slots=True)
class _Part:
    """What a sign says of a zone, or of the sum of its zones."""

    zone_ids: tuple[ZoneId, ...]
    standing: Standing | None = None
    says: Claim = NOTHING
    words_at_s: list[float] = field(default_factory=list)
    """When a word took over from another."""

    @property
    def waits(self) -> bool:
        """Whether the end of a dwell alone may bring another word."""
        return self.standing is not None and self.says.state is not self.standing.state


@dataclass(slots=True)
class _Told:
    """One sign: what it says, and the minutes in which that was so."""

    sign: Sign
    parts: list[_Part]
    stamp: object = None
    looked: int = 0
    blank: int = 0
    wrong: int = 0
    spaces_none: int = 0
    full_room: int = 0

    def figures(self) -> dict[str, float | None]:
        return {
            "spaces_none_minutes": self.spaces_none,
            "full_room_minutes": self.full_room,
            "blank_share": self.blank / self.looked if self.looked else None,
        }


def signs_of(registry: Registry, ground: Ground) -> list[Sign]:
    """The city's signs; in a city made smaller, those whose streets or car parks are left."""
    there = ground.bays_of.keys() | ground.park_of.keys()
    return [sign for sign in registry.signs.values() if there & set(sign.zone_ids)]


def sign_for_each(registry: Registry, ground: Ground) -> list[Sign]:
    """As if every street and car park had a sign of its own, of which nothing is said: harder than sums are."""
    return [
        Sign(
            sign_id=SignId(zone.zone_id),
            area_id=zone.area_id,
            name=zone.name,
            zone_ids=(zone.zone_id,),
            lat=zone.lat,
            lon=zone.lon,
        )
        for zone in registry.zones.values()
        if zone.zone_id in ground.bays_of or zone.zone_id in ground.park_of
    ]


class SignTally:
    """One contestant's signs.

    Words stand as on the street: by two thresholds and the dwell. `hear` as often as something may have changed.
    """

    def __init__(self, ground: Ground, signs: Iterable[Sign], answers: Answers) -> None:
        self._ground = ground
        self._answers = answers
        self._signs = [
            _Told(sign, [_Part(zone_ids) for zone_ids in subjects(sign).values()]) for sign in signs
        ]

    def hear(self, at_ms: int) -> None:
        """The signs say what their zones give now."""
        for told in self._signs:
            stamp = self._answers.stamp(told.sign.zone_ids)
            if stamp != told.stamp or any(part.waits for part in told.parts):
                told.stamp = stamp
                self._speak(told, at_ms)

    def look(self, at_ms: int) -> None:
        """Once a minute: what is said then, of what drivers would find."""
        self.hear(at_ms)
        for told in self._signs:
            told.looked += 1
            said = [part for part in told.parts if part.says is not NOTHING]
            told.blank += not said
            usable = [(part.says.state, self._usable(part.zone_ids, told.sign.driver)) for part in said]
            none = any(state in _OFFERS and free == 0 for state, free in usable)
            full = [free for state, free in usable if state not in _OFFERS]
            told.spaces_none += none
            told.full_room += any(free >= max(1, told.sign.reserve) for free in full)
            told.wrong += none or any(free >= thresholds(told.sign).full_below for free in full)

    def figures(self, *, each: bool) -> dict[str, float | None]:
        """Of all signs together, and the worst of them; with `each` also of every one by its id."""
        minutes = sum(told.looked for told in self._signs)
        words = [part.words_at_s for told in self._signs for part in told.parts]
        between = [later - earlier for at_s in words for earlier, later in pairwise(at_s)]
        found: dict[str, float | None] = {
            "minutes": minutes,
            "wrong_share": sum(told.wrong for told in self._signs) / minutes if minutes else None,
            "blank_share": sum(told.blank for told in self._signs) / minutes if minutes else None,
            "spaces_none_minutes": sum(told.spaces_none for told in self._signs),
            "full_room_minutes": sum(told.full_room for told in self._signs),
            "word_changes": sum(map(len, words)),
            "word_least_s": min(between, default=None),
        }
        of_each = {told.sign.sign_id: told.figures() for told in self._signs}
        for name in _WORST:
            known = [value for figures in of_each.values() if (value := figures[name]) is not None]
            found[f"{name}.worst"] = max(known, default=None)
        if each:
            found |= {
                f"{name}.{id}": value for id, figures in of_each.items() for name, value in figures.items()
            }
        return found

    def _speak(self, told: _Told, at_ms: int) -> None:
        for part in told.parts:
            what = self._answers.known(part.zone_ids, told.sign.driver)
            if what is None:
                part.says = NOTHING
                continue
            before = part.standing
            part.standing, part.says = dwell(told.sign, what, before, at_ms / 1000)
            if before is not None and part.standing != before:
                part.words_at_s.append(at_ms / 1000)

    def _usable(self, zone_ids: Sequence[ZoneId], driver: str) -> int:
        return sum(self._free(zone_id, driver) for zone_id in zone_ids)

    def _free(self, zone_id: ZoneId, driver: str) -> int:
        """Bays of the zone that are really free for this driver."""
        ground = self._ground
        park = ground.park_of.get(zone_id)
        if park is not None:
            capacity = ground.capacities[park] if ground.park_open[park] else 0
            return max(0, capacity - ground.parked[park])
        return sum(
            not ground.occupied[bay] and not ground.closed[bay] and admits(ground.access[bay].admits, driver)
            for bay in ground.bays_of.get(zone_id, ())
        )
