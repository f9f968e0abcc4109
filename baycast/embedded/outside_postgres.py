"""A database server that is not ours: a database of our own on it, gone afterwards. It is never killed or stopped."""

from __future__ import annotations

import os
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import psycopg

from baycast.settings import UsageError


class OutsideDatabase:
    """Takes the place of `EmbeddedPostgres`. One with a name may be there already, kept by who used it last.

    Raises `UsageError` for a URL of another machine.
    """

    process = None

    def __init__(self, url: str, name: str | None = None) -> None:
        self._server = urlsplit(url)
        if self._server.hostname not in ("127.0.0.1", "localhost"):
            raise UsageError("--database-url is of a server on this machine, by TCP")
        self._may_exist = name is not None
        self._name = name or f"baycast_own_{os.getpid()}"

    def url(self) -> str:
        return urlunsplit(self._server._replace(path=f"/{self._name}"))

    def start(self, _output: IO[bytes] | None = None) -> None:
        """It runs already."""

    def create_database(self) -> None:
        try:
            self._on_server(f"CREATE DATABASE {self._name}")
        except psycopg.errors.DuplicateDatabase:
            if not self._may_exist:
                raise

    def stop(self, grace_s: float = 4.0) -> None:  # noqa: ARG002 - as the embedded one's
        """Drop what we made."""
        self._on_server(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")

    def _on_server(self, statement: str) -> None:
        try:
            with psycopg.connect(urlunsplit(self._server), autocommit=True) as conn:
                conn.execute(statement)
        except psycopg.OperationalError as error:
            raise UsageError(f"the server of --database-url: {error}".strip()) from None


def through(url: str, port: int) -> str:
    """The same database through a proxy on a port of this machine; of a Unix socket's folder nothing is left."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{port}", query=""))
