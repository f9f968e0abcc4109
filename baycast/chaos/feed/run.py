"""One run: a live area that moves, API processes that die under their listeners, quiet, and the audit."""

from __future__ import annotations

import json
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from baycast.chaos import city
from baycast.chaos.audited import Check, Result
from baycast.chaos.feed import issued
from baycast.chaos.feed.auditor import FAULTS, Verdict, judge
from baycast.chaos.feed.hand import Hand
from baycast.chaos.feed.heard import Record
from baycast.chaos.feed.listeners import Listeners
from baycast.chaos.feed.servers import Servers
from baycast.chaos.nemesis import Stuck
from baycast.chaos.run import own_folder
from baycast.chaos.stack import Child, eventually, utc_now
from baycast.embedded.postgres import EmbeddedPostgres
from baycast.processes import kill_child, start_child
from baycast.settings import child_environment, variable
from store.migrate import migrate
from store.postgres import connect
from store.registry import Change, apply

SENSORS = 200
PROCESSES = 2
_STREETS = SENSORS // city.BAYS_PER_STREET
_START_WITHIN_S = 90.0
_SAME_WITHIN_S = 60.0
_RESTART_EVERY = 4
"""After so many kills one process is asked to end, and does."""
_UNAWARE = 0.25
"""Share of the kills that do not wait until every listener has been told something since the last one."""
_BOTH = 0.2
"""Share of the moments at which all processes are killed."""
_LATER_MOST_S = 0.2
"""So late is the next kill at most: also while a server is resuming its listeners."""
_ANSWERS = 8
"""Times that the numbers are asked for in the end, on a new connection each: both processes, but for 1 in 128 runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is run."""

    kills: int
    listeners: int
    seed: int


def run(order: Order, say: Callable[[str], None], check: Check) -> Result:
    """Do it all: good is that every listener was told the truth, to the end.

    Raises `UsageError` when the database cannot be started.
    """
    began = time.monotonic()
    with own_folder() as folder, ExitStack() as ends:
        stage = _Stage(folder, order, ends)
        stuck: str | None = None
        equal = False
        attack = _Attack(order, stage, say, check)
        try:
            stage.wait_until_it_moves(check)
            attack.run()
            equal = _quiesce(stage, say, check)
        except Stuck as why:
            stuck = str(why)
        stage.hand.stop()
        stage.listeners.stop()
        verdict = judge(stage.listeners.records, issued.read(stage.database_url))
        figures = _figures(verdict, attack, stage, equal) | {"seconds": time.monotonic() - began}
    good = stuck is None and equal and not any(figures[name] for name in (*FAULTS, "exits"))
    return Result(figures=figures, findings=verdict.findings, stuck=stuck, good=good)


class _Stage:
    """Everything that runs; `ends` ends it, in whatever state it is."""

    def __init__(self, folder: Path, order: Order, ends: ExitStack) -> None:
        logs = folder / "logs"
        logs.mkdir()
        postgres = EmbeddedPostgres(folder / "postgres")
        ends.callback(postgres.stop)
        with (logs / "postgres.log").open("ab") as log:
            postgres.start(log)
        postgres.create_database()
        self.database_url = postgres.url()
        migrate(self.database_url)
        issued.record(self.database_url)
        with connect(self.database_url, role="baycast chaos") as conn:
            documents = [Change(kind, id, doc) for kind, id, doc in city.documents(SENSORS)]
            apply(conn, documents, entered_by="baycast chaos", entered_at=utc_now())
        ends.callback(kill_child, _engine(self.database_url, logs))
        self.hand = Hand(self.database_url, SENSORS, order.seed)
        ends.callback(self.hand.stop)
        self.servers = Servers(self.database_url, logs, PROCESSES)
        ends.callback(self.servers.close)
        self.listeners = Listeners(self.servers.port, order.listeners)
        ends.callback(self.listeners.stop)

    def wait_until_it_moves(self, check: Check) -> None:
        """The engine has spoken of every street, every process serves, every listener was told so."""
        self.hand.start()
        self.servers.start()
        if not eventually(lambda: issued.spoken_of(self.database_url) >= _STREETS, _START_WITHIN_S, check):
            raise Stuck(f"the engine did not speak of every street within {_START_WITHIN_S:.0f} s")
        self.wait_until_all_serve(check)
        self.listeners.start()
        self.wait_until_all_told(check)

    def wait_until_all_serve(self, check: Check) -> None:
        if not self.servers.all_serve(_START_WITHIN_S, check):
            raise Stuck(
                f"an API process did not serve within {_START_WITHIN_S:.0f} s: {self.servers.reason()}"
            )

    def wait_until_all_told(self, check: Check) -> None:
        if not eventually(lambda: all(one.told for one in self.listeners.records), _START_WITHIN_S, check):
            raise Stuck(f"a listener was told nothing for {_START_WITHIN_S:.0f} s")


class _Attack:
    """Kills by the seed's dice, while listeners are told of changes ten times a second."""

    def __init__(self, order: Order, stage: _Stage, say: Callable[[str], None], check: Check) -> None:
        self._order = order
        self._stage = stage
        self._say = say
        self._check = check
        self._dice = random.Random(order.seed)  # noqa: S311 - a reproducible choice, not a secret
        self.kills = 0
        self.restarts = 0

    def run(self) -> None:
        while self.kills < self._order.kills:
            self._stage.wait_until_all_serve(self._check)
            if self._dice.random() >= _UNAWARE:
                self._stage.wait_until_all_told(self._check)
            time.sleep(self._dice.uniform(0.0, _LATER_MOST_S))  # a moment that nothing else decides
            if self.kills >= _RESTART_EVERY * (self.restarts + 1):
                self._stage.servers.restart(self._dice.randrange(PROCESSES))
                self.restarts += 1
                continue
            victims = range(PROCESSES) if self._dice.random() < _BOTH else [self._dice.randrange(PROCESSES)]
            for which in list(victims)[: self._order.kills - self.kills]:
                self._stage.servers.kill(which)
                self.kills += 1
            self._say(f"{self.kills} of {self._order.kills} killed, {self.restarts} restarted in order")
        self._stage.wait_until_all_serve(self._check)
        self._stage.wait_until_all_told(self._check)


def _quiesce(stage: _Stage, say: Callable[[str], None], check: Check) -> bool:
    """No more readings, the engine at the head: whether each listener holds what every process then answers."""
    stage.hand.hush()
    if not eventually(lambda: issued.at_the_head(stage.database_url), _SAME_WITHIN_S, check):
        raise Stuck(f"the engine was not at the log's head within {_SAME_WITHIN_S:.0f} s")
    say("quiet: comparing")
    return eventually(lambda: _same(stage.servers.port, stage.listeners.records), _SAME_WITHIN_S, check)


def _same(port: int, records: list[Record]) -> bool:
    answers = [_availability(port) for _ in range(_ANSWERS)]
    truth = {zone["id"]: zone for zone in answers[0]["zones"]}
    return all(
        answer["version"] == answers[0]["version"] and answer["zones"] == answers[0]["zones"]
        for answer in answers
    ) and all(one.version == answers[0]["version"] and dict(one.zones) == truth for one in records)


def _availability(port: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}/v1/availability?area={city.AREA}"
    with urlopen(url, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _figures(verdict: Verdict, attack: _Attack, stage: _Stage, equal: bool) -> dict[str, float]:
    return {
        "kills": attack.kills,
        "restarts": attack.restarts,
        "listeners": len(stage.listeners.records),
        **verdict.figures,
        "states_equal": int(equal),
        "readings": stage.hand.readings,
        "exits": stage.servers.exits,
    }


def _engine(url: str, logs: Path) -> Child:
    changes = {variable("database_url"): url, variable("engine_metrics_port"): "0"}
    with (logs / "engine.log").open("ab") as log:
        return start_child(
            [sys.executable, "-m", "baycast", "engine"],
            output=log,
            death_signal=signal.SIGKILL,
            env=child_environment(changes),
        )
