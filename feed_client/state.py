"""What a client of the feed knows, message by message. No I/O."""

from __future__ import annotations

import re
from datetime import datetime

from feed_client.messages import Heartbeat, Message, Refused, Snapshot, Subscribed, Zone
from feed_client.subscription import Subscription

_PART = re.compile(r"(?P<area>[^:,~]+):(?P<generation>\d+)\.(?P<version>\d+)\.")


class GapError(Exception):
    """A delta does not follow what is known: nothing but a snapshot will do."""


class WentBackError(Exception):
    """A server knows less than the one before; it is not listened to."""


class FeedState:
    """The zones that were subscribed to, by id, as of `version`."""

    def __init__(self, subscription: Subscription) -> None:
        self.zones: dict[str, Zone] = {}
        self.version: str | None = None
        self.as_of: datetime | None = None
        self.stale = True
        self._whole = False
        """Whether `zones` is all of the subscription that holds, as of `version`."""
        self._holds = subscription
        self._asked: dict[str, Subscription] = {}
        """Changes of subscription that the server has not answered yet, by name, the newest last."""

    @property
    def subscription(self) -> Subscription:
        """What was asked for last."""
        return next(reversed(self._asked.values()), self._holds)

    @property
    def since(self) -> str | None:
        """The version to resume by; None: only a snapshot helps."""
        return self.version if self._whole and not self._asked else None

    def turn(self, subscription: Subscription, name: str | None) -> None:
        """Ask for something else: of the server by this name; None: with the next connection."""
        if name is None:
            self._holds, self._whole = subscription, False
        else:
            self._asked[name] = subscription

    def disconnected(self) -> None:
        """What was not answered will not be: it holds from the next connection on."""
        if self._asked:
            self.turn(self.subscription, None)
            self._asked.clear()

    def apply(self, message: Message) -> None:
        """Take in a message. Raises `GapError` and `WentBackError`, and knows what it knew before then."""
        if isinstance(message, Refused):
            self._asked.pop(message.id or "", None)
            return
        if isinstance(message, Subscribed):
            self._answered(message)
            return
        if self.version is not None and went_back(self.version, message.version):
            raise WentBackError(f"{message.version} comes after {self.version}")
        if isinstance(message, Snapshot):
            self.zones = {zone["id"]: zone for zone in message.zones}
        elif isinstance(message, Heartbeat):
            if self.version is None:
                raise GapError("a heartbeat comes before the snapshot")
        else:
            if message.prev != self.version:
                self._whole = False
                raise GapError(f"the delta follows {message.prev}, not {self.version}")
            self.zones.update((zone["id"], zone) for zone in message.zones)
        self.version, self.as_of, self.stale = message.version, message.as_of, message.stale
        if not isinstance(message, Heartbeat):
            self._whole = True

    def _answered(self, message: Subscribed) -> None:
        for zone_id in message.gone:
            self.zones.pop(zone_id, None)
        self._whole = False  # what is new comes next
        for name in list(self._asked) if message.id in self._asked else ():
            self._holds = self._asked.pop(name)  # those before it were overtaken
            if name == message.id:
                break


def went_back(before: str, after: str) -> bool:
    """Return whether a version is older than another one in any area that both speak of.

    A version is opaque but for this: its generation and its number only grow.
    """
    known = {match["area"]: _order(match) for match in _PART.finditer(before)}
    return any(
        _order(match) < known[match["area"]] for match in _PART.finditer(after) if match["area"] in known
    )


def _order(match: re.Match[str]) -> tuple[int, int]:
    return int(match["generation"]), int(match["version"])
