"""Boot numbers survive the simulator and only grow (L2)."""

from pathlib import Path

import pytest

from simulator.boots import BootFileError, start_devices


def test_l2_a_restart_is_the_next_boot_of_every_device(tmp_path: Path) -> None:
    path = tmp_path / "new" / "boots.json"
    assert start_devices(path, ["a", "b"], clock_s=1000) == {"a": 1000, "b": 1000}
    assert start_devices(path, ["a", "c"], clock_s=500) == {"a": 1001, "c": 500}
    assert start_devices(path, ["a", "b", "c"], clock_s=9) == {"a": 1002, "b": 1001, "c": 501}
    assert [entry.name for entry in path.parent.iterdir()] == ["boots.json"]


@pytest.mark.parametrize("text", ["", "[]", '{"a": "1"}', '{"a": true}', '{"a": 1'])
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "boots.json"
    path.write_text(text)
    with pytest.raises(BootFileError, match="remove"):
        start_devices(path, ["a"], clock_s=1)
    assert path.read_text() == text


def test_boot_numbers_stay_within_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "boots.json"
    path.write_text('{"a": 4294967295}')
    with pytest.raises(BootFileError, match="32 bits"):
        start_devices(path, ["a"], clock_s=1)
