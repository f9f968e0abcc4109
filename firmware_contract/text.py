"""What holds for the JSON text of any message, before its fields are looked at. All of it takes linear time.

The usual message, compact printable ASCII with shallow nesting and ordinary numbers, passes by a few searches
in C; anything else is read by `examine` with Python's own JSON reader, which sees every name, value and
number.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from firmware_contract import plates
from firmware_contract.errors import Reason, Refused

MAX_DEPTH: Final = 16
"""Levels of arrays and objects."""

_BOM: Final = b"\xef\xbb\xbf"
_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_STRING: Final = re.compile(rb'"[^"]*"?')
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"{}[]"))
# A message's shape: digits and plus signs as 0, exponents as e, brackets that open as {, whatever is not printable
# ASCII, or escapes, as a backslash. In it a number that may not fit in 64 bits or a double holds `_LONG` or `_FAR`.
# (So may a string, which only costs time.) Much faster than a regular expression over every message.
_SHAPE: Final = bytes.maketrans(b"123456789+E[", b"0000000000e{").translate(
    bytes(byte if 0x20 <= byte < 0x7F else ord("\\") for byte in range(256))
)
_LONG: Final = b"0" * 19
_FAR: Final = b"0e000"
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LAYOUT: Final = frozenset("\t\n\r")

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32,128}")
_PADDING: Final = re.compile(r"(.)\1{9}")


class _Pairs(NamedTuple):
    """A JSON object as its members, repeated names included."""

    members: list[tuple[str, Any]]


class _WideNumber:
    """Stands for a number beyond 64 bits or a double."""


class Examined(NamedTuple):
    """A JSON text read with nothing lost: what is wrong with it that its types do not say."""

    wide_number: bool


def require_json_text(body: bytes) -> None:
    """Raise `Refused` unless the bytes are UTF-8 without a mark, not empty, and nested shallowly enough."""
    if not body or body.isspace():
        raise Refused(Reason.NOT_JSON, "the payload is empty; send one JSON object")
    if body.startswith(_BOM):
        raise Refused(Reason.NOT_JSON, "the payload begins with a byte order mark; send UTF-8 without it")
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise Refused(Reason.NOT_JSON, f"byte {error.start} is not UTF-8; send UTF-8") from None
    if not _is_shallow(body):
        raise Refused(
            Reason.NOT_JSON,
            f"nested deeper than {MAX_DEPTH} levels, or with brackets that do not match; send less",
        )


def is_ordinary(body: bytes) -> bool:
    """Whether the text is shallow printable ASCII without escapes, and with no number beyond 64 bits or a double.

    Of such a text `require_json_text` and `examine` have nothing to say but that it is empty or malformed.
    """
    shape = body.translate(_SHAPE)
    return not (b"\\" in shape or _LONG in shape or _FAR in shape or shape.count(b"{") > MAX_DEPTH)


def examine(body: bytes, known: frozenset[str], *, passage: bool) -> Examined:
    """Read all names and values. Raises `Refused` for invisible characters and, in a passage, for plates.

    `known` are the field names of the contract, the only ones that may be quoted. The body has passed
    `require_json_text`, so it cannot exhaust the reader's stack.
    """
    try:
        root = json.loads(
            body,
            strict=False,
            object_pairs_hook=_Pairs,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except ValueError:
        raise Refused(Reason.NOT_JSON, "not well-formed JSON; send one JSON object") from None
    wide = False
    invisible: str | None = None
    for field, name, value in _walk(root):
        said = field if field in known else "an unknown field"
        if passage and name is not None and plates.is_plate_name(name):
            raise Refused(
                Reason.PLATE, f"{said}: named like a number plate; remove it and send a vehicle_token"
            )
        if isinstance(value, _WideNumber):
            wide = True
        for text in (name, value):
            if not isinstance(text, str):
                continue
            if passage and _tells_plate(field, name, text):
                raise Refused(
                    Reason.PLATE, f"{said}: reads like a number plate; remove it and send a vehicle_token"
                )
            if invisible is None and _is_invisible(text):
                invisible = said
    if invisible is not None:
        raise Refused(
            Reason.BAD_TEXT,
            f"{invisible}: holds NUL, a lone surrogate, or a control, bidirectional or zero-width character; "
            "send printable text",
        )
    return Examined(wide_number=wide)


def require_plain(field: str, text: str) -> None:
    """Raise `Refused` unless a text field of the contract is printable ASCII."""
    if not (text.isascii() and text.isprintable()):
        raise Refused(Reason.BAD_TEXT, f"{field}: not printable ASCII; send characters from space to ~")


def require_token(token: str) -> None:
    """Raise `Refused` unless the text has the shape of a keyed token: no plate fits, padded or not."""
    if _TOKEN.fullmatch(token) is None:
        raise Refused(
            Reason.OUT_OF_RANGE,
            "vehicle_token: not the shape of a keyed token; send 32 to 128 characters of A-Z a-z 0-9 _ -",
        )
    if _PADDING.search(token):
        raise Refused(Reason.PLATE, "vehicle_token: padded, so it may hold a plate; send a keyed token")


def _tells_plate(field: str, name: str | None, text: str) -> bool:
    # A random token may hold a British plate by chance between - and _, so a token is judged as a whole.
    if field == name == "vehicle_token":
        return plates.is_plate_whole(text)
    return plates.is_plate_text(text)


def _walk(root: object) -> Iterator[tuple[str, str | None, object]]:
    """(field at the top, own name, value) of all that is inside, without recursion."""
    stack: list[tuple[str, str | None, object]] = [("", None, root)]
    while stack:
        field, name, value = stack.pop()
        yield field, name, value
        if isinstance(value, _Pairs):
            stack.extend((field or member, member, inner) for member, inner in value.members)
        elif isinstance(value, list):
            stack.extend((field, None, inner) for inner in value)


def _is_invisible(text: str) -> bool:
    if text.isprintable():
        return False
    return any(unicodedata.category(ch) in _INVISIBLE and ch not in _LAYOUT for ch in text)


def _is_shallow(body: bytes) -> bool:
    """Whether no bracket is deeper than `MAX_DEPTH`; false also for brackets that do not match."""
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return True
    bare = _STRING.sub(b"", _ESCAPE.sub(b"", body)).translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        # Each round takes the innermost level of every branch away.
        bare = _innermost(bare)
        if not bare:
            return True
    return False


def _innermost(brackets: bytes) -> bytes:
    return brackets.replace(b"{}", b"\x00").replace(b"[]", b"\x00").replace(b"\x00", b"")


def _integer(text: str) -> object:
    # Python refuses to convert thousands of digits, and 64 bits are 20 characters at most.
    if len(text) > 20 or not -(2**63) <= int(text) < 2**64:
        return _WideNumber()
    return 0


def _number(text: str) -> object:
    return 0.0 if math.isfinite(float(text)) else _WideNumber()


def _constant(text: str) -> object:
    raise ValueError(text)
