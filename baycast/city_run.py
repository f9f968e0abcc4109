"""The run of `up` and `demo`: start everything, show how it goes, stop everything."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console

from baycast import ingest_fleet
from baycast.local_stack import LocalStack
from baycast.logging_setup import TextFormatter
from baycast.operator import operator
from baycast.settings import Settings, UsageError
from baycast.status_view import Observer, live_view, plain_line
from baycast.stop_signals import stop_on_signals

PLAIN_EVERY_S = 5.0
VIEW_EVERY_S = 0.5
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Simulation:
    """What `demo` simulates; `bays` None: all of the city. `min_rate` is in messages per second."""

    bays: int | None
    seed: int
    min_rate: float


class CityRun:
    """One run, in the main thread."""

    def __init__(
        self,
        settings: Settings,
        *,
        duration_s: float | None,
        plain: bool,
        simulation: Simulation | None = None,
    ) -> None:
        """`duration_s` counts from the moment when everything is ready; None: until a signal."""
        self._settings = settings
        self._duration_s = duration_s
        self._live = not plain and sys.stdout.isatty()
        self._simulation = simulation
        self._stack = LocalStack(settings, self._say)

    def run(self) -> int:
        """The exit status."""
        stop = stop_on_signals()
        began = time.monotonic()
        stack = self._stack
        try:
            stack.check()
            stack.start_services()
            if not stop.is_set():
                self._start_roles()
            if not stack.wait_ready(stop.is_set):
                return 0
            self._say(f"ready after {time.monotonic() - began:.1f} s")
            self._announce()
            self._watch(stop)
        except PermissionError as error:
            raise UsageError(
                f"no permission for {error.filename}; run as the owner of {self._settings.data_dir}"
                " or set BAYCAST_DATA_DIR to a folder of your own"
            ) from None
        finally:
            if stack.status():
                self._say("stopping")
            stack.stop()
        return 0

    def _start_roles(self) -> None:
        if self._simulation is None:
            self._stack.start_roles()
            return
        imported = import_cardiff(self._stack.database_url)
        if imported:
            self._say(f"imported the illustrative registry of Cardiff ({imported} documents)")
        arguments = ["simulate", "--seed", str(self._simulation.seed)]
        arguments += ["--min-rate", str(self._simulation.min_rate)]
        if self._simulation.bays is not None:
            arguments += ["--bays", str(self._simulation.bays)]
        self._stack.start_roles(self._stack.role("simulate", *arguments))

    def _announce(self) -> None:
        url = self._stack.http_url
        for what, where in (
            ("page", f"{url}/"),
            ("API", f"{url}/docs"),
            ("snapshot", f"{url}/v1/availability"),
            ("arrival", f"{url}/v1/availability?arrive_in=15"),
            ("live", f"{url.replace('http', 'ws', 1)}/v1/live"),
            ("broker", self._shown_broker()),
            ("logs", str(self._stack.log_dir)),
        ):
            self._say(f"{what:<9}{where}")
        self._say("Ctrl-C stops everything")

    def _shown_broker(self) -> str:
        from baycast.settings import masked

        return masked(self._stack.mqtt_url)

    def _watch(self, stop: threading.Event) -> None:
        observer = Observer(
            self._stack.http_url, self._settings.metrics_host, ingest_fleet.metrics_ports(self._settings)
        )
        observer.start()
        try:
            if self._live:
                self._log_to_file()
                with live_view(Console()) as view:
                    self._loop(stop, VIEW_EVERY_S, lambda: view(observer.latest, self._stack.status()))
            else:
                self._loop(
                    stop,
                    PLAIN_EVERY_S,
                    lambda: self._say(plain_line(observer.latest, self._stack.status(), _now())),
                )
        finally:
            observer.stop()

    def _loop(self, stop: threading.Event, every_s: float, show: Callable[[], None]) -> None:
        began = time.monotonic()
        next_show = began + min(every_s, 1.0)
        while not stop.wait(POLL_S):
            self._stack.poll()
            now = time.monotonic()
            if self._duration_s is not None and now - began >= self._duration_s:
                show()
                return
            if now >= next_show:
                next_show = now + every_s
                show()

    def _log_to_file(self) -> None:
        """Lines on stderr would tear the live view."""
        handler = logging.FileHandler(self._stack.log_dir / "supervisor.log")
        handler.setFormatter(TextFormatter("supervisor"))
        logging.basicConfig(level=self._settings.log_level.upper(), handlers=[handler], force=True)

    def _say(self, text: str) -> None:
        print(f"baycast: {text}", flush=True)  # noqa: T201 (this is the command's output)


def import_cardiff(url: str) -> int:
    """Put the built-in registry into the log where its area is not there yet; the number of new documents."""
    from baycast import cardiff
    from store import registry
    from store.postgres import connect

    with connect(url, role="baycast demo") as conn:
        changes = [registry.Change(kind, id, doc) for kind, id, doc in cardiff.documents()]
        areas = {change.id for change in changes if change.kind == "area"}
        known = {area for _, _, area, _ in registry.load(conn)}
        if areas <= known:
            return 0
        return registry.apply(
            conn, changes, entered_by="baycast demo", entered_at=_now(), actor=operator()
        ).changed


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
