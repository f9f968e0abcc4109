"""L6: a frame that something held up is not shown past its ttl, whatever the clocks of both ends say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from occupancy.model import SignId
from signs.display import Display, receive, shown
from signs.frame import Frame, FrameState, Page
from signs.lateness import REMEMBERED_S, Heard

ISSUED = datetime(2026, 3, 2, 9, tzinfo=UTC)
TTL_S = 10
BLANK = Display(sign_id=SignId("vms-1"))


def frame(issued_s: float) -> Frame:
    """Issued so many seconds after the first, by the publisher's clock."""
    return Frame(
        sign_id=BLANK.sign_id,
        sequence=int(issued_s * 1000),
        issued_at=ISSUED + timedelta(seconds=issued_s),
        ttl_s=TTL_S,
        state=FrameState.SPACES,
        pages=(Page(language="en", lines=(f"{issued_s}",)),),
    )


def test_l6_what_a_broker_that_stood_still_hands_on_has_lived_meanwhile() -> None:
    display = receive(BLANK, frame(0), now_s=500.0)
    late = receive(display, frame(3), now_s=509.0)
    assert shown(late, 512.9) == frame(3).pages
    assert shown(late, 513.0) == ()
    assert shown(receive(display, frame(3), now_s=513.5), 513.5) == ()


def test_l6_nor_after_a_silence_longer_than_is_remembered() -> None:
    display = receive(BLANK, frame(0), now_s=500.0)
    held_up = receive(display, frame(1), now_s=500.0 + 3 * REMEMBERED_S)
    assert shown(held_up, 500.0 + 3 * REMEMBERED_S) == ()
    fresh = receive(held_up, frame(3 * REMEMBERED_S), now_s=500.1 + 3 * REMEMBERED_S)
    assert shown(fresh, 509.9 + 3 * REMEMBERED_S) != ()


def test_time_that_the_broker_counted_is_not_taken_off_twice() -> None:
    display = receive(BLANK, frame(0), now_s=500.0)
    waited = receive(display, frame(1), now_s=507.0, expires_in_s=4.0)
    assert shown(waited, 510.9) == frame(1).pages
    assert shown(waited, 511.0) == ()


def test_nor_time_since_the_last_answer_that_the_frame_did_not_spend_on_the_way() -> None:
    display = receive(BLANK, frame(0), now_s=500.0)
    asked = receive(display, frame(3), now_s=502.0, came_s=503.0)
    assert shown(asked, 511.9) == frame(3).pages
    assert shown(asked, 512.0) == ()


def test_a_clock_set_forward_changes_nothing() -> None:
    display = receive(BLANK, frame(0), now_s=500.0)
    assert shown(receive(display, frame(3600), now_s=503.0), 512.9) == frame(3600).pages


def test_a_clock_set_back_leaves_the_sign_dark_for_a_minute_at_most() -> None:
    display = receive(BLANK, frame(3600), now_s=500.0)
    dark_s = []
    for second in range(3, 120, 3):  # the sequence never goes back, the publisher sees to that
        told = replace(frame(second), sequence=frame(3600).sequence + second)
        display = receive(display, told, now_s=500.0 + second)
        if shown(display, 500.0 + second) == ():
            dark_s.append(second)
    assert dark_s == list(range(3, int(REMEMBERED_S), 3))


def test_l6_a_sign_that_is_told_seldom_remembers_for_longer() -> None:
    ttl_s = 600
    display = receive(BLANK, replace(frame(0), ttl_s=ttl_s), now_s=500.0)
    for issued_s in (150, 300, 450):  # all held up alike, four in a ttl
        display = receive(display, replace(frame(issued_s), ttl_s=ttl_s), now_s=900.0 + issued_s)
        assert shown(display, 900.0 + issued_s) != ()
        assert shown(display, 500.0 + issued_s + ttl_s) == ()


@given(
    pauses=st.lists(st.floats(0.01, 3.0), min_size=1, max_size=20),
    delays=st.lists(st.floats(0.0, 40.0), min_size=20, max_size=20),
    offset_s=st.floats(-1e6, 1e6),
    looked_after_s=st.floats(0.0, 30.0),
)
def test_l6_shown_for_no_longer_than_the_ttl_by_nobodys_clock(
    pauses: list[float], delays: list[float], offset_s: float, looked_after_s: float
) -> None:
    """Frames keep their order on the way, and the first is not held up; the clocks differ by anything."""
    issued_s, came_s = 1.0, 1.0
    display = receive(BLANK, frame(issued_s), now_s=came_s + offset_s)
    for pause_s, delay_s in zip(pauses, delays, strict=False):
        issued_s += pause_s
        came_s = max(came_s, issued_s + delay_s)
        if came_s >= REMEMBERED_S:
            break
        display = receive(display, frame(issued_s), now_s=came_s + offset_s)
        looked_s = came_s + looked_after_s
        shall = looked_s - int(issued_s * 1e6) / 1e6 < TTL_S
        if abs(looked_s - issued_s - TTL_S) > 1e-3:
            assert bool(shown(display, looked_s + offset_s)) == shall


@given(st.lists(st.tuples(st.floats(0.0, 30.0), st.floats(0.0, 100.0)), max_size=50))
def test_the_quickest_frame_of_the_last_minute_is_remembered(steps: list[tuple[float, float]]) -> None:
    heard, came_s, all_frames = Heard(), 1000.0, list[tuple[float, float]]()
    for pause_s, between_s in steps:
        before = all_frames[-1:]
        came_s += pause_s
        issued = datetime.fromtimestamp(came_s - between_s, UTC)
        heard = heard.after(came_s, issued)
        all_frames.append((came_s, came_s - issued.timestamp()))
        compared = [one[1] for one in all_frames if one[0] > came_s - REMEMBERED_S]
        if compared == [all_frames[-1][1]]:
            compared += [one[1] for one in before]
        assert abs(heard.late_s - max(0.0, all_frames[-1][1] - min(compared))) < 1e-5
        assert heard.frames == tuple(sorted(heard.frames, key=lambda one: one[1]))
