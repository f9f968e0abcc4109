"""For tests that are about TimescaleDB: skipped, with the reason, where the server has none."""

from __future__ import annotations

import pytest

from store.postgres import Connection, connect

WITHOUT = "this server has no TimescaleDB: see BAYCAST_TEST_DATABASE_URL"


def require_timescale(conn: Connection) -> None:
    if not has_timescale(conn):
        pytest.skip(WITHOUT)


def has_timescale(conn: Connection) -> bool:
    found = conn.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    conn.commit()
    return found is not None


def compress_all(conn: Connection, *tables: str) -> int:
    """Put every chunk of some hypertables into the columnstore, as their policies will; returns how many chunks."""
    conn.commit()
    chunks = 0
    with connect(conn.info.dsn, autocommit=True) as own:
        for table in tables:
            own.execute(
                "SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks($1) AS c", (table,)
            )
            found = own.execute(
                "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = $1 AND is_compressed",
                (table,),
            ).fetchall()
            chunks += int(found[0][0])
    return chunks
