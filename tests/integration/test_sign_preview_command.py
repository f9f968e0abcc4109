"""`baycast signs preview`: what a sign would show, by what the database knows now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from baycast.cli import main
from tests.support.published_city import CASTLE, GREYFRIARS, SIGN, City


@pytest.fixture
def city(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    made = City(database_url)
    made.zone(free=2, occupied=18)
    with made.connection:
        yield made


def sign_file(folder: Path, city: City, **changes: object) -> str:
    path = folder / "sign.json"
    path.write_text(json.dumps({**city.sign, **changes}), encoding="utf-8")
    return str(path)


def test_a_registered_sign_says_its_pages_and_sends_nothing(
    city: City, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["signs", "preview", SIGN]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == ["SPACES", "cy: 2 LLE", "en: 2 SPACES"]
    assert "unconfirmed: full cy 'LLAWN'" in said
    assert city.execute("SELECT count(*) FROM sign_frame") == [(0,)]

    city.watermark(timedelta(seconds=31))
    assert main(["signs", "preview", SIGN]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "UNKNOWN (blank)"


def test_a_file_is_tried_without_being_registered(
    city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"spaces_n": {"cy": "{n} LE", "en": "{n} FREE"}}
    file = sign_file(tmp_path, city, layout="two_lines", words=words)
    assert main(["signs", "preview", "--file", file, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["refusals"] == []
    assert found["frame"]["pages"] == [{"language": "mul", "lines": ["2 LE", "2 FREE"]}]
    assert found["frame"]["versions"] == {GREYFRIARS: f"1.{city.version}"}
    assert {"state": "full", "language": "en", "text": "FULL"} in found["unconfirmed"]
    assert main(["signs", "preview", "--file", sign_file(tmp_path, city, zone_ids=[CASTLE])]) == 0
    assert capsys.readouterr().out.startswith("UNKNOWN (blank)\n")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"width": 3}, "width"),
        ({"widht": 3}, "widht"),
        ({"area_id": "swansea"}, "there is no area 'swansea'"),
        ({"zone_ids": ["nowhere"]}, "zone_ids"),
    ],
)
def test_what_cannot_be_registered_is_said_with_its_field(
    city: City,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    problem: str,
) -> None:
    assert main(["signs", "preview", "--file", sign_file(tmp_path, city, **changes), "--json"]) == 1
    said = capsys.readouterr()
    assert problem in said.err
    assert json.loads(said.out)["frame"] is None
    assert json.loads(said.out)["refusals"]


def test_a_sign_or_a_file_that_is_not_there_is_named(
    city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert city.version
    assert main(["signs", "preview", "none"]) == 2
    assert "there is no sign 'none'" in capsys.readouterr().err
    assert main(["signs", "preview", "--file", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err


def test_a_database_without_our_tables_is_named(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", empty_database_url)
    assert main(["signs", "preview", "none"]) == 2
    assert "baycast migrate" in capsys.readouterr().err
