"""`baycast contract`: what a sensor maker sees."""

import argparse
import json
from pathlib import Path

import pytest

from baycast.commands import contract
from baycast.settings import Settings, UsageError


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    contract.configure(parser)
    return contract.run(parser.parse_args(words), Settings())


def test_check_runs_the_vectors(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check") == 0
    assert "golden vectors pass" in capsys.readouterr().out
    assert run("check", "--json") == 0
    assert json.loads(capsys.readouterr().out)["figures"]["failed"] == 0


def test_check_judges_one_payload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "payload.json"
    topic = "baycast/v1/dev/bay-1/state"
    file.write_text('{"boot":3,"seq":118,"at":"2026-03-01T09:30:00Z","occupied":true,"cause":"change"}')
    assert run("check", "--topic", topic, str(file)) == 0
    assert capsys.readouterr().out == "accepted: state of bay-1\n"
    file.write_text('{"boot":3,"seq":"118","at":"2026-03-01T09:30:00Z","occupied":true,"cause":"change"}')
    assert run("check", "--topic", topic, str(file)) == 1
    assert capsys.readouterr().out.startswith(
        "rejected: bad_type: seq: of type str, and nothing is coerced; send "
    )
    assert run("check", "--json", "--topic", topic, str(file)) == 1
    assert json.loads(capsys.readouterr().out)["answers"][0]["reason"] == "bad_type"


def test_check_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="both --topic"):
        run("check", "--topic", "x")
    with pytest.raises(UsageError, match="cannot read"):
        run("check", "--topic", "x", str(tmp_path / "none"))


def test_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema", "state") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "State"
    assert run("schema") == 0
    assert "batch" in json.loads(capsys.readouterr().out)
