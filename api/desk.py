"""Work on the database for one request: in a thread, on a connection of its own, few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from store.postgres import Connection, connect

T = TypeVar("T")

AT_ONCE = 4
WAITING_MAX = 64
"""One more is told that the database is asked too much (L8)."""


class Desk:
    """For what is asked seldom: admins' questions and changes, entries of the audit log."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def ask(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, committed. Raises what it raises, `psycopg.Error`, `ConnectionError`."""
        if self._waiting >= WAITING_MAX:
            raise ConnectionError("the database is asked too much")
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(self._run, work)
        finally:
            self._waiting -= 1

    def _run(self, work: Callable[[Connection], T]) -> T:
        with connect(self._url, role="baycast api") as conn:
            return work(conn)
