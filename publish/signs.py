"""Which frames are due, and what is kept of them. No I/O.

A sign is told when what it shows changes, and again before a third of its ttl. The sequence strictly grows,
across restarts too: it is the wall clock in milliseconds, or one more than the highest ever used where that
is further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from firmware_contract.topics import sign_frame_topic
from occupancy.model import Area, AreaId, Controller, Sign, SignId
from publish.outbox import Message
from publish.view import Moment, View
from signs.document import encode
from signs.dwelling import Standing
from signs.frame import Frame, blank
from signs.making import Instant, Memory, manual_frame, next_frame
from store.frames import Operated, Recorded, Sent

KEEP_EVERY_S = 3600.0
"""A sign that shows the same for days still leaves a frame in the record this often."""


@dataclass(frozen=True, slots=True)
class Due:
    """A frame to send now. `kept` says that its record stays; that of a re-send gives way to the next one."""

    frame: Frame
    sign: Sign
    kept: bool = True
    replaces: int | None = None

    @property
    def sent(self) -> Sent:
        """The frame for the record."""
        return Sent(self.frame, self.replaces)


@dataclass(frozen=True, slots=True)
class _Told:
    due: Due
    at_s: float
    kept_at_s: float


class Signs:
    """Remembers what each sign was last told. `due` proposes, `told` takes note; recording is in between.

    Which word stands is noted when it is proposed: one that could not be recorded blanks the sign, and stood as any
    other that went dark.
    """

    def __init__(self) -> None:
        self._told: dict[SignId, _Told] = {}
        self._highest: dict[SignId, int] = {}
        self._seeded: set[SignId] = set()
        self._again = False
        self._modes: Mapping[SignId, Operated] = {}
        self._memory: dict[SignId, tuple[Sign | None, Memory]] = {}
        """What stands on each sign, and the document it was said by."""

    def unseeded(self, view: View) -> list[SignId]:
        """Return the signs whose highest recorded sequence has to be looked up."""
        return [
            sign_id
            for registry in view.registries.values()
            for sign_id in registry.signs
            if sign_id not in self._seeded
        ]

    def seed(self, found: Mapping[SignId, Recorded], asked: Iterable[SignId], now_s: float) -> None:
        """Take note of what the record knows of the signs asked about.

        So a restart is no change of words. The record has one word for a sign, so one that speaks of its zones
        one by one begins anew.
        """
        for sign_id, recorded in found.items():
            self._highest[sign_id] = max(recorded.sequence, self._highest.get(sign_id, -1))
            if recorded.said is not None:
                since_s = now_s - recorded.age_s
                self._memory.setdefault(sign_id, (None, {None: Standing(recorded.said, since_s)}))
        self._seeded.update(asked)

    def operate(self, modes: Mapping[SignId, Operated]) -> None:
        """Take note of what operators have set for now; every other sign is on auto."""
        self._modes = modes

    def unseed(self) -> None:
        """The record may hold more than we know: another publisher may have written meanwhile."""
        self._seeded.clear()

    def forget(self) -> None:
        """Every sign is due again: the broker may have lost its frame."""
        self._again = True

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next re-send, infinite without signs."""
        ends = (told.at_s + resend_after_s(told.due.sign) for told in self._told.values())
        return max(0.0, min(ends, default=float("inf")) - now_s)

    def due(self, view: View, fresh: frozenset[AreaId], moment: Moment) -> list[Due]:
        """Return the frames to record and send now; a sign that is no longer ours to drive is blanked once."""
        found: list[Due] = []
        known: set[SignId] = set()
        for area_id, registry in view.registries.items():
            live = view.areas.get(area_id)
            if live is None:
                continue
            for sign in registry.signs.values():
                if sign.controller is Controller.UTMC:
                    continue
                known.add(sign.sign_id)
                due = self._due(sign, self._made(view, sign, live.area, area_id in fresh, moment), moment)
                if due is not None:
                    found.append(due)
        gone = [told.due for sign_id, told in self._told.items() if sign_id not in known]
        found += [self._blank(due.sign, moment) for due in gone if due.frame.pages]
        for due in gone:
            if not due.frame.pages:
                del self._told[due.sign.sign_id]
                self._memory.pop(due.sign.sign_id, None)
        return found

    def last_words(self, moment: Moment) -> list[Due]:
        """Return a blank frame for every sign that shows something, to be followed by silence."""
        return [self._blank(told.due.sign, moment) for told in self._told.values() if told.due.frame.pages]

    def told(self, found: list[Due], moment: Moment) -> list[Message]:
        """Take note that these frames are on their way, and return them as messages."""
        messages: list[Message] = []
        for due in found:
            before = self._told.get(due.sign.sign_id)
            kept_at_s = moment.now_s if due.kept or before is None else before.kept_at_s
            self._highest[due.sign.sign_id] = due.frame.sequence
            self._told[due.sign.sign_id] = _Told(due, moment.now_s, kept_at_s)
            messages.append(
                Message(
                    topic=sign_frame_topic(due.sign.sign_id),
                    payload=encode(due.frame),
                    kind="frame",
                    made_s=moment.now_s,
                    life_s=due.frame.ttl_s,
                )
            )
        self._again = False
        return messages

    def frames(self) -> dict[SignId, Frame]:
        """Return the newest frame of every sign."""
        return {sign_id: told.due.frame for sign_id, told in self._told.items()}

    def _made(self, view: View, sign: Sign, area: Area, fresh: bool, moment: Moment) -> Frame:
        operated = self._modes.get(sign.sign_id)
        sequence = self._sequence(sign.sign_id, moment)
        if operated is not None:
            legend_id = operated.legend_id
            legend = None if legend_id is None else view.registries[area.area_id].legends.get(legend_id)
            return manual_frame(sign, area, operated.mode, legend, now=moment.now, sequence=sequence)
        zones = [
            live
            for zone_id in sign.zone_ids
            if (live := view.zones.get(zone_id)) is not None and live.zone.area_id == sign.area_id
        ]
        generation = view.areas[area.area_id].generation
        said_by, memory = self._memory.get(sign.sign_id, (None, {}))
        memory, made = next_frame(
            sign,
            area,
            [live.availability for live in zones],
            # A document that was changed is obeyed at once.
            memory if said_by in (None, sign) else {},
            Instant(now=moment.now, now_s=moment.now_s),
            sequence=sequence,
            fresh=fresh,
            versions={live.zone.zone_id: f"{generation}.{live.version}" for live in zones},
        )
        self._memory[sign.sign_id] = (sign, memory)
        return made

    def _due(self, sign: Sign, made: Frame, moment: Moment) -> Due | None:
        told = self._told.get(sign.sign_id)
        if told is None or told.due.frame.content != made.content or told.due.sign != sign:
            return Due(made, sign)
        if not self._again and moment.now_s - told.at_s < resend_after_s(sign):
            return None
        if moment.now_s - told.kept_at_s >= KEEP_EVERY_S:
            return Due(made, sign)
        return Due(made, sign, kept=False, replaces=None if told.due.kept else told.due.frame.sequence)

    def _blank(self, sign: Sign, moment: Moment) -> Due:
        return Due(blank(sign, now=moment.now, sequence=self._sequence(sign.sign_id, moment)), sign)

    def _sequence(self, sign_id: SignId, moment: Moment) -> int:
        return max(self._highest.get(sign_id, -1) + 1, int(moment.now.timestamp() * 1000))


def resend_after_s(sign: Sign) -> float:
    """Return the seconds after which an unchanged frame is sent again: before a third of the ttl."""
    return sign.ttl_s / 4
