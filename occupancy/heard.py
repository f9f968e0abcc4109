"""Who was heard when: in which slots of five minutes each sensor of an area spoke, and what it had promised.

Pure. A sensor is heard when its word is received (in an event area: when it was said), so a gateway that keeps what it
hears and delivers it later was away all the same. Slots are a set, so that any order of arrival gives the same (L3),
kept for as long as a reading may be late and a sensor may be silent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from occupancy.model import EPOCH, DeviceId

SLOT = timedelta(minutes=5)
_SLOT_S = SLOT.total_seconds()
_DAY = timedelta(days=1) // SLOT
_KEPT = 6 * _DAY
"""Slots before the day of the watermark that are remembered: 48 hours late, after the longest usual silence."""


class Promise(NamedTuple):
    """In slots after a sensor's last word: how long it is alive, and when its promise to speak is broken."""

    alive: int
    broken: int


class Heard:
    """The slots in which the sensors of one area were heard, as bits counted from `base`."""

    def __init__(self) -> None:
        self.groups: Mapping[str, Sequence[DeviceId]] = {}
        self.base: int | None = None
        """The first slot that is remembered; None: nothing was heard yet, and no watermark was told."""
        self._groups_of: dict[DeviceId, list[str]] = {}
        self._promises: Mapping[DeviceId, Promise] = {}
        self._slots: dict[DeviceId, int] = {}
        self._newest: dict[DeviceId, int] = {}
        """The newest slot in which a sensor was heard."""
        self._together: dict[str, int] = {}
        """The slots in which any of a group was heard, or nobody could be."""
        self._nobody = 0
        """The slots in which nobody could be heard."""

    def group(self, groups: Mapping[str, Sequence[DeviceId]], promises: Mapping[DeviceId, Promise]) -> bool:
        """Take up other groups and promises; whether they are others."""
        if (groups, promises) == (self.groups, self._promises):
            return False
        self.groups, self._promises = groups, promises
        self._groups_of = {device_id: [] for device_id in promises}
        self._together = {}
        for group, members in groups.items():
            together = self._nobody
            for device_id in members:
                self._groups_of[device_id].append(group)
                together |= self._slots.get(device_id, 0)
            self._together[group] = together
        return True

    @property
    def devices(self) -> Collection[DeviceId]:
        """Those that were heard, also such as were no sensors then."""
        return self._slots.keys()

    def is_new(self, device_id: DeviceId, slot: int) -> bool:
        """Whether a word in the slot may be news: most are those of a device that has just spoken."""
        return self._newest.get(device_id) != slot

    def begin(self, slot: int) -> int:
        """The first slot that is remembered, from the first slot on that is told."""
        if self.base is None:
            self.base = first_remembered(slot)
        return self.base

    def hear(self, device_id: DeviceId, slot: int) -> list[tuple[str, int]]:
        """A device was heard, also one that is no sensor of the registry now: it may be again.

        If that is new of it, returns its groups, each with the slots in which any of it had been heard before, as bits
        counted from `slot`.
        """
        place = slot - self.begin(slot)
        slots = self._slots.get(device_id, 0)
        if place < 0 or slots >> place & 1:
            return []
        bit = 1 << place
        self._slots[device_id] = slots | bit
        self._newest[device_id] = max(slot, self._newest.get(device_id, slot))
        found = []
        for group in self._groups_of.get(device_id, ()):
            together = self.of(group)
            found.append((group, together >> place))
            self._together[group] = together | bit
        return found

    def nobody(self, first: int, last: int) -> int | None:
        """Nobody could be heard from slot `first` to `last`. Returns the first of them that is remembered."""
        if self.base is None or last < self.base:
            return None
        first = max(first, self.base)
        self._nobody |= ((1 << (last - first + 1)) - 1) << (first - self.base)
        for group in self.groups:
            self._together[group] = self.of(group) | self._nobody
        return first

    def of(self, group: str) -> int:
        """The slots in which any of a group was heard, or nobody could be, as bits counted from `base`."""
        return self._together.get(group, 0)

    def newest(self, group: str) -> int:
        """The slot after the newest of those."""
        return (self.base or 0) + self.of(group).bit_length()

    def alive(self, group: str, start: int) -> list[tuple[DeviceId, int]]:
        """The sensors of a group that were not silent beyond their limit in slot `start`, with the last slot before it
        in which each was heard."""
        base = self.base or 0
        before = (1 << max(0, start - base)) - 1
        found = []
        for device_id in self.groups[group]:
            last = self._newest.get(device_id, -1)
            if last >= start:
                last = base + (self._slots.get(device_id, 0) & before).bit_length() - 1
            if last >= base and last + self._promises[device_id].alive >= start:
                found.append((device_id, last))
        return found

    def broken_promises(self, group: str, start: int, least: int) -> list[int]:
        """When sensors that were alive in slot `start` break their promise if nothing is heard, in order of time; none
        before `least` slots have passed."""
        dues = [last + self._promises[device_id].broken for device_id, last in self.alive(group, start)]
        return sorted(max(due, start + least) for due in dues if due > start)

    def forget(self, base: int) -> bool:
        """Drop what is before a slot; whether there was anything."""
        if self.base is None or base <= self.base:
            return False
        shift = base - self.base
        self._slots = {
            device_id: slots >> shift for device_id, slots in self._slots.items() if slots >> shift
        }
        self._together = {group: slots >> shift for group, slots in self._together.items()}
        self._nobody >>= shift
        self.base = base
        return True


def first_remembered(slot: int) -> int:
    """The first slot that is remembered when the watermark is in `slot`: older than anything that may come is none."""
    return slot // _DAY * _DAY - _KEPT


def remembered_from(watermark: datetime) -> datetime:
    """From when on `Outages.load` must be told who was heard."""
    return at_slot(first_remembered(slot_of(watermark)))


def slot_of(at: datetime) -> int:
    """Slots since 1970."""
    return int(at.timestamp() // _SLOT_S)


def at_slot(slot: int) -> datetime:
    return EPOCH + slot * SLOT


def lowest(bits: int) -> int:
    """The place of the lowest bit that is set."""
    return (bits & -bits).bit_length() - 1
