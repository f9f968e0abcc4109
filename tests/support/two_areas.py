"""Two areas with something of everything that admins may see; each thing's name begins with that of its area."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from occupancy.overrides import override_of
from store import keys, overrides, quarantine
from store.keys import Scope
from store.postgres import Connection, connect
from store.quarantine import Refused
from store.registry import Change, apply, load_registries
from tests.support.derived_rows import NOW, DerivedRows, group

MINE, OTHER = "cardiff", "newport"
AREAS = (MINE, OTHER)
STARTS = "2036-01-01T08:00:00Z"


def documents(area: str) -> list[Change]:
    """A street with a public, a Blue Badge, a residents' and a badly known bay, each with its sensor, and a sign."""
    place = {"lat": 51.48, "lon": -3.18}
    of = {"area_id": area}
    found: list[tuple[str, str, dict[str, Any]]] = [
        (
            "area",
            area,
            {"name": {"en": area}, "time_zone": "Europe/London", "languages": ["cy", "en"], "clock": "live"},
        ),
        ("rule", f"{area}-res", {**of, "use": "resident", "days": "sat", "permit_areas": ["A"]}),
        ("rule", f"{area}-badge", {**of, "use": "blue_badge", "days": "daily"}),
        ("rule", f"{area}-pay", {**of, "use": "pay", "days": "daily"}),
        ("zone", f"{area}-st", {**of, "kind": "street", "name": {"en": f"{area} Street"}, **place}),
        ("sign", f"{area}-vms", {**of, "name": {"en": area}, "zone_ids": [f"{area}-st"], **place}),
    ]
    bay = {**of, "zone_id": f"{area}-st", **place, "bay_type": "standard"}
    for name, more in (
        ("pay", {"rule_ids": [f"{area}-pay"]}),
        ("badge", {"bay_type": "blue_badge"}),
        ("reserved", {"rule_ids": [f"{area}-badge"]}),
        ("res", {"rule_ids": [f"{area}-pay", f"{area}-res"]}),
    ):
        sensor = {**of, "model": "ir-1", "expected_heartbeat_s": 3600}
        found.append(("bay", f"{area}-{name}", {**bay, **more}))
        found.append(("sensor", f"{area}-s-{name}", sensor))
        bound = {**of, "device_id": f"{area}-s-{name}", "bay_id": f"{area}-{name}"}
        found.append(("binding", f"{area}-s-{name}@{area}-{name}@always", bound))
    return [Change(*one) for one in found]


PUBLIC_BAYS, WITHHELD_BAYS = {"pay"}, {"badge", "reserved", "res"}


@dataclass
class TwoAreas:
    conn: Connection
    """Commits by itself."""
    url: str
    rows: dict[str, DerivedRows]
    made: list[str] = field(default_factory=list)
    """Every key that was made, to be looked for where none may be."""

    def key(
        self, *scopes: Scope, areas: list[str] | None, expires_at: datetime | None = None, label: str = "test"
    ) -> tuple[int, str]:
        """Return (id, secret) of a new key."""
        bound = "all areas" if areas is None else "-".join(areas)
        key, secret = keys.create(
            self.conn,
            label=f"{bound} {label}",
            scopes=scopes,
            areas=areas,
            expires_at=expires_at,
            made_by="user test",
            made_at=NOW - timedelta(hours=1),
        )
        self.made.append(secret)
        return key.key_id, secret

    def set_override(self, area: str) -> str:
        """Make sure that the area has one, and return its id."""
        of = {"area_id": area, "kind": "closure", "zone_ids": [f"{area}-st"]}
        override = override_of(f"{area}-works", {**of, "reason": f"{area} flood", "starts_at": STARTS})
        registries = load_registries(self.conn)
        overrides.put(self.conn, override, registries, entered_by="test", entered_at=NOW)
        return override.override_id

    def set_rule(self, area: str) -> str:
        """Make sure that the area has a rule that nothing needs, and return its id."""
        doc = {"area_id": area, "use": "pay", "days": "daily"}
        apply(self.conn, [Change("rule", f"{area}-spare", doc)], entered_by="test", entered_at=NOW)
        return f"{area}-spare"


@contextmanager
def two_areas(database_url: str) -> Iterator[TwoAreas]:
    """The areas, live at `NOW`."""
    with (
        connect(database_url, autocommit=True) as conn,
        DerivedRows(database_url, MINE) as mine,
        DerivedRows(database_url, OTHER) as other,
    ):
        world = TwoAreas(conn, database_url, {MINE: mine, OTHER: other})
        for area, rows in world.rows.items():
            apply(conn, documents(area), entered_by="test", entered_at=NOW, actor=f"user of {area}")
            rows.go_live(NOW)
            badge = group(0, 1, bay_type="blue_badge", access=["blue_badge"])
            residents = group(0, 2, access=["permit:A"])
            rows.commit_zones({f"{area}-st": [group(0, 1), badge, residents]}, watermark=NOW)
            for name in PUBLIC_BAYS | WITHHELD_BAYS:
                rows.bay(f"{area}-{name}", "occupied", since=NOW - timedelta(minutes=9), as_of=NOW)
            world.set_override(area)
        quarantine_something(conn)
        yield world


REFUSED = [
    (None, "unknown_device"),
    *((area, reason) for area in AREAS for reason in ("invalid_type", "conflicting", "plate")),
]
"""The refused messages by area and reason, in the order of their ids."""


def quarantine_something(conn: Connection) -> None:
    """Three refused messages of each area, the last one a passage, and one of nobody."""

    def refused(name: str, device_id: str | None, reason: str, payload: bytes | None) -> Refused:
        kind = "state" if payload is not None else "passage"
        topic, detail = f"baycast/v1/dev/{name}/{kind}", f"{name} said so"
        said = {"topic": topic, "reason": reason, "detail": detail, "device_id": device_id}
        return Refused(**said, payload=payload, size=31, received_at=NOW)

    found = [refused("nobody", None, "unknown_device", b"{}")]
    for area in AREAS:
        device_id = f"{area}-s-pay"
        found.append(refused(device_id, device_id, "invalid_type", b'{"boot":"\xff"}'))
        found.append(refused(device_id, device_id, "conflicting", b'{"boot":2}' + b" " * 5000))
        found.append(refused(device_id, device_id, "plate", None))
    with conn.transaction(), conn.cursor() as cur:
        for one in found:
            quarantine.record(cur, [one])
