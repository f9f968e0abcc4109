"""The end of a worker that is not coming back: what waits in its session is taken in, then the session removed.

The broker keeps a session, and in a shared group goes on dealing messages to it, whether its worker is there or not.
Removing the session alone would lose what it holds.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from ingest.client import ConnectionConfig
from ingest.connection import Connection
from ingest.inbox import Inbox
from ingest.session import DatabaseSession
from ingest.watchdog import Watchdog
from store.workers import last_canary

_POLL_S = 0.05


def is_drained(session: DatabaseSession, connection: Connection, worker_id: str) -> bool:
    """Whether a canary of after the end of the subscriptions is committed: all that waited came before it."""
    since = connection.settled_at
    if since is None:
        return False
    canary = session.run(lambda conn: last_canary(conn.cursor(), worker_id))
    return canary is not None and canary >= since


def end_session(config: ConnectionConfig, watchdog: Watchdog, stop: threading.Event) -> bool:
    """Make the broker forget the client; False when stopped before. Raises `BrokerError` as `Connection.check`."""
    clean = replace(config, clean_start=True, expects_session=False, stale_filters=())
    connection = Connection(clean, Inbox(10), lambda _at: b"", watchdog)
    connection.start()
    try:
        while connection.settled_at is None:
            connection.check()
            if stop.wait(_POLL_S):
                return False
    finally:
        connection.stop(5.0)
    return True
