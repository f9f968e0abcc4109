"""The engine that peers run, fixed for comparison: the last arrival wins, and silence keeps the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from baycast.score.decoding import to_ms
from occupancy.model import AnyReading, StateReading


class NaiveEngine:
    """States by bay (True: occupied), free until a sensor says otherwise. A stay is a span of occupied."""

    def __init__(self, bay_of: Mapping[str, str]) -> None:
        self._bay_of = bay_of
        self._occupied: dict[str, bool] = {}
        self._since: dict[str, datetime] = {}
        self.stays: dict[str, list[tuple[datetime, datetime]]] = {}

    def append(self, readings: Iterable[AnyReading]) -> dict[str, bool]:
        """Take readings in their order of arrival; the bays that changed."""
        changed: dict[str, bool] = {}
        for reading in readings:
            bay = self._bay_of.get(reading.device_id)
            if bay is None or not isinstance(reading, StateReading) or reading.occupied is None:
                continue
            if self._occupied.get(bay, False) is not reading.occupied:
                self._occupied[bay] = changed[bay] = reading.occupied
                if reading.occupied:
                    self._since[bay] = reading.received_at
                else:
                    stay = (self._since[bay], reading.received_at)
                    self.stays.setdefault(bay, []).append(stay)
        return changed

    def spans(self, bay: str, until_ms: int | None = None) -> list[tuple[int, int]]:
        """The bay's stays in milliseconds since 1970; with `until_ms` also the one that lasts, up to then."""
        found = [(to_ms(start), to_ms(end)) for start, end in self.stays.get(bay, ())]
        if until_ms is not None and self._occupied.get(bay, False):
            found.append((to_ms(self._since[bay]), until_ms))
        return found
