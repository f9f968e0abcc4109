"""Stretches of time in which two accounts of a place differ, and how they are joined."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

FOREVER = datetime.max.replace(tzinfo=UTC)

K = TypeVar("K")

Span = tuple[datetime, datetime]
"""From an instant to another, both included: an edge counts in the cell that begins with it."""


class Account(NamedTuple):
    """A row as history sees it: what held in [started_at, ended_at); None: it lasts."""

    started_at: datetime
    ended_at: datetime | None
    what: Hashable


def differences(old: Iterable[Account], new: Iterable[Account]) -> Iterator[Span]:
    """Where two accounts of one place differ; in each, no two rows begin at once."""
    before = {row.started_at: row for row in old}
    for now in new:
        was = before.pop(now.started_at, None)
        if was is None:
            yield _span(now)
        elif was.what != now.what:
            yield now.started_at, max(_end(was), _end(now))
        elif was.ended_at != now.ended_at:
            yield min(_end(was), _end(now)), max(_end(was), _end(now))
    yield from map(_span, before.values())


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same instants in spans that do not touch, in order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def united(*changes: Mapping[K, Iterable[Span]]) -> dict[K, list[Span]]:
    """What changed at some places, all together."""
    found: dict[K, list[Span]] = {}
    for change in changes:
        for place, spans in change.items():
            found.setdefault(place, []).extend(spans)
    return found


def _end(row: Account) -> datetime:
    return FOREVER if row.ended_at is None else row.ended_at


def _span(row: Account) -> Span:
    return row.started_at, _end(row)
