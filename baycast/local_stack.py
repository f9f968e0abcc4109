"""Everything on one machine: the embedded services unless others are set, and the roles under a supervisor.

`city_run.py` drives it, all in the main thread: check, start, `poll()` a few times per second, `stop()`.
"""

import fcntl
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from baycast import api_fleet, ingest_fleet
from baycast.embedded.mosquitto import EmbeddedMosquitto
from baycast.embedded.mosquitto_install import find_or_install
from baycast.embedded.postgres import EmbeddedPostgres
from baycast.embedded.service_account import Account, account_for, hand_over, prepare_data_dir
from baycast.log_files import LogFile
from baycast.reachability import require_broker, require_database, require_free_port
from baycast.settings import Settings, UsageError, child_environment, variable
from baycast.supervisor import RESTART_FIRST_S, RESTART_MOST_S, Role, RoleStatus, Supervisor

ROLES = {
    "ingest": ("ingest",),
    "engine": ("engine",),
    "forecast": ("forecast", "run"),
    "api": ("api",),
    "publish": ("publish",),
}
"""By the name of their logs, the command of each."""
READY_TIMEOUT_S = 60.0
STOP_ROLES_S = 3.2  # together with the services below 5 s, the promise for Ctrl-C
STOP_SERVICES_S = 1.2

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    name: str
    service: EmbeddedPostgres | EmbeddedMosquitto
    log: LogFile
    restarts: int = 0
    delay_s: float = RESTART_FIRST_S
    due: float = 0.0


@dataclass(slots=True)
class LocalStack:
    """One city on one machine, its data in `settings.data_dir`."""

    settings: Settings
    say: Callable[[str], None]
    _watched: list[_Watched] = field(default_factory=list, init=False)
    _supervisor: Supervisor | None = field(default=None, init=False)
    _lock: IO[str] | None = field(default=None, init=False)
    database_url: str = field(default="", init=False)
    mqtt_url: str = field(default="", init=False)

    @property
    def http_url(self) -> str:
        """Where the API is, for people and for us."""
        host = self.settings.http_host
        host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 (compared, not bound)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.settings.http_port}"

    def check(self) -> None:
        """Everything that can be found wrong before anything is started. UsageError with one line."""
        settings = self.settings
        prepare_data_dir(settings.data_dir)
        self._take_lock()
        require_free_port(settings.http_host, settings.http_port, variable("http_port"))
        ingest_fleet.check(settings, settings.ingest_workers)
        for port in ingest_fleet.metrics_ports(settings):
            require_free_port(settings.metrics_host, port, variable("ingest_metrics_port"))
        for port in api_fleet.metrics_ports(settings, settings.api_processes):
            require_free_port(settings.metrics_host, port, variable("api_metrics_port"))
        for role in ("engine", "forecast", "publish"):
            if port := getattr(settings, f"{role}_metrics_port"):
                require_free_port(settings.metrics_host, port, variable(f"{role}_metrics_port"))
        if settings.mqtt_url is None:
            require_free_port("127.0.0.1", settings.mqtt_port, variable("mqtt_port"))
            find_or_install(settings.data_dir.resolve() / "packages")
        else:
            require_broker(settings.mqtt_url.get_secret_value())
        if settings.database_url is not None:
            require_database(settings.database_url.get_secret_value())

    def start_services(self) -> None:
        """Database (migrated) and broker; afterwards `database_url` and `mqtt_url` are set."""
        from store.migrate import migrate

        settings = self.settings
        folder = settings.data_dir.resolve()
        if settings.database_url is None:
            postgres = EmbeddedPostgres(folder / "postgres")
            self._start_service("postgres", postgres)
            postgres.create_database()
            self.database_url = postgres.url()
        else:
            self.database_url = settings.database_url.get_secret_value()
        applied = migrate(self.database_url)
        if applied:
            self.say(f"database migrated to {applied[-1]}")
        if settings.mqtt_url is None:
            broker = EmbeddedMosquitto(folder / "mosquitto", settings.mqtt_port, folder / "packages")
            self._start_service("mosquitto", broker)
            self.mqtt_url = broker.url
        else:
            self.mqtt_url = settings.mqtt_url.get_secret_value()

    def start_roles(self, *more: Role) -> None:
        """The five roles, and others such as the simulator."""
        roles = [self.role(name, *command) for name, command in ROLES.items()]
        self._supervisor = Supervisor([*roles, *more], self.log_dir, self._log_bytes)
        self._supervisor.start()

    def role(self, name: str, *arguments: str) -> Role:
        """A baycast command as a role, on our database and broker."""
        command = (sys.executable, "-m", "baycast", *arguments)
        urls = {variable("database_url"): self.database_url, variable("mqtt_url"): self.mqtt_url}
        return Role(name, command, child_environment(urls))

    def wait_ready(self, stopped: Callable[[], bool]) -> bool:
        """Until the API answers that it is ready; False when `stopped` became true first."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not stopped():
            if self._is_ready():
                return True
            if time.monotonic() > deadline:
                raise UsageError(f"the API was not ready within {READY_TIMEOUT_S:.0f} s: see {self.log_dir}")
            self.poll()
            time.sleep(0.05)  # readiness is asked for over HTTP: nobody tells
        return False

    def poll(self) -> None:
        """Restart what died. Call it a few times per second."""
        if self._supervisor is not None:
            self._supervisor.poll()
        now = time.monotonic()
        for watched in self._watched:
            watched.log.rotate_when_large()
            process = watched.service.process
            if process is not None and process.poll() is None:
                watched.due = 0.0
            elif watched.due == 0.0:
                _log.warning("service ended, restarting", extra={"service": watched.name})
                watched.due = now + watched.delay_s
                watched.delay_s = min(watched.delay_s * 2, RESTART_MOST_S)
            elif now >= watched.due:
                self._restart_service(watched)

    def status(self) -> list[RoleStatus]:
        """Services first, then roles."""
        services = []
        for watched in self._watched:
            process = watched.service.process
            pid = process.pid if process is not None and process.poll() is None else None
            services.append(RoleStatus(watched.name, pid, watched.restarts, 0.0))
        return services + ([] if self._supervisor is None else self._supervisor.status())

    def stop(self) -> None:
        """Roles first, then the broker and the database: within 5 s whatever happens."""
        if self._supervisor is not None:
            for name in self._supervisor.stop(STOP_ROLES_S):
                _log.warning("role did not stop in time and was killed", extra={"name_of_role": name})
            self._supervisor = None
        # Side by side: each may take the whole grace.
        stops = [threading.Thread(target=w.service.stop, args=(STOP_SERVICES_S,)) for w in self._watched]
        for thread in stops:
            thread.start()
        for thread in stops:
            thread.join()
        self._watched.clear()
        if self._lock is not None:
            hand_over(self.settings.data_dir, self._owner())
            self._lock.close()
            self._lock = None

    @property
    def log_dir(self) -> Path:
        """Where each role and service writes its log."""
        return self.settings.data_dir.resolve() / "logs"

    @property
    def _log_bytes(self) -> int:
        return self.settings.log_file_mb * 1024 * 1024

    def _take_lock(self) -> None:
        """One stack per data folder. The kernel drops the lock with us, however we end."""
        path = self.settings.data_dir / "baycast.lock"
        try:
            lock = path.open("a+", encoding="ascii")
        except PermissionError:
            raise UsageError(
                f"{path} belongs to another user; run as its owner or set {variable('data_dir')}"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise UsageError(
                f"baycast already runs on {self.settings.data_dir} (process {holder});"
                f" stop it first or set {variable('data_dir')}"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        # Root may start today what the folder's owner starts tomorrow.
        owner = self._owner()
        self.log_dir.mkdir(exist_ok=True)
        hand_over(self.settings.data_dir, owner)

    def _owner(self) -> Account | None:
        folder = self.settings.data_dir
        return account_for(folder) if folder.stat().st_uid != 0 else None

    def _start_service(self, name: str, service: EmbeddedPostgres | EmbeddedMosquitto) -> None:
        watched = _Watched(name, service, LogFile(self.log_dir / f"{name}.log", self._log_bytes))
        with watched.log.open() as output:
            try:
                service.start(output)
            except UsageError as error:
                last = watched.log.tail(1)
                raise UsageError(f"{error} ({watched.log.path}{': ' + last[0] if last else ''})") from None
        hand_over(watched.log.path, self._owner())
        self._watched.append(watched)

    def _restart_service(self, watched: _Watched) -> None:
        watched.due = 0.0
        watched.restarts += 1
        with watched.log.open() as output:
            try:
                watched.service.start(output)
            except UsageError as error:
                _log.error("service does not start", extra={"service": watched.name, "reason": str(error)})
            else:
                watched.delay_s = RESTART_FIRST_S

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"{self.http_url}/readyz", timeout=2.0) as answer:  # noqa: S310 (our own http URL)
                return int(answer.status) == 200
        except (URLError, OSError):
            return False
