"""Overstays as they are listed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from occupancy.model import AreaId, BayId, Overstay, OverstayState
from store.postgres import Connection
from store.queries import sql


@dataclass(frozen=True, slots=True)
class Listed:
    """An overstay with its area, that area's time, up to which one that lasts is counted, and who judged it."""

    area: AreaId
    overstay: Overstay
    now: datetime
    engine_version: str


def list_overstays(
    conn: Connection, *, bays: Collection[BayId] | None, since: datetime, unpublished: bool, limit: int
) -> list[Listed]:
    """At most `limit` overstays whose limit ran out at or after `since`, newest first; `bays` None: of all."""
    with conn.cursor() as cur:
        cur.execute(sql("overstay.list"), (None if bays is None else list(bays), since, unpublished, limit))
        return [
            Listed(
                row[0],
                Overstay(
                    bay_id=row[1],
                    arrived_at=row[2],
                    device_id=row[3],
                    rule_id=row[4],
                    rule_version=row[5],
                    limit_min=row[6],
                    grace_min=row[7],
                    over_from=row[8],
                    over_to=row[9],
                    candidate_at=row[10],
                    confirmed_at=row[11],
                    ended_at=row[12],
                    state=OverstayState(row[13]),
                    evidence=row[14],
                    exemptions=tuple(row[15]),
                    not_evidence=row[16],
                ),
                row[17],
                row[18],
            )
            for row in cur.fetchall()
        ]
