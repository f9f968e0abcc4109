"""From the bytes that reached the broker to the readings that the engine would be handed: by ingest's own way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ingest.translate import Translator
from occupancy.model import EPOCH, AnyReading
from simulator.words import Outgoing
from store.devices import Directory
from store.log import ReadingRow
from store.tail import reading_of


def instant(at_ms: int) -> datetime:
    """The aware UTC time of milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=at_ms)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970, the way back."""
    return (at - EPOCH) // timedelta(milliseconds=1)


class Decoder:
    """Decodes and translates as ingest does. `refused` counts what it would have put into the quarantine."""

    def __init__(self, directory: Directory) -> None:
        self._translator = Translator("score", directory)
        self.refused = 0

    def readings(self, message: Outgoing) -> Iterator[AnyReading]:
        for item in self._translator.items(message.topic, message.payload, instant(message.at_ms)):
            if isinstance(item, ReadingRow):
                yield _reading(item)
            else:
                self.refused += 1


def _reading(row: ReadingRow) -> AnyReading:
    return reading_of(
        (
            None,
            row.device_id,
            row.incarnation,
            row.boot,
            row.seq,
            row.kind,
            row.at,
            row.age_ms,
            row.received_at,
            row.occupied,
            row.cause,
            row.prev_s,
            row.confidence,
            row.direction,
            row.count,
            row.capacity,
            row.vehicle_token,
        )
    )
