"""What beat surveys say, held against a day of real rows, told beside figures and sensors."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from api.config import ApiConfig
from api.history_schemas import HistoryReport
from occupancy.registry import binding_of, document, format_instant, identity
from store.keys import Scope
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import log, serve
from tests.integration.test_history_routes import HOUR, a_day, key
from tests.support.api_server import running_api
from tests.support.keyed import status_is, when
from tests.support.small_town import AREA, START, documents, state
from tests.support.surveyed import BEAT, DAY, HEADER, SURVEYS, Admin, look, rows_of

MIN = 60


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as conn:
        changes = [Change(kind, id, doc) for kind, id, doc in documents()]
        apply(conn, changes, entered_by="test", entered_at=START)
        conn.commit()
        a_day(conn)
        serve(conn)
        yield conn


@pytest.fixture
def admin(database_url: str, conn: Connection) -> Iterator[Admin]:
    secret = key(conn, Scope.ADMIN, Scope.HISTORY, Scope.PERSONAL)
    with running_api(ApiConfig(database_url=database_url), lambda: START + timedelta(hours=4)) as api:
        api.until("/v1/zones/high-st", lambda answer: answer.status_code == 200)
        when(api, secret, status_is(200))
        yield Admin(api, secret)


def test_agreement_is_counted_by_sensor_street_and_area(admin: Admin) -> None:
    sent = admin.send(BEAT)
    assert sent.json() == {"entered": 8, "known": 0, "skipped": 0, "problems": []}
    sensors = rows_of(admin, "sensor")
    assert list(sensors) == ["s1", "s0", "s2"]  # one of two, two of three, and nothing said
    s0 = sensors["s0"]
    assert (s0["looks"], s0["said"], s0["agreed"], s0["close_calls"], s0["unclear"]) == (4, 3, 2, 1, 1)
    assert (s0["free_said_taken"], s0["taken_said_free"], s0["rate"]) == (1, 0, 2 / 3)
    assert sensors["s1"]["taken_said_free"] == 1
    assert (sensors["s2"]["rate"], sensors["s2"]["said_share"]) == (None, 0)
    for by, of in (("zone", "high-st"), ("area", AREA)):
        (whole,) = rows_of(admin, by).values()
        assert (whole[by], whole["looks"], whole["said"], whole["agreed"]) == (of, 7, 5, 3)
    early = rows_of(admin, "sensor", to="2026-11-02T08:30:00Z")
    assert {sensor: row["looks"] for sensor, row in early.items()} == {"s0": 1, "s1": 1, "s2": 1}
    assert rows_of(admin, "sensor", **{"from": "2026-11-03"}) == {}


def test_what_is_known_later_and_whom_nobody_believes_changes_the_agreement(
    admin: Admin, conn: Connection
) -> None:
    admin.send(HEADER + look(1, 90, "taken") + look(0, 20, "yes"))
    assert rows_of(admin, "area")[AREA]["agreed"] == 1
    log(conn, [state("s1", 1000 * 86, 86 * MIN, True), state("s1", 1000 * 94, 94 * MIN, False)], 5 * HOUR)
    serve(conn)
    assert rows_of(admin, "area")[AREA]["agreed"] == 2
    conn.execute(
        "INSERT INTO suspicion (area, generation, bay_id, device_id, kind, began_at, reason, evidence) "
        "VALUES ($1, 1, 'high-st-1', 's1', 'chatter', $2, 'chatters', '{}')",
        (AREA, START + timedelta(minutes=80)),
    )
    conn.commit()
    found = rows_of(admin, "area")[AREA]
    assert (found["looks"], found["said"], found["agreed"]) == (2, 1, 1)


def test_what_retention_dropped_and_what_is_still_to_be_known_is_not_said(
    admin: Admin, conn: Connection
) -> None:
    admin.send(HEADER + look(0, 20, "yes") + look(0, 240, "no"))
    found = rows_of(admin, "sensor")["s0"]
    assert (found["looks"], found["said"]) == (2, 1)  # the second look is at the watermark itself
    conn.execute("DELETE FROM bay_interval WHERE ended_at < $1", (START + timedelta(hours=2),))
    conn.commit()
    assert rows_of(admin, "sensor")["s0"]["said"] == 0


def bound(device_id: str, **more: str) -> Change:
    entity = binding_of({"area_id": AREA, "bay_id": "high-st-0", "device_id": device_id, **more})
    return Change(*identity(entity), document(entity))


def test_a_look_belongs_to_the_sensor_that_watched_the_bay_then(admin: Admin, conn: Connection) -> None:
    turn = format_instant(START + timedelta(minutes=60))
    changes = [
        Change("sensor", "s9", {"area_id": AREA, "model": "ir-flush", "expected_heartbeat_s": 600}),
        bound("s0", valid_to=turn),
        bound("s9", valid_from=turn),
    ]
    apply(conn, changes, entered_by="test", entered_at=START + timedelta(hours=4))
    conn.commit()
    serve(conn)
    assert admin.send(BEAT).status_code == 200
    found = admin.until(SURVEYS, lambda answer: "s9" in answer.text, area=AREA, by="sensor")
    looks = {row["sensor"]: row["looks"] for row in found.json()["agreement"]}
    assert looks == {"s0": 3, "s9": 1, "s1": 2, "s2": 1}


def test_agreement_stands_beside_the_figures(admin: Admin) -> None:
    before = admin.get("/v1/history/occupancy", **DAY, by="zone", limit=1)
    assert before["agreement"] is None
    admin.send(BEAT)
    wider = {**DAY, "to": "2026-11-04"}  # what was just asked for is kept for a moment
    document = admin.get("/v1/history/occupancy", **wider, by="zone")
    HistoryReport.model_validate_json(json.dumps(document))
    assert (document["agreement"]["looks"], document["agreement"]["rate"]) == (7, 3 / 5)
    assert document["agreement"]["since"] == "2026-11-02T08:20:00Z"
    rows = {row["zone"]: row["agreement"] for row in document["rows"]}
    assert {zone: found and found["agreed"] for zone, found in rows.items()} == {"high-st": 3}
    assert "agreement" not in admin.get("/v1/history/turnover", **wider)["rows"][0]
    answer = admin.file("/v1/history/occupancy", **wider, by="zone", zones="high-st", format="csv")
    header, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert row[header.index("agreement_percent [%]")] == "60.0"
    assert row[header.index("survey_looks")] == "7"
    assert "people on the street" in admin.get("/v1/history/definitions")["agreement"]


def test_the_tag_of_final_figures_changes_with_a_survey(admin: Admin, conn: Connection) -> None:
    log(conn, [], 80 * HOUR)
    serve(conn)
    first = admin.file("/v1/history/occupancy", **DAY).headers["etag"]
    admin.send(BEAT)
    answer = admin.file("/v1/history/occupancy", **{**DAY, "to": "2026-11-02T23:00:00Z"})
    assert answer.headers["etag"] != first
    assert answer.json()["agreement"]["looks"] == 7


def test_parquet_has_the_columns(admin: Admin) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra")
    admin.send(BEAT)
    answer = admin.file("/v1/history/occupancy", **DAY, by="zone", format="parquet")
    table = parquet.read_table(io.BytesIO(answer.content))
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["agreement_percent"], types["survey_looks"]) == ("double", "int64")
    assert table.column("survey_looks").to_pylist() == [7]


def test_a_sensor_that_surveyors_contradict_comes_first(admin: Admin) -> None:
    before = admin.get("/v1/admin/sensors", area=AREA)["sensors"]
    assert all(sensor["agreement"] is None for sensor in before)
    admin.send(HEADER + "".join(look(1, minute, "taken") for minute in range(20, 32, 2)))
    told = admin.get("/v1/admin/sensors", area=AREA)["sensors"]
    agreements = {sensor["device_id"]: sensor["agreement"] for sensor in told}
    assert (agreements["s1"]["said"], agreements["s1"]["agreed"], agreements["s0"]) == (6, 0, None)
    [s1] = [sensor for sensor in told if sensor["device_id"] == "s1"]
    assert "contradicted by 6 of 6 looks of surveyors" in s1["defects"]
    order = [sensor["device_id"] for sensor in told]
    assert order.index("s1") < order.index("s0")
