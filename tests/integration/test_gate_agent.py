"""The gate agent with a real broker, ingest and engine: plates nowhere (L10), passages once through kill -9 (L2)."""

from __future__ import annotations

import io
import json
import logging
import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client import generate_latest

from firmware_contract.topics import device_topic, gateway_topic
from occupancy import engine
from occupancy.engine import AreaEngine, EngineConfig
from occupancy.model import AreaId
from store import generation
from store.postgres import connect
from store.registry import Change, apply
from tests.support.brokers import Broker
from tests.support.gate_agent import GateAgent, leaked, plates
from tests.support.ingesting import config_for, ingesting, publishing, quarantined, rows
from tests.support.small_town import AREA, documents
from tests.support.waiting import eventually

CANARIES = int(os.environ.get("BAYCAST_TEST_CANARIES", "1000"))
"""Plates to look for; `make soak` sends 10,000."""


def _register(url: str) -> None:
    with connect(url) as conn:
        changes = [Change(kind, id, doc) for kind, id, doc in documents()]
        apply(conn, changes, entered_by="test", entered_at=datetime.now(UTC))


def _event(camera: str, plate: str, at: datetime) -> dict[str, object]:
    return {"camera": camera, "plate": plate, "time": at.isoformat(), "confidence": 0.93}


def _passages(url: str) -> int:
    return int(rows(url, "SELECT count(*) FROM reading WHERE kind = 'passage'")[0][0])


def _dump(url: str) -> bytes:
    """Every row of every table, as text."""
    out = io.BytesIO()
    with psycopg.connect(url) as conn:
        tables = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            with conn.cursor().copy(f'COPY "{table}" TO STDOUT') as copy:
                for part in copy:
                    out.write(part)
    return out.getvalue()


def _fold(url: str) -> int:
    with connect(url) as conn:
        with conn.transaction(), conn.cursor() as cur:
            at = generation.live_generation(cur, AreaId(AREA), engine.ENGINE_VERSION)
        served = AreaEngine(conn, at, EngineConfig(database_url=""))
        while served.advance():
            pass
        return served.at.position


@pytest.mark.timeout(240 + CANARIES // 10)
def test_l10_no_known_plate_is_found_anywhere_behind_the_agent(
    database_url: str, broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _register(database_url)
    known = plates(CANARIES, seed=7)
    agent = GateAgent(tmp_path, broker.url)
    began = datetime.now(UTC) - timedelta(hours=1)
    with (
        agent,
        ingesting(config_for(database_url, broker.url)),
        publishing(broker.port) as strangers,
        closing(agent.connection()) as camera,
    ):
        for number, plate in enumerate(known):
            shown = plate.lower() if number % 3 else plate
            at = began + timedelta(seconds=number / 10)
            event = _event("entry" if number % 2 == 0 else "exit", shown, at)
            assert agent.post(camera, f"/events?plate={shown.replace(' ', '%20')}", event)[0] == 202
        sent_wrongly = known[:50]
        for number, plate in enumerate(sent_wrongly):
            at = began.isoformat()
            wrong = (
                (_event(plate, plate, began), 422),
                ({"camera": "entry", "plate": plate, "time": plate}, 422),
                ({"camera": "entry", "plate": [plate], "time": at}, 422),
                (b'{"plate": "' + plate.encode(), 422),
            )
            for event, status in wrong:
                assert agent.post(camera, "/events", event)[0] == status
            body = {"boot": 9, "seq": number, "at": "2026-03-01T09:30:00Z", "direction": "in", "plate": plate}
            item = {"device_id": "g-in", "kind": "passage", "body": body}
            strangers.send(device_topic("g-in", "passage"), json.dumps(body).encode())
            strangers.send(device_topic("s0", "state"), json.dumps(body).encode())
            strangers.send(gateway_topic("gw"), json.dumps([item]).encode())
            strangers.send("baycast/v1/dev/g-in/passages", json.dumps(body).encode())
            name = plate.replace(" ", "")
            honest = {key: value for key, value in body.items() if key != "plate"}
            strangers.send(device_topic(name, "passage"), json.dumps(honest).encode())
            item = {"device_id": name, "kind": "passage", "body": honest}
            strangers.send(gateway_topic("gw"), json.dumps([item]).encode())
        eventually(lambda: _passages(database_url) == len(known), 60)
        eventually(lambda: sum(quarantined(database_url).values()) >= 5 * len(sent_wrongly), 20)
        assert _fold(database_url) > 0
    broker.stop()
    files = [path for path in (*tmp_path.rglob("*"), *broker.folder.rglob("*")) if path.is_file()]
    assert {"gate.log", "gate.db", "mosquitto.db"} <= {path.name for path in files}
    found = {str(path.name): leaked(path.read_bytes(), known) for path in files}
    found["database"] = leaked(_dump(database_url), known)
    found["logs"] = leaked(caplog.text.encode(), known)
    found["metrics"] = leaked(generate_latest(), known)
    assert {place: some for place, some in found.items() if some} == {}
    tokens = rows(database_url, "SELECT count(DISTINCT vehicle_token) FROM reading")
    assert tokens == [(len(known),)]


def test_the_search_for_plates_finds_them_in_every_form() -> None:
    import base64
    import hashlib

    for form in (
        b"xKV19XWZ1",
        b'{"a":"kv19 xwz"}',
        b"KV19XWZ".hex().encode(),
        hashlib.md5(b"KV19XWZ").hexdigest().encode(),
        hashlib.sha1(b"KV19 XWZ").hexdigest().encode(),
        hashlib.sha256(b"kv19xwz").hexdigest().encode(),
        base64.b64encode(b"KV19XWZ"),
        base64.urlsafe_b64encode(hashlib.sha256(b"KV19XWZ").digest()),
    ):
        assert leaked(b"before " + form + b" after", ["KV19 XWZ", "AB12 CDE"]) == {"KV19 XWZ"}, form


@pytest.mark.timeout(180)
def test_l1_l2_what_the_agent_took_is_stored_once_through_kills_and_a_broker_outage(
    database_url: str, broker: Broker, tmp_path: Path
) -> None:
    _register(database_url)
    agent = GateAgent(tmp_path, broker.url)
    began = datetime.now(UTC) - timedelta(hours=1)
    events: list[dict[str, Any]] = [
        _event("entry", plate, began + timedelta(seconds=3 * n))
        for n, plate in enumerate(plates(120, seed=3))
    ]
    with agent, ingesting(config_for(database_url, broker.url)), closing(agent.connection()) as camera:
        for number, event in enumerate(events):
            if number in (40, 80):
                # Taken, and the answer lost: the camera asks again after the restart.
                assert agent.post(camera, "/events", event)[0] == 202
                agent.kill()
                agent.start()
                camera.close()  # the next request connects again
                assert agent.post(camera, "/events", event)[0] == 200
            else:
                if number == 60:
                    broker.stop()
                assert agent.post(camera, "/events", event)[0] == 202
        broker.start()
        eventually(lambda: _passages(database_url) == len(events), 60)
        leaving = [event | {"camera": "exit", "time": datetime.now(UTC).isoformat()} for event in events[:3]]
        for event in leaving:
            assert agent.post(camera, "/events", event)[0] == 202
        eventually(lambda: _passages(database_url) == len(events) + 3, 60)
    pairs = rows(
        database_url,
        "SELECT count(*) FROM (SELECT vehicle_token FROM reading WHERE kind = 'passage'"
        " GROUP BY vehicle_token HAVING count(*) = 2) AS matched",
    )
    assert pairs == [(3,)], "the key file carries the keys over a restart"
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    assert quarantined(database_url) == {}


def test_l8_a_large_or_slow_event_is_turned_away(broker: Broker, tmp_path: Path) -> None:
    agent = GateAgent(tmp_path, broker.url)
    with agent, closing(agent.connection()) as large, closing(agent.connection()) as slow:
        assert agent.post(large, "/events", b"x" * 70_000)[0] == 413
        slow.putrequest("POST", "/events")
        slow.putheader("Content-Length", "100")
        slow.endheaders(b"{")
        assert slow.getresponse().status == 408
