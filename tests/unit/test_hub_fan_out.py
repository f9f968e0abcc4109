"""Who gets which message: versions without gaps, one rendering for all, nobody waits for the slow."""

from datetime import timedelta

import pytest

from api.hub import Hub, Listener
from api.seats import AddressFullError, FullError, Seats
from api.selection import Selection, View
from occupancy.model import ZoneId
from tests.support.board_world import NOON
from tests.support.hub_scene import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_first_message_is_the_snapshot_of_what_was_asked_for(scene: Scene) -> None:
    listener = scene.join(Selection(zones=frozenset({"cardiff-1"})))

    message = scene.taken(listener)

    assert message["type"] == "snapshot"
    assert [zone["id"] for zone in message["zones"]] == ["cardiff-1"]
    assert message["version"] == scene.board.token()
    assert scene.take(listener) is None


def test_delta_carries_changed_zones_whole_and_chains_versions(scene: Scene) -> None:
    listener = scene.join()
    first = scene.taken(listener)
    scene.change({"cardiff-1": 4})
    second = scene.taken(listener)
    scene.change({"cardiff-2": 5})
    third = scene.taken(listener)

    assert (second["type"], second["prev"]) == ("delta", first["version"])
    assert [(zone["id"], zone["free"]) for zone in second["zones"]] == [("cardiff-1", 4)]
    assert second["zones"][0]["capacity"] == 10
    assert third["prev"] == second["version"]


def test_up_to_date_listeners_share_one_rendering(scene: Scene) -> None:
    listeners = [scene.join() for _ in range(5)]
    for listener in listeners:
        scene.take(listener)
    scene.change({"cardiff-1": 4})

    texts = [scene.hub.take(listener) for listener in listeners]

    assert texts[0] is not None
    assert all(text is texts[0] for text in texts)


def test_l8_slow_listener_gets_the_newest_of_each_zone_once(scene: Scene) -> None:
    slow, quick = scene.join(), scene.join()
    seen = scene.taken(slow)["version"]
    scene.take(quick)
    for free in range(10):
        scene.change({"cardiff-0": free, "cardiff-1": 9 - free})
        assert scene.taken(quick)["type"] == "delta"

    message = scene.taken(slow)

    assert message["prev"] == seen
    assert {zone["id"]: zone["free"] for zone in message["zones"]} == {"cardiff-0": 9, "cardiff-1": 0}
    assert message["version"] == scene.board.token()
    assert scene.take(slow) is None


def test_change_elsewhere_wakes_nobody(scene: Scene) -> None:
    listener = scene.join(Selection(zones=frozenset({"cardiff-0"})))
    scene.take(listener)
    scene.change({"cardiff-1": 4})

    assert scene.take(listener) is None


def test_heartbeat_moves_the_version_that_the_next_delta_follows(scene: Scene) -> None:
    listener = scene.join(Selection(zones=frozenset({"cardiff-0"})))
    scene.take(listener)
    scene.change({"cardiff-1": 4})
    scene.hub.heartbeat()
    beat = scene.taken(listener)
    scene.change({"cardiff-0": 7})
    delta = scene.taken(listener)

    assert (beat["type"], beat["as_of"]) == ("heartbeat", "2026-11-18T12:00:00Z")
    assert delta["prev"] == beat["version"]


def test_heartbeat_not_yet_taken_gives_way_to_a_delta_from_the_last_taken_version(scene: Scene) -> None:
    listener = scene.join(Selection(zones=frozenset({"cardiff-0"})))
    first = scene.taken(listener)
    scene.change({"cardiff-1": 4})
    scene.hub.heartbeat()
    scene.change({"cardiff-0": 7})

    assert scene.taken(listener)["prev"] == first["version"]


def test_heartbeats_not_taken_say_their_own_version(scene: Scene) -> None:
    listener = scene.join(Selection(zones=frozenset({"cardiff-0"})))
    scene.take(listener)
    scene.hub.heartbeat()
    scene.change({"cardiff-1": 4})
    scene.hub.heartbeat()
    beat = scene.taken(listener)
    scene.change({"cardiff-0": 7})

    assert scene.taken(listener)["prev"] == beat["version"]


def test_resume_sends_what_changed_since(scene: Scene) -> None:
    seen = scene.taken(scene.join())["version"]
    scene.change({"cardiff-0": 1})
    scene.change({"cardiff-2": 2})

    message = scene.taken(scene.join(since=seen))

    assert (message["type"], message["prev"]) == ("delta", seen)
    assert [zone["id"] for zone in message["zones"]] == ["cardiff-0", "cardiff-2"]


def test_resume_without_changes_says_so(scene: Scene) -> None:
    seen = scene.taken(scene.join())["version"]

    message = scene.taken(scene.join(since=seen))

    assert (message["type"], message["zones"], message["prev"]) == ("delta", [], seen)


@pytest.mark.parametrize(
    "since",
    [
        "",
        "nonsense",
        "cardiff:1.999.1-1",
        "cardiff:7.0.1-1",
        "cardiff:1.0.9-9",
        "cardiff:1.0.1-1~down",
        "a:1.0.1-1",
    ],
)
def test_resume_from_a_foreign_version_is_answered_with_a_snapshot(scene: Scene, since: str) -> None:
    listener = scene.join(since=since)
    for read_at in (1.0, 2.0, 3.0):  # one that is ahead of us might be another process's
        scene.hub.settle(read_at)

    assert scene.taken(listener)["type"] == "snapshot"


def test_new_generation_sends_a_snapshot_to_everybody(scene: Scene) -> None:
    listener = scene.join()
    old = scene.taken(listener)["version"]
    scene.change({"cardiff-0": 3}, reset=True)

    assert scene.taken(listener)["type"] == "snapshot"
    assert scene.taken(scene.join(since=old))["type"] == "snapshot"


def test_other_drivers_get_their_own_numbers(scene: Scene) -> None:
    listener = scene.join(Selection(view=View("ev")))

    assert scene.taken(listener)["zones"][0]["usable"]["capacity"] == 1


def test_stale_area_is_told_and_then_taken_back(scene: Scene) -> None:
    scene.change({"cardiff-0": 3})
    listener = scene.join()
    assert scene.taken(listener)["stale"] is False
    turned = scene.board.retime(scene.feed, NOON + timedelta(seconds=31))
    scene.hub.publish(turned, reset=False)
    late = scene.taken(listener)
    turned = scene.board.retime(scene.feed, NOON + timedelta(seconds=301))
    scene.hub.publish(turned, reset=False)
    down = scene.taken(listener)

    assert (late["stale"], late["zones"][0]["stale"], late["zones"][0]["free"]) == (True, True, 3)
    assert (down["zones"][0]["free"], down["zones"][0]["unknown"]) == (0, 10)
    assert len(late["zones"]) == len(down["zones"]) == 3
    assert late["prev"] != late["version"] == down["prev"] != down["version"]


def test_l8_listeners_are_bounded_and_leave_no_trace(scene: Scene) -> None:
    listeners = [scene.join(Selection(zones=frozenset({f"z{n}"}))) for n in range(10)]
    with pytest.raises(FullError):
        scene.join()
    for listener in listeners:
        scene.hub.leave(listener)
        scene.hub.leave(listener)

    assert scene.hub.listeners == set()
    assert scene.join() is not None


def test_l8_only_a_blocked_listener_is_overdue(scene: Scene) -> None:
    blocked, waiting, recent = scene.join(), scene.join(), scene.join()
    blocked.sending_since, recent.sending_since = 100.0, 104.9
    assert waiting.sending_since is None

    assert scene.hub.overdue(105.1, 5.0) == [blocked]


def test_l8_publishing_renders_nothing_before_somebody_takes_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners = [scene.join(Selection(view=View(f"permit:{number}"))) for number in range(5)]
    for listener in listeners:
        scene.taken(listener)
    rendered: list[str] = []
    render = scene.board.zone_bytes

    def counted(zone_id: ZoneId, view: View) -> bytes:
        rendered.append(view.driver)
        return render(zone_id, view)

    monkeypatch.setattr(scene.board, "zone_bytes", counted)
    scene.change({"cardiff-0": 3})
    assert rendered == []
    assert scene.taken(listeners[2])["zones"][0]["free"] == 3
    assert rendered == ["permit:2"]


def test_a_shared_delta_says_the_version_at_which_it_was_taken_and_the_next_follows_it(scene: Scene) -> None:
    scene.feed.add_area("newport", 1)
    scene.board.load(scene.feed, NOON)
    only = Selection(zones=frozenset({"cardiff-0"}))
    one, other = scene.join(only), scene.join(only)
    first = scene.taken(one)["version"]
    scene.taken(other)
    scene.change({"cardiff-0": 3})
    scene.change({"newport-0": 4}, area="newport")
    told = scene.taken(one)
    scene.change({"cardiff-0": 5})
    next_one, next_other = scene.taken(one), scene.taken(other)

    assert (told["prev"], told["version"] != first) == (first, True)
    assert (next_one["prev"], next_other["prev"]) == (told["version"], first)
    assert [zone["free"] for zone in next_other["zones"]] == [5]
    assert next_one["version"] == next_other["version"] == scene.board.token()


def test_listeners_that_come_together_get_the_same_snapshot_once_rendered(scene: Scene) -> None:
    one, other = scene.join(), scene.join()
    first, second = scene.hub.take(one), scene.hub.take(other)
    assert first is second
    scene.change({"cardiff-0": 7})
    assert scene.taken(scene.join())["zones"][0]["free"] == 7


def test_l8_seats_are_counted_in_all_and_by_address() -> None:
    seats = Seats(3, per_address_max=2)
    seats.take("192.0.2.1")
    seats.take("192.0.2.1")
    with pytest.raises(AddressFullError):
        seats.take("192.0.2.1")
    seats.take(None)
    with pytest.raises(FullError):
        seats.take("192.0.2.2")
    seats.give_back("192.0.2.1")
    seats.take("192.0.2.1")


def test_l8_listeners_of_one_address_are_counted(scene: Scene) -> None:
    hub = Hub(scene.board, Seats(10, per_address_max=2))

    def join(address: str | None) -> Listener:
        return hub.join(Selection(), lambda: None, lambda: None, None, address)

    first = join("192.0.2.1")
    join("192.0.2.1")
    with pytest.raises(AddressFullError):
        join("192.0.2.1")
    join("192.0.2.2")
    join(None)
    hub.leave(first)
    hub.leave(first)
    join("192.0.2.1")
    with pytest.raises(AddressFullError):
        join("192.0.2.1")
