"""`baycast sensors`, as a person runs it: one street, and all about one sensor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from baycast.cli import main
from occupancy.learnt import learnt_doc
from store.log import LogEntry, append, append_entries
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import log, row_of, serve
from tests.support.lessons import drifting, lesson
from tests.support.small_town import AREA, START, documents, health, state

MIN = 60


@pytest.fixture(autouse=True)
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    with connect(database_url) as connection:
        docs = [
            (kind, id, {**doc, "gateway": "gw-7"} if id == "s0" else doc) for kind, id, doc in documents()
        ]
        apply(connection, [Change(*doc) for doc in docs], entered_by="test", entered_at=START)
        yield connection


def heard(conn: Connection) -> None:
    """A sensor that promises a word every 10 minutes: once it is 29 late, and then it is suspect."""
    words: list[Any] = [
        state("s0", 1, 0, False),
        state("s0", 2, 9 * MIN, True),
        state("s0", 3, 48 * MIN, True, cause="heartbeat"),
    ]
    for word in words:
        log(conn, [word], (word.at - START).total_seconds())
    with conn.transaction(), conn.cursor() as cur:
        told = replace(row_of(health("s0", 4, 57 * MIN)), battery_mv=2950, rssi_dbm=-101.0, faults=["lens"])
        append(cur, [told], {AREA: START + timedelta(minutes=57)})
        entry = learnt_doc(lesson(START + timedelta(hours=1), unreliable=(drifting("high-st-0", "s0"),)))
        append_entries(cur, AREA, [LogEntry("learnt", "2026-11-02", entry, START, "engine")])
    log(conn, [], 61 * MIN)
    serve(conn)


def test_one_sensor_on_one_page(conn: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    heard(conn)
    assert main(["sensors", "s0"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "s0 in town: ir-flush, watches high-st-0 in high-st, by gateway gw-7",
        "  says      occupied at 2026-11-02 08:48:00Z, heard 2026-11-02 08:57:00Z",
        "  shown     unknown since 2026-11-02 08:48:00Z, confidence 0.00: suspect (drift): taken 100% of a day",
        "  promise   a word every 600 s; 4 words in 7 days, too long a pause: 1, the longest 39 min",
        "  missing   0 of 3 words showed one before them to be missing",
        "  battery   2950 mV",
        "  wrong     suspect (drift) since 2026-11-02 09:00:00Z: taken 100% of a day",
        "  wrong     reports lens",
        "  wrong     battery at 2950 mV",
        "  suspect   drift 2026-11-02 09:00:00Z to now: taken 100% of a day (spread 0.1, usual 0.0)",
        "  said      2026-11-02 08:57:00Z health, received +0 s, 2950 mV, -101 dBm, fault lens",
        "  said      2026-11-02 08:48:00Z heartbeat occupied, received +1 s",
        "  said      2026-11-02 08:09:00Z change occupied, received +1 s",
        "  said      2026-11-02 08:00:00Z change free, received +1 s",
    ]


def test_one_sensor_as_json(conn: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    heard(conn)
    assert main(["sensors", "s0", "--json", "--limit", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["device_id"], found["gateway"], found["shown"]["state"]) == ("s0", "gw-7", "unknown")
    assert found["promise"] == {
        "since": "2026-10-26T09:01:00Z",
        "words": 4,
        "broken": 1,
        "longest_s": 39.0 * MIN,
    }
    assert [(row["kind"], row["ended_at"]) for row in found["suspected"]] == [("drift", None)]
    assert [word["kind"] for word in found["said"]] == ["health", "state"]
    assert found["said"][0]["rssi_dbm"] == -101.0


def test_a_sensor_that_never_spoke_has_a_page_too(
    conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sensors", "s1"]) == 2
    assert "nothing was folded yet in town" in capsys.readouterr().err
    heard(conn)
    assert main(["sensors", "s1"]) == 0
    page = capsys.readouterr().out
    assert "  says      nothing yet\n" in page
    assert "; 0 words in 7 days, too long a pause: 0\n" in page
    assert "  wrong     never heard\n" in page


def test_one_street_only_and_names_mistyped(conn: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    heard(conn)
    assert main(["sensors", "--zone", "high-st", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["sensors"]
    assert {one["zone_id"] for one in listed} == {"high-st"}
    assert len(listed) == 3
    assert main(["sensors", "--zone", "castle"]) == 0
    assert capsys.readouterr().out == "none\n"
    for wrong, words in (
        (["--zone", "moon"], "there is no zone 'moon'"),
        (["s00"], "there is no sensor 's00'; did you mean 's0'?"),
        (["s0", "--zone", "high-st"], "give a sensor, or what to list"),
    ):
        assert main(["sensors", *wrong]) == 2
        assert words in capsys.readouterr().err
