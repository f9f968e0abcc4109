"""What sensors said last, kept in memory when many positions are folded at once: most late readings are not older."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from occupancy.batch import Batch, Needs
from occupancy.device_fold import DeviceFold
from occupancy.model import AnyReading, DeviceId, ReadingKey
from occupancy.page import Before
from occupancy.sensed import CHECKPOINT_EVERY, DeviceHistory


class RecentWords:
    """Where sensors stood before the batch that was folded last, and what they said in it."""

    def __init__(self) -> None:
        self._histories: dict[DeviceId, DeviceHistory] = {}

    def forget(self, devices: Iterable[DeviceId] | None = None) -> None:
        """Some sensors, or all (None)."""
        for device_id in list(self._histories) if devices is None else devices:
            self._histories.pop(device_id, None)

    def remember(
        self,
        stood: Mapping[DeviceId, DeviceFold],
        said: Mapping[DeviceId, Sequence[AnyReading]],
        folded_again: Mapping[DeviceId, DeviceHistory],
    ) -> None:
        """Take up a batch that is about to be folded; the long histories of sensors that it reopens are not kept."""
        self._histories = {
            device_id: history
            for device_id, history in folded_again.items()
            if len(history.readings) <= CHECKPOINT_EVERY
        }
        for device_id, readings in said.items():
            if device_id in stood and device_id not in folded_again:
                self._histories[device_id] = DeviceHistory(stood[device_id], readings)

    def histories(self, needs: Needs, batch: Batch) -> dict[DeviceId, DeviceHistory]:
        """Of the histories that a batch needs, those that are in memory."""
        late = {device_id: first for device_id, first in needs.devices.items() if first is not None}
        said: dict[DeviceId, list[AnyReading]] = {device_id: [] for device_id in late}
        for reading in batch.readings:
            if reading.device_id in said:
                said[reading.device_id].append(reading)
        found = {}
        for device_id, first in late.items():
            known = self._histories.get(device_id)
            if known is not None and known.start is not None and first.leaves(known.start):
                after = [reading for reading in said[device_id] if reading.key > known.start.key]
                own = sorted([*known.readings, *after], key=lambda reading: reading.key)
                found[device_id] = DeviceHistory(known.start, own)
        return found


def newest_words(
    folds: Mapping[DeviceId, DeviceFold],
    reopened: Mapping[DeviceId, Before | None],
    more: Iterable[AnyReading] = (),
) -> dict[DeviceId, ReadingKey]:
    """The last word, in its own order, of sensors of which all is folded but `more`.

    Who is folded again from the very start may have said what was not to be folded then, and is left out.
    """
    newest = {
        device_id: folds[device_id].key
        for device_id, before in reopened.items()
        if before is not None and device_id in folds
    }
    for reading in more:
        if reading.key > newest.get(reading.device_id, reading.key):
            newest[reading.device_id] = reading.key
    return newest
