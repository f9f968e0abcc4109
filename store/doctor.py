"""The questions that `baycast doctor` asks the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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
    """`watermark_age_s` None: no watermark yet. `waiting_s` is the age of the oldest batch not folded, None: none.

    `begins_at`: where the log begins, None for its very beginning.
    """

    area: str
    live: bool
    watermark_age_s: float | None
    positions_behind: int
    waiting_s: float | None
    begins_at: datetime | None


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
        AreaCondition(area, clock == "live", age, behind, waiting, begins_at)
        for area, clock, age, behind, waiting, begins_at in rows
    ]


def quarantine(conn: Connection) -> list[QuarantinedReason]:
    """The last 24 hours, the most frequent reason first."""
    return [QuarantinedReason(*row) for row in conn.execute(sql("doctor.quarantine")).fetchall()]


@dataclass(frozen=True, slots=True)
class WentBack:
    """A device that counts its boots anew under its old incarnation: how many of its words wait, and since when."""

    device_id: str
    words: int
    since: datetime


def went_back(conn: Connection) -> list[WentBack]:
    """Who went back last comes first."""
    return [WentBack(*row) for row in conn.execute(sql("doctor.went_back")).fetchall()]


@dataclass(frozen=True, slots=True)
class SignSaid:
    """What a sign said last that it shows: `verdict` as in `signs.readback`."""

    sign_id: str
    verdict: str
    faults: tuple[str, ...]
    at: datetime
    silent: bool


def readbacks(conn: Connection) -> list[SignSaid]:
    """Every sign of the registry that ever said anything."""
    rows = conn.execute(sql("doctor.readbacks")).fetchall()
    return [
        SignSaid(sign_id, verdict, tuple(faults), at, silent) for sign_id, verdict, faults, at, silent in rows
    ]


@dataclass(frozen=True, slots=True)
class Drops:
    """What a broker dropped between our looks: in all, and `last` of them at `at`; `recent`: within 24 hours."""

    broker: str
    dropped: int
    last: int
    at: datetime
    recent: bool


@dataclass(frozen=True, slots=True)
class Gaps:
    """One life of a device (incarnation, boot): the numbers missing between the first and the last seen.

    `noticed_at` is the receipt of the reading after the last hole; None where retention has dropped it.
    """

    device_id: str
    incarnation: int
    boot: int
    missing: int
    holes: int
    last_from: int
    last_to: int
    noticed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hole:
    """Missing numbers `first` to `last` of one device's life."""

    incarnation: int
    boot: int
    first: int
    last: int
    noticed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Silence:
    """An outage that lasts: whose sensors (`gateway/ID` or `area/ID`), since when, and how many they are."""

    area: str
    sensors_of: str
    began_at: datetime
    sensors: int


def outages(conn: Connection) -> list[Silence]:
    """The outages that last, the oldest first."""
    return [Silence(*row) for row in conn.execute(sql("doctor.outages")).fetchall()]


@dataclass(frozen=True, slots=True)
class Suspected:
    """Sensors of an area that are not believed now, and why."""

    area: str
    kind: str
    sensors: int


def suspects(conn: Connection) -> list[Suspected]:
    """By area and kind of suspicion."""
    return [Suspected(*row) for row in conn.execute(sql("doctor.suspects")).fetchall()]


def learnt(conn: Connection) -> list[tuple[str, str | None]]:
    """By area, the newest day on which something was learnt from closed days; None: none yet."""
    return [(area, day) for area, day in conn.execute(sql("doctor.learnt")).fetchall()]


def broker_drops(conn: Connection) -> list[Drops]:
    """The newest first."""
    return [Drops(*row) for row in conn.execute(sql("doctor.broker_drops")).fetchall()]


def gaps(conn: Connection, device_id: str | None, limit: int) -> list[Gaps]:
    """Lives with holes, of one device or of all, the newest hole first."""
    return [Gaps(*row) for row in conn.execute(sql("doctor.gaps"), (device_id, limit)).fetchall()]


def holes_of(conn: Connection, device_id: str, limit: int) -> list[Hole]:
    """Each hole of one device, the newest first."""
    return [Hole(*row) for row in conn.execute(sql("doctor.holes_of_device"), (device_id, limit)).fetchall()]


@dataclass(frozen=True, slots=True)
class Reach:
    """From when on an area's things are kept (None: all), and the watermark that was gone by last."""

    area: str
    ran_at: datetime | None
    log_from: datetime | None
    rows_from: datetime | None
    hours_from: datetime | None
    slots_from: datetime | None


def reach(conn: Connection) -> list[Reach]:
    """Every area that has a log."""
    return [Reach(*row) for row in conn.execute(sql("doctor.reach")).fetchall()]


@dataclass(frozen=True, slots=True)
class TableSize:
    """Bytes on disk now, indexes included; of the compressed chunks, what they were `before` and are `after`."""

    table: str
    bytes: int
    chunks: int
    compressed_chunks: int
    bytes_before: int
    bytes_after: int


def sizes(conn: Connection) -> list[TableSize]:
    """The largest first."""
    return [TableSize(*row) for row in conn.execute(sql("doctor.sizes")).fetchall()]
