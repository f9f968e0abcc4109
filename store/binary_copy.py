"""Rows as binary COPY takes them, arrays too: psycopg's dumper of lists takes longer than computing what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from struct import Struct
from typing import Any

from store.copying import Cursor
from store.queries import sql

_BEGINNING = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_DAY_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
_OIDS = {"int4": 23, "int8": 20}
_PER_WRITE = 500
"""Rows that are handed over at once."""

Encoder = Callable[[Any], bytes]


def copy_encoded(cur: Cursor, name: str, types: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """COPY rows of `int4`, `int8`, `timestamptz` (aware), and arrays of the first two; None is NULL.

    Nothing is sent for none. Raises `struct.error` for what is too large for its column."""
    encoded = [encode(types, row) for row in rows]
    if not encoded:
        return
    with cur.copy(sql(name)) as copy:
        copy.write(_BEGINNING)
        for first in range(0, len(encoded), _PER_WRITE):
            copy.write(b"".join(encoded[first : first + _PER_WRITE]))
        copy.write(_END)


def encode(types: Sequence[str], row: Sequence[object]) -> bytes:
    """One row."""
    encoders, head = _encoders(tuple(types))
    return head + b"".join(
        [_NULL if value is None else encoder(value) for encoder, value in zip(encoders, row, strict=True)]
    )


@cache
def _encoders(types: tuple[str, ...]) -> tuple[tuple[Encoder, ...], bytes]:
    return tuple(_encoder(type) for type in types), Struct("!h").pack(len(types))


def _encoder(type: str) -> Encoder:
    match type:
        case "int4":
            int4 = Struct("!ii").pack
            return lambda value: int4(4, value)
        case "int8":
            int8 = Struct("!iq").pack
            return lambda value: int8(8, value)
        case "timestamptz":
            return _instant
        case _:
            return _array(type.removesuffix("[]"))


_timestamp = Struct("!iq").pack


def _instant(at: datetime) -> bytes:
    since = at - _DAY_ZERO
    return _timestamp(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _array(element: str) -> Encoder:
    """Of one dimension, from 1 on, without NULLs; of none where it is empty."""
    oid = _OIDS[element]
    size, letter = {"int4": (4, "i"), "int8": (8, "q")}[element]
    none = Struct("!iiii").pack(12, 0, 0, oid)

    @cache
    def of(length: int) -> Callable[..., bytes]:
        return Struct("!iiiiii" + f"i{letter}" * length).pack

    def encode(values: Sequence[int]) -> bytes:
        length = len(values)
        if length == 0:
            return none
        sized = [size] * (2 * length)
        sized[1::2] = values
        return of(length)(20 + length * (4 + size), 1, 0, oid, length, 1, *sized)

    return encode
