"""What leaves a device: as it means it, and as the bytes that go to the broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from firmware_contract.codec import encode
from firmware_contract.messages import Boot, Count, Health, Passage, State
from firmware_contract.topics import device_topic


class Word(NamedTuple):
    """A message that a device sends at `at_ms` (milliseconds since 1970)."""

    at_ms: int
    device_id: str
    kind: str
    message: State | Passage | Count | Health | Boot


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it leaves a device at `at_ms` (milliseconds since 1970)."""

    at_ms: int
    topic: str
    payload: bytes


def outgoing(word: Word) -> Outgoing:
    """The message by the firmware contract."""
    return Outgoing(word.at_ms, device_topic(word.device_id, word.kind), encode(word.message))
