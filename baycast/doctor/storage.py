"""What `baycast doctor` says of storage: how far back things reach, and how large tables are."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from baycast.doctor.findings import Finding
from baycast.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from store.doctor import Reach, TableSize

_MIB = 1024**2


def reach_finding(reach: "Reach") -> Finding:
    """From when on an area's things are kept, and when what was older was dropped."""
    ran = (
        "not looked through yet"
        if reach.ran_at is None
        else f"looked through at {reach.ran_at:%Y-%m-%d %H:%M} UTC"
    )
    since = (
        ("readings", reach.log_from),
        ("stays", reach.rows_from),
        ("hours", reach.hours_from),
        ("five minutes", reach.slots_from),
    )
    return Finding(f"{reach.area}: retention", "ok", f"{ran}; " + ", ".join(_since(*one) for one in since))


def _since(what: str, at: "datetime | None") -> str:
    return f"{what} from {'the beginning' if at is None else f'{at:%Y-%m-%d}'}"


def sizes_report(settings: Settings, *, as_json: bool) -> Iterator[str]:
    """One line a table, the largest first; or one JSON object with bytes. Raises `UsageError`."""
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url
    from store import doctor

    with open_database(database_url(settings), "baycast doctor") as conn, refusals_in_words("doctor"):
        sizes = doctor.sizes(conn)
    if as_json:
        yield json.dumps({"tables": [asdict(size) for size in sizes]})
        return
    for size in sizes:
        yield f"{size.table:<24} {size.bytes / _MIB:>12,.1f} MiB{_chunks(size)}"


def _chunks(size: "TableSize") -> str:
    says = f"  {size.chunks} chunks" if size.chunks else ""
    if size.compressed_chunks:
        before, after = size.bytes_before / _MIB, size.bytes_after / _MIB
        says += (
            f", {size.compressed_chunks} of them compressed: {before:,.1f} MiB before, {after:,.1f} MiB after"
        )
    return says
