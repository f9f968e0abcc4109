"""How good forecasts have been, as it is told. No I/O."""

from __future__ import annotations

from occupancy.forecast.skill import Sums


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
        "whole_zone": _whole_zone(sums) if sums.zone_answers else None,
    }


def _whole_zone(sums: Sums) -> dict[str, object]:
    return {
        "answers": sums.zone_answers,
        "brier": _rounded(sums.zone_brier / sums.zone_answers),
        "brier_usual": _rounded(sums.zone_brier_usual / sums.zone_answers),
        "brier_now": _rounded(sums.zone_brier_now / sums.zone_answers),
        "skill": _rounded(sums.zone_skill),
        "skill_now": _rounded(sums.zone_skill_now),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
