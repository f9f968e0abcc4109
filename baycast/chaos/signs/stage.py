"""Everything that runs between the bays and the signs, and how each link of it is cut and mended.

Call it from the main thread only: the kernel ends the children when the thread that started them ends.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from baycast.chaos.proxy import FaultProxy, Toxics
from baycast.chaos.signs import issued, town
from baycast.chaos.signs.plan import Cut, How, Link, Post
from baycast.chaos.signs.publish_process import STALE_VARIABLE
from baycast.chaos.signs.sensors import Sensors
from baycast.chaos.stack import Child, socket_of, utc_now
from baycast.embedded.mosquitto import EmbeddedMosquitto
from baycast.embedded.outside_postgres import through
from baycast.embedded.postgres import EmbeddedPostgres
from baycast.processes import kill_child, start_child
from baycast.reachability import free_port
from baycast.settings import child_environment, variable
from store.migrate import migrate
from store.postgres import connect
from store.registry import Change, apply

_ROLES: Mapping[Link, tuple[str, ...]] = {
    Link.INGEST: ("baycast", "ingest"),
    Link.ENGINE: ("baycast", "engine"),
    Link.PUBLISH: ("baycast.chaos.signs.publish_process",),
    Link.API: ("baycast", "api", "--workers", "1"),
}
_NOTES = "notes.jsonl"


class Stage:
    """`ends` ends it, in whatever state it is. Raises `UsageError` when the servers cannot be started."""

    def __init__(
        self,
        folder: Path,
        posts: Sequence[Post],
        *,
        seed: int,
        stale_after_s: float,
        packages: Path,
        ends: ExitStack,
    ) -> None:
        self._folder = folder
        self._ends = ends
        self._posts = [*posts, town.MODELLED]
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.notes = folder / _NOTES
        self._postgres = EmbeddedPostgres(folder / "postgres")
        ends.callback(self._postgres.stop)
        self._start_postgres()
        self._postgres.create_database()
        self.database_url = self._postgres.url()
        self._fill()
        self._broker = EmbeddedMosquitto(folder / "mosquitto", free_port(), packages)
        ends.callback(self._broker.kill)
        self._start_broker()
        self._sensors = Sensors(self._broker.port, self._posts, seed)
        ends.callback(self._sensors.stop)
        self._http_port = free_port()
        broker, database = self._broker.port, socket_of(self.database_url)
        self._to_broker = {
            link: self._proxy(f"{link} to broker", broker) for link in (Link.INGEST, Link.PUBLISH)
        }
        self._to_database = {
            link: self._proxy(f"{link} to database", database)
            for link in (Link.INGEST, Link.ENGINE, Link.DATABASE)
        }
        self._to_signs = [
            self._proxy("signs to broker", broker),
            self._proxy("signs to api", self._http_port),
        ]
        self._environment = self._environments(stale_after_s)
        self._running: dict[Link, Child] = {}
        self._stopped: list[psutil.Process] = []
        self.exits = 0
        """Times that a role ended by itself."""

    def start(self) -> None:
        """The roles, the sensors, and the signs."""
        self._sensors.start()
        for link in _ROLES:
            self._start(link)
        given = {
            "mqtt_url": f"mqtt://127.0.0.1:{self._to_signs[0].port}",
            "api_url": f"http://127.0.0.1:{self._to_signs[1].port}",
            "notes": str(self.notes),
            "signs": [[post.sign_id, post.over] for post in self._posts],
        }
        roadside = self._child("roadside", ["baycast.chaos.signs.roadside", json.dumps(given)], {})
        self._ends.callback(kill_child, roadside)

    def look(self) -> None:
        """A role that ended by itself is counted, and started again."""
        for link, child in list(self._running.items()):
            if child.poll() is not None:
                self.exits += 1
                self._start(link)

    def cut(self, cut: Cut) -> float:
        """Cut a link; when it was cut (monotonic seconds)."""
        match cut.how:
            case How.KILL:
                kill_child(self._process(cut.link))
            case How.STOP:
                for process in self._processes(cut.link):
                    process.suspend()
                    self._stopped.append(process)
            case How.SILENCE:
                self._sensors.silence(0)
            case How.BLACKHOLE | How.HELD:
                for proxy in self._proxies(cut.link):
                    proxy.set(Toxics(blackhole=True))
        return time.monotonic()

    def mend(self, cut: Cut) -> None:
        """Undo it."""
        match cut.how:
            case How.KILL:
                self._revive(cut.link)
            case How.STOP:
                while self._stopped:
                    self._stopped.pop().resume()
            case How.SILENCE:
                self._sensors.silence(None)
            case How.BLACKHOLE | How.HELD:
                for proxy in self._proxies(cut.link):
                    proxy.set(Toxics())
                    if cut.how is How.BLACKHOLE:
                        proxy.reset()

    # --- how ---

    def _process(self, link: Link) -> Child:
        match link:
            case Link.BROKER:
                found = self._broker.process
            case Link.DATABASE:
                found = self._postgres.process
            case _:
                found = self._running[link]
        if found is None:
            raise RuntimeError(f"{link} does not run")
        return found

    def _revive(self, link: Link) -> None:
        match link:
            case Link.BROKER:
                self._start_broker()
            case Link.DATABASE:
                self._start_postgres()
            case _:
                self._start(link)

    def _processes(self, link: Link) -> list[psutil.Process]:
        """The first is the parent of the others, and stopped first: so it makes no more of them."""
        first = psutil.Process(self._process(link).pid)
        return [first, *first.children(recursive=True)]

    def _proxies(self, link: Link) -> list[FaultProxy]:
        match link:
            case Link.NETWORK:
                return self._to_signs
            case Link.BROKER:
                return [self._to_broker[Link.PUBLISH]]
            case Link.INGEST:
                return [self._to_broker[Link.INGEST]]
            case _:
                return [self._to_database[link]]

    # --- what is there ---

    def _fill(self) -> None:
        migrate(self.database_url)
        with connect(self.database_url, role="baycast chaos") as conn:
            issued.record(conn)
            conn.commit()
            changes = [Change(kind, id, doc) for kind, id, doc in town.documents(self._posts)]
            apply(conn, changes, entered_by="baycast chaos", entered_at=utc_now())

    def _environments(self, stale_after_s: float) -> dict[Link, dict[str, str]]:
        def database(link: Link) -> dict[str, str]:
            return {variable("database_url"): through(self.database_url, self._to_database[link].port)}

        def broker(link: Link) -> dict[str, str]:
            return {variable("mqtt_url"): f"mqtt://127.0.0.1:{self._to_broker[link].port}"}

        told = database(Link.DATABASE)
        http = {variable("http_host"): "127.0.0.1", variable("http_port"): str(self._http_port)}
        return {
            Link.INGEST: {**database(Link.INGEST), **broker(Link.INGEST)},
            Link.ENGINE: database(Link.ENGINE),
            Link.PUBLISH: {**told, **broker(Link.PUBLISH), STALE_VARIABLE: str(stale_after_s)},
            Link.API: {**told, **http},
        }

    def _proxy(self, name: str, upstream: int | Path) -> FaultProxy:
        proxy = FaultProxy(name, upstream)
        proxy.start()
        self._ends.callback(proxy.stop)
        return proxy

    def _start(self, link: Link) -> None:
        child = self._child(link, _ROLES[link], self._environment[link])
        self._running[link] = child
        self._ends.callback(kill_child, child)

    def _child(self, name: str, command: Sequence[str], changes: Mapping[str, str]) -> Child:
        ports = {variable(f"{role}_metrics_port"): "0" for role in ("ingest", "engine", "publish", "api")}
        with (self.logs / f"{name}.log").open("ab") as log:
            return start_child(
                [sys.executable, "-m", *command],
                output=log,
                death_signal=signal.SIGKILL,
                env=child_environment({variable("data_dir"): str(self._folder), **ports, **changes}),
            )

    def _start_postgres(self) -> None:
        with (self.logs / "postgres.log").open("ab") as log:
            self._postgres.start(log)

    def _start_broker(self) -> None:
        with (self.logs / "mosquitto.log").open("ab") as log:
            self._broker.start(log)
