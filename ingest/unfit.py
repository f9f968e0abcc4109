"""What the log does not take although it was understood, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ingest.translate import Why, refuse_item
from store.log import ReadingRow, Unfit
from store.quarantine import Refused


def refuse_unfit(rows: Sequence[ReadingRow], unfit: Unfit, now: datetime) -> list[Refused]:
    """The refusals of those of a batch's rows that are unfit."""
    taken = "the key is taken by another meaning"
    conflicts = [refuse_item(rows[index], Why.CONFLICTING, taken, now) for index in unfit.conflicts]
    return conflicts + [
        refuse_item(rows[index], Why.BOOT_WENT_BACK, _reset(rows[index]), now) for index in unfit.went_back
    ]


def _reset(row: ReadingRow) -> str:
    return (
        f"{row.device_id} said this in boot {row.boot} after a later boot of incarnation {row.incarnation} was heard:"
        f" was it reset or replaced? Register it with incarnation {row.incarnation + 1}, then have this replayed"
    )
