"""`baycast chaos feed`, small: API processes die under their listeners, who are told the truth all the same."""

import json
import subprocess
import sys

import pytest

CHAOS_FEED = [sys.executable, "-m", "baycast", "chaos", "feed"]


@pytest.mark.timeout(300)
def test_listeners_are_told_the_truth_through_five_kills_and_a_restart() -> None:
    done = subprocess.run(
        [*CHAOS_FEED, "--kills", "5", "--listeners", "4", "--json"],
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    result = json.loads(done.stdout.splitlines()[-1])
    figures = result["figures"]

    assert result["command"] == "chaos feed"
    assert (figures["kills"], figures["restarts"], figures["listeners"]) == (5, 1, 4)
    assert (figures["unreported_gaps"], figures["versions_backwards"]) == (0, 0)
    assert (figures["versions_unknown"], figures["wrong_numbers"], figures["exits"]) == (0, 0, 0)
    assert figures["states_equal"] == 1
    # Whoever was cut off went on where it was: a snapshot at the beginning is all that there is.
    assert figures["snapshots"] == 4
    assert figures["resumed"] >= 4
    assert figures["events"] > figures["snapshots"] + figures["resumed"]


def test_a_run_without_kills_is_refused() -> None:
    done = subprocess.run(
        [*CHAOS_FEED, "--kills", "0"], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("baycast: chaos feed: --kills")
