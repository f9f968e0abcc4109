"""Operators' modes, previews and the registry's refusals: by HTTP, on the command line, to the frame on the broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from api import mode_schemas as shapes
from api.config import ApiConfig
from baycast.cli import main
from occupancy.answers import instant
from occupancy.registry import RegistryRefused
from store import audit
from store.keys import Scope
from store.postgres import Connection
from store.registry import Change, apply
from tests.support.api_server import ApiServer, running_api
from tests.support.brokers import Broker
from tests.support.derived_rows import NOW
from tests.support.published_city import SIGN, City, Listener, listening, publishing
from tests.support.two_areas import MINE, OTHER, TwoAreas, two_areas

VMS = f"{MINE}-vms"
MODE = f"/v1/signs/{VMS}/mode"
LATER = instant(NOW + timedelta(hours=2))
MATCH = {"texts": {"cy": "DIWRNOD GEM", "en": "MATCH DAY"}, "authorisation": "NMWTRA 17"}


@pytest.fixture
def world(database_url: str) -> Iterator[TwoAreas]:
    with two_areas(database_url) as world:
        enter(world.conn, ("legend", "match", {"area_id": MINE, **MATCH}))
        yield world


@pytest.fixture
def api(database_url: str, world: TwoAreas) -> Iterator[ApiServer]:
    with running_api(ApiConfig(database_url=database_url), lambda: NOW) as running:
        yield running


@pytest.fixture
def client(api: ApiServer, world: TwoAreas) -> Iterator[httpx.Client]:
    _, secret = world.key(Scope.SIGNS, areas=[MINE])
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=api.url, timeout=20, headers=headers) as client:
        api.until("/v1/signs", lambda answer: VMS in answer.text)
        while client.get(MODE).status_code == 401:  # the key has just been made
            pass
        yield client


def enter(conn: Connection, *documents: tuple[str, str, dict[str, object] | None]) -> None:
    apply(conn, [Change(*one) for one in documents], entered_by="test", entered_at=NOW)


def put(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.put(MODE, json={"reason": "barrier defect", **body})


def problems(answer: httpx.Response, status: int = 422) -> list[tuple[str, str]]:
    assert answer.status_code == status, answer.text
    return [(one["field"], one["problem"]) for one in answer.json()["problems"]]


def test_a_mode_is_set_told_and_audited(client: httpx.Client, world: TwoAreas) -> None:
    assert client.get(MODE).json() == {"sign_id": VMS, "mode": "auto", "set": None}
    answer = put(client, mode="legend", legend="match", expires_at=LATER)
    assert answer.status_code == 200, answer.text
    shapes.SignMode.model_validate_json(answer.content, strict=False)
    assert client.get(MODE).json() == answer.json()
    told = answer.json()
    assert (told["mode"], told["set"]["legend"], told["set"]["expires_at"]) == ("legend", "match", LATER)
    (entry,) = audit.page(world.conn, action="sign.mode", limit=10)
    assert (entry.areas, entry.subject, entry.who) == ([MINE], VMS, told["set"]["set_by"])
    assert (entry.doc["authorisation"], entry.doc["reason"]) == ("NMWTRA 17", "barrier defect")
    assert put(client, mode="auto").json()["mode"] == "auto"
    assert [one.doc["mode"] for one in audit.page(world.conn, action="sign.mode", limit=10)] == [
        "auto",
        "legend",
    ]


def test_what_has_expired_is_auto_again(client: httpx.Client, world: TwoAreas) -> None:
    put(client, mode="full", expires_at=LATER)
    world.conn.execute("UPDATE sign_mode SET expires_at = $1", (NOW,))
    told = client.get(MODE).json()
    assert (told["mode"], told["set"]["mode"]) == ("auto", "full")


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        ({"mode": "full"}, "expires_at", "is missing"),
        ({"mode": "full", "expires_at": instant(NOW)}, "expires_at", "future"),
        ({"mode": "full", "expires_at": instant(NOW + timedelta(days=31))}, "expires_at", "30 days"),
        ({"mode": "auto", "expires_at": LATER}, "expires_at", "no end"),
        ({"mode": "legend", "expires_at": LATER}, "legend", "is missing"),
        ({"mode": "legend", "legend": "nonsense", "expires_at": LATER}, "legend", "no approved legend"),
        ({"mode": "full", "legend": "match", "expires_at": LATER}, "legend", "goes with"),
        ({"mode": "full", "expires_at": LATER, "reason": " "}, "reason", "empty"),
    ],
)
def test_what_cannot_be_set_is_refused_with_field_and_fix(
    client: httpx.Client, world: TwoAreas, body: dict[str, Any], field: str, problem: str
) -> None:
    found = problems(put(client, **body))
    assert [(named, problem in said) for named, said in found] == [(field, True)]
    assert audit.page(world.conn, action="sign.mode", limit=10) == []


def test_l10_a_reason_with_a_number_plate_is_refused(client: httpx.Client) -> None:
    answer = put(client, mode="blank", expires_at=LATER, reason="hit by CF21 ABC")
    assert answer.status_code == 422
    assert "CF21" not in answer.text


def test_a_sign_that_utmc_drives_and_a_legend_that_does_not_fit_are_refused(
    client: httpx.Client, api: ApiServer, world: TwoAreas
) -> None:
    sign = {"area_id": MINE, "name": {"en": "x"}, "zone_ids": [f"{MINE}-st"], "lat": 51.0, "lon": -3.0}
    long = {"cy": "GORLIFO MAES PARCIO", "en": "OVERFLOW CAR PARK"}
    enter(
        world.conn,
        ("legend", "long", {"area_id": MINE, **MATCH, "texts": long}),
        ("sign", VMS, {**sign, "width": 11, "lines": 1, "clamp": 9}),
    )
    api.until(f"/v1/signs/{VMS}", lambda answer: answer.json()["lines"] == 1)
    assert problems(put(client, mode="legend", legend="long", expires_at=LATER))[0][0] == "legend"
    enter(world.conn, ("sign", VMS, {**sign, "controller": "utmc"}))
    api.until(f"/v1/signs/{VMS}", lambda answer: answer.json()["controller"] == "utmc")
    assert problems(put(client, mode="blank", expires_at=LATER))[0][0] == "mode"


def test_a_key_is_for_the_signs_of_its_areas(client: httpx.Client) -> None:
    for path in ("mode", "preview"):
        assert client.get(f"/v1/signs/{OTHER}-vms/{path}").status_code == 403
        assert client.get(f"/v1/signs/none/{path}").status_code == 404
    proposed = {"document": {"area_id": OTHER, "name": {"en": "x"}, "zone_ids": ["z"], "lat": 1, "lon": 1}}
    assert client.post("/v1/signs/preview", json=proposed).status_code == 403


def preview(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    document = {"area_id": MINE, "name": {"en": "New"}, "zone_ids": [f"{MINE}-st"], "lat": 51, "lon": -3}
    answer = client.post("/v1/signs/preview", json={"document": {**document, **changes}})
    assert answer.status_code == 200, answer.text
    shapes.SignPreview.model_validate_json(answer.content, strict=False)
    found: dict[str, Any] = answer.json()
    return found


def test_a_preview_shows_the_frame_of_now_and_sends_nothing(client: httpx.Client, world: TwoAreas) -> None:
    registered = client.get(f"/v1/signs/{VMS}/preview").json()
    assert (registered["refusals"], registered["frame"]["state"]) == ([], "FULL")
    assert {"state": "full", "language": "cy", "text": "LLAWN"} in registered["unconfirmed"]
    assert preview(client, driver="permit:A")["frame"]["state"] == "FULL"
    assert preview(client, layout="two_lines")["frame"]["pages"] == [
        {"language": "mul", "lines": ["LLAWN", "FULL"]}
    ]
    assert world.conn.execute("SELECT count(*) FROM sign_frame").fetchone() == (0,)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ttl_s": 1}, "ttl_s"),
        ({"widht": 9}, "widht"),
        ({"zone_ids": ["nowhere"]}, "zone_ids"),
        ({"full_below": 2, "full_until": 1}, "full_until"),
        ({"width": 3}, "width"),
        ({"area_id": MINE, "words": {"full": {"de": "VOLL"}}}, "words"),
    ],
)
def test_a_preview_says_why_a_sign_cannot_be_registered(
    client: httpx.Client, changes: dict[str, Any], field: str
) -> None:
    found = preview(client, **changes)
    assert found["frame"] is None
    assert field in [refusal["field"] for refusal in found["refusals"]]


def test_a_sign_that_cannot_work_is_not_registered(world: TwoAreas) -> None:
    sign = {"area_id": MINE, "name": {"en": "x"}, "zone_ids": [f"{MINE}-st"], "lat": 51.0, "lon": -3.0}
    with pytest.raises(RegistryRefused) as refused:
        enter(world.conn, ("sign", "new", {**sign, "width": 3, "full_below": 3, "full_until": 2}))
    assert {error.field for error in refused.value.errors} == {"width", "full_until"}
    with pytest.raises(RegistryRefused, match="no text in en"):
        enter(world.conn, ("legend", "half", {"area_id": MINE, "texts": {"cy": "GEM"}, "authorisation": "A"}))


# --- the command line, and what publish makes of it ----------------------------------------


@pytest.fixture
def city(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    made = City(database_url)
    made.document("legend", "match", {"area_id": "cardiff", **MATCH})
    with made.connection:
        yield made


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    with listening(broker.port) as made:
        yield made


def mode(*words: str) -> int:
    return main(["signs", "mode", SIGN, *words, "--reason", "barrier defect", "--by", "anna"])


def test_an_operators_word_reaches_the_sign_stands_without_sensors_and_ends(
    city: City, broker: Broker, listener: Listener
) -> None:
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url):
        listener.frame("2 LLE", "2 SPACES")
        assert mode("full", "--for", "2h") == 0
        assert listener.frame("LLAWN", "FULL").body["mode"] == "full"
        city.watermark(timedelta(seconds=31))
        assert mode("legend", "--legend", "match", "--for", "3d") == 0
        assert listener.frame("DIWRNOD GEM", "MATCH DAY").body["state"] == "UNKNOWN"
        city.watermark(timedelta(0))
        city.execute("UPDATE sign_mode SET expires_at = now()")
        listener.frame("2 LLE", "2 SPACES")
        assert mode("blank", "--until", "2036-01-01T00:00Z") == 2
        assert mode("test", "--for", "5m") == 0
        listener.frame("8" * 12 + " / " + "8" * 12)
        assert mode("auto") == 0
        listener.frame("2 LLE", "2 SPACES")
    recorded = [row[0] for row in city.execute("SELECT mode FROM sign_frame ORDER BY sequence")]
    assert list(dict.fromkeys(recorded)) == ["auto", "full", "legend", "test"]


def test_the_command_line_sets_lists_and_refuses(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signs", "list"]) == 0
    assert capsys.readouterr().out == "all on auto\n"
    until = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%MZ")
    assert mode("closed", "--until", until) == 0
    words = f"{SIGN}: closed until {until.replace('T', ' ')}"
    assert capsys.readouterr().out == f"{words}\n"
    assert main(["signs", "list", "--area", "cardiff"]) == 0
    assert capsys.readouterr().out == f"{words}: barrier defect [anna]\n"
    assert main(["signs", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["modes"]
    assert (listed["sign_id"], listed["mode"], listed["set_by"]) == (SIGN, "closed", "anna")
    for wrong, told in (
        (["full"], "expires_at"),
        (["full", "--for", "2 hours"], "no length of time"),
        (["legend", "--for", "2h"], "match"),
    ):
        assert mode(*wrong) == 2
        assert told in capsys.readouterr().err
    assert main(["signs", "mode", "newport-rd-vmss", "auto", "--reason", "x", "--by", "a"]) == 2
    assert f"did you mean '{SIGN}'" in capsys.readouterr().err


def test_a_mode_without_its_audit_entry_is_not_set(city: City) -> None:
    city.execute("ALTER TABLE audit_entry ADD CHECK (action <> 'sign.mode')")
    with pytest.raises(psycopg.errors.CheckViolation):
        mode("closed", "--for", "2h")
    assert city.execute("SELECT count(*) FROM sign_mode") == [(0,)]
