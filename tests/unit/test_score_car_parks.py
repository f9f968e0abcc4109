"""`baycast score --car-parks` on a recording of our own: a car park that fills by day and empties by night."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baycast.cli import main
from simulator.gate_faults import GateFaults, Seen, Truth, observed
from simulator.recordings import Row, read_recording

CAPACITY = 150
START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    lines = ["time,place,capacity,occupied"]
    for n in range(14 * 48):
        at = START + timedelta(minutes=30 * n)
        day = max(0.0, math.sin((at.hour + at.minute / 60 - 6) / 14 * math.pi)) if 6 <= at.hour < 20 else 0.0
        lines.append(f"{at.isoformat()},Castle,{CAPACITY},{round(8 + 120 * day)}")
    path = tmp_path / "castle.csv"
    path.write_text("\n".join(lines))
    return path


def _figures(recorded: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, float]:
    assert main(["score", "--car-parks", str(recorded), "--json", *more]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed["command"] == "score --car-parks"
    figures: dict[str, float] = printed["figures"]
    return figures


def test_the_count_with_drift_control_is_nearer_to_the_truth(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [_figures(recorded, capsys, "--seed", str(seed)) for seed in (1, 2, 3, 4)]
    assert sum(run["mae"] for run in runs) < 0.7 * sum(run["naive_mae"] for run in runs)
    assert all(run["negative"] == run["above_capacity"] == 0 for run in runs)
    assert sum(run["interval_coverage"] for run in runs) / len(runs) > 0.75
    assert runs[0] == _figures(recorded, capsys, "--seed", "1"), "the same seed, the same figures"


def test_gates_without_faults_see_every_vehicle(recorded: Path) -> None:
    rows: list[Row] = list(read_recording(recorded).rows())
    none = GateFaults(missed=0, double=0, outage_every=None)
    inside = rows[0].occupied
    for said in observed(rows, CAPACITY, none, "any"):
        if isinstance(said, Seen):
            inside += said.delta
        elif isinstance(said, Truth):
            assert said.occupied == inside
