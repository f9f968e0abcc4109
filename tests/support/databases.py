"""Real PostgreSQL for the tests: one server per test process, one migrated template, one clone per test."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg

from baycast.embedded.postgres import EmbeddedPostgres
from store.migrate import migrate

OUTSIDE_SERVER = "BAYCAST_TEST_DATABASE_URL"
_SETTINGS = {"max_connections": "100", "max_wal_size": "256MB"}
_MEMORY = Path("/dev/shm")
_PLENTY_BYTES = 4 * 2**30
_PREFIX = "baycast-test-pg-"


class TestDatabases:
    """Makes fresh, migrated databases on one server in about 20 ms each."""

    __test__ = False

    def __init__(self, server_url: str) -> None:
        """`server_url` names a database that we may connect to for CREATE DATABASE."""
        self._server_url = server_url
        self._name = f"baycast_test_{os.getpid()}"
        self._numbers = itertools.count(1)
        self._admin = psycopg.connect(server_url, autocommit=True)
        self._template = f"{self._name}_template"
        self._drop(self._template)
        self._admin.execute(f'CREATE DATABASE "{self._template}"')
        migrate(self.url(self._template))

    def url(self, database: str) -> str:
        """Connection URL of a database on this server."""
        parts = urlsplit(self._server_url)
        return urlunsplit(parts._replace(path=f"/{database}"))

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        """A database of one's own, dropped afterwards even when connections are left open."""
        database = f"{self._name}_{next(self._numbers)}"
        template = self._template if migrated else "template1"
        self._admin.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield self.url(database)
        finally:
            self._drop(database)

    def close(self) -> None:
        """Drop the template, too: an outside server is left as it was."""
        self._drop(self._template)
        self._admin.close()

    def _drop(self, database: str) -> None:
        self._admin.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


@contextmanager
def own_server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A migrated server of one test alone, to be stopped and restarted."""
    with EmbeddedPostgres(folder, durable=False) as server:
        server.create_database()
        migrate(server.url())
        yield server


@contextmanager
def running_databases() -> Iterator[TestDatabases]:
    """The outside server when one is named, otherwise a PostgreSQL of our own without fsync."""
    outside = os.environ.get(OUTSIDE_SERVER)
    if outside:
        databases = TestDatabases(outside)
        try:
            yield databases
        finally:
            databases.close()
        return
    with scratch_folder() as folder:
        server = EmbeddedPostgres(folder, durable=False, settings=_SETTINGS)
        with (folder / "server.log").open("wb") as log:
            server.start(log)
        try:
            databases = TestDatabases(server.url("postgres"))
            yield databases
            databases.close()
        finally:
            server.stop()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for data that nobody reads after the block, or after a crash.

    In memory where there is plenty of it: a disk takes up to ten times as long to copy the template of a database.
    What a test run that was killed has left there is cleared away by the next one.
    """
    place = Path(tempfile.gettempdir())
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        room = min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available)
        place = _MEMORY if room >= _PLENTY_BYTES else place
    for left in place.glob(f"{_PREFIX}*"):
        if not psutil.pid_exists(int(left.name.removeprefix(_PREFIX).partition("-")[0])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
