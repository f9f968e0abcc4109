"""Writes the rows that the engine would derive, for tests of those who read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
"""A Wednesday noon: the time of tests that have one."""

AREA: dict[str, Any] = {
    "name": {"en": "Cardiff", "cy": "Caerdydd"},
    "time_zone": "Europe/London",
    "languages": ["cy", "en"],
    "clock": "live",
}


def street(number: int, **more: Any) -> dict[str, Any]:
    """A street document; its line runs a hundred metres or so east."""
    lon = -3.18 + number * 0.002
    return {
        "area_id": "cardiff",
        "kind": "street",
        "name": {"en": f"Street {number}", "cy": f"Heol {number}"},
        "lat": 51.48,
        "lon": lon,
        "line": [[lon, 51.48], [lon + 0.0015, 51.48]],
        **more,
    }


def group(free: int, occupied: int = 0, unknown: int = 0, closed: int = 0, **more: Any) -> dict[str, Any]:
    """One group of a zone's bays, general and standard unless said otherwise."""
    counts = {"free": free, "occupied": occupied, "unknown": unknown, "closed": closed}
    return {"bay_type": "standard", "access": ["general"], "max_stay_min": None, **counts, **more}


class DerivedRows:
    """One area's rows in a migrated database. Every `commit_...` is one engine step, and notifies."""

    def __init__(self, url: str, area: str = "cardiff", *, generation: int = 1) -> None:
        self.area = area
        self.generation = generation
        self.version = 0
        self._batch = 0
        self._db = psycopg.connect(url, autocommit=True)

    def __enter__(self) -> DerivedRows:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._db.close()

    def register(self, kind: str, id: str, doc: dict[str, Any]) -> None:
        """Put one registry document, and notify."""
        self._batch += 1
        with self._db.transaction():
            self._db.execute(
                "INSERT INTO registry (kind, id, area, doc, batch_id) VALUES (%s, %s, %s, %s, %s) "
                "ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc, batch_id = excluded.batch_id",
                (kind, id, self.area, json.dumps(doc), self._batch),
            )
            self._db.execute("SELECT pg_notify('baycast_registry', %s)", (self.area,))

    def override(self, id: str, doc: dict[str, Any]) -> None:
        """Put one override, and notify."""
        self._batch += 1
        with self._db.transaction():
            self._db.execute(
                "INSERT INTO override (id, area, doc, batch_id, entered_by, entered_at) "
                "VALUES (%s, %s, %s, %s, 'test', now())",
                (id, self.area, json.dumps({"area_id": self.area, "reason": "a test", **doc}), self._batch),
            )
            self._db.execute("SELECT pg_notify('baycast_registry', %s)", (self.area,))

    def unregister(self, kind: str, id: str) -> None:
        """Remove one registry document, and notify."""
        with self._db.transaction():
            self._db.execute("DELETE FROM registry WHERE kind = %s AND id = %s", (kind, id))
            self._db.execute("SELECT pg_notify('baycast_registry', %s)", (self.area,))

    def sign_frame(
        self, sign_id: str, sequence: int, says: Sequence[str], *, age_s: float = 0, ttl_s: int = 60
    ) -> None:
        """Record a frame that publish made and sent so long ago: SPACES, in Welsh and English."""
        pages = [{"language": tongue, "lines": [row]} for tongue, row in zip(("cy", "en"), says, strict=True)]
        self._db.execute(
            "INSERT INTO sign_frame (sign_id, sequence, issued_at, ttl_s, state, pages, versions, sent_at) "
            "VALUES (%s, %s, now() - %s * interval '1 s', %s, 'SPACES', %s, '{}', now() - %s * interval '1 s')",
            (sign_id, sequence, age_s, ttl_s, json.dumps(pages), age_s),
        )

    def go_live(self, watermark: datetime | None) -> None:
        """Make this generation the live one."""
        with self._db.transaction():
            self._db.execute(
                "UPDATE generation SET status = 'retired' WHERE area = %s AND status = 'live'", (self.area,)
            )
            self._db.execute(
                "INSERT INTO generation "
                "(area, generation, position, watermark, version, status, engine_version) VALUES ("
                "%s, %s, %s, %s, %s, 'live', 'test')",
                (self.area, self.generation, self.version, watermark, self.version),
            )
            self._notify()

    def commit_zones(
        self,
        zones: dict[str, Sequence[dict[str, Any]]],
        *,
        watermark: datetime | None = None,
        notify: bool = True,
    ) -> int:
        """Write the zones' groups as one step; return its version."""
        self.version += 1
        with self._db.transaction():
            for zone_id, groups in zones.items():
                self._write_zone(zone_id, groups, watermark)
            self._db.execute(
                "UPDATE generation SET position = %s, version = %s, watermark = coalesce(%s, watermark) "
                "WHERE area = %s AND generation = %s",
                (self.version, self.version, watermark, self.area, self.generation),
            )
            if notify:
                self._notify()
        return self.version

    def move_watermark(self, watermark: datetime) -> None:
        """Move the watermark alone, as a quiet second does."""
        self._db.execute(
            "UPDATE generation SET position = position + 1, watermark = %s "
            "WHERE area = %s AND generation = %s",
            (watermark, self.area, self.generation),
        )

    def bay(self, bay_id: str, state: str, *, since: datetime | None, as_of: datetime | None) -> None:
        """Write one bay's state."""
        self._db.execute(
            "INSERT INTO bay_state (area, generation, bay_id, state, since, as_of, confidence, reason) "
            "VALUES (%s, %s, %s, %s, %s, %s, 0.9, 'the sensor says so')",
            (self.area, self.generation, bay_id, state, since, as_of),
        )

    def cells(self, zone_id: str, cells: Iterable[tuple[datetime, float, float]]) -> None:
        """Write quarters of an hour of history: start, free and occupied bay-seconds."""
        with (
            self._db.cursor() as cursor,
            cursor.copy(
                "COPY zone_cell (area, generation, zone_id, cell_at, free_s, occupied_s, unknown_s, closed_s, "
                "arrivals, departures) FROM STDIN"
            ) as copy,
        ):
            for at, free_s, occupied_s in cells:
                copy.write_row((self.area, self.generation, zone_id, at, free_s, occupied_s, 0, 0, 0, 0))

    def _write_zone(self, zone_id: str, groups: Sequence[dict[str, Any]], as_of: datetime | None) -> None:
        free, occupied, unknown, closed = (
            sum(each[name] for each in groups) for name in ("free", "occupied", "unknown", "closed")
        )
        capacity = free + occupied + unknown + closed
        self._db.execute(
            "INSERT INTO zone_state "
            "(area, generation, zone_id, version, capacity, free, occupied, unknown, closed, free_min, "
            "free_max, groups, as_of, source, confidence, coverage) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'sensor', 0.9, %s) "
            "ON CONFLICT (area, generation, zone_id) DO UPDATE SET version = excluded.version, "
            "capacity = excluded.capacity, free = excluded.free, occupied = excluded.occupied, "
            "unknown = excluded.unknown, closed = excluded.closed, free_min = excluded.free_min, "
            "free_max = excluded.free_max, groups = excluded.groups, as_of = excluded.as_of, "
            "coverage = excluded.coverage",
            (
                *(
                    self.area,
                    self.generation,
                    zone_id,
                    self.version,
                    capacity,
                    free,
                    occupied,
                    unknown,
                    closed,
                ),
                *(free, free + unknown, json.dumps(list(groups)), as_of),
                0 if capacity == 0 else (free + occupied) / capacity,
            ),
        )

    def _notify(self) -> None:
        self._db.execute("SELECT pg_notify('baycast_feed', %s)", (self.area,))


@contextmanager
def told_streets(url: str, number: int, *, clock: str = "live") -> Iterator[DerivedRows]:
    """Streets `s0`, `s1`, ... of ten bays, half of them free, at `NOW`."""
    with DerivedRows(url) as rows:
        rows.register("area", "cardiff", {**AREA, "clock": clock})
        for one in range(number):
            rows.register("zone", f"s{one}", street(one))
        rows.go_live(NOW)
        rows.commit_zones({f"s{one}": [group(5, 5)] for one in range(number)}, watermark=NOW)
        yield rows
