"""Fan-out of changes to listeners, without sockets or clocks: who gets which message, and who has been too
slow.

Laws held here:
- Nobody waits for a slow reader (L8). A listener's queue is a set of zones, so it is never longer than
  the city, and what it has not taken is conflated: it gets the newest answer of each changed zone, once.
- Every message carries `version`; a delta's `prev` is the version of the message before it to the same
  listener, heartbeats included. A gap is therefore visible, and there is none.
- A message is rendered once for all listeners that have the same subscription and are up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from api.board import Board
from api.said import Said
from api.selection import Selection
from api.snapshot import encode
from occupancy.answers import instant
from occupancy.model import ZoneId

SLOW = 4008
"""Close code for a listener that did not read for too long."""


class HubFullError(Exception):
    """There are as many listeners as the setting allows."""


@dataclass(eq=False, slots=True)
class _Message:
    """A message for all listeners of a channel who are equally far. `said` is
    rendered for the first who takes it: rendering for every channel at once would hold up everybody.
    """

    zones: frozenset[ZoneId] = frozenset()
    prev: str | None = None
    said: Said | None = None


@dataclass(eq=False, slots=True)
class _Channel:
    """One subscription and its listeners. `version` is what every up-to-date listener was last told."""

    selection: Selection
    zone_ids: frozenset[ZoneId]
    version: str
    listeners: set[Listener] = field(default_factory=set)
    snapshot: tuple[datetime | None, Said] | None = None
    """The newest snapshot, with its `as_of`: whoever comes at the same moment gets the same text."""


@dataclass(eq=False, slots=True)
class Listener:
    """One reader. The shell waits for `wake`, then calls `take` and sends; `sending_since` is the shell's
    clock.
    """

    hub: Hub
    channel: _Channel
    wake: Callable[[], None]
    cut: Callable[[], None]
    """Ends the connection at once."""
    version: str = ""
    dirty: set[ZoneId] = field(default_factory=set)
    whole: bool = False
    """A snapshot is due instead of a delta."""
    ready: _Message | None = None
    """A message that says all that is due."""
    sending_since: float | None = None

    def take(self) -> Said | None:
        """Return the next message, None when there is nothing to say."""
        return self.hub.take(self)

    def leave(self) -> None:
        """Go; again is no error."""
        self.hub.leave(self)


class Hub:
    """Owns the listeners of one process."""

    def __init__(self, board: Board, *, listeners_max: int) -> None:
        self._board = board
        self._listeners_max = listeners_max
        self._channels: dict[Selection, _Channel] = {}
        self.listeners: set[Listener] = set()

    def join(
        self,
        selection: Selection,
        wake: Callable[[], None],
        cut: Callable[[], None],
        since: str | None = None,
    ) -> Listener:
        """Add a listener; its first message is ready to take at once. Raises `HubFullError`.

        With `since` it is the delta from that version where that can be told, else a snapshot.
        """
        if len(self.listeners) >= self._listeners_max:
            raise HubFullError
        channel = self._channels.get(selection)
        if channel is None:
            channel = _Channel(selection, self._zone_ids(selection), self._token(selection))
            self._channels[selection] = channel
        listener = Listener(self, channel, wake, cut)
        missed = None if since is None else self._board.changed_since(since, selection.areas)
        if since is None or missed is None:
            listener.whole = True
        else:
            # An empty delta answers too: it says that nothing was missed.
            listener.version = since
            listener.dirty = missed & channel.zone_ids
            if not listener.dirty:
                listener.ready = _Message(said=self._delta(listener))
        channel.listeners.add(listener)
        self.listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Remove a listener; again is no error."""
        self.listeners.discard(listener)
        channel = listener.channel
        channel.listeners.discard(listener)
        if not channel.listeners and self._channels.get(channel.selection) is channel:
            del self._channels[channel.selection]

    def publish(self, changed: Iterable[ZoneId], *, reset: bool) -> None:
        """Tell the listeners of zones that changed on the board; `reset` sends everybody a new snapshot."""
        zones = frozenset(changed)
        for channel in self._channels.values():
            if reset:
                self._reset(channel)
            elif touched := zones & channel.zone_ids:
                self._spread(channel, touched)

    def heartbeat(self) -> None:
        """Tell every up-to-date listener that it is up to date; the others have something better to read."""
        for channel in self._channels.values():
            version = self._token(channel.selection)
            beat = encode(
                {
                    "type": "heartbeat",
                    "version": version,
                    "as_of": instant(self._board.as_of(channel.selection.areas)),
                    "stale": self._board.stale(channel.selection.areas),
                }
            )
            current = [one for one in channel.listeners if not _due(one)]
            channel.version = version
            message = _Message(said=Said(beat, version))
            for listener in current:
                listener.ready = message
                listener.wake()

    def take(self, listener: Listener) -> Said | None:
        """Return the listener's next message, None when there is nothing to say."""
        if listener.whole:
            said = self._snapshot(listener.channel)
        elif listener.ready is not None:
            said = self._said(listener.ready, listener.channel)
        elif listener.dirty:
            said = self._delta(listener)
        else:
            return None
        listener.version = said.version
        listener.whole = False
        listener.ready = None
        listener.dirty = set()
        return said

    def overdue(self, now: float, limit_s: float) -> list[Listener]:
        """Return the listeners whose current message has not been accepted for longer than `limit_s`."""
        return [
            one
            for one in self.listeners
            if one.sending_since is not None and now - one.sending_since > limit_s
        ]

    # --- inside ---------------------------------------------------------------------------------------------

    def _spread(self, channel: _Channel, touched: frozenset[ZoneId]) -> None:
        before = channel.version
        shared = _Message(touched, before)
        channel.version = self._token(channel.selection)
        channel.snapshot = None
        for listener in channel.listeners:
            if listener.whole:
                continue
            if not _due(listener) and listener.version == before:
                listener.ready = shared
            else:
                listener.ready = None
            listener.dirty |= touched
            listener.wake()

    def _reset(self, channel: _Channel) -> None:
        channel.zone_ids = self._zone_ids(channel.selection)
        channel.version = self._token(channel.selection)
        channel.snapshot = None
        for listener in channel.listeners:
            listener.whole = True
            listener.ready = None
            listener.dirty = set()
            listener.wake()

    def _snapshot(self, channel: _Channel) -> Said:
        at = self._board.as_of(channel.selection.areas)
        kept = channel.snapshot
        if kept is None or kept[0] != at or kept[1].version != self._token(channel.selection):
            said = self._text("snapshot", channel.selection, channel.zone_ids)
            kept = channel.snapshot = (at, said)
        return kept[1]

    def _said(self, message: _Message, channel: _Channel) -> Said:
        if message.said is None:
            message.said = self._text("delta", channel.selection, message.zones, message.prev)
            # Where other subscriptions' zones have moved the version on meanwhile, it says the later one.
            channel.version = message.said.version
        return message.said

    def _delta(self, listener: Listener) -> Said:
        return self._text("delta", listener.channel.selection, listener.dirty, listener.version)

    def _text(
        self, kind: str, selection: Selection, zones: Iterable[ZoneId], prev: str | None = None
    ) -> Said:
        version = self._token(selection)
        head = encode(
            {
                "type": kind,
                "version": version,
                **({} if prev is None else {"prev": prev}),
                "as_of": instant(self._board.as_of(selection.areas)),
                "stale": self._board.stale(selection.areas),
            }
        )
        parts = b",".join(self._board.zone_bytes(zone_id, selection.view) for zone_id in sorted(zones))
        return Said(head[:-1] + b',"zones":[' + parts + b"]}", version)

    def _token(self, selection: Selection) -> str:
        return self._board.token(selection.areas)

    def _zone_ids(self, selection: Selection) -> frozenset[ZoneId]:
        return frozenset(zone.zone_id for zone in self._board.select(selection))


def _due(listener: Listener) -> bool:
    return listener.whole or listener.ready is not None or bool(listener.dirty)
