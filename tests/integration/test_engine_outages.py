"""Outages on the real database: over restarts, by rebuild, and on the doctor's page (L3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from occupancy import engine
from occupancy.engine import EngineConfig
from occupancy.maintenance import defects
from store import doctor
from store.postgres import Connection, connect
from store.registry import Change, apply, load_registries
from store.sensors import list_sensors
from tests.integration.test_engine_rows import TOWN, log, rows, serve
from tests.support.small_town import AREA, START
from tests.unit.test_outages import lived, two_gateways, words


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        changes = [Change(kind, id, doc) for kind, id, doc in two_gateways()]
        apply(connection, changes, entered_by="test", entered_at=START)
        yield connection


def live(
    conn: Connection, until_s: int, silent: dict[int, tuple[int, int]], *, restarts: bool
) -> dict[str, Any]:
    """The rows after every half minute (less often, the pipeline would be down), by a new engine every ten minutes."""
    readings = words(until_s, silent=silent)
    for at in range(0, until_s, 30):
        spoken = [r for r in readings if at - 30 < (r.received_at - START).total_seconds() <= at]
        log(conn, spoken, at)
        if restarts and at % 600 == 0:
            serve(conn)
    served = serve(conn)
    return rows(conn, served.at.generation)


def test_l3_an_outage_is_said_once_and_a_rebuild_says_the_same(conn: Connection) -> None:
    found = live(conn, 5400, {0: (3600, 100_000)}, restarts=True)
    [outage] = found["outage"]
    assert (outage["sensors_of"], outage["ended_at"], outage["sensors"]) == ("gateway/gw-0", None, 8)
    reasons = {row["bay_id"]: row["reason"] for row in found["bay_state"] if row["state"] == "unknown"}
    assert len(reasons) == 8
    assert all("outage of gateway gw-0" in reason for reason in reasons.values())
    [silence] = doctor.outages(conn)
    assert (silence.sensors_of, silence.sensors) == ("gateway/gw-0", 8)
    sensors = list_sensors(conn, load_registries(conn)[AREA], personal=True)
    cut_off = [one for one in sensors if one.cut_off_by is not None]
    assert [one.cut_off_by for one in cut_off] == ["gateway/gw-0"] * 8
    for one in cut_off:
        assert [defect.words for defect in defects(one)] == [
            "cut off with all of gateway gw-0: one outage, no fault of its own"
        ]
    conn.commit()
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()


def test_l3_an_outage_that_ends_is_the_same_over_restarts_as_in_memory(conn: Connection) -> None:
    quiet = {0: (3600, 7200)}
    found = live(conn, 9000, quiet, restarts=True)
    town = lived(words(9000, silent=quiet), 8970)
    [outage], [expected] = found["outage"], town.outages.values()
    assert outage["ended_at"] == expected.ended_at.isoformat()
    assert outage["began_at"] == expected.began_at.isoformat()
    assert {row["bay_id"]: row["state"] for row in found["bay_state"]} == {
        bay_id: bay.state.value for bay_id, bay in town.bays.items()
    }
    assert {(row["bay_id"], row["started_at"], row["state"]) for row in found["bay_interval"]} == {
        (row.bay_id, row.started_at.isoformat(), row.state.value) for row in town.rows()["intervals"]
    }
    assert doctor.outages(conn) == []


def test_l3_a_sensor_that_was_cut_off_otherwise_than_was_known_is_folded_again(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It turns out to speak through the gateway that was away, and numbers of its words are missing from then on."""
    monkeypatch.setattr("occupancy.sensed.CHECKPOINT_EVERY", 2)
    quiet = {0: (3600, 7200)}
    spoken = [
        msgspec.structs.replace(r, key=r.key._replace(seq=r.key.seq + 5))
        if r.device_id == "s5" and r.key.seq > 5
        else r
        for r in words(9000, silent=quiet)
    ]
    for at in range(0, 9000, 30):
        log(conn, [r for r in spoken if at - 30 < (r.received_at - START).total_seconds() <= at], at)
    served = serve(conn)
    before = [row for row in rows(conn, served.at.generation)["bay_interval"] if row["device_id"] == "s5"]
    assert [row["state"] for row in before] == ["free"]
    doc = next(doc for kind, id, doc in two_gateways() if (kind, id) == ("sensor", "s5"))
    apply(conn, [Change("sensor", "s5", {**doc, "gateway": "gw-0"})], entered_by="test", entered_at=START)
    served = serve(conn)
    after = [row for row in rows(conn, served.at.generation)["bay_interval"] if row["device_id"] == "s5"]
    assert sorted(row["state"] for row in after) == ["free", "free", "unknown"]
    conn.commit()
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()


def test_l3_while_the_pipeline_is_down_nobody_is_missed(conn: Connection) -> None:
    quiet = {0: (3600, 9000), 1: (3600, 9000)}
    live(conn, 3600, quiet, restarts=False)
    log(conn, [], 9000)
    serve(conn)
    log(conn, [r for r in words(9700, silent=quiet) if (r.received_at - START).total_seconds() >= 9000], 9020)
    found = serve(conn)
    assert rows(conn, found.at.generation)["outage"] == []
    assert conn.execute("SELECT count(*) FROM log_entry WHERE kind = 'outage'").fetchone() == (1,)
