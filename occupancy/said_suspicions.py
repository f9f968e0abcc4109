"""The suspicions of an area as they are said: as rows, and as what holds of a sensor now or held during a stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from occupancy.limits import LOOKED_AT
from occupancy.model import BayId, DeviceId, Stay, Suspicion, SuspicionKind
from occupancy.page import Page

Key = tuple[BayId, DeviceId]


def suspect_during(stay: Stay, suspicions: Iterable[Suspicion]) -> bool:
    """Whether one of some suspicions is of the sensor of a stay, and of some of its time."""
    return any(
        (row.bay_id, row.device_id) == (stay.bay_id, stay.device_id)
        and (stay.departed_at is None or row.began_at < stay.departed_at)
        and (row.ended_at is None or row.ended_at > stay.arrived_at)
        for row in suspicions
    )


class SaidSuspicions:
    """Those that last or ended since what is remembered; and older ones until the page in hand is taken."""

    def __init__(self) -> None:
        self._rows: dict[Key, list[Suspicion]] = {}
        """In order of time."""
        self._settled: dict[Key, list[Suspicion]] = {}
        """Older than what is remembered since the last page: a long page has stays of that time, not yet judged."""

    def load(self, rows: Iterable[Suspicion]) -> None:
        """Take up what was written, in order of time."""
        for row in rows:
            self._rows.setdefault((row.bay_id, row.device_id), []).append(row)

    def __contains__(self, key: Key) -> bool:
        return key in self._rows

    def of(self, key: Key, kind: SuspicionKind) -> Iterator[Suspicion]:
        """Those of a sensor at a bay that are of one kind, in order of time."""
        return (row for row in self._rows.get(key, ()) if row.kind is kind)

    def lasting(self) -> list[Suspicion]:
        return [row for said in self._rows.values() for row in said if row.ended_at is None]

    def doubt(self, key: Key) -> Suspicion | None:
        """Why a sensor is not to be believed now; None: it is."""
        return next((row for row in self._rows.get(key, ()) if row.ended_at is None), None)

    def during(self, stay: Stay) -> bool:
        """Whether the sensor was suspect at some time of a stay."""
        key = (stay.bay_id, stay.device_id)
        return suspect_during(stay, [*self._settled.get(key, ()), *self._rows.get(key, ())])

    def say(
        self, key: Key, kind: SuspicionKind, cut: datetime, rows: Sequence[Suspicion], page: Page
    ) -> bool:
        """Suspicions of one kind that began at or after `cut` are these now. Whether they were others: then the stays
        that they bear upon are judged again."""
        said = self._rows.get(key, [])
        old = [row for row in said if row.kind is kind and row.began_at >= cut]
        if old == list(rows):
            return False
        page.suspicions.update({(*key, kind, row.began_at): None for row in old})
        page.suspicions.update({(*key, kind, row.began_at): row for row in rows})
        changed = [row.began_at for row in (*old, *rows) if row not in old or row not in rows]
        page.judge_again(key[0], min(changed) - LOOKED_AT)
        kept = [row for row in said if row.kind is not kind or row.began_at < cut]
        self._keep(key, sorted([*kept, *rows], key=lambda row: (row.began_at, row.kind)))
        return True

    def forget(self, settled: datetime) -> None:
        """Drop what ended before a time, once the page in hand is taken; nothing else is said of it."""
        for key, said in list(self._rows.items()):
            left = [row for row in said if row.ended_at is None or row.ended_at >= settled]
            if len(left) < len(said):
                self._settled.setdefault(key, []).extend(row for row in said if row not in left)
                self._keep(key, left)

    def page_taken(self) -> None:
        """All stays up to now are judged."""
        self._settled.clear()

    def _keep(self, key: Key, said: list[Suspicion]) -> None:
        if said:
            self._rows[key] = said
        else:
            self._rows.pop(key, None)
