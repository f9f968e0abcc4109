"""Forward-only migrations: files `sql/migrations/NNNN_name.sql`, each in a transaction of its own, in order."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources

from store.postgres import Connection, connect

_LOCK = 0x6261_7963  # "bayc": two migrators wait for each other instead of racing
_FILE = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")


class MigrationError(RuntimeError):
    """The database and the migration files tell different stories; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> tuple[Migration, ...]:
    """The files in order. Raises `MigrationError` when the numbers are not 1, 2, 3..."""
    found = []
    for entry in resources.files("store").joinpath("sql", "migrations").iterdir():
        if match := _FILE.match(entry.name):
            found.append(Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError(f"migration numbers have gaps or repeat: {[m.number for m in found]}")
    return tuple(found)


def migrate(url: str) -> list[str]:
    """Apply what is missing and return the names applied. Raises `MigrationError`, `psycopg.Error`."""
    with connect(url, autocommit=True, role="baycast migrate", statement_timeout_ms=0) as conn:
        conn.execute("SELECT pg_advisory_lock($1)", (_LOCK,))
        applied = _applied(conn)
        _check(applied)
        done = []
        for migration in migrations()[len(applied) :]:
            with conn.transaction():
                # Without parameters the text may hold several statements.
                conn.execute(migration.text)
                conn.execute(
                    "INSERT INTO schema_migration (number, name, digest) VALUES ($1, $2, $3)",
                    (migration.number, migration.name, migration.digest),
                )
            done.append(f"{migration.number:04d}_{migration.name}")
        return done


def pending(conn: Connection) -> list[str]:
    """Names of the migrations that this database still lacks."""
    exists = conn.execute("SELECT to_regclass('schema_migration') IS NOT NULL").fetchone()
    applied = _applied(conn) if exists and exists[0] else []
    _check(applied)
    return [f"{m.number:04d}_{m.name}" for m in migrations()[len(applied) :]]


def _applied(conn: Connection) -> list[tuple[int, str]]:
    conn.execute(
        "CREATE TABLE IF NOT EXISTS schema_migration (number integer PRIMARY KEY, name text NOT NULL,"
        " digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    rows = conn.execute("SELECT number, digest FROM schema_migration ORDER BY number").fetchall()
    return [(int(row[0]), str(row[1])) for row in rows]


def _check(applied: list[tuple[int, str]]) -> None:
    known = migrations()
    if len(applied) > len(known):
        raise MigrationError(
            f"the database is at migration {applied[-1][0]}, this release knows {len(known)}: use a newer release"
        )
    for (number, digest), migration in zip(applied, known, strict=False):
        if number != migration.number or digest != migration.digest:
            raise MigrationError(
                f"migration {migration.number:04d}_{migration.name} was applied with another text; migrations are "
                "forward-only: restore the file and add a new one"
            )
