"""Nobody learns from looks that were never made what a residents' bay saw: its past is for keys of scope personal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api import survey_schemas as shapes
from api.config import ApiConfig
from store import audit
from store.keys import Scope
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import serve
from tests.integration.test_history_routes import a_day, key
from tests.support.api_server import running_api
from tests.support.keyed import status_is, when
from tests.support.small_town import AREA, START, documents
from tests.support.surveyed import DAY, HEADER, SURVEYS, Admin, look

SENSORS = "/v1/admin/sensors"
MINUTES = (15, 20, 25, 30, 35)
INVENTED = HEADER + "".join(look(0, minute, "free") for minute in MINUTES)  # it was taken from 10 to 40
PUBLIC = HEADER + "".join(look(1, minute, "free") for minute in MINUTES)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    """Bay 0 of the street is for its residents."""
    rule = {"area_id": AREA, "use": "resident", "days": "daily", "permit_areas": ["A"]}
    changes = [Change(kind, id, doc) for kind, id, doc in documents()]
    (home,) = [change for change in changes if (change.kind, change.id) == ("bay", "high-st-0")]
    assert home.doc is not None
    changes.append(Change("rule", "homes", rule))
    changes[changes.index(home)] = Change("bay", "high-st-0", {**home.doc, "rule_ids": ["homes"]})
    with connect(database_url) as conn:
        apply(conn, changes, entered_by="test", entered_at=START)
        conn.commit()
        a_day(conn)
        serve(conn)
        yield conn


@pytest.fixture
def holders(database_url: str, conn: Connection) -> Iterator[tuple[Admin, Admin]]:
    """A key for admins and managers, and one that may be told of people's bays."""
    plain = key(conn, Scope.ADMIN, Scope.HISTORY)
    personal = key(conn, Scope.ADMIN, Scope.HISTORY, Scope.PERSONAL)
    with running_api(ApiConfig(database_url=database_url), lambda: START + timedelta(hours=4)) as api:
        api.until("/v1/zones/high-st", lambda answer: answer.status_code == 200)
        when(api, personal, status_is(200))
        yield Admin(api, plain), Admin(api, personal)


def agreement(admin: Admin, by: str, **asked: Any) -> list[dict[str, Any]]:
    answer = admin.get(SURVEYS, area=AREA, by=by, **asked)
    shapes.AgreementList.model_validate_json(json.dumps(answer))
    rows: list[dict[str, Any]] = answer["agreement"]
    return rows


def personal_reads(conn: Connection) -> list[audit.Entry]:
    found = audit.page(conn, action="personal.read", limit=20)
    conn.rollback()
    return found


def test_looks_at_peoples_bays_are_told_to_a_personal_key_alone_and_audited(
    holders: tuple[Admin, Admin], conn: Connection
) -> None:
    plain, personal = holders
    assert plain.send(INVENTED).status_code == 200
    one_look = {"from": "2026-11-02T08:20:00Z", "to": "2026-11-02T08:20:01Z"}
    for by in ("sensor", "zone", "area"):
        for stretch in ({}, one_look):
            assert agreement(plain, by, **stretch) == []
    assert personal_reads(conn) == []
    (s0,) = agreement(personal, "sensor", **one_look)
    assert (s0["sensor"], s0["said"], s0["free_said_taken"]) == ("s0", 1, 1)
    (entry,) = personal_reads(conn)
    assert (entry.areas, entry.doc["route"], entry.doc["rows"]) == ([AREA], f"GET {SURVEYS}", 1)
    assert entry.doc["parameters"]["from"] == one_look["from"]  # type: ignore[index]


def test_looks_at_peoples_bays_move_no_figure_that_others_are_told(holders: tuple[Admin, Admin]) -> None:
    """Else the difference of two answers, before and after a look is invented, would tell what the sensor saw."""
    plain, personal = holders
    plain.send(PUBLIC)
    before = [agreement(plain, by) for by in ("sensor", "zone", "area")]
    assert [rows[0]["rate"] for rows in before] == [1.0, 1.0, 1.0]
    plain.send(INVENTED)
    assert [agreement(plain, by) for by in ("sensor", "zone", "area")] == before
    assert [row["said"] for row in agreement(personal, "zone")] == [10]
    few = agreement(plain, "zone", **{"from": "2026-11-02T08:15Z", "to": "2026-11-02T08:26Z"})
    assert [(row["rate"], row["missing"], row["agreed"], row["looks"]) for row in few] == [
        (None, "few", None, 3)
    ]


def test_the_list_of_sensors_says_of_peoples_bays_only_what_does_not_come_from_looks(
    holders: tuple[Admin, Admin], conn: Connection
) -> None:
    plain, personal = holders
    plain.send(INVENTED)
    plain.send(HEADER + "".join(look(0, minute + 0.5, "free") for minute in MINUTES))
    for admin, told in ((plain, False), (personal, True)):
        (s0,) = [one for one in admin.get(SENSORS, area=AREA)["sensors"] if one["device_id"] == "s0"]
        assert (s0["agreement"] is not None, any("contradicted" in one for one in s0["defects"])) == (
            told,
            told,
        )
    (entry,) = personal_reads(conn)
    assert (entry.doc["route"], entry.doc["rows"]) == (f"GET {SENSORS}", 1)


def test_history_tells_the_agreement_of_peoples_bays_to_a_personal_key_alone(
    holders: tuple[Admin, Admin],
) -> None:
    plain, personal = holders
    plain.send(INVENTED)
    plain.send(PUBLIC)
    for admin, said in ((plain, 5), (personal, 10)):
        answer = admin.get("/v1/history/occupancy", **DAY, by="zone", zones="high-st")
        assert answer["agreement"]["said"] == said
        assert [row["agreement"]["said"] for row in answer["rows"]] == [said]
