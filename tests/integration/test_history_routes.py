"""Reports on history by HTTP: a day small enough to verify on paper, its formulas, files, pages, keys and privacy."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.config import ApiConfig
from store import keys
from store.keys import Scope
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import log, serve
from tests.support.api_server import ApiServer, running_api
from tests.support.keyed import bearer, status_is, when
from tests.support.small_town import AREA, START, documents, health, state

HOUR = 3600
_MIN = 60


@dataclass
class Desk:
    """A manager with a key."""

    api: ApiServer
    conn: Connection
    secret: str

    def ask(self, report: str, *, expect: int = 200, **more: Any) -> httpx.Response:
        asked = {"area": AREA, "from": "2026-11-02", "to": "2026-11-03", **more}
        answer = self.api.get(f"/v1/history/{report}", params=asked, headers=bearer(self.secret))
        assert answer.status_code == expect, answer.text
        return answer

    def rows(self, report: str, **more: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.ask(report, **more).json()["rows"]
        return rows


def key(conn: Connection, *scopes: Scope) -> str:
    now = datetime.now(UTC)
    _, secret = keys.create(
        conn, label="a manager", scopes=scopes, areas=[AREA], expires_at=None, made_by="test", made_at=now
    )
    conn.commit()
    return secret


def a_day(conn: Connection) -> None:
    """The street from eight to noon: bay 0 has four stays, of 30, 60, 20 and 10 minutes, bay 1 none; bay 2, for Blue
    Badges, is never heard. Both sensors speak every ten minutes in between."""
    edges = [
        (10, True),
        (40, False),
        (60, True),
        (120, False),
        (150, True),
        (170, False),
        (200, True),
        (210, False),
    ]
    said: list[Any] = [state("s0", 1000 * minute, minute * _MIN, occupied) for minute, occupied in edges]
    said += [state("s0", 0, 0, False), state("s1", 0, 0, False)]
    said += [
        health(device, 1000 * minute + 1, minute * _MIN)
        for minute in range(5, 240, 10)
        for device in ("s0", "s1")
    ]
    log(conn, sorted(said, key=lambda reading: (reading.received_at, reading.device_id)), 4 * HOUR)


@contextmanager
def desk_of_a_day(database_url: str) -> Iterator[Desk]:
    """A manager who asks at noon."""
    with connect(database_url) as conn:
        changes = [Change(kind, id, doc) for kind, id, doc in documents()]
        apply(conn, changes, entered_by="test", entered_at=START)
        conn.commit()
        a_day(conn)
        serve(conn)
        secret = key(conn, Scope.HISTORY)
        with running_api(ApiConfig(database_url=database_url), lambda: START + timedelta(hours=4)) as api:
            api.until("/v1/zones/high-st", lambda answer: answer.status_code == 200)
            when(
                api, secret, status_is(200), f"/v1/history/turnover?area={AREA}&from=2026-11-02&to=2026-11-03"
            )
            yield Desk(api, conn, secret)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with desk_of_a_day(database_url) as desk:
        yield desk


def test_every_figure_of_a_small_day_is_what_its_formula_says(desk: Desk) -> None:
    """In four hours of three bays, two are observed: 480 of 720 bay-minutes. Taken: 30 + 60 + 20 + 10 minutes."""
    (coverage,) = desk.rows("coverage", by="zone", zones="high-st", grain="1d")
    assert (coverage["start"], coverage["end"]) == ("2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z")
    assert coverage["status"] == "provisional"
    assert coverage["in_service_min"] == 720
    assert (coverage["occupied_min"], coverage["free_min"], coverage["unknown_min"]) == (120, 360, 240)
    assert coverage["coverage"] == round(480 / 720, 6)
    (occupancy,) = desk.rows("occupancy", by="zone", zones="high-st")
    assert occupancy["occupancy_pct"] == 100 * 120 / 480
    assert (occupancy["some_free_pct"], occupancy["full_min"]) == (100, 0)
    assert occupancy["peak_occupied"] == 1
    (turnover,) = desk.rows("turnover", by="zone", zones="high-st")
    assert (turnover["arrivals"], turnover["departures"]) == (4, 4)
    assert turnover["turnover"] == 4 / 8  # in eight observed bay-hours
    assert turnover["arrivals_per_hour"] == 4 / 4
    (stays,) = desk.rows("stays", by="zone", zones="high-st")
    assert (stays["stays"], stays["mean_stay_min"], stays["median_stay_min"]) == (4, 30, 25)
    assert stays["p85_stay_min"] == pytest.approx(30 + 0.55 * 30)
    assert sum(count or 0 for count in stays["histogram"]) == 0, (
        "each class has one stay, which is too few to say"
    )
    assert (stays["missing"], stays["name"]) == ({}, {"en": "High Street", "cy": "Stryd Fawr"})


def test_what_is_observed_too_little_is_null_with_the_reason(desk: Desk) -> None:
    rows = {row["bay_type"]: row for row in desk.rows("occupancy", by="bay_type", zones="high-st")}
    assert rows["standard"]["occupancy_pct"] == 25
    badge = rows["blue_badge"]
    assert (badge["occupancy_pct"], badge["coverage"]) == (None, 0)
    assert badge["missing"]["occupancy_pct"] == "coverage"


def test_few_vehicles_are_told_to_a_key_for_personal_data_alone_and_that_is_audited(desk: Desk) -> None:
    first = desk.rows("turnover", by="zone", zones="high-st", grain="1h")[0]
    assert (first["arrivals"], first["missing"]["arrivals"]) == (None, "few")
    desk.secret = key(desk.conn, Scope.HISTORY, Scope.PERSONAL)
    when(
        desk.api,
        desk.secret,
        status_is(200),
        f"/v1/history/turnover?area={AREA}&from=2026-11-02&to=2026-11-03",
    )
    told = desk.rows("turnover", by="zone", zones="high-st", grain="1h")
    assert [row["arrivals"] for row in told] == [1, 1, 1, 1]
    found = desk.conn.execute("SELECT count(*) FROM audit_entry WHERE action = 'personal.read'").fetchall()
    assert found[0][0] >= 1


def test_periods_are_civil_and_five_minutes_are_kept(desk: Desk) -> None:
    slots = desk.rows("occupancy", by="zone", zones="high-st", grain="5m")
    assert len(slots) == 48
    assert [row["occupancy_pct"] for row in slots[:9]] == [0, 0, 50, 50, 50, 50, 50, 50, 0]
    weeks = desk.rows("coverage", grain="1w", to="2026-11-04")
    assert [row["start"] for row in weeks] == ["2026-11-02T00:00:00Z"]
    profile = {
        row["hour_of_week"]: row
        for row in desk.rows("occupancy", by="zone", zones="high-st", grain="hour_of_week")
    }
    assert profile[8]["occupancy_pct"] == 25
    assert [row["start"][11:13] for row in desk.rows("occupancy", grain="1h", hours="9-11", days="mon")] == [
        "09",
        "10",
    ]
    assert desk.rows("occupancy", grain="1h", days="tue-sun") == []
    assert desk.rows("occupancy", grain="1h", hours="controlled") == []  # no rule is in force


def test_an_hour_of_several_kinds_of_bays_is_one_hour(desk: Desk) -> None:
    both = {"by": "zone", "zones": "high-st", "bay_type": "standard,blue_badge"}
    (row,) = desk.rows("turnover", **both)
    assert row["arrivals_per_hour"] == 4 / 4


@pytest.mark.parametrize(
    ("report", "asked"),
    [
        ("occupancy", {"grain": "1h"}),
        ("stays", {"grain": "1h"}),
        ("coverage", {"grain": "hour_of_week"}),
        ("turnover", {"grain": "hour_of_week", "by": "bay_type", "zones": "high-st,castle"}),
        ("turnover", {"grain": "15m", "from": "2026-11-02T08:15:00Z"}),
    ],
)
def test_pages_go_on_where_they_ended(desk: Desk, report: str, asked: dict[str, str]) -> None:
    asked = {"by": "zone", **asked}
    whole = desk.rows(report, **asked)
    found: list[Any] = []
    after: dict[str, str] = {}
    while True:
        page = desk.ask(report, **asked, limit=3, **after).json()
        found += page["rows"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == whole
    assert len(found) > 3
    lines = list(csv.reader(io.StringIO(desk.ask(report, **asked, format="csv").content.decode("utf-8-sig"))))
    place = [name.split(" [")[0] for name in lines[0]].index("coverage")
    assert [float(line[place]) if line[place] else None for line in lines[1:]] == [
        row["coverage"] for row in whole
    ]


def test_a_file_has_units_in_its_header_and_every_row(desk: Desk) -> None:
    answer = desk.ask("stays", by="zone", zones="high-st", grain="1h", format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith("\ufeff".encode())
    header, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert "median_stay_min [minutes]" in header
    assert len(lines) == 4
    assert lines[0][header.index("missing")] != ""
    by_accept = desk.api.get(
        f"/v1/history/stays?area={AREA}&from=2026-11-02&to=2026-11-03&by=zone&zones=high-st&grain=1h",
        headers={**bearer(desk.secret), "Accept": "text/csv"},
    )
    assert by_accept.content == answer.content


def test_a_table_program_reads_the_file_with_its_units(desk: Desk) -> None:
    pandas = pytest.importorskip("pandas")
    answer = desk.ask("occupancy", by="zone", grain="5m", format="csv")
    table = pandas.read_csv(io.BytesIO(answer.content), encoding="utf-8-sig", parse_dates=["start [UTC]"])
    assert str(table["occupancy_pct [%]"].dtype) == "float64"
    assert str(table["start [UTC]"].dtype).startswith("datetime64")
    assert str(table["start [UTC]"].dt.tz) == "UTC"
    assert list(table["peak_occupied [bays]"].dropna().unique()) == [0.0, 1.0]


def test_parquet_has_typed_columns(desk: Desk) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra")
    answer = desk.ask("occupancy", by="zone", grain="1h", format="parquet")
    table = parquet.read_table(io.BytesIO(answer.content))
    types = {field.name: str(field.type) for field in table.schema}
    assert types["start"] == "timestamp[us, tz=UTC]"
    assert types["occupancy_pct"] == "double"
    assert table.schema.field("occupancy_pct").metadata[b"unit"] == b"%"
    assert table.num_rows == len(desk.rows("occupancy", by="zone", grain="1h"))


def test_a_final_period_has_a_tag_until_it_is_revised(desk: Desk) -> None:
    log(desk.conn, [], 80 * HOUR)
    serve(desk.conn)
    asked = {"by": "zone", "zones": "high-st"}
    first = desk.ask("occupancy", **asked)
    assert first.json()["rows"][0]["status"] == "final"
    tag = first.headers["etag"]
    path = f"/v1/history/occupancy?area={AREA}&from=2026-11-02&to=2026-11-03&by=zone&zones=high-st"
    again = desk.api.get(path, headers={**bearer(desk.secret), "If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    log(desk.conn, [state("s0", 5, 2 * _MIN, True)], 80 * HOUR + 1)
    serve(desk.conn)
    revised = desk.api.get(path, headers={**bearer(desk.secret), "If-None-Match": tag})
    assert revised.status_code == 200
    assert (revised.json()["rows"][0]["revision"], revised.headers["etag"] != tag) == (2, True)


def test_a_period_that_is_not_over_is_not_final(desk: Desk) -> None:
    """Hours that are yet to come have no rows; those that have are final."""
    log(desk.conn, [], 80 * HOUR)
    serve(desk.conn)
    asked = {"by": "zone", "zones": "high-st", "days": "mon"}
    for grain in ("1mo", "1w", "total"):
        (row,) = desk.rows("coverage", **asked, to="2026-12-01", grain=grain)
        assert row["status"] == "provisional", grain
        (line,) = csv.DictReader(
            io.StringIO(desk.ask("coverage", **asked, to="2026-12-01", grain=grain, format="csv").text)
        )
        assert line["status"] == "provisional"
        (row,) = desk.rows("coverage", **asked, grain=grain)
        assert row["status"] == "final"
    of_week = {"by": "zone", "zones": "high-st", "grain": "hour_of_week"}
    assert {row["status"] for row in desk.rows("coverage", **of_week)} == {"final"}
    assert {row["status"] for row in desk.rows("coverage", **of_week, to="2026-12-01")} == {"provisional"}


def test_definitions_are_public_and_name_the_standard(desk: Desk) -> None:
    figures = {figure["name"]: figure for figure in desk.api.get("/v1/history/definitions").json()["figures"]}
    standard = {figure["cds"] for figure in figures.values()} - {None}
    assert standard == {"total_sessions", "turnover", "average_dwell_time", "occupancy_percent"}
    assert figures["occupancy_pct"]["formula"].startswith("100 x occupied_min / (occupied_min + free_min)")
    assert desk.api.get(f"/v1/history/occupancy?area={AREA}&from=2026-11-02&to=2026-11-03").status_code == 401
