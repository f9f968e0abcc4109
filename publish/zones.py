"""Which zone documents are due. No I/O.

A zone is told when it changes, when its area stops or starts being fresh, and again before a third of its
expiry. While its area is not fresh its counts are withheld: what was free or occupied is unknown (L4).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from firmware_contract.topics import live_zone_topic
from occupancy.answers import zone_answer
from occupancy.drivers import withheld
from occupancy.model import AreaId, ZoneId
from publish.outbox import Message
from publish.view import Moment, View
from store.feed import ZoneLive


@dataclass(frozen=True, slots=True)
class _Told:
    live: ZoneLive
    generation: int
    fresh: bool
    at_s: float


class Zones:
    """Remembers what was last told of each zone."""

    def __init__(self, expiry_s: int) -> None:
        self._expiry_s = expiry_s
        self._told: dict[ZoneId, _Told] = {}
        self._again = False

    def forget(self) -> None:
        """Everything is due again: the broker may have lost it."""
        self._again = True

    def due(self, view: View, fresh: frozenset[AreaId], moment: Moment) -> list[Message]:
        """Return the documents to send now. Zones that left the registry, or their area, are cleared from the
        broker.
        """
        messages = [self._removed(zone_id, moment) for zone_id in self._gone(view)]
        for zone_id, live in view.zones.items():
            area = view.areas.get(live.zone.area_id)
            if area is None:
                continue
            told = self._told.get(zone_id)
            is_fresh = area.area.area_id in fresh
            if (
                told is not None
                and not self._again
                and told.live is live
                and told.generation == area.generation
                and told.fresh == is_fresh
                and moment.now_s - told.at_s < self._expiry_s / 4
            ):
                continue
            self._told[zone_id] = _Told(live, area.generation, is_fresh, moment.now_s)
            messages.append(self._message(live, area.generation, is_fresh, moment))
        self._again = False
        return messages

    def last_words(self, moment: Moment) -> list[Message]:
        """Return every zone with its counts withheld, for a publisher that stops."""
        return [self._message(told.live, told.generation, False, moment) for told in self._told.values()]

    def _message(self, live: ZoneLive, generation: int, fresh: bool, moment: Moment) -> Message:
        availability = live.availability if fresh else withheld(live.availability)
        document = {**zone_answer(live.zone, availability), "version": f"{generation}.{live.version}"}
        payload = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        return Message(
            topic=live_zone_topic(live.zone.area_id, live.zone.zone_id),
            payload=payload,
            kind="zone",
            made_s=moment.now_s,
            life_s=self._expiry_s,
        )

    def _gone(self, view: View) -> list[ZoneId]:
        return [
            zone_id
            for zone_id, told in self._told.items()
            if (now := view.zones.get(zone_id)) is None or now.zone.area_id != told.live.zone.area_id
        ]

    def _removed(self, zone_id: ZoneId, moment: Moment) -> Message:
        zone = self._told.pop(zone_id).live.zone
        return Message(
            topic=live_zone_topic(zone.area_id, zone.zone_id),
            payload=b"",
            kind="zone",
            made_s=moment.now_s,
            life_s=self._expiry_s,
        )
