"""Taking a gateway's array apart, so that each item is judged alone (L11)."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from firmware_contract.errors import Reason, Refused
from firmware_contract.text import examine, require_json_text
from firmware_contract.topics import DEVICE_KINDS, is_device_id

MAX_ITEMS: Final = 256


class Item(msgspec.Struct, frozen=True):
    """One item as it came; `body` is untouched JSON."""

    device_id: str
    kind: str
    body: msgspec.Raw


_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ITEM: Final = msgspec.json.Decoder(Item)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
# What matters for finding the commas between items: strings must not be looked into, escapes hide quotes.
_TOKEN: Final = re.compile(rb'["\\{}\[\],]')


def split(payload: bytes) -> list[bytes]:
    """The items' bytes, well-formed or not. Raises `Refused` when the array itself cannot be read."""
    stripped = payload.strip(b" \t\r\n")
    if not stripped:
        raise Refused(Reason.NOT_JSON, "the payload is empty; send a JSON array of items")
    if stripped[0] not in b'[{"-0123456789tfn':
        raise Refused(
            Reason.NOT_JSON, "not JSON; send a JSON array of items in UTF-8 without a byte order mark"
        )
    if stripped[0] != ord("["):
        raise Refused(Reason.BAD_TYPE, "not an array; send a JSON array of items")
    try:
        items = [bytes(raw) for raw in _ARRAY.decode(stripped)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Some item is malformed or far too deep. Its neighbours are not to pay for it.
        items = _split_leniently(stripped)
    if len(items) > MAX_ITEMS:
        raise Refused(Reason.TOO_LARGE, f"a batch of {len(items)} items; send at most {MAX_ITEMS}")
    return items


def open_item(item: bytes) -> Item:
    """The item's parts, with the identifier and the kind checked. Raises `Refused`."""
    require_json_text(item)
    try:
        opened = _ITEM.decode(item)
    except (msgspec.ValidationError, UnicodeDecodeError):
        raise Refused(
            Reason.MISSING_FIELD if _is_object(item) else Reason.BAD_TYPE,
            'not an item; send {"device_id": text, "kind": text, "body": object}',
        ) from None
    except msgspec.DecodeError:
        # A lone surrogate is malformed to the reader above; this one says so.
        examine(item, frozenset(), passage=False)
        raise Refused(Reason.NOT_JSON, "the item is not well-formed JSON; send one JSON object") from None
    if opened.kind not in DEVICE_KINDS:
        raise Refused(
            Reason.OUT_OF_RANGE, f"kind: none of the contract's; send one of {', '.join(DEVICE_KINDS)}"
        )
    if not is_device_id(opened.device_id):
        raise Refused(
            Reason.OUT_OF_RANGE, "device_id: not allowed; send 1 to 64 of A-Z a-z 0-9 _ . : - as in the topic"
        )
    return opened


def require_no_plate_beside(item: bytes) -> None:
    """Raise `Refused` when a passage's item carries a plate beside its body (L10)."""
    beside = {name: raw for name, raw in _MEMBERS.decode(item).items() if name not in Item.__struct_fields__}
    if beside:
        examine(msgspec.json.encode(beside), frozenset(), passage=True)


def _is_object(item: bytes) -> bool:
    return item.lstrip(b" \t\r\n").startswith(b"{")


def _split_leniently(array: bytes) -> list[bytes]:
    """Cut at the commas of the first level by brackets and quotes alone: one pass, no recursion."""
    items: list[bytes] = []
    depth, start, position, in_string = 0, 1, 0, False
    while (found := _TOKEN.search(array, position)) is not None:
        token, position = found.group(), found.end()
        if token == b"\\":
            position += 1
        elif token == b'"':
            in_string = not in_string
        elif in_string:
            continue
        elif token in b"[{":
            depth += 1
        elif token in b"]}":
            depth -= 1
            if depth == 0:
                break
        elif depth == 1:
            items.append(array[start : found.start()])
            start = position
    if depth != 0 or position != len(array) or array[-1:] != b"]":
        raise Refused(
            Reason.NOT_JSON, "the array is cut off or its brackets do not match; send one JSON array"
        )
    items.append(array[start:-1])
    return [item.strip(b" \t\r\n") for item in items]
