"""What a client of the feed knows, whatever it is told."""

import random
from typing import Any

import msgspec
import pytest

from feed_client import BackOff, FeedState, GapError, Subscription, WentBackError
from feed_client.messages import message_of

A, B, C = (Subscription(zones=(name,)) for name in "abc")


def told(kind: str, version: int | str = 1, **more: Any) -> Any:
    token = f"cardiff:1.{version}.1-1" if isinstance(version, int) else version
    head = {"version": token, "as_of": "2026-11-18T12:00:00Z", "stale": False}
    only = {"snapshot": {"reset": False, "reason": "first", "zones": []}, "delta": {"zones": []}}
    return message_of(msgspec.json.encode({"type": kind, **head, **only.get(kind, {}), **more}))


def subscribed(name: str, *gone: str) -> Any:
    return message_of(msgspec.json.encode({"type": "subscribed", "id": name, "gone": gone}))


def refused(name: str | None) -> Any:
    return message_of(msgspec.json.encode({"type": "problem", "id": name, "problem": {"status": 422}}))


def zone(name: str, free: int = 0) -> dict[str, Any]:
    return {"id": name, "free": free, "of_a_later_server": True}


@pytest.fixture
def state() -> FeedState:
    state = FeedState(A)
    state.apply(told("snapshot", zones=[zone("a"), zone("b")]))
    return state


def test_deltas_follow_the_snapshot_and_keep_fields_of_later_servers(state: FeedState) -> None:
    state.apply(told("heartbeat", 2))
    state.apply(told("delta", 3, prev="cardiff:1.2.1-1", zones=[zone("b", 4)]))

    assert state.zones == {"a": zone("a"), "b": zone("b", 4)}
    assert state.since == state.version == "cardiff:1.3.1-1"


def test_after_a_gap_only_a_snapshot_helps(state: FeedState) -> None:
    with pytest.raises(GapError):
        state.apply(told("delta", 3, prev="cardiff:1.2.1-1", zones=[zone("b", 4)]))

    assert state.zones["b"]["free"] == 0
    assert state.since is None
    state.apply(told("snapshot", 3, zones=[zone("b", 4)]))
    assert state.zones == {"b": zone("b", 4)}
    assert state.since == "cardiff:1.3.1-1"


def test_nothing_comes_before_the_snapshot() -> None:
    for first in (told("heartbeat"), told("delta", prev="cardiff:1.0.1-1")):
        with pytest.raises(GapError):
            FeedState(A).apply(first)


@pytest.mark.parametrize(
    ("before", "after", "back"),
    [
        ("a:1.5.1-1", "a:1.4.2-2", True),
        ("a:2.5.1-1", "a:1.9.1-1", True),
        ("a:1.5.1-1", "a:2.0.1-1", False),
        ("a:1.5.1-1", "a:1.5.1-1~stale", False),
        ("a:1.5.1-1,b:1.9.1-1", "a:1.6.1-1,b:1.8.1-1", True),
        ("a:1.5.1-1", "b:1.1.1-1", False),
        ("other", "a:1.1.1-1", False),
    ],
)
def test_no_version_goes_back(before: str, after: str, back: bool) -> None:
    state = FeedState(A)
    state.apply(told("snapshot", version=before, zones=[zone("a", 1)]))
    message = told("snapshot", version=after, zones=[zone("a", 2)])
    if back:
        with pytest.raises(WentBackError):
            state.apply(message)
    else:
        state.apply(message)

    assert (state.version, state.zones["a"]["free"]) == ((before, 1) if back else (after, 2))


def test_a_change_of_subscription_cannot_be_resumed_before_it_is_answered(state: FeedState) -> None:
    state.turn(B, "1")
    assert (state.subscription, state.since) == (B, None)
    state.apply(subscribed("1", "a"))
    assert (state.zones.keys(), state.since) == ({"b"}, None)
    state.apply(told("delta", 2, prev="cardiff:1.1.1-1", zones=[zone("c")]))
    assert (state.zones.keys(), state.since) == ({"b", "c"}, "cardiff:1.2.1-1")


def test_a_refused_change_changes_nothing(state: FeedState) -> None:
    state.turn(B, "1")
    state.turn(C, "2")
    state.apply(refused("2"))
    state.apply(refused(None))
    assert (state.subscription, state.since) == (B, None)
    state.apply(refused("1"))
    assert (state.subscription, state.since) == (A, "cardiff:1.1.1-1")


def test_an_overtaken_change_is_answered_by_the_newest(state: FeedState) -> None:
    state.turn(B, "1")
    state.turn(C, "2")
    state.apply(subscribed("2"))
    state.apply(told("delta", 2, prev="cardiff:1.1.1-1"))

    assert (state.subscription, state.since) == (C, "cardiff:1.2.1-1")


def test_what_was_not_answered_holds_from_the_next_connection_on(state: FeedState) -> None:
    state.turn(B, "1")
    state.disconnected()
    assert (state.subscription, state.since) == (B, None)
    state.apply(told("snapshot", 2))
    assert state.since == "cardiff:1.2.1-1"


def test_pauses_double_are_spread_and_begin_anew() -> None:
    back_off = BackOff(1.0, 8.0, dice=random.Random(1))
    pauses = [back_off.pause_s() for _ in range(6)]
    back_off.reset()
    again = back_off.pause_s()

    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, (1, 2, 4, 8, 8, 8), strict=True))
    assert again <= 1.0
    assert 30.0 <= BackOff().pause_s(30.0) <= 45.0


def test_subscription_is_written_as_a_query_has_it() -> None:
    asked = Subscription(("a", "b"), ("z",), (-3.19, 51.47, -3.16, 51.49), "permit:A", 60)

    assert asked.parameters() == {
        "area": "a,b",
        "zones": "z",
        "bbox": "-3.190000,51.470000,-3.160000,51.490000",
        "for": "permit:A",
        "stay_min": 60,
    }
    assert Subscription().parameters() == {}
