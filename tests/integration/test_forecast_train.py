"""`baycast forecast train`: from the tables to a model that is taken up whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from baycast.cli import main
from occupancy.forecast.model import Model, empty_model
from occupancy.forecast.model_file import ModelFileError
from occupancy.model import AreaId, Source
from store.forecast_models import KEPT, ModelFolder
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_forecast_panel import AREA, held, registry
from tests.unit.test_forecast_issuing import BAYS, KINDS, PLACES

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAYS = 4


@pytest.fixture
def town_url(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A street whose bays are taken by day, for some days and a morning."""
    from occupancy.registry import document, identity

    with connect(database_url, autocommit=True) as conn:
        changes = [Change(*identity(one), document(one)) for one in registry().entities()]
        apply(conn, changes, entered_by="test", entered_at=START)
        conn.execute("DELETE FROM generation")
        conn.execute(
            "INSERT INTO generation (area, generation, status, engine_version, watermark)"
            " VALUES ('cardiff', 1, 'live', 'test', $1)",
            (START + timedelta(days=DAYS),),
        )
        _days(conn)
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    monkeypatch.setenv("BAYCAST_DATA_DIR", str(tmp_path))
    return database_url


def _days(conn: Connection) -> None:
    for number, bay in enumerate("abcd"):
        edges = [START + day * timedelta(days=1) for day in range(DAYS)]
        rows = []
        for edge in edges:
            came = edge + number * timedelta(minutes=20)
            rows += [("occupied", came), ("free", came + timedelta(hours=8))]
        held(conn, bay, *rows)


def trained(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, object]:
    assert main(["forecast", "train", "--json", *args]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


@pytest.mark.usefixtures("town_url")
def test_a_model_is_trained_from_the_tables_and_put_in_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = trained(capsys)
    folder = ModelFolder(tmp_path, AREA)
    model = folder.current()
    assert isinstance(model, Model)
    assert found["models"] == {AREA: model.version}
    assert model.trained_to == datetime(2026, 3, 6, tzinfo=UTC)
    assert found["figures"]["days"] == DAYS  # type: ignore[index]
    sources = dict(zip((place.zone_id for place in model.places), model.sources, strict=True))
    assert sources == {"arcade": Source.PRIOR, "castle-st": Source.TYPICAL}
    noon, night = (model.weeks.usual[3 * 288 + 12 * hour] for hour in (12, 3))  # of a Thursday
    assert (noon[1:] > 0.8).all()
    assert (night[1:] < 0.2).all()
    again = trained(capsys, "--area", AREA, "--days", "2")
    assert again["models"] != found["models"]
    assert folder.version() == again["models"][AREA]  # type: ignore[index]


@pytest.mark.usefixtures("town_url")
def test_an_area_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", "train", "--area", "nowhere"]) == 2
    assert "there is no area nowhere" in capsys.readouterr().err
    assert main(["forecast", "train", "--days", "0"]) == 2


def test_before_the_first_day_is_over_there_is_nothing_to_learn(
    town_url: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with connect(town_url, autocommit=True) as conn:
        conn.execute("UPDATE generation SET watermark = $1", (START + timedelta(hours=3),))
    assert main(["forecast", "train"]) == 0
    assert "no whole day was seen yet" in capsys.readouterr().out
    assert ModelFolder(tmp_path, AREA).current() is None


HOLDS = """
import sys
from pathlib import Path
from store.forecast_models import ModelFolder
with ModelFolder(Path(sys.argv[1]), sys.argv[2]).training():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.usefixtures("town_url")
def test_an_area_is_trained_by_one_process_at_a_time(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A holder that is killed leaves nothing that keeps others out."""
    command = [sys.executable, "-c", HOLDS, str(tmp_path), AREA]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert main(["forecast", "train", "--area", AREA]) == 2
        told = capsys.readouterr().err
        assert f"area {AREA} is being trained by process {holder.pid} since " in told
        assert ModelFolder(tmp_path, AREA).current() is None
        with ModelFolder(tmp_path, AreaId("elsewhere")).training():
            pass  # another area may be
        holder.kill()
    assert trained(capsys)["models"] == {AREA: ModelFolder(tmp_path, AREA).version()}
    with ModelFolder(tmp_path, AREA).training():
        pass  # who has ended holds nothing


def a_model(number: int) -> Model:
    from dataclasses import replace

    prior = empty_model(PLACES, KINDS, BAYS)
    return replace(prior, version=f"v{number}", trained_to=START, residuals=np.zeros((0, len(PLACES))))


def test_who_writes_at_the_same_time_has_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, synced = ModelFolder(tmp_path, AREA), os.fsync

    def meanwhile(file: int) -> None:
        monkeypatch.setattr(os, "fsync", synced)
        folder.keep(a_model(2))
        synced(file)

    monkeypatch.setattr(os, "fsync", meanwhile)
    folder.keep(a_model(1))
    left = sorted(path.name for path in (tmp_path / "forecast" / AREA).iterdir())
    assert (folder.version(), left) == ("v1", ["current", "v1.model", "v2.model"])


def test_the_newest_models_are_kept_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path, AREA)
    assert (folder.version(), folder.current()) == (None, None)
    for number in range(5):
        if number:
            killed, writing = (tmp_path / "forecast" / AREA / f"v{n}.model.abc.new" for n in (8, 9))
            killed.touch()
            writing.touch()
            os.utime(killed, (number, number))
        folder.keep(a_model(number))
        path = tmp_path / "forecast" / AREA / f"v{number}.model"
        os.utime(path, (number, number))
    left = sorted(path.name for path in (tmp_path / "forecast" / AREA).iterdir())
    assert left == ["current", *(f"v{number}.model" for number in range(5 - KEPT, 5)), "v9.model.abc.new"]
    current = folder.current()
    assert current is not None
    assert current.version == "v4"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelFileError, match=r"v4.model cannot be used: its checksum .*forecast train"):
        folder.current()
    path.unlink()
    with pytest.raises(ModelFileError, match=r"v4.model is not there"):
        folder.current()
