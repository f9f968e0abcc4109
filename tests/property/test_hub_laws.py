"""A client of the hub, whatever happens to it, always knows exactly what the board says."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from api.board import Board
from api.hub import Hub, Listener
from api.seats import Seats
from api.selection import Selection, View
from api.snapshot import Limits
from tests.support.board_world import NOON, FeedDouble
from tests.support.examples import of_profile

ZONES = 4
SELECTIONS = (
    Selection(),
    Selection(areas=frozenset({"a"})),
    Selection(zones=frozenset({"a-0", "b-1"})),
    Selection(zones=frozenset({"a-0", "a-1"}), view=View("ev")),
)
CLIENTS = 6


class Client:
    """Thirty lines that any app would have: apply messages, insist on the chain, resume."""

    def __init__(self, hub: Hub, selection: Selection) -> None:
        self.hub, self.selection = hub, selection
        self.zones: dict[str, Any] = {}
        self.version: str | None = None
        """What it may resume by."""
        self.heard: str | None = None
        """The version of the last message on this connection."""
        self.awaited = False
        self.listener: Listener | None = None
        self.connect()

    def connect(self) -> None:
        self.listener = self.hub.join(self.selection, lambda: None, lambda: None, self.version)

    def turn(self, selection: Selection) -> None:
        if self.listener is None:
            return
        self.hub.turn(self.listener, selection)
        # Until it is answered, nobody can resume by what they know.
        self.selection, self.version, self.awaited = selection, None, True

    def disconnect(self) -> None:
        if self.listener is not None:
            self.hub.leave(self.listener)
            self.listener, self.awaited, self.heard = None, False, None

    def read(self) -> bool:
        said = None if self.listener is None else self.hub.take(self.listener)
        if said is None:
            return False
        message = json.loads(said.text)
        if message["type"] == "subscribed":
            assert self.awaited
            for zone_id in message["gone"]:
                self.zones.pop(zone_id, None)
            self.awaited = False
            return True
        assert not self.awaited, "something came before the answer"
        if message["type"] == "snapshot":
            assert message["reset"] == (message["reason"] != "first")
            self.zones = {}
        elif message["type"] == "delta":
            assert message["prev"] == (self.heard or self.version), "a gap"
        for zone in message.get("zones", ()):
            self.zones[zone["id"]] = zone
        self.version = self.heard = message["version"]
        return True


class HubMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.feed = FeedDouble()
        self.feed.add_area("a", ZONES)
        self.feed.add_area("b", ZONES)
        self.board = Board(Limits())
        self.board.load(self.feed, NOON)
        self.hub = Hub(self.board, Seats(100))
        self.clients = [Client(self.hub, selection) for selection in SELECTIONS[:3] for _ in range(2)]

    @rule(
        area=st.sampled_from("ab"),
        free=st.dictionaries(st.integers(0, ZONES - 1), st.integers(0, 10), max_size=ZONES),
        reset=st.sampled_from([False] * 9 + [True]),
    )
    def change(self, area: str, free: dict[int, int], reset: bool) -> None:
        change = self.feed.change(area, {f"{area}-{n}": number for n, number in free.items()}, reset=reset)
        self.hub.publish(self.board.apply(change, self.feed, NOON), reset=reset)

    @rule()
    def change_both_areas_in_one_poll(self) -> None:
        # The feed applies all areas before it yields the first change.
        changes = [self.feed.change("a", {"a-0": 3}), self.feed.change("b", {"b-1": 4})]
        for change in changes:
            self.hub.publish(self.board.apply(change, self.feed, NOON), reset=change.reset)
            for client in self.clients[::2]:
                client.read()

    @rule()
    def heartbeat(self) -> None:
        self.hub.heartbeat()

    @rule(which=st.integers(0, CLIENTS - 1))
    def read(self, which: int) -> None:
        self.clients[which].read()

    @rule(which=st.integers(0, CLIENTS - 1), selection=st.sampled_from(SELECTIONS))
    def listen_to_something_else(self, which: int, selection: Selection) -> None:
        self.clients[which].turn(selection)

    @rule(which=st.integers(0, CLIENTS - 1))
    def disconnect(self, which: int) -> None:
        self.clients[which].disconnect()

    @rule(which=st.integers(0, CLIENTS - 1))
    def reconnect(self, which: int) -> None:
        if self.clients[which].listener is None:
            self.clients[which].connect()

    @invariant()
    def every_client_that_reads_on_knows_what_the_board_says(self) -> None:
        if not hasattr(self, "clients"):
            return
        for client in self.clients[1::2]:
            if client.listener is None:
                continue
            while client.read():
                pass
            truth = json.loads(self.board.snapshot(client.selection))
            assert client.zones == {zone["id"]: zone for zone in truth["zones"]}

    def teardown(self) -> None:
        if not hasattr(self, "clients"):
            return
        for client in self.clients:
            if client.listener is None:
                client.connect()
            while client.read():
                pass
            truth = json.loads(self.board.snapshot(client.selection))
            assert client.zones == {zone["id"]: zone for zone in truth["zones"]}
            client.disconnect()
        assert self.hub.listeners == set()


HubMachine.TestCase.settings = settings(max_examples=of_profile(60), stateful_step_count=40, deadline=None)
TestHubLaws = HubMachine.TestCase
