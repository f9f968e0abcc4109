"""Which cells a page makes due: those that differ, and no others."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from occupancy.due_cells import Changed, DueCells, Piece
from occupancy.model import BayId, ZoneId
from occupancy.page import Page
from occupancy.registry import Registry
from occupancy.spans import FOREVER, Account, differences, joined
from tests.support.small_town import START, documents

STREET = ZoneId("high-st")
CAR_PARK = ZoneId("castle")


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def test_what_ends_earlier_differs_from_its_new_end_on() -> None:
    old = [Account(at(0), None, "free")]
    new = [Account(at(0), at(40), "free"), Account(at(40), None, "occupied")]
    assert joined(differences(old, new)) == [(at(40), FOREVER)]


def test_a_visit_that_was_missed_differs_while_it_lasted() -> None:
    old = [Account(at(0), at(90), "free"), Account(at(90), None, "occupied")]
    new = [
        Account(at(0), at(10), "free"),
        Account(at(10), at(20), "occupied"),
        Account(at(20), at(90), "free"),
        Account(at(90), None, "occupied"),
    ]
    assert joined(differences(old, new))[0] == (at(10), at(90))
    assert max(end for _, end in differences(old, new)) == at(90)


@st.composite
def accounts(draw: st.DrawFn) -> list[Account]:
    edges = sorted(draw(st.sets(st.integers(0, 40), min_size=1, max_size=8)))
    ends = [*edges[1:], None]
    return [
        Account(at(edge), None if end is None else at(end), draw(st.sampled_from("fou")))
        for edge, end in zip(edges, ends, strict=True)
    ]


@given(old=accounts(), new=accounts())
def test_outside_the_differences_two_accounts_say_the_same(old: list[Account], new: list[Account]) -> None:
    spans = joined(differences(old, new))
    for minute in range(50):
        inside = any(start <= at(minute) <= end for start, end in spans)
        assert inside or _told(old, at(minute)) == _told(new, at(minute))
    assert (spans == []) == (old == new)


def test_a_late_word_makes_its_own_cells_due_and_none_after_them() -> None:
    cells = DueCells(Registry(documents()), {STREET: at(0)})
    page = Page(1, at(6000), 0)
    changed = Changed(bays={BayId("high-st-0"): [(at(100), at(110)), (at(3000), at(3015))]}, car_parks={})

    due = cells.due(cells.dirty(page, changed), {}, at(6000), at(6000))

    assert due.computed == [Piece(STREET, at(90), at(120)), Piece(STREET, at(3000), at(3030))]
    assert due.gone == due.computed


def test_a_first_evidence_that_moved_makes_due_what_lies_between() -> None:
    cells = DueCells(Registry(documents()), {STREET: at(600)})
    page = Page(1, at(900), 0)
    dirty = cells.dirty(page, Changed(bays={BayId("high-st-0"): [(at(0), at(5))]}, car_parks={}))
    assert cells.may_begin_anew(dirty) == [STREET]
    assert cells.due(dirty, {STREET: at(0)}, at(900), at(900)).computed == [Piece(STREET, at(0), at(615))]

    back = cells.due({STREET: [(at(0), at(5))]}, {STREET: at(600)}, at(900), at(900))

    assert back.gone == [Piece(STREET, at(0), at(615))]
    assert back.computed == [Piece(STREET, at(600), at(615))]


def test_where_silence_counts_every_zone_has_cells_from_then_on() -> None:
    cells = DueCells(Registry(documents()), {STREET: at(30)}, silent_from=at(20))
    assert cells.due({CAR_PARK: [(at(0), at(40))]}, {}, None, at(60)).computed == [
        Piece(CAR_PARK, at(15), at(45))
    ]
    assert [cells.is_silent(Piece(STREET, at(15), at(end))) for end in (30, 45)] == [True, False]
    assert cells.is_silent(Piece(CAR_PARK, at(15), at(6000)))


def test_a_first_evidence_since_silence_counts_makes_nothing_else_due() -> None:
    cells = DueCells(Registry(documents()), {}, silent_from=at(20))
    spoke = [(at(100), at(110))]
    due = cells.due({STREET: spoke}, {STREET: at(100)}, at(900), at(900))
    assert due.gone == due.computed == [Piece(STREET, at(90), at(120))]
    earlier = cells.due({STREET: [(at(0), at(5))]}, {STREET: at(0)}, at(900), at(900))
    assert earlier.gone == earlier.computed == [Piece(STREET, at(0), at(30))]


def test_a_zone_that_left_the_registry_keeps_no_cells() -> None:
    docs = [doc for doc in documents() if doc[:2] != ("zone", STREET)]
    cells = DueCells(Registry(docs), {STREET: at(0)}, silent_from=at(0))
    page = Page(1, at(900), 0, gone_zones={STREET})
    due = cells.due(cells.dirty(page, Changed(bays={}, car_parks={})), {}, at(900), at(900))
    assert [(piece.zone_id, piece.end) for piece in due.gone] == [(STREET, at(900))]
    assert due.computed == []


def _told(account: list[Account], when: datetime) -> object:
    """What holds at an instant, and whether it begins with it."""
    return next(
        (
            (row.what, row.started_at == when)
            for row in account
            if row.started_at <= when and (row.ended_at is None or when < row.ended_at)
        ),
        None,
    )
