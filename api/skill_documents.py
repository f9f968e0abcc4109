"""How good forecasts have been, as it is told. No I/O."""

from __future__ import annotations

from occupancy.forecast.issue import HORIZONS
from occupancy.forecast.skill import Sums

HORIZON_NAMES = {
    round(ahead.total_seconds() / 60): name
    for ahead, name in zip(HORIZONS, ("5m", "15m", "30m", "1h", "2h", "4h", "24h"), strict=True)
}
"""By minutes."""


def measures(sums: Sums) -> dict[str, object]:
    """Return the means of some forecasts; errors are of the share of bays that are taken."""
    return {
        "forecasts": sums.forecasts,
        "mae": _rounded(sums.mean(sums.off)),
        "mae_usual": _rounded(sums.mean(sums.off_usual)),
        "mae_now": _rounded(sums.mean(sums.off_now)),
        "pinball": _rounded(sums.mean(sums.pinball)),
        "coverage90": _rounded(sums.mean(sums.inside)),
        "brier": _rounded(sums.mean(sums.brier)),
        "brier_usual": _rounded(sums.mean(sums.brier_usual)),
        "brier_now": _rounded(sums.mean(sums.brier_now)),
        "skill": _rounded(sums.skill),
        "skill_now": _rounded(sums.skill_now),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
