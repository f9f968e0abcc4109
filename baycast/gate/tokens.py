"""Keyed tokens for plates (FC-053). Pure: keys and times are arguments, and no error or repr holds a plate or a key.

Each day has a random key. A key is destroyed when the longest stay after its day is over, so that nobody can link or
reverse its tokens. A vehicle that came under an earlier key leaves under that key's token: the ring remembers which
tokens are inside, and tries every key that it has.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta

KEY_BYTES = 32
MOST_INSIDE = 20_000
"""Tokens remembered as inside at most; the oldest go first."""
_SHORTEST_PLATE, _LONGEST_PLATE = 2, 16
_CONFUSED = str.maketrans("OI", "01")


class NotAPlateError(ValueError):
    """A plate field that holds no plate. The text never quotes it."""


def normalised(plate: str, *, fold_confused: bool = False) -> str:
    """Letters and digits in capitals; `fold_confused`: O counts as 0 and I as 1. Raises `NotAPlateError`."""
    plain = unicodedata.normalize("NFKC", plate[:64]).upper()
    kept = "".join(filter(str.isalnum, plain))
    if not _SHORTEST_PLATE <= len(kept) <= _LONGEST_PLATE:
        raise NotAPlateError("the plate field holds no plate")
    return kept.translate(_CONFUSED) if fold_confused else kept


@dataclass(slots=True)
class KeyRing:
    """The keys of the last days, newest last. Changed by `turn` only."""

    keys: dict[date, bytes] = field(default_factory=dict, repr=False)
    inside: dict[str, date] = field(default_factory=dict, repr=False)
    """Tokens that came in and have not left, with the day of their key, oldest first."""

    def turn(self, today: date, fresh: bytes, longest_stay: timedelta) -> bool:
        """Begin a day with a fresh key and destroy what is past the longest stay; whether anything changed."""
        last_day = today - timedelta(days=-(-longest_stay // timedelta(days=1)))
        gone = [day for day in self.keys if day < last_day]
        for day in gone:
            del self.keys[day]
        if gone:
            self.inside = {token: day for token, day in self.inside.items() if day >= last_day}
        if today in self.keys:
            return bool(gone)
        if len(fresh) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self.keys = dict(sorted({**self.keys, today: fresh}.items()))
        return True

    def token(self, plate: str, *, leaving: bool) -> str:
        """The token of a normalised plate: of the newest key, or of the one that it came in under."""
        tokens = [(token_of(key, plate), day) for day, key in reversed(self.keys.items())]
        newest, today = tokens[0]
        if leaving:
            known = next((token for token, _ in tokens if token in self.inside), None)
            if known is None:
                return newest
            del self.inside[known]
            return known
        self.inside.pop(newest, None)
        self.inside[newest] = today
        while len(self.inside) > MOST_INSIDE:
            del self.inside[next(iter(self.inside))]
        return newest


def token_of(key: bytes, plate: str) -> str:
    """43 characters of base64url."""
    digest = hmac.new(key, plate.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
