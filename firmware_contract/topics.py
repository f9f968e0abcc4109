"""The topics of contract v1: how they are built, and what a received one addresses.

Builders raise `ValueError` for an identifier that the contract does not allow, so that no wildcard or extra
level ever gets into a topic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from firmware_contract.plates import is_plate_text

PREFIX: Final = "baycast/v1"

DEVICE_KINDS: Final = ("state", "passage", "count", "health", "boot", "link")
"""What a device says, on its own topic or as an item of a gateway's batch."""

MAX_TOPIC: Final = 256
"""Characters; the longest topic of the contract is far below it."""

SUBSCRIPTIONS: Final[tuple[str, ...]] = (
    *(f"{PREFIX}/dev/+/{kind}" for kind in DEVICE_KINDS),
    f"{PREFIX}/gw/+/batch",
    f"{PREFIX}/area/+/clock",
)
"""What an ingest worker subscribes to, beside the canary of its own."""

SHOWN_SUBSCRIPTION: Final = f"{PREFIX}/sign/+/shown"
"""What every sign says it shows."""

_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_PLACE_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DEVICE_ID_RULE = "1 to 64 of A-Z a-z 0-9 _ . : - beginning with a letter or digit"
_PLACE_ID_RULE = "1 to 64 of a-z 0-9 _ - beginning with a letter or digit"


@dataclass(frozen=True, slots=True)
class Address:
    """What a topic addresses: a device kind, `batch`, `clock` or `canary`, and who owns it."""

    kind: str
    owner: str


def is_device_id(text: str) -> bool:
    return _DEVICE_ID.fullmatch(text) is not None


def is_place_id(text: str) -> bool:
    return _PLACE_ID.fullmatch(text) is not None


def device_topic(device_id: str, kind: str) -> str:
    if kind not in DEVICE_KINDS:
        raise ValueError(f"kind: {kind!r} is none of {', '.join(DEVICE_KINDS)}")
    return f"{PREFIX}/dev/{_device(device_id, 'device_id')}/{kind}"


def command_topic(device_id: str) -> str:
    """To a device; a topic of the contract, on which nothing is said yet."""
    return f"{PREFIX}/dev/{_device(device_id, 'device_id')}/cmd"


def gateway_topic(gateway_id: str) -> str:
    return f"{PREFIX}/gw/{_device(gateway_id, 'gateway_id')}/batch"


def canary_topic(worker_id: str) -> str:
    return f"{PREFIX}/canary/{_device(worker_id, 'worker_id')}"


def clock_topic(area_id: str) -> str:
    return f"{PREFIX}/area/{_place(area_id, 'area_id')}/clock"


def live_zone_topic(area_id: str, zone_id: str) -> str:
    return f"{PREFIX}/live/{_place(area_id, 'area_id')}/zone/{_place(zone_id, 'zone_id')}"


def sign_frame_topic(sign_id: str) -> str:
    return f"{PREFIX}/sign/{_place(sign_id, 'sign_id')}/frame"


def sign_shown_topic(sign_id: str) -> str:
    return f"{PREFIX}/sign/{_place(sign_id, 'sign_id')}/shown"


def sign_of_shown(topic: str) -> str | None:
    """Return whose read-back the topic carries, None for any other topic."""
    match topic.split("/"):
        case ["baycast", "v1", "sign", sign_id, "shown"] if is_place_id(sign_id):
            return sign_id
        case _:
            return None


def parse(topic: str) -> Address | str:
    """What the topic addresses, or why it is not one of the contract's, in words."""
    if len(topic) > MAX_TOPIC:
        return f"the topic is longer than {MAX_TOPIC} characters; publish on a topic of the contract"
    return _parse(topic)


@lru_cache(maxsize=16_384)
def _parse(topic: str) -> Address | str:
    """A city's devices publish on the same few thousand topics again and again; each is short (see `parse`)."""
    match topic.split("/"):
        case ["baycast", "v1", "dev", owner, kind] if kind in DEVICE_KINDS and is_device_id(owner):
            return Address(kind, owner)
        case ["baycast", "v1", "gw", owner, "batch"] if is_device_id(owner):
            return Address("batch", owner)
        case ["baycast", "v1", "area", owner, "clock"] if is_place_id(owner):
            return Address("clock", owner)
        case ["baycast", "v1", "canary", owner] if is_device_id(owner):
            return Address("canary", owner)
        case levels:
            return _problem(topic, levels)


def without_plates(topic: str) -> str:
    """The topic, in place of each level that reads like a number plate `(plate)` (L10): no registry vouches for it."""
    return "/".join("(plate)" if is_plate_text(level) else level for level in topic.split("/"))


def quotable(topic: str) -> str:
    """The topic as it may be stored and shown: no plates, printable ASCII, others escaped, cut to `MAX_TOPIC`."""
    topic = without_plates(topic)
    if topic.isascii() and topic.isprintable():
        return topic[:MAX_TOPIC]
    return topic[:MAX_TOPIC].encode("unicode_escape").decode("ascii")[:MAX_TOPIC]


def _problem(topic: str, levels: list[str]) -> str:
    if topic.startswith("$"):
        return "topics beginning with $ belong to the broker; publish on baycast/v1/..."
    if "+" in topic or "#" in topic:
        return "a published topic cannot hold the wildcards + and #; put the device's own id there"
    if "" in levels:
        return "the topic has an empty level; remove the extra /"
    if levels[0] != "baycast":
        return "the topic does not begin with baycast/v1"
    if levels[1:2] != ["v1"]:
        return "another contract version than v1; publish on baycast/v1/..."
    match levels[2:]:
        case ["dev", owner, _] if not is_device_id(owner):
            return f"device_id: not allowed in a topic; use {_DEVICE_ID_RULE}"
        case ["dev", _, _]:
            return f"the last level is no kind of message; use one of {', '.join(DEVICE_KINDS)}"
        case ["gw", _, "batch"]:
            return f"gateway_id: not allowed in a topic; use {_DEVICE_ID_RULE}"
        case ["area", _, "clock"]:
            return f"area_id: not allowed in a topic; use {_PLACE_ID_RULE}"
        case ["canary", _]:
            return f"worker_id: not allowed in a topic; use {_DEVICE_ID_RULE}"
        case _:
            return "not a topic that baycast reads; publish on baycast/v1/dev/{device_id}/{kind}"


def _device(value: str, name: str) -> str:
    if not is_device_id(value):
        raise ValueError(f"{name}: {value[:80]!r} is not allowed in a topic; use {_DEVICE_ID_RULE}")
    return value


def _place(value: str, name: str) -> str:
    if not is_place_id(value):
        raise ValueError(f"{name}: {value[:80]!r} is not allowed in a topic; use {_PLACE_ID_RULE}")
    return value
