"""Sensors that are not to be believed: what makes them suspect, what follows from it, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from occupancy.heard import remembered_from
from occupancy.model import OverstayState, State, SuspicionKind
from tests.support.folded import Folded
from tests.support.lessons import drifting, lesson
from tests.support.small_town import AREA, START, documents, state

H = 3600.0


def daily(docs: list[Any] | None = None) -> list[Any]:
    """Sensors that promise a word a day."""
    return [
        (kind, id, {**doc, "expected_heartbeat_s": 86_400} if kind == "sensor" else doc)
        for kind, id, doc in docs or documents()
    ]


def steady(docs: list[Any] | None = None) -> Folded:
    """A street in which vehicles stay for an hour on average, as was learnt."""
    town = Folded(daily(docs))
    town.append(watermark_s=0)
    town.append(learnt=lesson(START + timedelta(minutes=10)))
    return town


def live(town: Folded, until_s: float, readings: list[Any] = ()) -> None:  # type: ignore[assignment]
    """A watermark every ten minutes, each reading before the next one."""
    since = town.fold.watermark
    at = 0.0 if since is None else (since - START).total_seconds()
    left = list(readings)
    while at < until_s:
        at = min(at + 600, until_s)
        town.append([r for r in left if r.at <= START + timedelta(seconds=at)], watermark_s=at)
        left = [r for r in left if r.at > START + timedelta(seconds=at)]


def test_a_state_that_lasts_too_long_is_suspect_until_the_next_edge() -> None:
    town = steady()
    said = [state("s0", 1, 60, True), state("s1", 1, 60, True), state("s1", 2, 7 * H, False)]
    live(town, 12 * H, said)
    [row] = town.suspicions.values()
    assert (row.bay_id, row.device_id, row.kind) == ("high-st-0", "s0", SuspicionKind.IMPLAUSIBLE)
    assert START + timedelta(hours=8) < row.began_at < START + timedelta(hours=12)
    assert row.ended_at is None
    bay = town.bays["high-st-0"]
    assert (bay.state, bay.suspect, bay.last_said) == (State.UNKNOWN, True, State.OCCUPIED)
    assert bay.reason.startswith("suspect (implausible): occupied since 2026-11-02 08:01:00Z; 99")
    town.append([state("s0", 2, 12 * H + 30, False)], watermark_s=12 * H + 60)
    [row] = town.suspicions.values()
    assert row.ended_at == START + timedelta(hours=12, seconds=30)
    assert (town.bays["high-st-0"].state, town.bays["high-st-0"].suspect) == (State.FREE, False)


def test_intervals_and_stays_stay_as_the_sensor_said() -> None:
    town = steady()
    live(town, 12 * H, [state("s0", 1, 60, False), state("s0", 2, 120, True)])
    assert town.suspicions
    [stay] = town.rows()["stays"]
    assert (stay.arrived_at, stay.departed_at) == (START + timedelta(seconds=120), None)


def test_nothing_is_suspect_before_something_was_learnt() -> None:
    town = Folded(daily())
    live(town, 40 * H, [state("s0", 1, 60, True)])
    assert town.suspicions == {}


def test_the_time_of_a_closure_is_not_held_against_a_sensor() -> None:
    works = {"area_id": AREA, "use": "suspended", "days": "mon-sun", "starts": "00:00", "ends": "12:00"}
    docs: list[Any] = [
        (kind, id, {**doc, "rule_ids": ["works"]} if id == "high-st-0" else doc)
        for kind, id, doc in documents()
    ]
    town = steady([*docs, ("rule", "works", works)])
    live(town, 12 * H, [state("s0", 1, 60, True), state("s1", 1, 60, True)])
    assert {row.bay_id for row in town.suspicions.values()} == {"high-st-1"}
    live(town, 16 * H)
    began = {row.bay_id: row.began_at for row in town.suspicions.values()}
    assert began["high-st-0"] > START + timedelta(hours=12)


def flapping(device: str, since_s: float, times: int) -> list[Any]:
    edges = [(since_s + n * 1200 + more, bool(more == 0)) for n in range(times) for more in (0, 180)]
    return [state(device, seq, at, occupied) for seq, (at, occupied) in enumerate(edges, 1)]


def test_chatter_ends_by_itself_a_day_after_the_sensor_is_quiet() -> None:
    town = steady()
    live(town, 12 * H, flapping("s0", 700, 12))
    [row] = [row for row in town.suspicions.values() if row.kind is SuspicionKind.CHATTER]
    assert row.began_at == START + timedelta(seconds=700 + 7 * 1200 + 180)
    assert row.reason.startswith("8 spells of 1 to 10 min in the day up to")
    assert town.bays["high-st-0"].suspect
    live(town, 40 * H, [state("s0", 99, 12 * H + 60, True), state("s0", 100, 14 * H, False)])
    chatter = [row for row in town.suspicions.values() if row.kind is SuspicionKind.CHATTER]
    assert [row.ended_at for row in chatter] == [START + timedelta(days=1, seconds=700 + 8 * 1200 + 180)]


def test_short_spells_that_are_usual_in_the_street_are_no_chatter() -> None:
    town = steady()
    town.append(learnt=lesson(START + timedelta(minutes=20), short_per_day=12.0))
    live(town, 8 * H, flapping("s0", 1400, 12))
    assert not [row for row in town.suspicions.values() if row.kind is SuspicionKind.CHATTER]


@pytest.mark.parametrize("restarts", [False, True])
def test_what_a_gateway_lets_through_now_and_then_is_no_chatter(restarts: bool) -> None:
    docs: list[Any] = [
        (kind, id, {**doc, "gateway": "g1"} if kind == "sensor" else doc) for kind, id, doc in documents(8)
    ]
    town = Folded(docs)
    town.append(watermark_s=0)
    town.append(learnt=lesson(START + timedelta(minutes=10)))
    for n in range(24):
        at = 600 + n * 1800
        words = [state(f"s{k}", 4 * n, at + k, True, cause="heartbeat") for k in range(8)]
        words += [state(f"s{k}", 4 * n + 1, at + 120 + k, True, cause="heartbeat") for k in range(8)]
        town.append(words, watermark_s=at + 150)
        live(town, at + 1750)
        if restarts:
            town.lay()
            town.crash()
    short = [one for one in town.rows()["intervals"] if one.state is State.OCCUPIED]
    assert len(short) > 100
    assert town.suspicions == {}


def test_a_drifting_sensor_is_suspect_from_entry_to_entry() -> None:
    town = steady()
    first, second = START + timedelta(minutes=30), START + timedelta(hours=3)
    town.append(learnt=lesson(first, ends_per_h=0.05, unreliable=(drifting("high-st-0", "s0"),)))
    live(town, 2 * H, [state("s0", 1, 60, True)])
    [row] = town.suspicions.values()
    assert (row.kind, row.began_at, row.ended_at) == (SuspicionKind.DRIFT, first, None)
    town.append([state("s0", 2, 2 * H + 1, False)], watermark_s=2 * H + 60)
    assert town.bays["high-st-0"].suspect, "an edge is no proof that it sees again"
    town.append(learnt=lesson(second, ends_per_h=0.05))
    live(town, 4 * H)
    [row] = town.suspicions.values()
    assert row.ended_at == second
    assert not town.bays["high-st-0"].suspect


@pytest.mark.parametrize("bay_goes", [False, True])
def test_nothing_is_said_of_a_sensor_that_leaves_the_registry(bay_goes: bool) -> None:
    town = steady()
    entries = (drifting("high-st-0", "s0"), drifting("high-st-1", "s1"))
    town.append(learnt=lesson(START + timedelta(minutes=30), unreliable=entries))
    live(town, 12 * H, [*flapping("s0", 1900, 12), state("s1", 1, 60, True), state("s2", 1, 60, True)])
    kinds = {(row.bay_id, row.kind.value) for row in town.suspicions.values()}
    assert kinds >= {("high-st-0", "chatter"), ("high-st-0", "drift"), ("high-st-2", "implausible")}
    gone: list[Any] = [("binding", f"s{n}@high-st-{n}@always", None) for n in (0, 2)]
    if bay_goes:
        gone += [
            (kind, id, None) for n in (0, 2) for kind, id in (("bay", f"high-st-{n}"), ("sensor", f"s{n}"))
        ]
    town.append(changes=gone)
    town.append(learnt=lesson(START + timedelta(hours=13), ends_per_h=0.05, unreliable=entries))
    live(town, 14 * H, [state("s1", 2, 13.5 * H, False)])
    left = [row for row in town.suspicions.values() if row.bay_id != "high-st-1"]
    assert [(row.kind, row.ended_at) for row in left] == [(SuspicionKind.DRIFT, START + timedelta(hours=12))]
    assert town.fold.suspects.counts()[SuspicionKind.DRIFT] == 1
    assert town.rebuilt(pages_of=400, together=True).rows() == town.rows()


@pytest.mark.parametrize("leaves", [False, True])
def test_an_overstay_of_a_suspect_sensor_is_not_published(leaves: bool) -> None:
    docs = documents()
    docs.append(
        ("rule", "limit", {"area_id": AREA, "use": "limited_waiting", "days": "mon-sun", "max_stay_min": 60})
    )
    docs = [(kind, id, {**doc, "rule_ids": ["limit"]} if kind == "bay" else doc) for kind, id, doc in docs]
    said = [
        state("s0", 1, 60, False),
        state("s0", 2, 120, True),
        state("s0", 3, 13 * H, not leaves, cause="change" if leaves else "heartbeat"),
    ]
    town = steady(docs)
    live(town, 14 * H, said)
    [overstay] = town.rows()["overstays"]
    assert overstay.state is OverstayState.CONFIRMED
    assert "the sensor is suspect" in overstay.evidence
    believed = Folded(daily(docs))
    live(believed, 14 * H, said)
    assert [o.state for o in believed.rows()["overstays"]] == [OverstayState.PUBLISHED]


def test_what_a_suspect_sensor_said_last_is_no_ground_for_an_estimate() -> None:
    town = steady()
    live(town, 12 * H, [state("s0", 1, 60, True), *flapping("s1", 11 * H, 2)])
    [group, *_] = [g for g in town.fold.zones["high-st"].groups if g.counts.unknown]  # type: ignore[index]
    assert (group.guessed, group.guessed_free) == (0, 0.0)


def test_suspicions_of_a_kind_do_not_overlap() -> None:
    town = steady()
    live(town, 60 * H, [*flapping("s0", 700, 30), state("s0", 200, 40 * H, True)])
    for kind in SuspicionKind:
        own = sorted(
            (row for row in town.suspicions.values() if row.kind is kind), key=lambda row: row.began_at
        )
        assert all(one.ended_at is not None and one.ended_at <= then.began_at for one, then in pairwise(own))


def test_l3_a_rebuild_holds_back_the_overstays_that_were_held_back() -> None:
    """Its pages are of weeks: what is older than what is remembered counts until their stays are judged."""
    limit = {"area_id": AREA, "use": "limited_waiting", "days": "mon-sun", "max_stay_min": 60}
    docs: list[Any] = [
        (kind, id, {**doc, "rule_ids": ["limit"]} if id == "high-st-1" else doc)
        for kind, id, doc in documents()
    ]
    town = steady([*docs, ("rule", "limit", limit)])
    begins = START + timedelta(minutes=20)
    town.append(learnt=lesson(begins, ends_per_h=0.01, unreliable=(drifting("high-st-1", "s1"),)))
    live(town, 5 * H, [state("s1", 1, 60, False), state("s1", 2, H, True), state("s1", 3, 4 * H, False)])
    town.append(learnt=lesson(START + timedelta(hours=6), ends_per_h=0.01))
    for day in range(1, 15):
        town.append([state("s1", 3 + day, day * 24 * H, False, cause="heartbeat")], watermark_s=day * 24 * H)
    [overstay] = town.rows()["overstays"]
    assert overstay.state is OverstayState.CONFIRMED
    heard = 14 * 24 * H
    for seq, later in ((31, 200), (30, 100)):
        word = state("s1", seq, heard + later, False, cause="heartbeat")
        town.append([word], watermark_s=heard + 1000 - later)
    [overstay] = town.rows()["overstays"]
    assert overstay.state is OverstayState.CONFIRMED, "also where a late word has it judged again"
    for pages_of in (25, 400):
        for together in (False, True):
            assert town.rebuilt(pages_of=pages_of, together=together).rows() == town.rows()


@pytest.mark.parametrize("late", [False, True])
def test_l3_what_was_said_of_a_state_of_weeks_stands_when_it_has_ended(late: bool) -> None:
    """When it began is older than what is remembered; an edge or a late word has its rows written anew."""
    town = steady()
    repeats = [state("s0", 1 + n, 60 + n * 12 * H, True, cause="heartbeat") for n in range(40)]
    kept_back = repeats.pop(38)
    for reading in repeats:
        assert reading.at is not None
        town.append([reading], watermark_s=(reading.at - START).total_seconds())
    [lasting] = town.suspicions.values()
    town.append([state("s0", 50, 480 * H, False, cause="heartbeat")], watermark_s=480 * H)
    if late:
        town.append([kept_back], watermark_s=480 * H + 60)
    for n in range(1, 4):
        town.append([state("s0", 50 + n, (480 + n) * H, n % 2 == 1)], watermark_s=(480 + n) * H)
    [row] = town.suspicions.values()
    assert row == replace(lasting, ended_at=row.ended_at)
    assert row.ended_at is not None
    for pages_of in (1, 20, 400):
        assert town.rebuilt(pages_of=pages_of, together=True).rows() == town.rows()


def test_what_is_settled_is_the_same_for_who_runs_on_and_for_who_begins_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long is remembered: a rebuild that begins days ago must come to what the live engine says."""
    for days in (0, 6):
        monkeypatch.setattr("occupancy.heard._KEPT", days * 288)
        town = Folded(daily())
        for hour in range(0, 24 * 9, 5):
            town.append(watermark_s=hour * H)
            assert town.fold.watermark is not None
            assert town.fold.suspects.remembered == remembered_from(town.fold.watermark)
