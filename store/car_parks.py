"""Where the counting of every car park stands, as rows; recounts; and vehicle tokens, which stand with their readings.

A row of the counting names the readings of the vehicles inside; their tokens are looked up when it is loaded (L10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from msgspec.structs import astuple

from occupancy.car_park import CountEvent, CountFold
from occupancy.drift import Drift, Learnt
from occupancy.flows import Flow
from occupancy.model import AreaId, DeviceId, ReadingKey, ZoneId
from occupancy.visits import Visit, Visits
from store import audit
from store.audit import Deed
from store.log import LogEntry, append_entries
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]
Reading = tuple[DeviceId, ReadingKey]

LATE_TOKENS_H = 48
"""A passage that comes later than this keeps no token: its vehicle's other passage may be forgotten already."""

_parse = datetime.fromisoformat


def load_counts(
    cur: Cursor, area: AreaId, generation: int
) -> Mapping[ZoneId, tuple[CountFold | None, list[CountEvent]]]:
    cur.execute(sql("folds.load_counts"), (area, generation))
    return {
        zone_id: (
            None if doc["base"] is None else count_fold_of(cur, doc["base"]),
            _with_vehicles(cur, [count_event_of(event) for event in doc["recent"]]),
        )
        for zone_id, doc in cur.fetchall()
    }


def count_checkpoint_before(
    cur: Cursor, area: AreaId, generation: int, zone_id: ZoneId, at: datetime
) -> CountFold | None:
    cur.execute(sql("folds.count_checkpoint_before"), (area, generation, zone_id, at))
    row = cur.fetchone()
    return count_fold_of(cur, row[0]) if row else None


def frozen_checkpoint(cur: Cursor, area: AreaId, generation: int, zone_id: ZoneId) -> CountFold | None:
    """The checkpoint of a car park that the log does not go further back than."""
    cur.execute(sql("folds.frozen_count_checkpoint"), (area, generation, zone_id))
    row = cur.fetchone()
    return count_fold_of(cur, row[0]) if row else None


def recount(
    cur: Cursor,
    area: AreaId,
    zone_id: ZoneId,
    *,
    occupied: int,
    at: datetime,
    entered_at: datetime,
    entered_by: str,
    reason: str,
    actor: str | None = None,
) -> int:
    """Append what an operator counted in a car park; returns the position in the area's log.

    `actor` is who did it in the audit log, where that is not who is noted as having entered it.
    """
    doc = {"at": at.isoformat(), "occupied": occupied, "reason": reason}
    told = {"entered_by": entered_by, **doc}
    who = actor or entered_by
    audit.append(cur, Deed(who=who, action="recount", areas=[area], subject=zone_id, doc=told))
    return append_entries(cur, area, [LogEntry("recount", zone_id, doc, entered_at, entered_by)])[1]


def forget_tokens(cur: Cursor, area: AreaId) -> int:
    """Put numbers in place of the vehicle tokens that are past the longest stay (L10); returns how many readings."""
    cur.execute(sql("log.forget_tokens"), (area, LATE_TOKENS_H))
    return cur.rowcount


def count_fold_doc(fold: CountFold) -> dict[str, object]:
    visits = fold.visits
    return {
        "since": fold.since.isoformat(),
        "as_of": fold.as_of.isoformat(),
        "occupied": fold.occupied,
        "over": fold.over,
        "counted_at": _time(fold.counted_at),
        "heard": [[device_id, at.isoformat()] for device_id, at in fold.heard],
        "gap": fold.gap,
        "estimated": fold.estimated,
        "capacity": fold.capacity,
        "drift": astuple(fold.drift) if fold.drift else None,
        "learnt": astuple(fold.learnt),
        "flows": [
            [device_id, flow.hour.isoformat(), flow.ins, flow.outs, flow.whole, flow.usual]
            for device_id, flow in fold.flows
        ],
        "lanes": [[device_id, delta, at.isoformat()] for device_id, delta, at in fold.lanes],
        "visits": {
            "inside": [_visit_doc(visit) for visit in visits.inside],
            "left": [_visit_doc(visit) for visit in visits.left],
            "unmatched": [[at.isoformat(), way] for at, way in visits.unmatched],
            "since": _time(visits.since),
        },
        "night_at": _time(fold.night_at),
        "folded": fold.folded,
    }


def count_fold_of(cur: Cursor, doc: Mapping[str, Any]) -> CountFold:
    """The fold of a document; the tokens of the vehicles inside are looked up with their readings."""
    visits = doc["visits"]
    vehicles = _vehicles(cur, [_reading_of(visit) for visit in (*visits["inside"], *visits["left"])])
    return CountFold(
        since=_parse(doc["since"]),
        as_of=_parse(doc["as_of"]),
        occupied=doc["occupied"],
        over=doc["over"],
        counted_at=_instant(doc["counted_at"]),
        heard=tuple((DeviceId(device_id), _parse(at)) for device_id, at in doc["heard"]),
        gap=doc["gap"],
        estimated=doc["estimated"],
        capacity=doc["capacity"],
        drift=None if doc["drift"] is None else Drift(**_named(Drift, doc["drift"])),
        learnt=Learnt(**_named(Learnt, doc["learnt"])),
        flows=tuple(
            (
                DeviceId(device_id),
                Flow(_parse(hour), ins, outs, whole, tuple((i, o, hours) for i, o, hours in usual)),
            )
            for device_id, hour, ins, outs, whole, usual in doc["flows"]
        ),
        lanes=tuple((DeviceId(device_id), delta, _parse(at)) for device_id, delta, at in doc["lanes"]),
        visits=Visits(
            tuple(_visit_of(visit, vehicles) for visit in visits["inside"]),
            tuple(_visit_of(visit, vehicles) for visit in visits["left"]),
            tuple((_parse(at), way) for at, way in visits["unmatched"]),
            _instant(visits["since"]),
        ),
        night_at=_instant(doc["night_at"]),
        folded=doc["folded"],
    )


def count_event_doc(event: CountEvent) -> list[object]:
    key = event.key
    return [
        event.at.isoformat(),
        event.device_id,
        key.incarnation,
        key.boot,
        key.seq,
        event.count,
        event.delta,
        event.capacity,
    ]


def count_event_of(doc: Any) -> CountEvent:
    at, device_id, incarnation, boot, seq, count, delta, capacity = doc
    return CountEvent(
        _parse(at), DeviceId(device_id), ReadingKey(incarnation, boot, seq), count, delta, capacity
    )


def _with_vehicles(cur: Cursor, events: list[CountEvent]) -> list[CountEvent]:
    vehicles = _vehicles(cur, [(event.device_id, event.key) for event in events if event.delta is not None])
    return [replace(event, vehicle=vehicles.get((event.device_id, event.key))) for event in events]


def _vehicles(cur: Cursor, readings: Iterable[Reading]) -> dict[Reading, str]:
    wanted = list(readings)
    if not wanted:
        return {}
    with cur.connection.cursor() as own:  # the caller reads its rows while we ask
        own.execute(
            sql("log.vehicles_of"),
            (
                [device_id for device_id, _ in wanted],
                [key.incarnation for _, key in wanted],
                [key.boot for _, key in wanted],
                [key.seq for _, key in wanted],
            ),
        )
        return {(row[0], ReadingKey(row[1], row[2], row[3])): row[4] for row in own.fetchall()}


def _visit_doc(visit: Visit) -> list[object]:
    key = visit.key
    return [visit.at.isoformat(), visit.device_id, key.incarnation, key.boot, key.seq]


def _reading_of(visit: Any) -> Reading:
    return DeviceId(visit[1]), ReadingKey(visit[2], visit[3], visit[4])


def _visit_of(visit: Any, vehicles: Mapping[Reading, str]) -> Visit:
    reading = _reading_of(visit)
    # A reading that retention has dropped leaves a visit that nobody will match.
    return Visit(_parse(visit[0]), *reading, vehicles.get(reading, f"{reading}"))


def _named(kind: type[msgspec.Struct], values: Iterable[Any]) -> dict[str, Any]:
    return dict(zip(kind.__struct_fields__, values, strict=True))


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else _parse(text)
