"""Outages: many sensors of one gateway, or of the whole area, that fall silent together are one outage.

Pure. What counts is in which slots each sensor was heard (`heard.py`). An outage is a stretch of slots without a word
from any sensor of the group in which at least `BROKEN` sensors, alive before it, broke their promise to speak: even
where one message in ten is lost, that many in a row go missing once in a million times. From its beginning until a
sensor's own next word, what it said before is no evidence: changes may have been missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from occupancy.device_fold import CutOff
from occupancy.heard import (
    SLOT,
    Heard,
    Promise,
    at_slot,
    first_remembered,
    lowest,
    remembered_from,
    slot_of,
)
from occupancy.model import AnyReading, Clock, DeviceId, Outage
from occupancy.registry import Registry
from occupancy.said_outages import Row, SaidOutages

__all__ = ["SLOT", "Outages", "remembered_from", "slot_of"]

BROKEN = 6
LEAST = 2
"""Slots that an outage lasts at least: shorter silences of small groups are too many to look at."""
_SLACK = 1.1
"""A promise is broken a tenth of a heartbeat after its time."""
_NEVER, _KNOWN = 2**62, 0
"""When a silence becomes an outage: not by itself, or it has."""

Span = tuple[datetime, datetime]


class Outages:
    """Who was heard when in one area, and the outages that follow."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._heard = Heard()
        self._now: int | None = None
        """The slot of the watermark; those before it are over."""
        self._found: dict[str, list[Outage]] = {}
        self._check_at: dict[str, tuple[int, int | None]] = {}
        """By group: the silence looked at, and the slot in which it becomes an outage (None: not worked out)."""
        self._again_from: dict[str, int] = {}
        """By group: the slot of a word that came late."""
        self._said = SaidOutages()
        self.registry_changed()

    def registry_changed(self) -> None:
        """Take up other groups and promises: what is remembered is judged anew by them."""
        groups: dict[str, list[DeviceId]] = {}
        promises: dict[DeviceId, Promise] = {}
        for device_id, sensor in self.registry.sensors.items():
            heartbeat = timedelta(seconds=sensor.expected_heartbeat_s * _SLACK)
            promises[device_id] = Promise(sensor.silent_after // SLOT, 2 + heartbeat // SLOT)
            groups.setdefault(self._whole(), []).append(device_id)
            if sensor.gateway is not None:
                groups.setdefault(_group_of(sensor.gateway), []).append(device_id)
        if not self._heard.group(groups, promises):
            return
        self._found = {group: rows for group, rows in self._found.items() if group in groups}
        self._again_from = dict.fromkeys(groups, self._heard.base or 0)

    def load(
        self,
        watermark: datetime | None,
        heard: Mapping[DeviceId, Iterable[int]],
        deaf: Iterable[Span],
        rows: Iterable[Outage],
    ) -> None:
        """Take up where an earlier process stopped. `heard` holds slots since 1970, from `remembered_from` on."""
        if watermark is None:
            return
        self._now = slot_of(watermark)
        self._heard.base = base = first_remembered(self._now)
        for device_id, slots in heard.items():
            for slot in slots:
                self._hear(device_id, slot)
        for span in deaf:
            self.pipeline_was_down(span)
        self._again_from.clear()
        self._said.load(rows)
        for group in self._heard.groups:
            older = self._said.before(at_slot(base), group)
            self._found[group] = [*older, *self._outages(group, base)]
            self._looked(group)

    @property
    def heard(self) -> Collection[DeviceId]:
        """Devices that were heard as far back as is remembered, also such as were no sensors then."""
        return self._heard.devices

    def hear(self, readings: Iterable[AnyReading], clock: Clock) -> None:
        """Also who is no sensor of the registry now: it may be again."""
        live = clock is Clock.LIVE
        for reading in readings:
            slot = slot_of(reading.received_at if live else reading.observed_at(clock))
            if self._heard.is_new(reading.device_id, slot):
                self._hear(reading.device_id, slot)

    def pipeline_was_down(self, span: Span) -> None:
        """Nothing could be heard from anybody: silence in these slots says nothing of the sensors."""
        first = self._heard.nobody(*(slot_of(at) for at in span))
        if first is None:
            return
        for group in self._heard.groups:
            self._again_from[group] = min(first, self._again_from.get(group, first))

    def advance(self, watermark: datetime) -> tuple[dict[Row, Outage | None], set[DeviceId]]:
        """The watermark moves on. Returns the outages that are new or changed (None: there was none after all), and the
        sensors that may have been cut off at another time by that."""
        now = slot_of(watermark)
        if now == self._now and not self._again_from:
            return {}, set()
        base = self._heard.begin(now)
        self._now = now
        for group in self._heard.groups:
            if group in self._again_from:
                self._judge_again(group, self._again_from[group])
            else:
                self._watch(group)
        self._again_from.clear()
        changed = self._said.say(self._found, self._whole(), at_slot(base))
        self._forget(now)
        return changed, {device_id for group, _ in changed for device_id in self._heard.groups.get(group, ())}

    def cut_offs_of(self, device_id: DeviceId) -> tuple[CutOff, ...]:
        """When the outages of a sensor's gateway and of its area began, in order."""
        sensor = self.registry.sensors.get(device_id)
        if sensor is None:
            return ()
        if sensor.gateway is None:
            return self._said.cut_offs((self._whole(),))
        return self._said.cut_offs((self._whole(), _group_of(sensor.gateway)))

    def _whole(self) -> str:
        return f"area/{self.registry.area_id}"

    def _hear(self, device_id: DeviceId, slot: int) -> None:
        for group, reached in self._heard.hear(device_id, slot):
            looked_at = self._check_at.get(group)
            if looked_at is None:
                continue
            known = looked_at[1] == _KNOWN
            if reached:
                self._check_at[group] = (looked_at[0], None)
            fills, after = reached and not reached & 1, reached >> 1
            if fills or after & (after + 1) or (known and slot < (self._now or 0)):
                # Late: heard in a silence that is judged already, or before one.
                self._again_from[group] = min(slot, self._again_from.get(group, slot))

    def _watch(self, group: str) -> None:
        """Judge the silences that have ended since the last look, and the one that lasts."""
        rows = self._found.setdefault(group, [])
        heard, base, now = self._heard.of(group), self._heard.base or 0, self._now or 0
        if not heard:
            return
        quiet_from, due = self._check_at.get(group, (base, None))
        newest = self._heard.newest(group)
        if quiet_from != newest:
            self._close(group)
            quiet_from = max(quiet_from, base)
            ended = quiet_from + lowest(heard >> (quiet_from - base))
            if due is not None and not 0 < due <= ended:
                quiet_from = ended + 1  # the silence that was looked at is known for an outage, or for none
            rows.extend(self._outages(group, quiet_from, newest))
            due = None
        if due is None and now >= newest + LEAST:
            promises = self._heard.broken_promises(group, newest, LEAST)
            due = promises[BROKEN - 1] if len(promises) >= BROKEN else _NEVER
        if due is not None and 0 < due <= now:
            outage = self._outage(group, newest, None, now)
            rows.extend([outage] if outage else [])
            due = _KNOWN
        self._check_at[group] = (newest, due)

    def _judge_again(self, group: str, from_slot: int) -> None:
        """Judge all silences that may be others because of a word in `from_slot`."""
        base = self._heard.base or 0
        self._found[group] = [
            row
            for row in self._found.get(group, ())
            if _ended_by(row, from_slot) or slot_of(row.began_at) < base
        ]
        self._close(group)
        ends = [slot_of(row.ended_at) for row in self._found[group] if row.ended_at is not None]
        self._found[group] += self._outages(group, max([base, *ends]))
        self._looked(group)

    def _looked(self, group: str) -> None:
        """All that was heard of a group up to now has been judged."""
        rows = self._found[group]
        newest = self._heard.newest(group)
        self._check_at[group] = (newest, _KNOWN if rows and rows[-1].ended_at is None else None)

    def _close(self, group: str) -> None:
        """The last outage of a group ends with the first word after it."""
        rows, heard, base = self._found[group], self._heard.of(group), self._heard.base or 0
        if rows and rows[-1].ended_at is None:
            began = max(0, slot_of(rows[-1].began_at) - base)
            if heard >> began:
                rows[-1] = replace(rows[-1], ended_at=at_slot(base + began + lowest(heard >> began)))

    def _outages(self, group: str, start: int, stop: int | None = None) -> list[Outage]:
        """The outages of a group in silences that begin in slots [start, stop); `stop` None: up to now."""
        heard, base, now = self._heard.of(group), self._heard.base or 0, self._now or 0
        found = []
        slot = max(0, start - 1 - base)
        while heard >> slot:
            slot += lowest(heard >> slot)
            slot += lowest(~(heard >> slot))  # the first silent slot
            if stop is not None and base + slot >= stop:
                break
            rest = heard >> slot
            end = base + slot + lowest(rest) if rest else None
            outage = self._outage(group, base + slot, end, now)
            if outage is not None:
                found.append(outage)
        return found

    def _outage(self, group: str, start: int, end: int | None, now: int) -> Outage | None:
        """The outage in the silence [start, end), if it is one; `end` None: it lasts up to `now`."""
        if end is not None and end - start < LEAST:
            return None
        promises = self._heard.broken_promises(group, start, LEAST)
        if len(promises) < BROKEN or promises[BROKEN - 1] > (now if end is None else end):
            return None
        return Outage(
            group=group,
            began_at=at_slot(start),
            ended_at=None if end is None else at_slot(end),
            noticed_at=at_slot(promises[BROKEN - 1]),
            sensors=len(self._heard.alive(group, start)),
        )

    def _forget(self, now: int) -> None:
        """Drop what is older than anything that may come; what was said of it stands."""
        base = first_remembered(now)
        if not self._heard.forget(base):
            return
        for group, rows in self._found.items():
            self._found[group] = [row for row in rows if not _ended_by(row, base)]


def _group_of(gateway: str) -> str:
    return f"gateway/{gateway}"


def _ended_by(row: Outage, slot: int) -> bool:
    return row.ended_at is not None and slot_of(row.ended_at) <= slot
