"""Fan-out of changes to listeners, without sockets or clocks: who gets which message, and who has been too
slow.

Laws held here:
- Nobody waits for a slow reader (L8). A listener's queue is a set of zones, so it is never longer than
  the city, and what it has not taken is conflated: it gets the newest answer of each changed zone, once.
- Every message carries `version`; a delta's `prev` is the version of the message before it to the same
  listener, heartbeats included. A gap is therefore visible, and there is none.
- No version goes backwards: who comes from a process that has read further is held until we have, too.
- A message is rendered once for all listeners that have the same subscription and are up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from api.board import Board
from api.listener import Channel, Held, Listener, Message, Turned, Why
from api.said import Said
from api.seats import Seats
from api.selection import Selection
from api.telling import Teller
from occupancy.model import ZoneId

__all__ = ["SLOW", "Hub", "Listener"]
SLOW = 4008
"""Close code for a listener that did not read for too long."""
_READS = 2
"""The store's answers after which what it says now is known: the first may have been on its way already."""


class Hub:
    """Owns the listeners of one process."""

    def __init__(self, board: Board, seats: Seats) -> None:
        self._board = board
        self._teller = Teller(board)
        self._seats = seats
        self._channels: dict[Selection, Channel] = {}
        self._held: set[Listener] = set()
        self.listeners: set[Listener] = set()

    def join(
        self,
        selection: Selection,
        wake: Callable[[], None],
        cut: Callable[[], None],
        since: str | None = None,
        address: str | None = None,
    ) -> Listener:
        """Add a listener; its first message is ready to take at once. Raises `FullError`.

        With `since` it is the delta from that version where that can be told, else a snapshot.
        """
        self._seats.take(address)
        listener = Listener(self, self._channel(selection), wake, cut, address)
        if since is None:
            listener.whole = Why.FIRST
        elif self._board.is_behind(since, selection.areas):
            listener.held = Held(since, float("-inf"))
            self._held.add(listener)
        else:
            self._resume(listener, since)
        listener.channel.listeners.add(listener)
        self.listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Remove a listener; again is no error."""
        if listener not in self.listeners:
            return
        self.listeners.remove(listener)
        self._held.discard(listener)
        self._quit(listener)
        self._seats.give_back(listener.address)

    def turn(self, listener: Listener, selection: Selection, name: str | None = None) -> None:
        """Let a listener listen to something else. `subscribed` is its next message, then what it lacks of it.

        One that was not answered yet is overtaken: only the newest is answered.
        """
        before, channel = listener.channel, self._channel(selection)
        known = before.zone_ids if listener.turned is None else before.zone_ids | listener.turned.gone
        if channel is not before:
            self._quit(listener)
            listener.channel = channel
            channel.listeners.add(listener)
        listener.turned = Turned(name, known - channel.zone_ids)
        if selection.view != before.selection.view or listener.held is not None:
            listener.need_all(Why.SUBSCRIBED)
        elif listener.whole is None:
            listener.lag(channel.zone_ids - before.zone_ids)
            listener.dirty &= channel.zone_ids
            listener.ready = None if listener.dirty else Message(said=self._delta(listener))
        listener.wake()

    def publish(self, changed: Iterable[ZoneId], *, reset: bool) -> None:
        """Tell the listeners of zones that changed on the board, or whose stays did with the minute; `reset` sends
        everybody a new snapshot.
        """
        zones = frozenset(changed)
        for channel in self._channels.values():
            if reset:
                self._reset(channel)
            elif touched := (zones | self._other_stays(channel)) & channel.zone_ids:
                self._spread(channel, touched)
        for listener in list(self._held):
            self._let_go(listener)

    def settle(self, read_at: float) -> None:
        """Let go of listeners that waited for what the store does not have. `read_at`: when it answered last."""
        for listener in list(self._held):
            held = listener.held
            if held is not None and read_at > held.read_at:
                held.read_at = read_at
                held.reads += 1  # the first is the one before the listener came
                self._let_go(listener)

    def heartbeat(self) -> None:
        """Tell every up-to-date listener that it is up to date; the others have something better to read."""
        for channel in self._channels.values():
            message = Message(said=self._teller.heartbeat(channel.selection))
            current = [one for one in channel.listeners if not one.due]
            channel.version = self._token(channel.selection)
            for listener in current:
                listener.ready = message
                listener.wake()

    def take(self, listener: Listener) -> Said | None:
        """Return the listener's next message, None when there is nothing to say."""
        if listener.held is not None:
            return None
        if listener.turned is not None:
            turned, listener.turned = listener.turned, None
            return self._teller.subscribed(turned, listener.version)
        if listener.whole is not None:
            said = self._snapshot(listener.channel, listener.whole)
        elif listener.ready is not None:
            said = self._said(listener.ready, listener.channel)
        elif listener.dirty:
            said = self._delta(listener)
        else:
            return None
        listener.version = said.version
        listener.whole = None
        listener.ready = None
        if listener.dirty:
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

    def _channel(self, selection: Selection) -> Channel:
        channel = self._channels.get(selection)
        if channel is None:
            token = self._token(selection)
            channel = self._channels[selection] = Channel(selection, self._zone_ids(selection), token)
        return channel

    def _quit(self, listener: Listener) -> None:
        channel = listener.channel
        channel.listeners.discard(listener)
        if not channel.listeners and self._channels.get(channel.selection) is channel:
            del self._channels[channel.selection]

    def _resume(self, listener: Listener, since: str) -> None:
        channel = listener.channel
        missed = self._board.changed_since(since, channel.selection.areas, channel.selection.view)
        if missed is None:
            listener.need_all(Why.TOO_OLD)
        else:
            # An empty delta answers too: it says that nothing was missed.
            listener.version = since
            listener.dirty = missed & channel.zone_ids
            if not listener.dirty:
                listener.ready = Message(said=self._delta(listener))

    def _let_go(self, listener: Listener) -> None:
        held = listener.held
        behind = held is not None and self._board.is_behind(held.since, listener.channel.selection.areas)
        if held is None or (behind and held.reads <= _READS):
            return
        listener.held = None
        self._held.discard(listener)
        if listener.whole is None:
            self._resume(listener, held.since)
        listener.wake()

    def _other_stays(self, channel: Channel) -> set[ZoneId]:
        """Return the zones of which other bays may be used for a whole stay since the channel was told."""
        selection = channel.selection
        if selection.view.stay_min is None:
            return set()
        return self._board.changed_since(channel.version, selection.areas, selection.view) or set()

    def _spread(self, channel: Channel, touched: frozenset[ZoneId]) -> None:
        before = channel.version
        shared = Message(touched, before)
        channel.version = self._token(channel.selection)
        channel.snapshots.clear()
        for listener in channel.listeners:
            if listener.whole is not None or listener.held is not None:
                continue
            if not listener.due and listener.version == before:
                listener.ready = shared
            else:
                listener.lag(touched)
            listener.wake()

    def _reset(self, channel: Channel) -> None:
        channel.zone_ids = self._zone_ids(channel.selection)
        channel.version = self._token(channel.selection)
        channel.snapshots.clear()
        for listener in channel.listeners:
            if listener.held is None:
                listener.need_all(Why.REPLACED)
                listener.wake()

    def _snapshot(self, channel: Channel, why: Why) -> Said:
        at = self._board.as_of(channel.selection.areas)
        kept = channel.snapshots.get(why)
        if kept is None or kept[0] != at or kept[1].version != self._token(channel.selection):
            said = self._teller.snapshot(channel.selection, channel.zone_ids, why)
            kept = channel.snapshots[why] = (at, said)
        return kept[1]

    def _said(self, message: Message, channel: Channel) -> Said:
        if message.said is None:
            message.said = self._teller.delta(channel.selection, message.zones, message.prev)
            # Where other subscriptions' zones have moved the version on meanwhile, it says the later one.
            channel.version = message.said.version
        return message.said

    def _delta(self, listener: Listener) -> Said:
        return self._teller.delta(listener.channel.selection, listener.dirty, listener.version)

    def _token(self, selection: Selection) -> str:
        return self._board.token(selection.areas, selection.view)

    def _zone_ids(self, selection: Selection) -> frozenset[ZoneId]:
        return frozenset(zone.zone_id for zone in self._board.select(selection))
