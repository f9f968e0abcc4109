"""The device directory as ingest needs it, worker canaries and link states (psycopg)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

import psycopg

from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Device:
    """A registered device. `role` is "sensor" (watches a bay) or "gate" (counts a car park)."""

    area: str
    incarnation: int
    role: str


@dataclass(frozen=True, slots=True)
class Directory:
    """The registry at one moment: devices by id, and each area's clock ("live" or "event")."""

    version: tuple[int, int] = (-1, -1)
    devices: Mapping[str, Device] = field(default_factory=dict)
    areas: Mapping[str, str] = field(default_factory=dict)

    @property
    def live_areas(self) -> tuple[str, ...]:
        return tuple(sorted(area for area, clock in self.areas.items() if clock == "live"))


@dataclass(frozen=True, slots=True)
class LinkState:
    """What a device's link message (or its last will) said. `at` is the device's own time, None when it has
    none."""

    device_id: str
    online: bool
    at: datetime | None
    received_at: datetime


def directory_version(cur: Cursor) -> tuple[int, int]:
    """Cheap to ask every second or two; equal versions mean an equal directory."""
    cur.execute(sql("ingest.directory_version"))
    count, newest = cur.fetchall()[0]
    return int(count), int(newest)


def load_directory(cur: Cursor) -> Directory:
    """Read the whole directory in one snapshot. Must come first in the caller's transaction."""
    cur.execute(sql("ingest.snapshot"))
    version = directory_version(cur)
    areas = {str(area): str(clock) for area, clock in cur.execute(sql("ingest.areas")).fetchall()}
    devices = {
        str(device): Device(str(area), int(incarnation), str(role))
        for device, area, incarnation, role in cur.execute(sql("ingest.devices")).fetchall()
        if area in areas
    }
    return Directory(version, devices, areas)


def record_canary(
    cur: Cursor, worker_id: str, canary_at: datetime, now: datetime, live_since: datetime
) -> datetime:
    """Note this worker's canary; the watermark is the least of all workers heard since `live_since`."""
    cur.execute(sql("ingest.canary"), (worker_id, canary_at, now))
    least = cur.execute(sql("ingest.least_canary"), (live_since,)).fetchall()[0][0]
    return canary_at if least is None else least


def stop_worker(cur: Cursor, worker_id: str, now: datetime) -> None:
    cur.execute(sql("ingest.stop_worker"), (worker_id, now))


def record_links(cur: Cursor, links: Iterable[LinkState]) -> None:
    """Upsert the last word of each link, in device order: two workers never wait in a ring."""
    last = {link.device_id: link for link in sorted(links, key=attrgetter("received_at"))}
    cur.executemany(
        sql("ingest.link"),
        [(device, link.online, link.at, link.received_at) for device, link in sorted(last.items())],
    )


def lock_worker(cur: Cursor, worker_id: str) -> bool:
    """Take the session lock of this worker id; False when another session has it."""
    return bool(cur.execute(sql("ingest.lock_worker"), (worker_id,)).fetchall()[0][0])


def prepare_session(cur: Cursor) -> bool:
    """Make COMMIT synchronous and listen for registry changes; False when the server never syncs to disk."""
    cur.execute(sql("ingest.synchronous"))
    cur.execute(sql("ingest.listen"))
    return bool(cur.execute(sql("ingest.durable")).fetchall()[0][0])
