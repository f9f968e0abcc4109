"""What the feed says, and what the client adds to it. Fields that a later server adds are tolerated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

Zone = dict[str, Any]
"""A zone as in `GET /v1/availability` (docs/api.md): all its fields, also those that are new."""


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """Everything; replaces what was known. `reason` is first, too_old, replaced or subscribed."""

    version: str
    as_of: datetime | None
    stale: bool
    reset: bool
    reason: str
    zones: list[Zone]


class Delta(msgspec.Struct, frozen=True, tag="delta"):
    """The zones that changed after `prev`, whole."""

    version: str
    prev: str
    as_of: datetime | None
    stale: bool
    zones: list[Zone]


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """Nothing changed."""

    version: str
    as_of: datetime | None
    stale: bool


class Subscribed(msgspec.Struct, frozen=True, tag="subscribed"):
    """A change of subscription holds from here on; zones in `gone` are told of no more."""

    id: str | None
    gone: list[str]


class Refused(msgspec.Struct, frozen=True, tag="problem"):
    """A message that the server could not do anything with; the subscription is as it was."""

    id: str | None
    problem: dict[str, Any]
    """RFC 9457."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The client's own word: there is no connection, what is known grows old, and the next try is in `retry_in_s`."""

    reason: str
    retry_in_s: float
    status: int | None = None
    """What the server answered in place of opening; None: it did not."""


Message = Snapshot | Delta | Heartbeat | Subscribed | Refused
Event = Message | Lost

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def message_of(text: str | bytes) -> Message:
    """Read a message. Raises `msgspec.MsgspecError`."""
    return _decoder.decode(text)
