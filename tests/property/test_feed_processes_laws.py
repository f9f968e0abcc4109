"""A client that goes from process to process, each of which has read the store as far as it has: it is never told a gap
nor a version that goes back, and in the end knows what every process says.
"""

import json
from types import SimpleNamespace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from api.board import Board
from api.hub import Hub, Listener
from api.seats import Seats
from api.selection import Selection, View
from api.snapshot import Limits
from feed_client import FeedState, Subscription, WentBackError
from feed_client.messages import message_of
from tests.support.asyncapi import checked
from tests.support.board_world import NOON, FeedDouble
from tests.support.examples import of_profile

ZONES = 3
PROCESSES = CLIENTS = 2
SUBSCRIPTIONS = (
    Subscription(),
    Subscription(zones=("a-0", "a-1")),
    Subscription(zones=("a-1", "a-2")),
    Subscription(zones=("a-1", "a-2"), driver="ev"),
)


def selection_of(subscription: Subscription) -> Selection:
    zones = frozenset(subscription.zones) or None
    return Selection(zones=zones, view=View(subscription.driver))


class Store:
    """What was committed, step by step."""

    def __init__(self) -> None:
        self.feed = FeedDouble()
        self.feed.add_area("a", ZONES)
        self.steps: list[tuple[Any, Any]] = [(None, self._now())]

    def commit(self, free: dict[int, int], *, reset: bool) -> None:
        change = self.feed.change("a", {f"a-{n}": number for n, number in free.items()}, reset=reset)
        self.steps.append((change, self._now()))

    def _now(self) -> Any:
        return SimpleNamespace(
            areas=dict(self.feed.areas), zones=dict(self.feed.zones), registries={}, followed_s=0.0
        )


class Process:
    def __init__(self, store: Store) -> None:
        self.store, self.at, self.reads = store, 0, 0.0
        self.board = Board(Limits())
        self.board.load(store.steps[0][1], NOON)
        self.hub = Hub(self.board, Seats(100))

    def read(self) -> None:
        """One step on, or the answer that there is none."""
        if self.at + 1 == len(self.store.steps):
            self.reads += 1
            self.hub.settle(self.reads)
            return
        self.at += 1
        change, seen = self.store.steps[self.at]
        self.hub.publish(self.board.apply(change, seen, NOON), reset=change.reset)


class Client:
    def __init__(self) -> None:
        self.state = FeedState(SUBSCRIPTIONS[0])
        self.process: Process | None = None
        self.listener: Listener | None = None
        self.resumed_by: str | None = None
        self.names = 0

    def connect(self, process: Process) -> None:
        self.disconnect()
        self.process = process
        selection = selection_of(self.state.subscription)
        self.resumed_by = self.state.since
        self.listener = process.hub.join(selection, lambda: None, lambda: None, self.resumed_by)

    def disconnect(self) -> None:
        if self.process is not None and self.listener is not None:
            self.process.hub.leave(self.listener)
            self.process = self.listener = None
            self.state.disconnected()

    def turn(self, subscription: Subscription) -> None:
        if self.process is None or self.listener is None:
            self.state.turn(subscription, None)
            return
        self.names += 1
        self.state.turn(subscription, str(self.names))
        self.process.hub.turn(self.listener, selection_of(subscription), str(self.names))

    def read(self) -> bool:
        if self.process is None or self.listener is None:
            return False
        said = self.process.hub.take(self.listener)
        if said is None:
            return False
        checked(json.loads(said.text))
        try:
            self.state.apply(message_of(said.text))
        except WentBackError:
            # A server is only asked to be as far as we are when it is told how far that is.
            assert self.resumed_by is None
            self.disconnect()
            return False
        return True


class FeedMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.store = Store()
        self.processes = [Process(self.store) for _ in range(PROCESSES)]
        self.clients = [Client() for _ in range(CLIENTS)]
        for client in self.clients:
            client.connect(self.processes[0])

    @rule(
        free=st.dictionaries(st.integers(0, ZONES - 1), st.integers(0, 10), max_size=ZONES),
        reset=st.sampled_from([False] * 9 + [True]),
        read_by=st.sampled_from([*range(PROCESSES), None]),
    )
    def commit(self, free: dict[int, int], reset: bool, read_by: int | None) -> None:
        self.store.commit(free, reset=reset)
        if read_by is not None:
            self.processes[read_by].read()

    @rule(which=st.integers(0, PROCESSES - 1))
    def process_reads(self, which: int) -> None:
        self.processes[which].read()

    @rule(which=st.integers(0, PROCESSES - 1))
    def heartbeat(self, which: int) -> None:
        self.processes[which].hub.heartbeat()

    @rule(which=st.integers(0, CLIENTS - 1), where=st.integers(0, PROCESSES - 1))
    def client_connects(self, which: int, where: int) -> None:
        self.clients[which].connect(self.processes[where])

    @rule(which=st.integers(0, CLIENTS - 1))
    def client_disconnects(self, which: int) -> None:
        self.clients[which].disconnect()

    @rule(which=st.integers(0, CLIENTS - 1), subscription=st.sampled_from(SUBSCRIPTIONS))
    def client_turns(self, which: int, subscription: Subscription) -> None:
        self.clients[which].turn(subscription)

    @rule(which=st.integers(0, CLIENTS - 1))
    def client_reads(self, which: int) -> None:
        self.clients[which].read()

    @rule(which=st.integers(0, CLIENTS - 1), where=st.integers(0, PROCESSES - 1))
    def client_reads_all_and_goes_on_elsewhere(self, which: int, where: int) -> None:
        client = self.clients[which]
        while client.read():
            pass
        client.connect(self.processes[where])
        client.read()

    def teardown(self) -> None:
        if not hasattr(self, "clients"):
            return
        for process in self.processes:
            for _ in range(len(self.store.steps) + 3):
                process.read()
        for number, client in enumerate(self.clients):
            while client.read():
                pass
            if client.listener is None:
                client.connect(self.processes[number])
        for process in self.processes:
            process.hub.heartbeat()
        for client in self.clients:
            while client.read():
                pass
            selection = selection_of(client.state.subscription)
            for process in self.processes:
                truth = {zone.zone_id for zone in process.board.select(selection)}
                assert client.state.zones.keys() == truth
                assert client.state.version == process.board.token()
            told = [zone["free"] for _, zone in sorted(client.state.zones.items())]
            zones = sorted(self.store.feed.zones.items())
            assert told == [live.availability.counts.free for zone_id, live in zones if zone_id in truth]


FeedMachine.TestCase.settings = settings(max_examples=of_profile(60), stateful_step_count=40, deadline=None)
TestFeedOfSeveralProcesses = FeedMachine.TestCase
