"""Signs as engineers configure them: numbers, thresholds, listed zones, layouts, and what an operator puts on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from occupancy.model import Controller, Layout, Legend, LegendId, Show, Sign
from signs.document import FrameError, document, encode, parse
from signs.frame import Frame
from signs.making import Instant, Memory, frame, manual_frame, next_frame
from signs.refusals import refusals_of
from signs.words import FrameState, Mode
from tests.support.sign_samples import BOTH, CARDIFF, LISTED, NOW, SIGN, registry, rows, zone

MATCH = Legend(
    legend_id=LegendId("match"),
    area_id=CARDIFF.area_id,
    texts=(("cy", "DIWRNOD GEM"), ("en", "MATCH DAY")),
    authorisation="A 1",
)


def made(sign: Sign, *zones: Any) -> Frame:
    return frame(sign, CARDIFF, zones, now=NOW, sequence=1, fresh=True)


def says(sign: Sign, *zones: Any) -> list[str]:
    return rows(made(sign, *zones))


class Standing:
    """A sign that remembers; every look is some seconds after the one before."""

    def __init__(self, sign: Sign) -> None:
        self.sign = sign
        self.memory: Memory = {}
        self.now_s = 0.0

    def look(self, after_s: float, *zones: Any, fresh: bool = True) -> FrameState:
        self.now_s += after_s
        at = Instant(now=NOW, now_s=self.now_s)
        self.memory, frame = next_frame(self.sign, CARDIFF, zones, self.memory, at, sequence=1, fresh=fresh)
        return frame.state


# --- numbers and thresholds -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "free", "expected"),
    [
        ({"reserve": 3}, 5, "en: 2 SPACES"),
        ({"reserve": 3}, 3, "en: FULL"),
        ({"clamp": 9}, 12, "en: 9 SPACES"),
        ({"rounding": 5}, 14, "en: 10 SPACES"),
        ({"rounding": 5}, 4, "en: SPACES"),
        ({"rounding": 5, "reserve": 2, "clamp": 13}, 20, "en: 10 SPACES"),
        ({"almost_full_below": 4}, 3, "en: ALMOST FULL"),
        ({"almost_full_below": 4}, 4, "en: 4 SPACES"),
        ({"almost_full_below": 4}, 0, "en: FULL"),
        ({"almost_full_below": 4, "words": (("almost_full", "en", "ONLY {n}"),)}, 3, "en: ONLY 3"),
    ],
)
def test_numbers_and_thresholds(changes: dict[str, Any], free: int, expected: str) -> None:
    assert says(replace(SIGN, **changes), zone(free))[-1] == expected


def test_l6_almost_full_needs_both_bounds() -> None:
    sign = replace(SIGN, almost_full_below=4)
    assert made(sign, zone(2, free_max=3)).state is FrameState.ALMOST_FULL
    assert made(sign, zone(2, free_min=0, free_max=3)).state is FrameState.UNKNOWN
    # What may be more than a few is no claim of ours; that there are two for certain is one.
    assert made(sign, zone(2, free_max=9)).state is FrameState.SPACES


def test_a_word_is_entered_at_one_threshold_and_left_at_the_other() -> None:
    sign = Standing(replace(SIGN, full_below=2, full_until=5, almost_full_below=7, min_dwell_s=0))
    seen = [sign.look(1, zone(free)) for free in (8, 6, 4, 1, 4, 5, 7)]
    assert [str(state) for state in seen] == [
        *("SPACES", "ALMOST FULL", "ALMOST FULL", "FULL", "FULL", "ALMOST FULL", "SPACES"),
    ]


def test_l6_a_word_that_is_no_longer_true_goes_at_once_and_the_next_waits_for_its_dwell() -> None:
    sign = Standing(replace(SIGN, min_dwell_s=60))
    assert sign.look(0, zone(1)) is FrameState.SPACES
    assert sign.look(10, zone(0)) is FrameState.UNKNOWN
    assert sign.look(10, zone(1)) is FrameState.SPACES
    assert sign.look(30, zone(0)) is FrameState.UNKNOWN
    assert sign.look(10, zone(0)) is FrameState.FULL


def test_a_word_that_stood_for_its_dwell_changes_at_once() -> None:
    sign = Standing(replace(SIGN, min_dwell_s=60))
    assert sign.look(0, zone(1)) is FrameState.SPACES
    assert sign.look(60, zone(0)) is FrameState.FULL


def test_the_dwell_delays_neither_going_blank_nor_coming_back() -> None:
    sign = Standing(replace(SIGN, min_dwell_s=60))
    assert sign.look(0, zone(1)) is FrameState.SPACES
    assert sign.look(1, zone(1), fresh=False) is FrameState.UNKNOWN
    assert sign.look(1, zone(3)) is FrameState.SPACES
    assert sign.look(1, zone(1), fresh=False) is FrameState.UNKNOWN
    assert sign.look(60, zone(0)) is FrameState.FULL


def test_a_word_that_is_true_still_stands_with_the_number_of_now() -> None:
    sign = Standing(replace(SIGN, full_below=5, min_dwell_s=60))
    assert sign.look(0, zone(9)) is FrameState.SPACES
    at = Instant(now=NOW, now_s=30.0)
    _, frame = next_frame(sign.sign, CARDIFF, [zone(3)], sign.memory, at, sequence=2, fresh=True)
    assert rows(frame) == ["cy: 3 LLE", "en: 3 SPACES"]
    assert sign.look(60, zone(3)) is FrameState.FULL


# --- layouts --------------------------------------------------------------------------------------


def test_zones_are_listed_on_pages_of_their_own_each_welsh_first() -> None:
    sign = replace(LISTED, show=Show.PAGES)
    assert says(sign, zone(12), zone(0, zone_id="museum")) == [
        "cy: CASTELL 12 LLE",
        "en: CASTLE 12 SPACES",
        "cy: AMGUEDDFA LLAWN",
        "en: MUSEUM FULL",
    ]


def test_zones_are_listed_in_lines_of_one_page() -> None:
    sign = replace(LISTED, show=Show.LINES)
    assert says(sign, zone(12), zone(0, zone_id="museum")) == [
        "cy: CASTELL 12 LLE / AMGUEDDFA LLAWN",
        "en: CASTLE 12 SPACES / MUSEUM FULL",
    ]
    assert made(sign, zone(12), zone(0, zone_id="museum")).state is FrameState.SPACES


def test_l6_a_listed_zone_that_is_not_known_takes_only_its_own_line() -> None:
    sign = replace(LISTED, show=Show.LINES)
    half = made(sign, zone(0), zone(2, free_min=0, zone_id="museum"))
    assert (half.state, rows(half)) == (FrameState.FULL, ["cy: CASTELL LLAWN", "en: CASTLE FULL"])
    assert says(sign, zone(0)) == ["cy: CASTELL LLAWN", "en: CASTLE FULL"]
    assert says(sign) == []


def test_each_listed_zone_has_its_own_dwell() -> None:
    sign = Standing(replace(LISTED, show=Show.PAGES, min_dwell_s=60))
    sign.look(0, zone(1))
    sign.look(50, zone(1), zone(1, zone_id="museum"))
    assert sign.look(20, zone(0), zone(0, zone_id="museum")) is FrameState.FULL
    assert {str(key): standing.state.value for key, standing in sign.memory.items()} == {
        "castle": "FULL",
        "museum": "SPACES",
    }


def test_two_languages_on_one_page_the_first_above() -> None:
    sign = replace(SIGN, layout=Layout.TWO_LINES)
    assert says(sign, zone(12)) == ["mul: 12 LLE / 12 SPACES"]
    both = replace(LISTED, show=Show.LINES, layout=Layout.TWO_LINES, lines=4)
    assert says(both, zone(1), zone(0, zone_id="museum")) == [
        "mul: CASTELL 1 LLE / AMGUEDDFA LLAWN / CASTLE 1 SPACE / MUSEUM FULL"
    ]
    assert says(replace(SIGN, layout=Layout.TWO_LINES, lines=1), zone(12)) == []


# --- operators ------------------------------------------------------------------------------------


def manual(mode: Mode, sign: Sign = SIGN, legend: Legend | None = None) -> Frame:
    return manual_frame(sign, CARDIFF, mode, legend, now=NOW, sequence=1)


def test_what_an_operator_sets_says_so_and_travels() -> None:
    full, closed, legend = manual(Mode.FULL), manual(Mode.CLOSED), manual(Mode.LEGEND, legend=MATCH)
    assert (full.state, rows(full)) == (FrameState.FULL, ["cy: LLAWN", "en: FULL"])
    assert (closed.state, rows(closed)) == (FrameState.CLOSED, ["cy: AR GAU", "en: CLOSED"])
    assert (legend.state, rows(legend)) == (FrameState.UNKNOWN, ["cy: DIWRNOD GEM", "en: MATCH DAY"])
    assert rows(manual(Mode.TEST)) == [f"zxx: {'8' * 12} / {'8' * 12}"]
    for each in (full, closed, legend, manual(Mode.BLANK), manual(Mode.TEST)):
        assert document(each)["mode"] == each.mode.value
        assert parse(encode(each)) == each
    assert "mode" not in document(made(SIGN, zone(3)))


def test_l6_what_an_operator_sets_and_cannot_be_said_whole_is_blank() -> None:
    assert manual(Mode.LEGEND).pages == ()
    assert manual(Mode.LEGEND, legend=replace(MATCH, texts=(("en", "MATCH DAY"),))).pages == ()
    assert manual(Mode.FULL, replace(SIGN, width=3)).pages == ()


def test_l6_a_frame_without_a_claim_has_no_pages_unless_it_is_a_legend_or_a_test() -> None:
    for mode, state in (("auto", "UNKNOWN"), ("full", "UNKNOWN"), ("odd", "FULL")):
        lied = encode(manual(Mode.FULL)).replace(b'"mode":"full"', f'"mode":"{mode}"'.encode())
        with pytest.raises(FrameError):
            parse(lied.replace(b'"state":"FULL"', f'"state":"{state}"'.encode()))


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sign", "field", "problem"),
    [
        (replace(SIGN, reserve=3, full_below=2), "full_below", "could say nothing"),
        (replace(SIGN, full_below=3, full_until=2), "full_until", "before it is entered"),
        (replace(SIGN, full_until=4, almost_full_below=4), "almost_full_below", "not above 4"),
        (replace(SIGN, almost_full_until=4), "almost_full_until", "never said"),
        (
            replace(SIGN, almost_full_below=6, almost_full_until=5),
            "almost_full_until",
            "before it is entered",
        ),
        (replace(SIGN, clamp=4, rounding=5), "clamp", "none is ever shown"),
        (replace(SIGN, reserve=20), "reserve", "never say SPACES"),
        (replace(SIGN, full_below=21), "full_below", "20 bays"),
        (replace(SIGN, almost_full_below=5, almost_full_until=30), "almost_full_until", "never say SPACES"),
        (replace(LISTED, show=Show.LINES, full_below=21), "full_below", "zone 'castle' has 20 bays"),
        (replace(LISTED), "short_names", "the sum"),
        (
            replace(LISTED, show=Show.PAGES, short_names=LISTED.short_names[1:]),
            "short_names",
            "'cy' for castle",
        ),
        (replace(SIGN, width=8, lines=1), "width", "'20 SPACES' (en) does not fit on one line of 8"),
        (replace(SIGN, width=5), "width", "'CLOSED' (en)"),
        (replace(SIGN, almost_full_below=5, lines=1), "width", "'BRON YN LLAWN' (cy)"),
        (replace(SIGN, layout=Layout.TWO_LINES, lines=1), "layout", "not all of cy and en"),
        (replace(LISTED, show=Show.LINES, lines=1), "show", "not all of cy and en"),
        (
            replace(LISTED, show=Show.LINES, width=14),
            "width",
            "'AMGUEDDFA LLAWN' (cy) does not fit on one line of 14",
        ),
        (replace(SIGN, words=(("full", "en", "FULL {n}"),)), "words", "place for a number"),
        (replace(SIGN, rounding=5, words=(("spaces", "en", "{n} SP"),)), "words", "said without one"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_with_field_and_fix(
    sign: Sign, field: str, problem: str
) -> None:
    found = refusals_of(sign, registry(sign))
    named = [(error.where, error.field) for error in found]
    assert ("sign newport-rd", field) in named, found
    assert any(problem in error.problem and error.fix for error in found), found


@pytest.mark.parametrize(
    "sign",
    [
        SIGN,
        replace(SIGN, width=7),
        replace(SIGN, reserve=3, clamp=10, rounding=5, full_until=6, almost_full_below=9),
        replace(SIGN, width=3, lines=1, controller=Controller.UTMC),
        replace(SIGN, layout=Layout.TWO_LINES),
        replace(LISTED, show=Show.LINES),
        replace(LISTED, show=Show.PAGES, zone_ids=BOTH[:1]),
    ],
)
def test_a_configuration_that_works_is_accepted(sign: Sign) -> None:
    assert refusals_of(sign, registry(sign)) == []


def test_the_longest_number_counts_and_a_clamp_shortens_it() -> None:
    narrow = replace(SIGN, lines=1, width=10)
    assert refusals_of(narrow, registry(narrow, capacity=99)) == []
    assert [error.field for error in refusals_of(narrow, registry(narrow, capacity=1000))] == ["width"]
    clamped = replace(narrow, clamp=999)
    assert refusals_of(clamped, registry(clamped, capacity=1000)) == []


def test_zones_may_be_registered_before_their_bays() -> None:
    sign = replace(SIGN, full_below=5)
    assert refusals_of(sign, registry(sign, capacity=None)) == []
