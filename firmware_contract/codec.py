"""Decode and encode contract v1.

`decode` judges: it never raises, never coerces, and answers the same for the same bytes. What is kept of a
passage, accepted or rejected, is only what the contract names (L10).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from struct import Struct
from typing import Any, Final

import msgspec

from firmware_contract import batch, plates, topics
from firmware_contract.errors import Reason, Refused
from firmware_contract.explain import explained
from firmware_contract.messages import (
    TIME_PATTERN,
    TYPES,
    AnyMessage,
    Boot,
    Canary,
    Clock,
    Count,
    Health,
    Link,
    Passage,
    State,
    Timed,
)
from firmware_contract.text import examine, is_ordinary, require_json_text, require_plain, require_token

MAX_PAYLOAD: Final = 16 * 1024
"""Bytes of one MQTT payload, a batch included."""

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2107, 1, 1, tzinfo=UTC)
"""Times are in [EARLIEST, LATEST). Whether a clock is believed is not the wire's business."""


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A message of the contract. `decode(topic, raw)` gives the same again, also for an item of a batch.

    `device_id` is the owner in the topic: for `clock` the area, for `canary` the worker. `raw` is the body as
    it came, unknown fields included; of a passage it holds the contract's fields only (L10).
    """

    device_id: str
    kind: str
    message: AnyMessage
    raw: bytes
    topic: str


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """What cannot become a message, and why. `detail` names the field and the fix, never the payload.

    `payload` is what may be kept: at most `MAX_PAYLOAD` bytes, and None for a passage and for what may hold
    one (L10). `size` is the length in bytes of all of it. `topic` is safe to store.
    """

    topic: str
    reason: Reason
    detail: str
    device_id: str | None
    payload: bytes | None
    size: int


def decode(topic: str, payload: bytes) -> list[Accepted | Rejected]:
    """Judge one MQTT message: one answer, or for a gateway's batch one for each item."""
    address = topics.parse(topic)
    if isinstance(address, str):
        kept = _harmless(payload[:MAX_PAYLOAD]) if topic.rpartition("/")[2] in _SAFE_ENDINGS else None
        return [Rejected(topics.quotable(topic), Reason.BAD_TOPIC, address, None, kept, len(payload))]
    if address.kind == "batch":
        return _decode_batch(topic, payload)
    return [_decode_one(topic, address.owner, address.kind, payload)]


def encode(message: AnyMessage) -> bytes:
    """Compact JSON: optional fields that are None are left out, `"at":null` is kept.

    Raises ValueError for a naive time.
    Limits are not checked: a publisher of recorded data sends what was recorded, and `decode` judges it.
    """
    if message.at is not None and message.at.tzinfo is not UTC:
        if message.at.tzinfo is None:
            raise ValueError(f"at: a time without an offset ({message.at!r}); give aware UTC")
        message = msgspec.structs.replace(message, at=message.at.astimezone(UTC))
    return _ENCODER.encode(message)


def meaning(message: AnyMessage) -> int:
    """A signed 64-bit hash of what the message claims: the same key with another meaning is a conflict (L2).

    Telemetry is no part of it, nor is `age_ms`: a device without a clock that sends again sends another age.
    """
    kind, claim = _CLAIMS[type(message)]
    at = None if message.at is None else (message.at - EARLIEST) // _MICROSECOND
    said = _ENCODER.encode((kind, at, *claim(message)))
    return int(_INT64.unpack(blake2b(said, digest_size=8).digest())[0])


_ENCODER: Final = msgspec.json.Encoder()
_INT64: Final = Struct(">q")
_MICROSECOND: Final = timedelta(microseconds=1)
_TIME: Final = re.compile(TIME_PATTERN.removeprefix("^").removesuffix("$"))
# Of a refused topic the payload is kept only where its last level says that it is no passage and no batch.
_SAFE_ENDINGS: Final = frozenset(topics.DEVICE_KINDS) - {"passage"} | {"clock"}


class _AtText(msgspec.Struct, frozen=True):
    """`at` as it is written: a parsed time no longer tells `Z` from other offsets."""

    at: str | msgspec.UnsetType | None = msgspec.UNSET


_AT: Final = msgspec.json.Decoder(_AtText)
_DECODERS: Final[dict[str, msgspec.json.Decoder[AnyMessage]]] = {
    kind: msgspec.json.Decoder(cls) for kind, cls in TYPES.items()
}
_FIELDS: Final = {kind: frozenset(cls.__struct_fields__) for kind, cls in TYPES.items()}


# By type: its kind, and the fields that are the claim beside `at`.
_CLAIMS: Final[dict[type[AnyMessage], tuple[str, Callable[[Any], tuple[object, ...]]]]] = {
    State: ("state", lambda state: (state.occupied, state.cause, state.prev_s)),
    Passage: ("passage", lambda passage: (passage.direction, passage.vehicle_token)),
    Count: ("count", lambda count: (count.occupied, count.capacity)),
    Health: ("health", lambda _: ()),
    Boot: ("boot", lambda _: ()),
    Link: ("link", lambda link: (link.online,)),
    Clock: ("clock", lambda _: ()),
    Canary: ("canary", lambda canary: (canary.worker,)),
}


def _decode_one(topic: str, owner: str, kind: str, body: bytes) -> Accepted | Rejected:
    try:
        if len(body) > MAX_PAYLOAD:
            raise Refused(Reason.TOO_LARGE, f"{len(body)} bytes; send at most {MAX_PAYLOAD}")
        message = _message(kind, body)
    except Refused as refused:
        kept = None if kind == "passage" else _harmless(body[:MAX_PAYLOAD])
        # Whose clock or canary it was is no device.
        device_id = owner if kind in topics.DEVICE_KINDS else None
        return Rejected(topic, refused.reason, refused.detail, device_id, kept, len(body))
    return Accepted(owner, kind, message, encode(message) if kind == "passage" else body, topic)


def _decode_batch(topic: str, payload: bytes) -> list[Accepted | Rejected]:
    try:
        if len(payload) > MAX_PAYLOAD:
            raise Refused(Reason.TOO_LARGE, f"{len(payload)} bytes; send at most {MAX_PAYLOAD}")
        items = batch.split(payload)
    except Refused as refused:
        # A cut may hide the kind of what follows.
        kept = None if len(payload) > MAX_PAYLOAD else _harmless(payload)
        return [Rejected(topic, refused.reason, refused.detail, None, kept, len(payload))]
    return [_decode_item(topic, position, item) for position, item in enumerate(items)]


def _decode_item(gateway_topic: str, position: int, item: bytes) -> Accepted | Rejected:
    try:
        opened = batch.open_item(item)
    except Refused as refused:
        detail = f"item {position}: {refused.detail}"
        return Rejected(gateway_topic, refused.reason, detail, None, _harmless(item), len(item))
    topic = topics.device_topic(opened.device_id, opened.kind)
    if opened.kind == "passage":
        try:
            batch.require_no_plate_beside(item)
        except Refused as refused:
            detail = f"item {position}: {refused.detail}"
            return Rejected(topic, refused.reason, detail, opened.device_id, None, len(item))
    return _decode_one(topic, opened.device_id, opened.kind, bytes(opened.body))


def _harmless(payload: bytes) -> bytes | None:
    """The rejected bytes for keeping, or None when a passage may have strayed into them (L10)."""
    return None if plates.may_hold_passage(payload) else payload


def _message(kind: str, body: bytes) -> AnyMessage:
    """The message, or `Refused`. `_usual` only saves time: what it accepts, `_judged` accepts as the same."""
    message = _usual(kind, body)
    return _judged(kind, body) if message is None else message


def _usual(kind: str, body: bytes) -> AnyMessage | None:
    """The message, if it is one of those that nearly all are: nothing about it needs a second look."""
    if kind == "passage" or not is_ordinary(body):
        return None
    try:
        written = _AT.decode(body).at
        message = _DECODERS[kind].decode(body)
    except msgspec.DecodeError:
        return None
    if message.at is None:
        return None if isinstance(message, Timed) and message.age_ms is None else message
    plain = isinstance(written, str) and _TIME.fullmatch(written) and EARLIEST <= message.at < LATEST
    return message if plain else None


def _judged(kind: str, body: bytes) -> AnyMessage:
    """The message, or `Refused` with what is wrong."""
    require_json_text(body)
    passage = kind == "passage"
    examined = None
    if passage or not is_ordinary(body):
        examined = examine(body, _FIELDS[kind], passage=passage)
    try:
        at = _AT.decode(body).at
        if isinstance(at, str):
            _require_time(at)
        message = _DECODERS[kind].decode(body)
    except msgspec.ValidationError as error:
        if examined is None:
            # A wrong type stops the decoder before it has seen whether the rest is JSON at all.
            examine(body, _FIELDS[kind], passage=passage)
        raise explained(kind, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(Reason.NOT_JSON, "not well-formed JSON; send one JSON object in UTF-8") from None
    if examined is not None and examined.wide_number:
        raise Refused(
            Reason.OUT_OF_RANGE, "an unknown field: a number beyond 64 bits or a double; send a smaller one"
        )
    _require_rest(message)
    return message


def _require_time(text: str) -> None:
    if _TIME.fullmatch(text) is None:
        raise Refused(
            Reason.BAD_TIME, 'at: not RFC 3339 in UTC; send "2026-03-01T09:30:00Z", with Z or +00:00 only'
        )
    if text[17:19] == "60":
        raise Refused(Reason.OUT_OF_RANGE, "at: a leap second; send second 59 or smear it")
    if not 1970 <= int(text[:4]) <= 2106:
        raise Refused(
            Reason.OUT_OF_RANGE, "at: a year outside 1970 to 2106; send null and age_ms without a clock"
        )


def _require_rest(message: AnyMessage) -> None:
    """What the types do not say."""
    match message:
        case Passage(vehicle_token=str(token)):
            require_token(token)
        case State(faults=faults) | Health(faults=faults) if faults:
            for fault in faults:
                require_plain("faults", fault)
        case _:
            pass
    match message:
        case Health(firmware=str(firmware)) | Boot(firmware=str(firmware)):
            require_plain("firmware", firmware)
        case Canary():
            require_plain("worker", message.worker)
        case _:
            pass
    if isinstance(message, Boot) and message.reset_cause is not None:
        require_plain("reset_cause", message.reset_cause)
    if message.at is not None and message.at >= LATEST:
        raise Refused(
            Reason.OUT_OF_RANGE, "at: a year outside 1970 to 2106; send null and age_ms without a clock"
        )
    if isinstance(message, Timed) and message.at is None and message.age_ms is None:
        raise Refused(
            Reason.MISSING_FIELD, "age_ms: missing while at is null; send how many milliseconds ago it was"
        )
