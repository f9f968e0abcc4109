"""Which frames publish makes for signs that an operator has set, that UTMC drives, or that said something before."""

from __future__ import annotations

from dataclasses import replace

from occupancy.model import Controller, LegendId, Sign, SignId
from publish.signs import Signs
from signs.words import FrameState, Mode
from store.frames import Operated, Recorded
from tests.unit.test_publish_decisions import CARDIFF, LIVE, Known, at, tell

S = SignId("s")


def configured(view: Known, **changes: object) -> Sign:
    sign = replace(view.sign, **changes)  # type: ignore[arg-type]  # each test names fields of a sign
    view.registries[CARDIFF].signs[S] = sign
    return sign


def test_what_an_operator_set_is_told_at_once_and_stands_while_the_pipeline_is_down() -> None:
    view, signs = Known(), Signs()
    tell(signs, view, at(0))
    signs.operate({S: Operated(Mode.CLOSED)})
    (told,) = tell(signs, view, at(1))
    assert (told["mode"], told["state"], told["versions"]) == ("closed", "CLOSED", {})
    view.free(5)
    assert tell(signs, view, at(2), frozenset()) == []
    assert [each["state"] for each in tell(signs, view, at(16), frozenset())] == ["CLOSED"]
    signs.operate({})
    (back,) = tell(signs, view, at(17))
    assert (back.get("mode"), back["state"]) == (None, "SPACES")


def test_the_same_word_on_another_authority_is_told() -> None:
    view, signs = Known(), Signs()
    view.free(0)
    tell(signs, view, at(0))
    signs.operate({S: Operated(Mode.FULL)})
    assert [each["mode"] for each in tell(signs, view, at(1))] == ["full"]


def test_l6_a_legend_that_was_taken_back_blanks_the_sign() -> None:
    view, signs = Known(), Signs()
    registry = view.registries[CARDIFF]
    texts = {"cy": "DIWRNOD GEM", "en": "MATCH DAY"}
    registry.put("legend", "match", {"area_id": CARDIFF, "texts": texts, "authorisation": "A 1"})
    signs.operate({S: Operated(Mode.LEGEND, LegendId("match"))})
    (told,) = tell(signs, view, at(0))
    assert [page["lines"] for page in told["pages"]] == [["DIWRNOD GEM"], ["MATCH DAY"]]
    registry.remove("legend", "match")
    assert [each["pages"] for each in tell(signs, view, at(1))] == [[]]


def test_a_sign_that_utmc_drives_gets_no_frames_and_one_that_it_takes_over_is_blanked_once() -> None:
    view, signs = Known(), Signs()
    configured(view, controller=Controller.UTMC)
    assert tell(signs, view, at(0)) == []
    configured(view)
    assert len(tell(signs, view, at(1))) == 1
    configured(view, controller=Controller.UTMC)
    assert [each["pages"] for each in tell(signs, view, at(2))] == [[]]
    assert tell(signs, view, at(3)) == []


def test_a_restart_is_no_change_of_words() -> None:
    view, signs = Known(), Signs()
    configured(view, full_below=1, full_until=4, min_dwell_s=60)
    signs.seed({S: Recorded(7, FrameState.FULL, 5.0)}, [S], at(0).now_s)
    view.free(3)
    assert [each["state"] for each in tell(signs, view, at(1))] == ["FULL"]
    view.free(4)
    assert [each["state"] for each in tell(signs, view, at(2))] == ["UNKNOWN"]
    assert [each["state"] for each in tell(signs, view, at(55))] == ["SPACES"]


def test_a_changed_document_is_obeyed_at_once() -> None:
    view, signs = Known(), Signs()
    configured(view, min_dwell_s=600)
    assert [each["state"] for each in tell(signs, view, at(0), LIVE)] == ["SPACES"]
    configured(view, min_dwell_s=600, full_below=3)
    assert [each["state"] for each in tell(signs, view, at(1), LIVE)] == ["FULL"]
