"""Beat surveys are entered by file and by HTTP: once, whole or with what is bad passed over, and audited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import survey_schemas as shapes
from api.config import ApiConfig
from api.routes import surveys as survey_routes
from baycast.cli import main
from occupancy.survey_sheets import read_csv
from store import audit
from store.keys import Scope
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import serve
from tests.integration.test_history_routes import a_day, key
from tests.support.api_server import running_api
from tests.support.keyed import bearer, status_is, when
from tests.support.small_town import AREA, START, documents
from tests.support.surveyed import BEAT, HEADER, SURVEYS, Admin, look, rows_of


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
