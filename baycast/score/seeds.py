"""Several seeds in one object: the mean of every figure, and the worst of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_MORE_IS_BETTER = (
    "stays",
    "stay_precision",
    "stay_recall",
    "repaired_share",
    "overstay_precision",
    "overstay_recall",
    "interval_coverage",
    "brier_skill",
    "stuck_detected_share",
    "outage_detected_share",
)


def mean_and_worst(results: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """By name the mean over the runs that have the figure, and as `worst.NAME` the worst of them."""
    names = dict.fromkeys(name for result in results for name in result)
    found: dict[str, float | None] = {}
    worst: dict[str, float | None] = {}
    for name in names:
        values = [value for result in results if (value := result.get(name)) is not None]
        found[name] = sum(values) / len(values) if values else None
        plain = name.removeprefix("naive_").partition(".")[0]
        if not values:
            worst[f"worst.{name}"] = None
        elif plain == "zone_bias":
            worst[f"worst.{name}"] = max(values, key=abs)
        else:
            worst[f"worst.{name}"] = min(values) if plain in _MORE_IS_BETTER else max(values)
    return {**found, **worst, "seeds": len(results)}
