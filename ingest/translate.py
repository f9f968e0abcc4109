"""From what the wire said to what the log keeps. Pure: the directory and the receive time are arguments.

A message becomes one or more *items*, each of which stands or falls alone (L11): a reading, a link state, a
mark of an area's clock, a canary, or a refusal with its reason.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final

from msgspec.structs import replace

from firmware_contract.codec import Accepted, Rejected, decode, meaning
from firmware_contract.messages import Boot, Canary, Clock, Count, Health, Link, Passage, State
from firmware_contract.topics import clock_topic, device_topic, without_plates
from store.car_parks import LATE_TOKENS_H
from store.devices import Device, Directory, LinkState
from store.log import ReadingRow
from store.quarantine import Refused

CANARY_AHEAD: Final = timedelta(seconds=2)
"""A canary is our own; one from the future is forged or of a stepped clock, and no watermark goes back."""
EVENT_CLOCK_AHEAD: Final = timedelta(days=366)
"""A simulated city may run a year ahead; one clock beyond that would make the engine fill decades with empty cells."""

_ROLES: Final = {
    "state": ("sensor",),
    "passage": ("gate",),
    "count": ("gate",),
    "health": ("sensor", "gate"),
    "boot": ("sensor", "gate"),
    "link": ("sensor", "gate"),
}


class Why(StrEnum):
    """Reasons beside those of the contract. They are stored and counted: their meaning stays."""

    UNKNOWN_DEVICE = "unknown_device"
    WRONG_KIND = "wrong_kind"
    WRONG_CLOCK = "wrong_clock"
    CONFLICTING = "conflicting"
    BOOT_WENT_BACK = "boot_went_back"
    STORE_REJECTED = "store_rejected"


@dataclass(frozen=True, slots=True)
class ClockMark:
    """The publisher of an event area says: everything up to `at` has been sent."""

    area: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CanaryMark:
    """Our own canary, sent at `at`, came back: everything the broker had before it has come, too."""

    at: datetime


Item = ReadingRow | LinkState | ClockMark | CanaryMark | Refused


@dataclass(slots=True)
class Translator:
    """Holds the directory of the moment; `directory` is replaced when the registry changes."""

    worker_id: str
    directory: Directory
    seen: Counter[str] = field(default_factory=Counter)
    """Items by kind ("rejected": not the contract's), for whoever publishes the count."""

    def items(self, topic: str, payload: bytes, received_at: datetime) -> list[Item]:
        """Everything a message says, in its order. Never raises on any input."""
        return [self._item(decoded, received_at) for decoded in decode(topic, payload)]

    def _item(self, decoded: Accepted | Rejected, received_at: datetime) -> Item:
        item = self._judged(decoded, received_at)
        if isinstance(item, Refused) and item.device_id not in self.directory.devices:
            return _without_plates(item)
        return item

    def _judged(self, decoded: Accepted | Rejected, received_at: datetime) -> Item:
        if isinstance(decoded, Rejected):
            self.seen["rejected"] += 1
            return _refused(decoded, received_at)
        self.seen[decoded.kind] += 1
        message = decoded.message
        if isinstance(message, Canary):
            return self._canary(decoded, message, received_at)
        if isinstance(message, Clock):
            return self._clock(decoded, message, received_at)
        device = self.directory.devices.get(decoded.device_id)
        if device is None:
            return refuse(decoded, Why.UNKNOWN_DEVICE, "no such device in the registry", received_at)
        if device.role not in _ROLES[decoded.kind]:
            detail = f"a {device.role} does not send {decoded.kind}"
            return refuse(decoded, Why.WRONG_KIND, detail, received_at)
        if isinstance(message, Link):
            return LinkState(decoded.device_id, message.online, message.at, received_at)
        return reading(decoded, message, device, received_at)

    def _clock(self, decoded: Accepted, message: Clock, received_at: datetime) -> Item:
        clock = self.directory.areas.get(decoded.device_id)
        if clock == "event":
            if message.at > received_at + EVENT_CLOCK_AHEAD:
                return refuse(decoded, Why.WRONG_CLOCK, "an event clock far in the future", received_at)
            return ClockMark(decoded.device_id, message.at)
        detail = "a live area keeps our time" if clock == "live" else "no such area in the registry"
        return refuse(decoded, Why.WRONG_CLOCK, detail, received_at)

    def _canary(self, decoded: Accepted, message: Canary, received_at: datetime) -> Item:
        if message.worker != self.worker_id or decoded.device_id != self.worker_id:
            return refuse(decoded, Why.WRONG_CLOCK, "another worker's canary", received_at)
        if message.at > received_at + CANARY_AHEAD:
            return refuse(decoded, Why.WRONG_CLOCK, "a canary from the future", received_at)
        return CanaryMark(message.at)


def reading(
    decoded: Accepted, message: State | Passage | Count | Health | Boot, device: Device, received_at: datetime
) -> ReadingRow:
    """One row of the log. Nothing of a passage is kept beyond the contract's fields (L10)."""
    if isinstance(message, State):  # nearly all are: written out, which is the cheapest way to make one
        return ReadingRow(
            area=device.area,
            device_id=decoded.device_id,
            incarnation=device.incarnation,
            boot=message.boot,
            seq=message.seq,
            kind="state",
            at=message.at,
            age_ms=message.age_ms,
            received_at=received_at,
            occupied=message.occupied,
            cause=message.cause,
            prev_s=message.prev_s,
            confidence=message.confidence,
            battery_mv=message.battery_mv,
            temperature_c=message.temperature_c,
            rssi_dbm=message.rssi_dbm,
            faults=list(message.faults) or None,
            meaning=meaning(message),
            raw=decoded.raw,
        )
    row = partial(
        ReadingRow,
        area=device.area,
        device_id=decoded.device_id,
        incarnation=device.incarnation,
        boot=message.boot,
        seq=message.seq,
        kind=decoded.kind,
        at=message.at,
        age_ms=message.age_ms,
        received_at=received_at,
    )
    match message:
        case Passage():
            # The token is short-lived; a hash that outlives it would still confirm it.
            return row(
                direction=message.direction,
                vehicle_token=_token(message, received_at),
                confidence=message.confidence,
                meaning=meaning(replace(message, vehicle_token=None)),
            )
        case Count():
            return row(
                count=message.occupied, capacity=message.capacity, meaning=meaning(message), raw=decoded.raw
            )
        case Health():
            return row(
                battery_mv=message.battery_mv,
                temperature_c=message.temperature_c,
                rssi_dbm=message.rssi_dbm,
                faults=list(message.faults) or None,
                meaning=meaning(message),
                raw=decoded.raw,
            )
        case Boot():  # and no other
            return row(meaning=meaning(message), raw=decoded.raw)


def _token(message: Passage, received_at: datetime) -> str | None:
    """The token, unless the passage comes so late that the vehicle's other one may be forgotten already (L10)."""
    at = message.at or received_at - timedelta(milliseconds=message.age_ms or 0)
    return message.vehicle_token if received_at - at <= timedelta(hours=LATE_TOKENS_H) else None


def refuse(decoded: Accepted, why: Why, detail: str, received_at: datetime) -> Refused:
    """Refuse what the contract accepted; topic and payload can be decoded again, also of a batch's item."""
    passage = decoded.kind == "passage"
    return Refused(
        topic=decoded.topic,
        reason=why,
        detail=detail,
        device_id=decoded.device_id if decoded.kind in _ROLES else None,
        payload=None if passage else decoded.raw,
        size=len(decoded.raw),
        received_at=received_at,
    )


def refuse_item(item: Item, why: Why, detail: str, received_at: datetime) -> Refused:
    """Refuse what was translated already: a conflict, or a row that the database would not take."""
    match item:
        case ReadingRow():
            return Refused(
                topic=device_topic(item.device_id, item.kind),
                reason=why,
                detail=detail,
                device_id=item.device_id,
                payload=item.raw,
                size=0 if item.raw is None else len(item.raw),
                received_at=item.received_at,
            )
        case LinkState():
            return _bare(device_topic(item.device_id, "link"), why, detail, item.device_id, item.received_at)
        case ClockMark():
            return _bare(clock_topic(item.area), why, detail, None, received_at)
        case CanaryMark():
            return _bare("canary", why, detail, None, received_at)
        case Refused():  # and no other
            return dataclasses.replace(
                item, topic=ascii(item.topic), reason=why, detail=detail, device_id=None
            )


def _without_plates(refused: Refused) -> Refused:
    """A name that the registry does not know may be a plate (L10). Then no more than reason and length is kept."""
    topic = without_plates(refused.topic)
    if topic == refused.topic:
        return refused
    return dataclasses.replace(refused, topic=topic, detail="", device_id=None, payload=None)


def _bare(topic: str, why: Why, detail: str, device_id: str | None, received_at: datetime) -> Refused:
    return Refused(
        topic=topic,
        reason=why,
        detail=detail,
        device_id=device_id,
        payload=None,
        size=0,
        received_at=received_at,
    )


def _refused(rejected: Rejected, received_at: datetime) -> Refused:
    """What the contract rejected. Of a passage only topic, reason and length are kept (L10): no detail."""
    kept = rejected.payload is not None
    return Refused(
        topic=rejected.topic,
        reason=rejected.reason,
        detail=rejected.detail if kept else "",
        device_id=rejected.device_id,
        payload=rejected.payload,
        size=rejected.size,
        received_at=received_at,
    )
