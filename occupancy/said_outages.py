"""The outages of an area as they are said: as rows, and as the times at which sensors were cut off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from occupancy.clocks import z
from occupancy.device_fold import CutOff
from occupancy.model import Outage

_ALONE = timedelta(minutes=30)
"""A gateway that comes back so much later than the rest of the area was away for its own sake, too."""

Row = tuple[str, datetime]
"""What tells outages apart: the group, and when the outage began."""


class SaidOutages:
    """All that were found, however long ago, but for those of gateways within one of the area."""

    def __init__(self) -> None:
        self._rows: dict[Row, Outage] = {}
        self._cut_offs: dict[tuple[str, ...], tuple[CutOff, ...]] = {}
        """By groups, as far as anybody asked."""

    def load(self, rows: Iterable[Outage]) -> None:
        for row in sorted(rows, key=lambda row: row.began_at):
            self._rows[row.group, row.began_at] = row
        self._cut_offs.clear()

    def before(self, at: datetime, group: str) -> list[Outage]:
        """Those of a group that began before a time."""
        return [row for row in self._rows.values() if row.group == group and row.began_at < at]

    def say(
        self, found: Mapping[str, Iterable[Outage]], whole: str, remembered_from: datetime
    ) -> dict[Row, Outage | None]:
        """Take up what is found by group now, `whole` being the area's. Returns the rows that differ (None: there was
        none after all). What began before what is remembered was said then, or never."""
        areas = list(found.get(whole, ()))
        now = {
            (row.group, row.began_at): row
            for rows in found.values()
            for row in rows
            if row.group == whole or not any(_part_of(row, area) for area in areas)
        }
        changed: dict[Row, Outage | None] = {
            key: None for key in self._rows if key not in now and key[1] >= remembered_from
        }
        for key, row in now.items():
            if self._rows.get(key) != row and (key in self._rows or key[1] >= remembered_from):
                changed[key] = row
        for key, new in changed.items():
            self._rows.pop(key, None)
            if new is not None:
                self._rows[key] = new
        if changed:
            self._cut_offs.clear()
        return changed

    def cut_offs(self, groups: tuple[str, ...]) -> tuple[CutOff, ...]:
        """When the outages of some groups began, in order."""
        if groups not in self._cut_offs:
            found = [CutOff(at, _why(group, at)) for group, at in self._rows if group in groups]
            self._cut_offs[groups] = tuple(sorted(found))
        return self._cut_offs[groups]


def _why(group: str, began_at: datetime) -> str:
    kind, _, name = group.partition("/")
    return f"outage of {kind} {name} since {z(began_at)}, no word of this sensor since"


def _part_of(row: Outage, whole: Outage) -> bool:
    """Whether a gateway's outage is that of the area, as seen from there."""
    if row.noticed_at < whole.began_at or (whole.ended_at is not None and row.noticed_at >= whole.ended_at):
        return False
    if row.ended_at is None or whole.ended_at is None:
        return row.ended_at is whole.ended_at
    return row.ended_at <= whole.ended_at + _ALONE
