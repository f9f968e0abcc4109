"""psycopg connections set up the one way that everything here relies on."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.types.string import BytesBinaryDumper

# Our statements are short: compiling them (jit), which planners like on large tables, takes longer than running them.
# A dead peer is noticed by the kernel within about 15 s, a stuck statement by the server (FAULTS: blackholed
# sockets otherwise hang for the kernel's quarter of an hour).
_CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 10_000

Connection = psycopg.Connection[tuple[Any, ...]]


def connect(
    url: str,
    *,
    autocommit: bool = False,
    role: str = "baycast",
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
) -> Connection:
    """Open a connection whose cursors take `$1` placeholders (`RawCursor`), in UTC.

    `role` is shown in pg_stat_activity. Raises `psycopg.OperationalError` when the server cannot be reached.
    """
    options = (
        f"-c timezone=UTC -c statement_timeout={statement_timeout_ms} -c lock_timeout={LOCK_TIMEOUT_MS} "
        "-c idle_in_transaction_session_timeout=60000 -c jit=off "
        # The server's side, too: otherwise the locks of a session whose client is gone stand for two hours.
        "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3 -c tcp_user_timeout=15000"
    )
    conn = psycopg.connect(
        url,
        autocommit=autocommit,
        cursor_factory=psycopg.RawCursor,
        application_name=role,
        options=options,
        **_CONNECTION,
    )
    # COPY chooses by the column's type, and for bytea that would be psycopg's slow one for DB-API `Binary`.
    conn.adapters.register_dumper(bytes, BytesBinaryDumper)
    return conn
