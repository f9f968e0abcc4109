"""`baycast score --scenario` as people call it: what it prints, and what it says of what cannot be."""

import json

import pytest

from baycast.cli import main

SMALL = ["score", "--scenario", "typical", "--bays", "30", "--days", "0.1", "--streets-only"]


def test_several_seeds_give_each_the_mean_and_the_worst(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--seeds", "2", "--first-seed", "5", "--set", "loss=0.2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["command"] == "score --scenario typical --set loss=0.2"
    assert [one["seed"] for one in found["each"]] == [5, 6]
    wrong = [one["figures"]["wrong_share"] for one in found["each"]]
    assert found["figures"]["wrong_share"] == pytest.approx(sum(wrong) / 2, rel=1e-4)
    assert found["figures"]["worst.wrong_share"] == max(wrong)
    assert found["figures"]["seeds"] == 2
    ratios = [one["ratios"]["wrong_share_to_naive"] for one in found["each"]]
    assert found["ratios"]["worst.wrong_share_to_naive"] == max(ratios)


def test_one_seed_gives_its_figures_and_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--seed", "5"]) == 0
    shown = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert {"wrong_share", "naive_wrong_share", "zone_mae_to_naive", "rss_max_mib"} <= shown.keys()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--set", "los=0.1"], "did you mean loss?"),
        (["--jobs", "0"], "--jobs is at least 1"),
        (["--seeds", "0"], "--seeds is at least 1"),
        (["--scenario", "sunny"], "--scenario is one of calm, typical"),
    ],
)
def test_what_cannot_be_is_one_line(wrong: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, *wrong]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
