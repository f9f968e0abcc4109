"""Forecasts of recorded car parks are as good as the figures that are published of them, with a little to spare.

Skipped where the recordings are not at hand.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from baycast.forecasting.evaluate import evaluate

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BIRMINGHAM = DATA / "birmingham_2016.csv.gz"

pytestmark = pytest.mark.skipif(not BIRMINGHAM.exists(), reason="the recordings are not beside the project")


def figures(protocol: str) -> dict[str, float]:
    found = evaluate(BIRMINGHAM, protocol, bar=False)["figures"]
    assert isinstance(found, dict)
    return found


def test_four_weeks_of_birmingham_by_horizon() -> None:
    """Bounds: the best of a profile with a faded residual, a ridge and boosted trees on the same weeks."""
    found = figures("rolling4")
    assert (found["places"], found["leaks"]) == (28, 0)
    for horizon, bound in {"30m": 0.0129, "1h": 0.0203, "2h": 0.0324, "24h": 0.0440}.items():
        assert found[f"mae.{horizon}.baycast"] < bound, horizon
        assert found[f"mae_less_high.{horizon}"] < 0, horizon  # better than the best baseline, for sure
        assert 0.88 < found[f"coverage90.{horizon}"] < 0.92, horizon
    assert found["mae.30m.persistence"] == pytest.approx(0.0375, abs=1e-4)  # as others found it
    assert found["mae.24h.time_of_week"] == pytest.approx(0.0693, abs=1e-4)


def test_the_next_step_and_the_last_week_of_birmingham() -> None:
    assert figures("onestep")["mae.step.baycast"] < 0.0145
    found = figures("lastweek")
    assert found["mae.week.baycast"] < 0.0530
    assert found["mae.week.baycast"] < found["mae.week.last_week"]
