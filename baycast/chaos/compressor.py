"""Compresses the chunks of `reading` in a loop while readings come, late ones among them (TimescaleDB)."""

from __future__ import annotations

import threading

import psycopg

from baycast.chaos import collect
from baycast.settings import UsageError

CHUNK_S = 5
"""Chunks so short that a run has many."""
_PAUSE_S = 0.2
"""Between two looks for chunks that are due, which nobody announces: many times a run, and the writers get on."""


class Compressor:
    """A thread that compresses all chunks but the newest, also again those that late rows came into."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="compressor")
        self.compressed = 0
        """Chunks, each time counted."""
        self.again = 0
        """Of them such as were compressed already and had got rows since."""
        self.refused = 0
        """Times that a lock was not to be had, or that ingest was preferred in a deadlock."""

    def start(self) -> None:
        """Before the first reading. Raises `UsageError` where there is no TimescaleDB."""
        with collect.connect(self._url) as conn:
            found = conn.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
            if found is None:
                raise UsageError("chaos: profile compress needs TimescaleDB at --database-url")
            conn.execute(f"SELECT set_chunk_time_interval('reading', interval '{CHUNK_S} seconds')")
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def figures(self) -> dict[str, float]:
        """What was done, and how much smaller the rows are: bytes now by bytes before."""
        with collect.connect(self._url) as conn:
            row = conn.execute(_SIZES).fetchone()
        before, after = (0, 0) if row is None or not row[0] else map(float, row)
        return {
            "chunks_compressed": self.compressed,
            "chunks_compressed_again": self.again,
            "compressions_refused": self.refused,
            "compressed_share": after / before if before else 0.0,
        }

    def _run(self) -> None:
        with collect.connect(self._url) as conn:
            conn.execute("SET lock_timeout = '2s'")
            while not self._stop.wait(_PAUSE_S):
                for chunk, partial in conn.execute(_DUE).fetchall():
                    try:
                        conn.execute("SELECT compress_chunk(%s::regclass)", (chunk,))
                    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                        self.refused += 1
                        continue
                    self.compressed += 1
                    self.again += partial


# Status 1: compressed; 9: compressed, and rows came since.
_DUE = """
SELECT format('%I.%I', c.schema_name, c.table_name), (c.status & 8) > 0
FROM _timescaledb_catalog.chunk c JOIN _timescaledb_catalog.hypertable h ON h.id = c.hypertable_id
WHERE h.table_name = 'reading' AND (c.status & 1 = 0 OR c.status & 8 > 0)
ORDER BY c.id DESC OFFSET 1
"""
_SIZES = """
SELECT sum(before_compression_total_bytes), sum(after_compression_total_bytes)
FROM chunk_compression_stats('reading') WHERE compression_status = 'Compressed'
"""
