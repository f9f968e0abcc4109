"""Which readings of a batch are new (L2): each key is claimed once, and never by a device that went back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import psycopg

from store.boots import gone_back
from store.key_columns import Key, about

if TYPE_CHECKING:
    from store.log import ReadingRow

Cursor = psycopg.Cursor[tuple[Any, ...]]

_key: Callable[[ReadingRow], Key] = attrgetter("device_id", "incarnation", "boot", "seq")


@dataclass(frozen=True, slots=True)
class Claimed:
    """Ordinals of a batch's rows: to be stored, with keys that were seen before, and of devices that went back.

    What is left was said before by an earlier incarnation.
    """

    new: tuple[int, ...]
    repeated: tuple[int, ...]
    went_back: tuple[int, ...]


def claim(cur: Cursor, rows: Sequence[ReadingRow]) -> Claimed:
    """Mark as seen what is new; the caller stores it. Raises `psycopg.Error`."""
    echoes = _echoes(cur, rows)
    first: dict[Key, int] = {}
    for ordinal, row in enumerate(rows):
        if ordinal not in echoes:
            first.setdefault(_key(row), ordinal)
    seen, back = _sorted_out(cur, rows, first)
    for key in (*seen, *back):
        del first[key]
    new = tuple(first.values())
    if len(new) == len(rows):
        return Claimed(new, (), ())
    left = set(range(len(rows))).difference(new, echoes)
    went_back = {ordinal for ordinal in left if _key(rows[ordinal]) in back}
    return Claimed(new, tuple(sorted(left - went_back)), tuple(sorted(went_back)))


def conflicts(cur: Cursor, rows: Sequence[ReadingRow], repeated: Sequence[int]) -> tuple[int, ...]:
    """Those of the ordinals `repeated` whose key a stored reading with another meaning has."""
    meanings = [rows[n].meaning for n in repeated]
    found = about(cur, "log.conflicts", [_key(rows[n]) for n in repeated], meanings)
    return tuple(sorted(repeated[place] for (place,) in found))


def _sorted_out(
    cur: Cursor, rows: Sequence[ReadingRow], first: Mapping[Key, int]
) -> tuple[list[Key], set[Key]]:
    """Claim keys, which are all different. Returns those that were seen before, and those of devices that went back."""
    if not first:
        return [], set()
    keys = list(first)
    # Marked or not: those of lives that are not known to be their device's latest, or that saw one of theirs before.
    doubtful = about(cur, "log.claim", keys)
    if not doubtful:
        return [], set()
    begun = [keys[place] for place, marked in doubtful if marked]
    locked = [keys[place] for place, marked in doubtful if not marked]
    unseen = {locked[place]: latest for place, latest in about(cur, "log.claim_unseen", locked)}
    earlier = [key for key, latest in unseen.items() if not latest]
    back: set[Key] = set()
    if begun or earlier:
        words = {key: rows[first[key]] for key in (*begun, *earlier)}
        back = gone_back(cur, words, {key[:3] for key in begun})
    return [key for key in locked if key not in unseen], back


def _echoes(cur: Cursor, rows: Sequence[ReadingRow]) -> set[int]:
    """Ordinals of what is delivered again after its device got a new incarnation. Without a time none can be told."""
    later = [n for n, row in enumerate(rows) if row.incarnation and row.at is not None]
    told = [rows[n] for n in later]
    found = about(
        cur,
        "log.echoes",
        [_key(row) for row in told],
        [row.meaning for row in told],
        [row.at for row in told],
    )
    return {later[place] for (place,) in found}
