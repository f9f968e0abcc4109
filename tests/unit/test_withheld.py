"""What is not told of counts whose sum is known: nobody can work out a small one from the rest."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

from occupancy.history.lengths import Lengths
from occupancy.history.metrics import SMALL, Sums, histogram, withheld

TOLD_TO_6 = range(7)


def test_whoever_knows_the_sum_and_how_counts_are_withheld_cannot_work_one_out() -> None:
    """All counts up to six in four classes, grouped by what is told of them: in each group, each class that is not told
    has several counts. But where no class is empty and all are 1, or all the most that is small, there is no other."""
    told = defaultdict(list)
    for counts in product(TOLD_TO_6, repeat=4):
        hidden, whole = withheld(counts), sum(counts)
        shown = tuple(None if n in hidden else count for n, count in enumerate(counts))
        told[shown, None if 0 < whole <= SMALL else whole].append(counts)
    for (shown, _), possible in told.items():
        for n, count in enumerate(shown):
            known = {counts[n] for counts in possible}
            assert count is not None or len(known) > 1 or possible in ([(1,) * 4], [(SMALL,) * 4]), possible


def test_with_one_small_class_the_least_of_the_others_is_not_told() -> None:
    assert withheld([0, 2, 9, 5, 30]) == {1, 3}
    assert withheld([0, 2, 5, 5, 30]) == {1, 2, 3}, "of two that are equal, which was chosen would tell"
    assert withheld([0, 4, 9]) == frozenset()
    assert withheld([0, 2, 0]) == {1}, "the sum is too small to be told"
    assert withheld([1, 0, 1, 1, 1]) == {0, 1, 2, 3, 4}


def test_a_histogram_and_the_number_of_stays_do_not_give_a_single_class_away() -> None:
    sums = Sums(
        hours=1,
        in_service_us=1,
        free_us=1,
        occupied_us=0,
        closed_us=0,
        lengths=Lengths(0, (5, 10, 15), (9, 2, 40)),
    )
    told = histogram(sums, personal=False)
    assert told is not None
    assert told[:4] == [None, None, 40, 0]
    assert (histogram(sums, personal=True) or [])[:3] == [9, 2, 40]
