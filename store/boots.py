"""The boots of a device in the log: which is its latest, when each began, and whose words are out of their order.

Of a life (device, incarnation, boot) that is known to be the latest nothing of this is asked: words of others are rare.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from occupancy.boots import Told, told, went_back
from store.key_columns import Key, Life, about
from store.queries import sql

if TYPE_CHECKING:
    from store.log import ReadingRow

Cursor = psycopg.Cursor[tuple[Any, ...]]


def gone_back(cur: Cursor, words: Mapping[Key, ReadingRow], begun: Collection[Life]) -> set[Key]:
    """Take back the claims of words that were said after a later boot of their device was heard; returns their keys.

    `words` are claimed, and their lives locked; the lives `begun` were made by that. Raises `psycopg.Error`.
    """
    cur.execute(sql("log.clocks"))
    event = {str(area) for area, clock in cur.fetchall() if clock == "event"}
    _begin(cur, words, begun, event)
    lives = list({key[:3] for key in words})
    found = about(cur, "log.later_boots", lives)
    later = dict(zip(lives, found, strict=True))
    back = set()
    for key, row in words.items():
        said_at, heard_at = later[key[:3]]
        if said_at is not None and went_back(
            _told(row, event), later_said_at=said_at, later_heard_at=heard_at
        ):
            back.add(key)
    about(cur, "log.unclaim", back)
    about(cur, "log.forget_lives", {key[:3] for key in back})
    latest = [life for life, (said_at, _) in later.items() if said_at is None]
    about(cur, "log.overtake", latest)
    about(cur, "log.mark_latest", latest)
    return back


def _begin(
    cur: Cursor, words: Mapping[Key, ReadingRow], begun: Collection[Life], event: Collection[str]
) -> None:
    first: dict[Life, Told] = {}
    for key, row in words.items():
        if (life := key[:3]) in begun:
            word = _told(row, event)
            first[life] = min(word, first.get(life, word))
    about(
        cur,
        "log.begin_lives",
        list(first),
        [word.said_at for word in first.values()],
        [word.heard_at for word in first.values()],
    )


def _told(row: ReadingRow, event: Collection[str]) -> Told:
    age = timedelta(milliseconds=row.age_ms or 0)
    return told(row.at, age, row.received_at, live=row.area not in event)
