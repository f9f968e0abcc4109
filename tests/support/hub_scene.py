"""A hub over a board of one small area, and what its listeners take."""

import json
from dataclasses import dataclass, field
from typing import Any

from api.board import Board
from api.hub import Hub, Listener
from api.seats import Seats
from api.selection import Selection
from api.snapshot import Limits
from tests.support.asyncapi import checked
from tests.support.board_world import NOON, FeedDouble


@dataclass
class Scene:
    """Three streets of ten bays in Cardiff."""

    feed: FeedDouble = field(default_factory=FeedDouble)
    board: Board = field(default_factory=lambda: Board(Limits()))

    def __post_init__(self) -> None:
        self.feed.add_area("cardiff", 3)
        self.board.load(self.feed, NOON)
        self.hub = Hub(self.board, Seats(10))

    def change(self, free: dict[str, int], *, area: str = "cardiff", reset: bool = False) -> None:
        change = self.feed.change(area, free, reset=reset)
        self.hub.publish(self.board.apply(change, self.feed, NOON), reset=reset)

    def join(self, selection: Selection | None = None, since: str | None = None) -> Listener:
        return self.hub.join(selection or Selection(), lambda: None, lambda: None, since)

    def take(self, listener: Listener) -> dict[str, Any] | None:
        said = self.hub.take(listener)
        return None if said is None else checked(json.loads(said.text))

    def taken(self, listener: Listener) -> dict[str, Any]:
        message = self.take(listener)
        assert message is not None
        return message
