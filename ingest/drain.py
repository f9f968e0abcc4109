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
from ingest.watchdog import Watchdog
from ingest.writer import Writer

_POLL_S = 0.05


def is_drained(writer: Writer, connection: Connection) -> bool:
    """Whether a canary of after the end of the subscriptions is committed: all that waited came before it.

    It is recognised, not dated: the worker that is gone may have had a clock ahead of ours.
    """
    return writer.last_canary in connection.canaries.sent


def end_session(config: ConnectionConfig, watchdog: Watchdog, stop: threading.Event) -> bool:
    """Make the broker forget the client; False when stopped before. Raises `BrokerError` as `Connection.check`."""
    clean = replace(config, clean_start=True, expects_session=False, stale_filters=())
    connection = Connection(clean, Inbox(10), lambda _at: b"", watchdog)
    connection.start()
    try:
        while not connection.settled:
            connection.check()
            if stop.wait(_POLL_S):
                return False
    finally:
        connection.stop(5.0)
    return True
