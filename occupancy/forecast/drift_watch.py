"""Whether forecasts have become worse than they say they are."""

from __future__ import annotations

from occupancy.forecast.skill import Sums

DAYS = 7
"""Of the last days, the one that is not over included."""
ENOUGH = 2_000
"""Fewer forecasts of a horizon say nothing."""
COVERAGE_LEAST = 0.8
"""A band of 90 % that holds the truth less often is wrong."""
RATIO_MOST = 1.1
"""Forecasts that are off by more than what is usual is, and a tenth, are no help."""


def mae_ratio(sums: Sums) -> float | None:
    """Mean absolute error to that of what is usual; None: nothing is usual, or all was as usual."""
    return sums.off / sums.off_usual if sums.off_usual > 0 else None


def drifted(sums: Sums) -> str | None:
    """What is wrong with the forecasts of one horizon, in words; None: nothing, or too few were scored."""
    if sums.forecasts < ENOUGH:
        return None
    coverage, ratio = sums.inside / sums.forecasts, mae_ratio(sums)
    if coverage < COVERAGE_LEAST:
        return f"the band of 90 % held {coverage:.0%} of {sums.forecasts}"
    if ratio is not None and ratio > RATIO_MOST:
        return f"off by {ratio:.2f} times as much as what is usual, in {sums.forecasts} forecasts"
    return None
