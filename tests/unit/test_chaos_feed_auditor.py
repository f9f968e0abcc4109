"""Who audits the feed's auditor: faults are planted in what a listener was told, and each must be found."""

from collections.abc import Callable

import pytest

from baycast.chaos.feed.auditor import FAULTS, Issued, Row, Stamp, judge
from baycast.chaos.feed.heard import Fault, Lost, Numbers, Record, Told, Word

A0, A1, A3 = Numbers(5, 5, 0, 0), Numbers(4, 6, 0, 0), Numbers(3, 7, 0, 0)
B0, B2 = Numbers(1, 9, 0, 0), Numbers(2, 8, 0, 0)
CUT = Lost(None)


def issued() -> Issued:
    """Four versions, of which the second and the fourth change zone a and the third zone b, and a rebuild."""
    stamps = [Stamp(1, 10), Stamp(1, 11), Stamp(1, 12), Stamp(1, 13), Stamp(2, 13)]
    rows = [
        Row(Stamp(1, 10), "a", A0),
        Row(Stamp(1, 10), "b", B0),
        Row(Stamp(1, 11), "a", A1),
        Row(Stamp(1, 12), "b", B2),
        Row(Stamp(1, 13), "a", A3),
        Row(Stamp(2, 13), "a", A3),
        Row(Stamp(2, 13), "b", B2),
    ]
    return Issued("city", stamps, rows)


def v(number: int, generation: int = 1) -> str:
    return f"city:{generation}.{number}.7-3"


def snapshot(version: str, *, reset: bool = False, **numbers: Numbers) -> Told:
    return Told("snapshot", version, None, reset, False, numbers)


def delta(prev: str, version: str, **numbers: Numbers) -> Told:
    return Told("delta", version, prev, False, False, numbers)


def heartbeat(version: str) -> Told:
    return Told("heartbeat", version, None, False, False, {})


def truth() -> list[Word]:
    """A listener that is cut off twice, resumes, sits through a rebuild, and misses nothing."""
    return [
        CUT,
        snapshot(v(10), a=A0, b=B0),
        delta(v(10), v(11), a=A1),
        heartbeat(v(11)),
        CUT,
        CUT,
        delta(v(11), v(13), a=A3, b=B2),
        CUT,
        delta(v(13), v(13)),
        snapshot(v(13, 2), reset=True, a=A3, b=B2),
    ]


def figures_of(words: list[Word]) -> dict[str, int]:
    return judge([Record("one", words)], issued()).figures


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    verdict = judge([Record("one", truth()), Record("another", truth())], issued())

    assert verdict.findings == []
    assert verdict.figures == {**dict.fromkeys(FAULTS, 0), "events": 12, "snapshots": 4, "resumed": 4}


def replaced(index: int, word: Word) -> Callable[[], list[Word]]:
    return lambda: [*truth()[:index], word, *truth()[index + 1 :]]


def without(index: int) -> Callable[[], list[Word]]:
    return lambda: [*truth()[:index], *truth()[index + 1 :]]


def told_again(index: int) -> Callable[[], list[Word]]:
    return lambda: [*truth()[: index + 1], *truth()[index:]]


@pytest.mark.parametrize(
    ("words", "figure"),
    [
        (without(1), "unreported_gaps"),
        (without(2), "wrong_numbers"),
        (without(6), "unreported_gaps"),
        (told_again(2), "unreported_gaps"),
        (replaced(6, delta(v(12), v(13), a=A3, b=B2)), "unreported_gaps"),
        (replaced(6, heartbeat(v(11))), "unreported_gaps"),
        (replaced(6, snapshot(v(13), a=A3, b=B2)), "unreported_gaps"),
        (replaced(9, snapshot(v(13, 2), a=A3, b=B2)), "unreported_gaps"),
        (replaced(4, Lost(Fault.GAP)), "unreported_gaps"),
        (replaced(4, Lost(Fault.WENT_BACK)), "versions_backwards"),
        (replaced(8, delta(v(13), v(12), a=A1)), "versions_backwards"),
        (replaced(8, snapshot(v(10), reset=True, a=A0, b=B0)), "versions_backwards"),
        (lambda: [*truth(), snapshot(v(13), reset=True, a=A3, b=B2)], "versions_backwards"),
        (replaced(9, snapshot(v(14), reset=True, a=A3, b=B2)), "versions_unknown"),
        (replaced(9, snapshot("village:1.13.7-3", reset=True, a=A3, b=B2)), "versions_unknown"),
        (replaced(2, delta(v(10), v(11))), "wrong_numbers"),
        (replaced(2, delta(v(10), v(11), a=A3)), "wrong_numbers"),
        (replaced(3, heartbeat(v(12))), "wrong_numbers"),
        (replaced(6, delta(v(11), v(13), a=A3)), "wrong_numbers"),
        (replaced(9, snapshot(v(13, 2), reset=True, a=A3)), "wrong_numbers"),
    ],
)
def test_a_planted_fault_is_found(words: Callable[[], list[Word]], figure: str) -> None:
    assert figures_of(words())[figure] > 0


def test_a_gap_that_the_client_mended_is_one() -> None:
    words = [snapshot(v(10), a=A0, b=B0), Lost(Fault.GAP), snapshot(v(13), a=A3, b=B2)]

    assert figures_of(words)["unreported_gaps"] == 1


def test_numbers_that_say_that_they_are_old_are_not_compared() -> None:
    withheld = Told(
        "snapshot", v(10), None, False, True, {"a": Numbers(0, 0, 10, 0), "b": Numbers(0, 0, 10, 0)}
    )

    assert figures_of([withheld])["wrong_numbers"] == 0
