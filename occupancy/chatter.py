"""A sensor that chatters: more short spells in a day than vehicles make at such a bay.

Pure: a function of when the short spells of the bay ended and of how many are plausible. It begins when the day up to
then has too many of them, and ends by itself when it has half as many as are plausible at most.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from math import exp
from typing import NamedTuple

from occupancy.cells import Held
from occupancy.clocks import z
from occupancy.model import BayId, BayInterval, DeviceId, State, Suspicion, SuspicionKind

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(minutes=10)
WINDOW = timedelta(days=1)
FEWEST = 6
"""Fewer in a window say nothing, wherever it is."""
_UNLIKE = 1.5
_CHANCE = 1e-5
"""Of a window of a sensor that is as it should be to be taken for chatter."""


def most_plausible(per_day: float) -> int:
    """How many short spells a window has at most where so many are usual: some bays have half as many again."""
    per_day *= _UNLIKE
    found, chance = 0, exp(-per_day)
    covered = chance
    while covered < 1 - _CHANCE and found < 1000:
        found += 1
        chance *= per_day / found
        covered += chance
    return max(FEWEST - 1, found)


class ChatterSpan(NamedTuple):
    """Chatter in [began_at, ended_at); None: it lasts. At its beginning the window had so many `spells`; `most` are
    plausible."""

    began_at: datetime
    ended_at: datetime | None
    spells: int
    most: int


def chatter_spans(
    ends: Sequence[datetime],
    most_at: Callable[[datetime], int | None],
    turns: Iterable[datetime],
    start: datetime,
    until: datetime,
    *,
    before: ChatterSpan | None = None,
) -> list[ChatterSpan]:
    """When there was chatter from `start` on, as known at `until`; `before` is what was said of `start`.

    `ends` are those of short spells, in order, from a window before `start` on. `most_at` says how many a window has at
    most (None: nobody knows); it changes at `turns`.
    """
    found: list[ChatterSpan] = [] if before is None else [before._replace(ended_at=None)]
    if len(ends) < FEWEST and not found:
        return []
    events = {start, *ends, *(end + WINDOW for end in ends), *turns}
    for at in sorted(event for event in events if start <= event <= until):
        most = most_at(at)
        count = bisect_right(ends, at) - bisect_right(ends, at - WINDOW)
        if found and found[-1].ended_at is None:
            if most is None or count <= most // 2:
                found[-1] = found[-1]._replace(ended_at=at)
        elif most is not None and count > most:
            found.append(ChatterSpan(at, None, count, most))
    return found


def chatter(key: tuple[BayId, DeviceId], span: ChatterSpan) -> Suspicion:
    """The suspicion that says so."""
    return Suspicion(
        bay_id=key[0],
        device_id=key[1],
        kind=SuspicionKind.CHATTER,
        began_at=span.began_at,
        ended_at=span.ended_at,
        reason=f"{span.spells} spells of 1 to 10 min in the day up to {z(span.began_at)}; {span.most} are plausible",
        evidence={"short_spells": span.spells, "plausible": span.most},
    )


def span_of(suspicion: Suspicion) -> ChatterSpan:
    """What `chatter` made a suspicion of."""
    spells, most = (int(suspicion.evidence[name]) for name in ("short_spells", "plausible"))
    return ChatterSpan(suspicion.began_at, suspicion.ended_at, spells, most)


def turned(one: Held | BayInterval, then: Held | BayInterval) -> bool:
    """Whether a state was seen to turn into the next one. One that an outage cuts off, or reveals, has not."""
    return one.ended_at == then.started_at and State.UNKNOWN not in (one.state, then.state)


def is_short(one: Held | BayInterval, then: Held | BayInterval) -> bool:
    """Whether a state that turned into the next one had begun 1 to 10 minutes before."""
    return turned(one, then) and SHORTEST <= then.started_at - one.started_at <= LONGEST
