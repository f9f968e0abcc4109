"""The form of an API key: `baycast_`, 256 random bits in 43 letters and digits, and a checksum of 6.

A scanner finds one by `baycast_[0-9A-Za-z]{49}`, and a typing error is told from a key that is not ours.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

PREFIX = "baycast_"
PATTERN = re.compile(r"baycast_[0-9A-Za-z]{49}")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM, _CHECKSUM = 43, 6  # 62**43 > 2**256, 62**6 > 2**32


def new_secret() -> str:
    """Return a key that nobody has."""
    return _with_checksum(PREFIX + _in_digits(secrets.randbits(256), _RANDOM))


def is_well_formed(secret: str) -> bool:
    """Whether it can be a key at all: a matter of its text alone, so the answer tells nothing."""
    return PATTERN.fullmatch(secret) is not None and secret == _with_checksum(secret[:-_CHECKSUM])


def digest(secret: str) -> bytes:
    """Return what is stored of a key. A fast hash is enough: 256 random bits cannot be tried out."""
    return hashlib.sha256(secret.encode()).digest()


def _with_checksum(text: str) -> str:
    return text + _in_digits(zlib.crc32(text.encode()), _CHECKSUM)


def _in_digits(number: int, width: int) -> str:
    found = ""
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        found = _DIGITS[digit] + found
    return found
