"""`baycast chaos --profile signs`, small: every link to the signs is cut once, together in every way there is."""

import json
import subprocess
import sys

import pytest

CUTS = 8
CUT_S = 60.0
"""Long enough for one: a recovery is no failure for as long, and a sign not lit by half as long again ends the run."""
START_S = 120.0
CHAOS_SIGNS = [sys.executable, "-m", "baycast", "chaos", "--profile", "signs"]


@pytest.mark.timeout(START_S + (CUTS + 1) * CUT_S)
def test_l6_signs_go_dark_in_time_and_come_back_whichever_link_is_cut() -> None:
    done = subprocess.run(
        [*CHAOS_SIGNS, "--cuts", str(CUTS), "--signs", "4", "--stale-after", "2", "--json"],
        capture_output=True,
        text=True,
        timeout=START_S + CUTS * CUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    result = json.loads(done.stdout.splitlines()[-1])
    figures = result["figures"]

    assert (result["command"], result["profile"]) == ("chaos", "signs")
    assert (figures["cuts"], figures["signs"]) == (CUTS, 4)
    links = ("publish", "broker", "ingest", "api", "database", "engine", "network", "gateway")
    assert {name: figures[f"cuts.{name}"] for name in links} == dict.fromkeys(links, 1)
    assert (figures["past_ttl"], figures["blank_late"], figures["recovered_late"]) == (0, 0, 0)
    assert (figures["modelled_as_live"], figures["unfounded"], figures["untold"]) == (0, 0, 0)
    assert figures["exits"] == 0
    # There was something that no sign might show as live, and each was lit again after each cut.
    assert figures["modelled"] > 0
    assert figures["pictures"] >= 4 * 2
    assert figures["frames"] > figures["pictures"]


def test_a_schedule_without_cuts_is_refused() -> None:
    done = subprocess.run(
        [*CHAOS_SIGNS, "--cuts", "0"], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("baycast: chaos: --cuts")
