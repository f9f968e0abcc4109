"""`baycast report`, as a person runs it, on a day small enough to verify on paper."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baycast.cli import main
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import log, serve
from tests.integration.test_history_routes import a_day
from tests.support.reported import Read
from tests.support.small_town import AREA, START, documents


@pytest.fixture(autouse=True)
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    with connect(database_url) as connection:
        changes = [Change(kind, id, doc) for kind, id, doc in documents()]
        apply(connection, changes, entered_by="test", entered_at=START)
        connection.commit()
        yield connection


def report(out: Path, month: str = "2026-11", lang: str = "en", *more: str) -> int:
    return main(["report", "--area", AREA, "--month", month, "--lang", lang, "--out", str(out), *more])


def test_a_running_month_in_both_languages(
    conn: Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_day(conn)
    serve(conn)
    assert report(tmp_path / "en.html", "2026-11", "en", "--json") == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["status"], told["as_of"]) == ("running", "2026-11-02T12:00:00Z")
    assert told["bytes"] == (tmp_path / "en.html").stat().st_size
    assert (told["figures"]["arrivals"], told["figures"]["median_stay_min"]) == (4, 25)
    english = Read((tmp_path / "en.html").read_text(encoding="utf-8"))
    (street,) = english.section("streets")[1:]
    assert street == ["High Street", "25.0%", "4", "0.500", "25", "0.0", "66.7%"]
    hours = {row[0]: row[1] for row in english.section("full")}
    assert hours["07:00"] == "– no history"
    assert hours["08:00"] == "25.0%"
    assert hours["09:00"] == "50.0%"

    assert report(tmp_path / "cy.html", "2026-11", "cy") == 0
    assert "running" in capsys.readouterr().out
    welsh = Read((tmp_path / "cy.html").read_text(encoding="utf-8"))
    assert welsh.all("h1")[0]["text"] == "Adroddiad parcio: Tref, Tachwedd 2026"
    assert welsh.section("streets")[1][:2] == ["Stryd Fawr", "25.0%"]
    assert [row[0] for row in welsh.section("sensors")[1:]] == ["s2"]


def test_a_month_is_final_once_all_its_hours_are_records(
    conn: Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_day(conn)
    log(conn, [], 32 * 24 * 3600)
    serve(conn)
    assert report(tmp_path / "a.html", "2026-11", "en", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "final"
    assert told["figures"]["occupancy_pct"] is None
    assert told["missing"]["occupancy_pct"] == "coverage"  # silence for the rest of the month
    assert "All hours of this month are final." in (tmp_path / "a.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("month", "status"), [("2026-10", "empty"), ("2027-03", "ahead")])
def test_a_month_without_history_is_a_page_that_says_so(
    conn: Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str], month: str, status: str
) -> None:
    a_day(conn)
    serve(conn)
    assert report(tmp_path / "a.html", month, "en", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["figures"]["arrivals"]) == (status, None)


def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report(tmp_path / "none" / "a.html") == 2
    assert "No such file or directory" in capsys.readouterr().err
    assert report(tmp_path / "a.html", "2026-13") == 2
    assert "write 2026-10" in capsys.readouterr().err
    asked = ["--month", "2026-11", "--lang", "cy", "--out", str(tmp_path / "a.html")]
    assert main(["report", "--area", "nowhere", *asked]) == 2
    assert "there is no area 'nowhere'; registered: town" in capsys.readouterr().err
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "baycast.commands.report.find_spec", lambda name: None if name == "matplotlib" else found(name)
    )
    assert report(tmp_path / "a.html") == 2
    assert "pip install 'baycast[report]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_not_migrated_is_one_line(
    empty_database_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", empty_database_url)
    assert report(tmp_path / "a.html") == 2
    assert "baycast migrate" in capsys.readouterr().err
