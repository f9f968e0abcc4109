"""`baycast registry import` and `export`, as a person runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from baycast.cli import main
from baycast.registry.export import write_geojson
from occupancy.registry import Registry
from store.postgres import connect
from store.registry import load
from tests.support.registry_samples import sample

BAYS = "bay_id,zone_id,zone_name_en,lat,lon,rule_ids\nk1,king-st,King Street,51.4,-3.1,tre-2h\n"


@pytest.fixture(autouse=True)
def _settings(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    path = tmp_path / "town.geojson"
    path.write_text(write_geojson([Registry((*key, doc) for key, doc in sample().items())]), encoding="utf-8")
    return path


def count(database_url: str) -> int:
    with connect(database_url) as conn:
        return len(load(conn))


def test_import_then_export_gives_the_same_file(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["registry", "import", str(town)]) == 0
    assert capsys.readouterr().out == f"tre: {len(sample())} changed, 0 as they were\n"
    assert main(["registry", "import", str(town)]) == 0
    assert capsys.readouterr().out == f"tre: 0 changed, {len(sample())} as they were\n"
    assert main(["registry", "export"]) == 0
    assert capsys.readouterr().out == town.read_text(encoding="utf-8")


def test_export_to_a_file_of_bays_that_imports(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["registry", "import", str(town)])
    assert main(["registry", "export", "--area", "tre", "--format", "csv", "--out", "bays.csv"]) == 0
    capsys.readouterr()
    assert main(["registry", "import", "bays.csv", "--area", "tre"]) == 0
    assert capsys.readouterr().out.startswith("tre: 0 changed")


def test_several_files_are_one_import(town: Path, tmp_path: Path, database_url: str) -> None:
    (tmp_path / "bays.csv").write_text(BAYS, encoding="utf-8")
    assert main(["registry", "import", str(town), "bays.csv", "--area", "tre"]) == 0
    assert count(database_url) == len(sample()) + 2


def test_errors_name_the_row_and_nothing_is_written(
    town: Path, tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bays.csv").write_text(BAYS.replace("tre-2h", "tre-9h"), encoding="utf-8")
    assert main(["registry", "import", str(town), "bays.csv", "--area", "tre"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "bays.csv row 2: bay k1: field 'rule_ids': there is no rule 'tre-9h'"
        " (fix: register the rule or correct the id)",
        "baycast: 1 problem, nothing was imported",
    ]
    assert count(database_url) == 0


def test_twenty_errors_are_shown_and_the_rest_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, row = BAYS.splitlines()
    rows = "\n".join(row.replace("k1", f"K{n}") for n in range(57))
    (tmp_path / "bays.csv").write_text(f"{head}\n{rows}\n", encoding="utf-8")
    options = ["--area", "tre", "--area-name", "Town", "--time-zone", "Europe/London"]
    assert main(["registry", "import", "bays.csv", *options]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 22
    assert lines[0].startswith("bays.csv row 2: field 'bay_id': 'K0' is not of the form")
    assert lines[20:] == ["... and 37 more", "baycast: 57 problems, nothing was imported"]


def test_check_writes_nothing(town: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["registry", "import", "--check", str(town)]) == 0
    assert "would change" in capsys.readouterr().out
    assert count(database_url) == 0


def test_replace_removes_what_the_file_does_not_hold(town: Path, database_url: str) -> None:
    main(["registry", "import", str(town)])
    smaller = [
        (*key, doc) for key, doc in sample().items() if key not in (("sign", "vms-1"), ("gate", "anpr-1"))
    ]
    town.write_text(write_geojson([Registry(smaller)]), encoding="utf-8")
    assert main(["registry", "import", str(town)]) == 0
    assert count(database_url) == len(sample())
    assert main(["registry", "import", "--replace", str(town)]) == 0
    assert count(database_url) == len(smaller)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["import", "nowhere.csv", "--area", "tre"],
            "nowhere.csv: cannot be read: No such file or directory",
        ),
        (["import", "bays.csv"], "say which area its bays are in, with --area"),
        (["import", "bays.xlsx"], "not a registry file"),
        (["import", "bays.csv", "--area", "tre"], "give --area-name and --time-zone"),
        (["import", "bays.csv", "--area", "tre", "--columns", "id=x"], "--columns id=x: give ours=theirs"),
        (["export", "--area", "nowhere"], "area nowhere is not registered; registered: none"),
        (["export", "--out", "no/such/folder.json"], "cannot be written"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bays.csv").write_text(BAYS, encoding="utf-8")
    assert main(["registry", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert says in lines[0]


def test_a_database_without_tables_is_said_to_need_migrating(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", empty_database_url)
    assert main(["registry", "export"]) == 2
    assert "run `baycast migrate` first" in capsys.readouterr().err
