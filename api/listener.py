"""Who listens to the live feed, and what each is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from api.said import Said
from api.selection import Selection
from occupancy.model import ZoneId


class Why(StrEnum):
    """Why a listener gets a snapshot. All but the first take back what it was told before."""

    FIRST = "first"
    """It asked without a version."""
    TOO_OLD = "too_old"
    """What changed since its version cannot be told: it is from before a rebuild, or of no store that we know."""
    REPLACED = "replaced"
    """The store was rebuilt, or the registry changed."""
    SUBSCRIBED = "subscribed"
    """It asked for another driver or stay: every number may differ."""


@dataclass(eq=False, slots=True)
class Message:
    """A message for all listeners of a channel who are equally far. `said` is rendered for the first who takes it:
    rendering for every channel at once would hold up everybody.
    """

    zones: frozenset[ZoneId] = frozenset()
    prev: str | None = None
    said: Said | None = None


@dataclass(eq=False, slots=True)
class Channel:
    """One subscription and its listeners. `version` is what every up-to-date listener was last told."""

    selection: Selection
    zone_ids: frozenset[ZoneId]
    version: str
    listeners: set[Listener] = field(default_factory=set)
    snapshots: dict[Why, tuple[datetime | None, Said]] = field(default_factory=dict)
    """The newest, with their `as_of`: whoever comes at the same moment gets the same text."""


@dataclass(frozen=True, slots=True)
class Turned:
    """A change of subscription that has not been answered yet."""

    name: str | None
    """What the listener calls it."""
    gone: frozenset[ZoneId]
    """Zones that it will hear of no more."""


@dataclass(slots=True)
class Held:
    """A listener that has seen more than this process: it waits until we have read as far, or know that there is no
    more to read. `read_at` is when the store answered last, `reads` how often since the listener came.
    """

    since: str
    read_at: float
    reads: int = 0


class Owner(Protocol):
    """Whose listener it is."""

    def take(self, listener: Listener) -> Said | None: ...
    def leave(self, listener: Listener) -> None: ...


@dataclass(eq=False, slots=True)
class Listener:
    """One reader. The shell waits for `wake`, then calls `take` and sends; `sending_since` is the shell's clock."""

    hub: Owner
    channel: Channel
    wake: Callable[[], None]
    cut: Callable[[], None]
    """Ends the connection at once."""
    address: str | None = None
    version: str = ""
    dirty: set[ZoneId] = field(default_factory=set)
    """Zones that changed since its version, besides those of `ready`."""
    whole: Why | None = None
    """A snapshot is due instead of a delta."""
    ready: Message | None = None
    """A message that says all that is due."""
    turned: Turned | None = None
    held: Held | None = None
    sending_since: float | None = None

    @property
    def due(self) -> bool:
        """Whether a version is due, now or once the listener is not held any more."""
        return self.ready is not None or self.whole is not None or self.held is not None or bool(self.dirty)

    def take(self) -> Said | None:
        """Return the next message, None when there is nothing to say."""
        return self.hub.take(self)

    def leave(self) -> None:
        """Go; again is no error."""
        self.hub.leave(self)

    def lag(self, touched: frozenset[ZoneId]) -> None:
        """More changed before it took what was ready: it gets a message of its own."""
        self.dirty |= touched if self.ready is None else self.ready.zones | touched
        self.ready = None

    def need_all(self, why: Why) -> None:
        """Nothing of what is due matters any more: the next version is a snapshot."""
        self.whole = self.whole or why
        self.ready = None
        self.dirty = set()
