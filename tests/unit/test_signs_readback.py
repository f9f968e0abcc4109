"""What signs say they show, read and held against what they were told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from occupancy.model import SignId
from signs.display import DOES_NOT_FIT, Display, darkened, readback, receive
from signs.frame import Frame, Page
from signs.readback import MAX_DOCUMENT_BYTES, Readback, ReadbackError, Verdict, document, judge, parse
from signs.words import FrameState

NOON = datetime(2026, 10, 3, 12, tzinfo=UTC)
SEQUENCE = int(NOON.timestamp() * 1000)
FULL = (Page(language="cy", lines=("LLAWN",)), Page(language="en", lines=("FULL",)))


def frame(
    after_ms: int = 0, state: FrameState = FrameState.FULL, pages: tuple[Page, ...] = FULL, ttl_s: int = 10
) -> Frame:
    return Frame(
        sign_id=SignId("vms-1"),
        sequence=SEQUENCE + after_ms,
        issued_at=NOON + timedelta(milliseconds=after_ms),
        ttl_s=ttl_s,
        state=state,
        pages=pages,
    )


def shows(after_ms: int = 0, state: FrameState = FrameState.FULL, **more: Any) -> Readback:
    return Readback(sequence=SEQUENCE + after_ms, state=state, **more)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "told",
    [
        Readback(sequence=None, state=None),
        Readback(sequence=7, state=None, faults=("lamp-3",)),
        Readback(sequence=7, state=FrameState.UNKNOWN, pages=()),
        Readback(sequence=7, state=FrameState.FULL, pages=FULL, at=NOON),
    ],
)
def test_what_is_said_is_what_is_read(told: Readback) -> None:
    assert parse(json.dumps(document(told)).encode()) == told


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", "not a JSON document"),
        ("[]", "not a JSON object"),
        ("{}", "state"),
        ('{"dark": 1}', "dark"),
        ('{"dark": true, "state": "FULL", "sequence": 1}', "state"),
        ('{"state": "FULL"}', "sequence"),
        ('{"state": "FULL", "sequence": -1}', "sequence"),
        ('{"state": "FULL", "sequence": true}', "sequence"),
        ('{"state": "BUSY", "sequence": 1}', "state"),
        ('{"state": ["FULL"], "sequence": 1}', "state"),
        ('{"state": "FULL", "sequence": 1, "pages": "FULL"}', "pages"),
        (r'{"state": "FULL", "sequence": 1, "pages": [{"language": "en", "lines": ["\u0000"]}]}', "pages"),
        (r'{"state": "FULL", "sequence": 1, "pages": [{"language": "\ud800", "lines": ["A"]}]}', "pages"),
        ('{"dark": true, "pages": [{"language": "en", "lines": ["FULL"]}]}', "pages"),
        ('{"dark": true, "at": "yesterday"}', "at"),
        ('{"dark": true, "at": "2026-10-03T12:00:00"}', "at"),
        ('{"dark": true, "faults": ["Lamp 3"]}', "faults"),
        ('{"dark": true, "faults": "lamp"}', "faults"),
        (json.dumps({"dark": True, "faults": ["f"] * 17}), "faults"),
        ('{"dark": true, "x": "%s"}' % ("x" * MAX_DOCUMENT_BYTES), "16"),
    ],
)
def test_what_is_no_readback_is_refused_by_its_field(body: str, field: str) -> None:
    with pytest.raises(ReadbackError, match=f"^{field}"):
        parse(body.encode())


def test_l11_bytes_that_are_no_text_are_refused() -> None:
    for payload in (b"\xff", b"[" * 10_000, b"", b"null"):
        with pytest.raises(ReadbackError):
            parse(payload)


def test_a_sign_that_shows_a_frame_within_its_ttl_agrees() -> None:
    assert judge(shows(), frame(), frame(), now=at(9)) is Verdict.AGREES
    assert judge(shows(pages=FULL), frame(), frame(), now=at(9)) is Verdict.AGREES


def test_a_frame_that_was_replaced_lives_to_its_end() -> None:
    newer = frame(3000, FrameState.SPACES, (Page(language="cy", lines=("3 LLE",)),))
    assert judge(shows(), frame(), newer, now=at(9)) is Verdict.AGREES


def test_l6_a_sign_that_shows_a_frame_past_its_ttl_is_found_out() -> None:
    assert (
        judge(shows(), frame(), frame(), now=at(12)) is Verdict.AGREES
    )  # the way here may have taken so long
    assert judge(shows(), frame(), frame(), now=at(12.1)) is Verdict.EXPIRED
    still_sent = frame(20_000)
    assert judge(shows(), frame(), still_sent, now=at(20)) is Verdict.EXPIRED


def test_l6_a_resend_that_is_not_on_record_any_more_is_aged_by_its_sequence() -> None:
    first, newest = frame(), frame(20_000)
    assert judge(shows(5000), first, newest, now=at(17)) is Verdict.AGREES
    assert judge(shows(5000), first, newest, now=at(17.1)) is Verdict.EXPIRED
    far = Readback(sequence=2**62, state=FrameState.FULL)  # a time that no calendar has
    assert judge(far, first, replace(first, sequence=2**63 - 1), now=at(1)) is Verdict.AGREES


def test_l6_a_sign_that_shows_what_it_was_not_told_is_found_out() -> None:
    assert judge(shows(), None, None, now=NOON) is Verdict.UNSENT
    assert judge(shows(), None, frame(1), now=NOON) is Verdict.UNSENT
    assert judge(shows(1), frame(), frame(), now=NOON) is Verdict.UNSENT
    assert judge(shows(state=FrameState.CLOSED), frame(), frame(), now=NOON) is Verdict.UNSENT
    other = (Page(language="cy", lines=("AR GAU",)),)
    assert judge(shows(pages=other), frame(), frame(), now=NOON) is Verdict.UNSENT


def test_a_sign_that_shows_nothing_is_never_wrong() -> None:
    dark, blank = Readback(sequence=None, state=None), shows(7, FrameState.UNKNOWN)
    for told in (dark, blank):
        assert judge(told, None, None, now=NOON) is Verdict.AGREES
        assert judge(told, frame(), frame(), now=at(9)) is Verdict.DARK
        assert judge(told, frame(), frame(), now=at(10)) is Verdict.AGREES
        unlit = frame(state=FrameState.UNKNOWN, pages=())
        assert judge(told, unlit, unlit, now=at(1)) is Verdict.AGREES


def test_words_that_claim_nothing_are_words() -> None:
    legend = frame(state=FrameState.UNKNOWN, pages=(Page(language="cy", lines=("GŵYL",)),))
    for told in (shows(state=FrameState.UNKNOWN), shows(state=FrameState.UNKNOWN, pages=legend.pages)):
        assert judge(told, legend, legend, now=at(9)) is Verdict.AGREES
        assert judge(told, legend, legend, now=at(13)) is Verdict.EXPIRED
    assert judge(shows(state=FrameState.UNKNOWN, pages=FULL), legend, legend, now=at(9)) is Verdict.UNSENT


def test_only_expired_and_unsent_are_wrong() -> None:
    assert [verdict for verdict in Verdict if verdict.is_wrong] == [Verdict.EXPIRED, Verdict.UNSENT]


def test_a_sign_says_what_it_shows() -> None:
    display = Display(sign_id=SignId("vms-1"))
    assert readback(display, 0.0, fits=True) == Readback(sequence=None, state=None)
    display = receive(display, frame(), now_s=0.0)
    assert readback(display, 9.9, fits=True) == shows(pages=FULL)
    assert readback(display, 10.0, fits=True) == Readback(sequence=SEQUENCE, state=None)
    too_large = Readback(sequence=SEQUENCE, state=None, faults=(DOES_NOT_FIT,))
    assert readback(display, 9.9, fits=False) == too_large
    unlit = frame(1, FrameState.UNKNOWN, ())
    assert readback(receive(display, unlit, now_s=1.0), 2.0, fits=True) == shows(
        1, FrameState.UNKNOWN, pages=()
    )


def test_l6_a_sign_told_to_be_dark_refuses_what_it_showed_before() -> None:
    display = darkened(receive(Display(sign_id=SignId("vms-1")), frame(), now_s=0.0))
    assert readback(display, 1.0, fits=True) == Readback(sequence=SEQUENCE, state=None)
    again = receive(display, frame(), now_s=1.0)
    assert readback(again, 2.0, fits=True).state is None
    newer = receive(display, frame(1), now_s=1.0)
    assert readback(newer, 2.0, fits=True).state is FrameState.FULL
