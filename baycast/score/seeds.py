"""Several seeds: played beside each other in processes of their own, then the mean of every figure and the worst."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import repeat
from multiprocessing import get_context

from baycast.score.run import Figures, ScorePlan, score

_MORE_IS_BETTER = (
    "stays",
    "stay_precision",
    "stay_recall",
    "repaired_share",
    "overstay_precision",
    "overstay_recall",
    "interval_coverage",
    "brier_skill",
    "brier_skill_with_withheld",
    "stuck_detected_share",
    "outage_detected_share",
    "sign_word_least_s",
    "street_sign_word_least_s",
)
_CAUSES = ("wrong_share.", "overstay_wrong_share.")
"""A run without such a figure had nothing wrong by that cause."""
_AGAINST_NAIVE = (
    "wrong_share",
    "false_free_share",
    "occupied_given_free",
    "occupied_given_free_blue_badge",
    "zone_mae",
    "history_wrong_share",
    "sign_spaces_none_minutes",
    "sign_full_room_minutes",
    "street_sign_spaces_none_minutes",
    "street_sign_full_room_minutes",
)


class SeedLostError(RuntimeError):
    """A process that played a seed is gone; its text says what to do."""


def score_seeds(plans: Sequence[ScorePlan], jobs: int, tell: Callable[[str], None]) -> list[Figures]:
    """The figures of each plan, in their order. A process plays one plan and ends, so that its memory is given back.

    `tell` is called in those processes, and so must be a function of a module. Raises `SeedLostError`.
    """
    workers = min(jobs, len(plans))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        try:
            return list(pool.map(score, plans, repeat(tell)))
        except BrokenProcessPool:
            text = f"one of {workers} processes that played a seed was killed: with fewer --jobs they need less memory"
            raise SeedLostError(text) from None


def against_naive(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """`NAME_to_naive`: a figure by that of the naive engine; null where either is missing or the naive one is 0."""
    found: dict[str, float | None] = {}
    for name in _AGAINST_NAIVE:
        ours, theirs = figures.get(name), figures.get(f"naive_{name}")
        found[f"{name}_to_naive"] = ours / theirs if ours is not None and theirs else None
    return found


def mean_and_worst(results: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """By name the mean over the runs that have the figure, and as `worst.NAME` the worst of them."""
    names = dict.fromkeys(name for result in results for name in result)
    found: dict[str, float | None] = {}
    worst: dict[str, float | None] = {}
    for name in names:
        missing = 0.0 if name.startswith(_CAUSES) else None
        values = [value for result in results if (value := result.get(name, missing)) is not None]
        found[name] = sum(values) / len(values) if values else None
        plain = name.removeprefix("naive_").partition(".")[0]
        if not values:
            worst[f"worst.{name}"] = None
        elif plain == "zone_bias":
            worst[f"worst.{name}"] = max(values, key=abs)
        else:
            worst[f"worst.{name}"] = min(values) if plain in _MORE_IS_BETTER else max(values)
    return {**found, **worst}
