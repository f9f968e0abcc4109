"""The measures beside ingest: the broker alone, the database alone, and what tutorials show. All in messages/s."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence

from baycast.bench.ingest_load import Load
from baycast.bench.ingest_system import READY_WITHIN_S, IngestSystem, go, publisher, said, talking
from baycast.settings import UsageError, search_path
from store.postgres import Connection, connect

NO_MOSQUITTO_SUB = (
    "to_broker_c is left out: mosquitto_sub is not on the PATH; install it (apt install mosquitto-clients,"
    " dnf install mosquitto, apk add mosquitto-clients, brew install mosquitto)"
)
COPY_ROWS = 1000
"""Rows in one COPY and one COMMIT: as many as ingest puts into a batch."""
_WITHIN_S = 120.0


def mosquitto_sub() -> str | None:
    """Where the compiled subscriber is, if it is installed."""
    return shutil.which("mosquitto_sub", path=search_path())


def broker_rate(system: IngestSystem, load: Load, program: str) -> float:
    """From the first PUBLISH until mosquitto_sub has received all of them at QoS 1."""
    client_id = f"bench-sub-{load.first}"
    command = [program, "-h", "127.0.0.1", "-p", str(system.port), "-i", client_id]
    command += ["-q", "1", "-t", f"{load.prefix}#", "-C", str(load.count)]
    with publisher(load) as sender:
        reader = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            _wait_subscribed(system, client_id)
            began = time.monotonic()
            go(sender)
            if reader.wait(_WITHIN_S) != 0:
                raise UsageError("bench ingest: mosquitto_sub failed")
            return load.count / (time.monotonic() - began)
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"bench ingest: mosquitto_sub did not get all within {_WITHIN_S:.0f} s"
            ) from None
        finally:
            reader.kill()
            reader.wait()


def tutorial_rate(system: IngestSystem, load: Load) -> float:
    """From the first PUBLISH until the last COMMIT of the tutorial's pipeline."""
    job = {
        "port": system.port,
        "database_url": system.database_url,
        "topic": f"{load.prefix}#",
        "count": load.count,
    }
    with talking("baycast.bench.ingest_tutorial", job) as reader, publisher(load) as sender:
        began = time.monotonic()
        go(sender)
        said(reader)
        return load.count / (time.monotonic() - began)


def copy_rate(system: IngestSystem, after_batch: int) -> float:
    """Binary COPY of the rows stored after a batch, encoded beforehand, into a table with the same indexes."""
    with connect(system.database_url, autocommit=True) as conn:
        blocks, rows = _stored_rows(conn, after_batch)
        conn.execute("DROP TABLE IF EXISTS bench_copy")
        conn.execute("CREATE TABLE bench_copy (LIKE reading INCLUDING ALL)")
        began = time.monotonic()
        for block in blocks:
            with conn.cursor() as cur, cur.copy("COPY bench_copy FROM STDIN (FORMAT BINARY)") as copy:
                copy.write(block)
        return rows / (time.monotonic() - began)


def _stored_rows(conn: Connection, after_batch: int) -> tuple[Sequence[bytes], int]:
    """The rows as COPY gives and takes them, in blocks, and their number."""
    select = f"SELECT * FROM reading WHERE batch_id > {after_batch:d} ORDER BY batch_id, ordinal"  # noqa: S608 - a number
    counted = conn.execute("SELECT count(*) FROM reading WHERE batch_id > $1", (after_batch,)).fetchone()
    rows = 0 if counted is None else int(counted[0])
    blocks = []
    for offset in range(0, rows, COPY_ROWS):
        part = f"COPY ({select} LIMIT {COPY_ROWS} OFFSET {offset}) TO STDOUT (FORMAT BINARY)"
        with conn.cursor() as cur, cur.copy(part) as copy:
            blocks.append(b"".join(bytes(piece) for piece in copy))
    return blocks, rows


def _wait_subscribed(system: IngestSystem, client_id: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while f" {client_id} " not in system.broker_log.read_text(errors="replace"):
        if time.monotonic() > deadline:
            raise UsageError("bench ingest: mosquitto_sub did not subscribe")
        time.sleep(0.02)  # the broker tells it in its log only
