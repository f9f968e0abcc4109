"""Beat surveys: entered by file and by HTTP, held against a day of real rows, told beside figures and sensors."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from api import survey_schemas as shapes
from api.config import ApiConfig
from api.history_schemas import HistoryReport
from api.routes import surveys as survey_routes
from baycast.cli import main
from occupancy.registry import binding_of, document, format_instant, identity
from occupancy.survey_sheets import read_csv
from store import audit
from store.keys import Scope
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import log, serve
from tests.integration.test_history_routes import HOUR, a_day, key
from tests.support.api_server import ApiServer, running_api
from tests.support.folded import AREA, START, documents, state
from tests.support.keyed import bearer, status_is, when

MIN = 60
SURVEYS = "/v1/admin/surveys"
HEADER = "bay_id,seen_at,occupied\n"
DAY = {"area": AREA, "from": "2026-11-02", "to": "2026-11-03"}


def look(bay: int, minute: float, seen: str) -> str:
    return f"high-st-{bay},{format_instant(START + timedelta(minutes=minute))},{seen}\n"


BEAT = (
    HEADER
    + look(0, 20, "yes")  # said taken from 10 to 40
    + look(0, 50, "no")
    + look(0, 100, "free")  # said taken from 60 to 120
    + look(0, 40.5, "yes")  # half a minute after it left: a close call
    + look(0, 130, "unknown")
    + look(1, 20, "no")
    + look(1, 90, "taken")  # said free all the time
    + look(2, 20, "taken")  # nobody ever heard its sensor
)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as conn:
        changes = [Change(kind, id, doc) for kind, id, doc in documents()]
        apply(conn, changes, entered_by="test", entered_at=START)
        conn.commit()
        a_day(conn)
        serve(conn)
        yield conn


class Admin:
    """Asks with a key for admins and managers."""

    def __init__(self, api: ApiServer, secret: str) -> None:
        self._api, self._secret = api, secret

    def get(self, path: str, **asked: Any) -> Any:
        answer = self._api.get(path, params=asked, headers=bearer(self._secret))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def file(self, path: str, **asked: Any) -> httpx.Response:
        return self._api.get(path, params=asked, headers=bearer(self._secret))

    def until(self, path: str, true_of: Callable[[httpx.Response], bool], **asked: Any) -> httpx.Response:
        when(self._api, self._secret, true_of, f"{path}?{urlencode(asked)}")
        return self.file(path, **asked)

    def send(self, body: str | dict[str, Any], **asked: Any) -> httpx.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/csv; charset=utf-8" if isinstance(body, str) else "application/json"
        return httpx.post(
            f"{self._api.url}{SURVEYS}",
            params={"area": AREA, "surveyor": "Anna Rees", **asked},
            content=text.encode(),
            headers={**bearer(self._secret), "Content-Type": kind},
            timeout=20,
        )


@pytest.fixture
def admin(database_url: str, conn: Connection) -> Iterator[Admin]:
    secret = key(conn, Scope.ADMIN, Scope.HISTORY, Scope.PERSONAL)
    with running_api(ApiConfig(database_url=database_url), lambda: START + timedelta(hours=4)) as api:
        api.until("/v1/zones/high-st", lambda answer: answer.status_code == 200)
        when(api, secret, status_is(200))
        yield Admin(api, secret)


def rows_of(admin: Admin, by: str, **asked: Any) -> dict[str, dict[str, Any]]:
    answer = admin.get(SURVEYS, area=AREA, by=by, **asked)
    shapes.AgreementList.model_validate_json(json.dumps(answer))
    return {row[by]: row for row in answer["agreement"]}


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


def test_a_survey_is_entered_once_and_audited(admin: Admin, conn: Connection) -> None:
    looks = [
        {"bay_id": "high-st-0", "seen_at": "2026-11-02T08:20:00Z", "occupied": True},
        {"bay_id": "high-st-1", "seen_at": "2026-11-02T08:20", "occupied": None},
    ]
    assert admin.send({"looks": looks}).json()["entered"] == 2
    again = admin.send({"looks": looks}).json()
    assert (again["entered"], again["known"]) == (0, 2)
    other = admin.send({"looks": looks}, surveyor="Ben Lloyd").json()
    assert other["entered"] == 2  # two people may look at the same time
    (entry, first) = [one for one in audit.page(conn, limit=10) if one.action == "survey.enter"]
    assert (entry.subject, first.subject, first.areas) == ("Ben Lloyd", "Anna Rees", [AREA])
    assert first.who.startswith("key ")
    assert (first.doc["looks"], first.doc["from"]) == (2, "2026-11-02T08:20:00Z")
    conn.rollback()


def test_a_look_that_was_entered_otherwise_stays_a_record(admin: Admin) -> None:
    admin.send(HEADER + look(0, 20, "yes"))
    answer = admin.send(HEADER + look(0, 20, "no") + look(1, 20, "no"))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:baycast:problem:invalid-survey")
    (problem,) = answer.json()["problems"]
    assert (problem["where"], problem["field"]) == ("the file row 2", "occupied")
    assert problem["problem"].startswith("was entered as taken before")
    assert rows_of(admin, "area")[AREA]["looks"] == 1


def test_a_bad_row_stops_the_file_or_is_passed_over(admin: Admin) -> None:
    bad = HEADER + look(0, 20, "yes") + "high-st-7,2026-11-02T08:20Z,yes\n"
    refused = admin.send(bad)
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["fix"].startswith("did you mean 'high-st-")
    assert rows_of(admin, "area") == {}
    passed = admin.send(bad, skip_bad="true").json()
    shapes.SurveyEntered.model_validate(passed)
    assert (passed["entered"], passed["skipped"]) == (1, 1)
    assert passed["problems"][0]["where"] == "the file row 3"


def test_l8_a_sheet_is_read_beside_the_loop_and_not_every_error_is_told(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = []

    def reading(*given: Any) -> Any:
        loops.append(asyncio._get_running_loop())
        return read_csv(*given)

    monkeypatch.setattr(survey_routes, "read_csv", reading)
    answer = admin.send(HEADER + "".join(f"nowhere-{n},2026-11-02T08:20Z,yes\n" for n in range(20_000)))
    assert (answer.status_code, loops) == (422, [None])
    assert answer.elapsed < timedelta(seconds=10)
    told = answer.json()
    assert (len(told["problems"]), told["more_problems"]) == (100, 19_900)
    assert told["detail"] == "20000 problem(s), nothing was entered."


@pytest.mark.parametrize(
    ("body", "asked", "status", "told"),
    [
        (HEADER, {"surveyor": "CA51 ABC"}, 422, "surveyor: is no name of a person"),
        ("bay_id,seen_at,occupied,plate\n", {}, 422, "1 problem(s)"),
        (
            {"looks": [{"bay_id": "b", "seen_at": "x", "occupied": True, "note": "red"}]},
            {},
            422,
            "note: Extra",
        ),
        ({"looks": "all"}, {}, 422, "looks: Input should be a valid array"),
        ({"seen": []}, {}, 422, "looks: Field required"),
        (HEADER, {"by": "x"}, 400, "there are: area, skip_bad, surveyor"),
        ("x" * (1024 * 1024 + 1), {}, 413, "at most 1048576 bytes"),
    ],
)
def test_what_cannot_be_entered_is_named(
    body: Any, asked: dict[str, str], status: int, told: str, admin: Admin
) -> None:
    answer = admin.send(body, **asked)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text


def test_a_body_of_another_kind_is_refused(admin: Admin) -> None:
    answer = httpx.post(
        f"{admin._api.url}{SURVEYS}?area={AREA}&surveyor=Anna",
        content=b"<looks/>",
        headers={**bearer(admin._secret), "Content-Type": "text/xml"},
    )
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:baycast:problem:media-type")
    latin = httpx.post(
        f"{admin._api.url}{SURVEYS}?area={AREA}&surveyor=Anna",
        content=b"bay_id\xe9",
        headers={**bearer(admin._secret), "Content-Type": "text/csv"},
    )
    assert "not UTF-8" in latin.json()["detail"]


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


def test_by_file_on_the_command_line(
    conn: Connection,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    file = tmp_path / "beat.csv"
    file.write_text(BEAT)
    enter = ["surveys", "import", str(file), "--area", AREA, "--by", "Anna Rees"]
    assert main(enter) == 0
    assert main(enter) == 0
    assert capsys.readouterr().out.splitlines() == [
        "town: 8 looks entered, 0 as they were",
        "town: 0 looks entered, 8 as they were",
    ]
    file.write_text(BEAT + "high-st-7,2026-11-02T08:20Z,yes\n")
    assert main(enter) == 2
    said = capsys.readouterr().err
    assert "beat.csv row 10: field 'bay_id': there is no bay 'high-st-7'" in said
    assert "1 problem, nothing was imported" in said
    assert main([*enter, "--skip-bad"]) == 0
    assert capsys.readouterr().out == "town: 0 looks entered, 8 as they were, 1 skipped\n"
    assert main(["surveys", "list", "--area", AREA, "--by", "sensor"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "s1: agrees with 1 of 2 looks, 50% (9% to 91%); 1 taken said free, 0 free said taken; nothing said at 0",
        "s0: agrees with 2 of 3 looks, 67% (21% to 94%); 0 taken said free, 1 free said taken; nothing said at 0",
        "s2: nothing said at 1 looks",
    ]
    until = ["--to", "2026-11-02T08:30"]
    assert main(["surveys", "list", "--area", AREA, "--json", *until]) == 0
    (row,) = json.loads(capsys.readouterr().out)["agreement"]
    assert (row["zone"], row["looks"]) == ("high-st", 3)
    assert main(["surveys", "list", "--area", "city"]) == 2
    assert main([*enter[:-1], "CA51 ABC"]) == 2
    assert main(["sensors", "s1"]) == 0
    assert "  surveyed  1 of 2 looks agree with it" in capsys.readouterr().out
    who = conn.execute("SELECT who FROM audit_entry WHERE action = 'survey.enter'").fetchall()
    assert [row[0].startswith("user ") for row in who] == [True]
