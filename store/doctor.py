"""The questions that `baycast doctor` asks the database."""

from __future__ import annotations

from dataclasses import dataclass

from store.postgres import Connection
from store.queries import sql


@dataclass(frozen=True, slots=True)
class ServerCondition:
    version: str
    fsync: bool
    synchronous_commit: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class AreaCondition:
    """`watermark_age_s` None: no watermark yet. `waiting_s` is the age of the oldest batch not folded, None: none."""

    area: str
    live: bool
    watermark_age_s: float | None
    positions_behind: int
    waiting_s: float | None


@dataclass(frozen=True, slots=True)
class QuarantinedReason:
    reason: str
    messages: int
    devices: int


def server(conn: Connection) -> ServerCondition:
    row = conn.execute(sql("doctor.server")).fetchone()
    if row is None:
        raise RuntimeError("the server did not say what it is")
    return ServerCondition(str(row[0]), row[1] == "on", row[2] != "off", int(row[3]))


def areas(conn: Connection) -> list[AreaCondition]:
    """Every area that has a log."""
    rows = conn.execute(sql("doctor.areas")).fetchall()
    return [
        AreaCondition(area, clock == "live", age, behind, waiting)
        for area, clock, age, behind, waiting in rows
    ]


def quarantine(conn: Connection) -> list[QuarantinedReason]:
    """The last 24 hours, the most frequent reason first."""
    return [QuarantinedReason(*row) for row in conn.execute(sql("doctor.quarantine")).fetchall()]
