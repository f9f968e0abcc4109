"""The soak of the state machine takes up only what it has done on the code that there is."""

from __future__ import annotations

from pathlib import Path

from tests.machine_soak.__main__ import code_of


def test_what_passed_on_other_code_is_not_taken_up(tmp_path: Path) -> None:
    engine = tmp_path / "occupancy" / "fold.py"
    engine.parent.mkdir()
    engine.write_text("fold = 1\n")
    before = code_of(tmp_path)
    assert code_of(tmp_path) == before
    engine.write_text("fold = 2\n")
    assert code_of(tmp_path) != before
