"""What a listener is told that subscribes anew, or has seen more than we: what is new, what is gone, or all again."""

import pytest

from api.selection import Selection, View
from occupancy.model import AreaId
from tests.support.hub_scene import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


ONE = Selection(zones=frozenset({"cardiff-0", "cardiff-1"}))
OTHER = Selection(zones=frozenset({"cardiff-1", "cardiff-2"}))


def test_first_snapshot_resets_nothing_and_later_ones_say_why(scene: Scene) -> None:
    listener = scene.join()
    first = scene.taken(listener)
    scene.change({"cardiff-0": 1}, reset=True)
    replaced = scene.taken(listener)
    too_old = scene.taken(scene.join(since="cardiff:0.0.1-1"))

    assert [(told["reset"], told["reason"]) for told in (first, replaced, too_old)] == [
        (False, "first"),
        (True, "replaced"),
        (True, "too_old"),
    ]


def test_another_subscription_is_answered_with_what_is_new_and_what_is_gone(scene: Scene) -> None:
    listener = scene.join(ONE)
    first = scene.taken(listener)
    scene.hub.turn(listener, OTHER, "7")
    answer, delta = scene.taken(listener), scene.taken(listener)
    scene.change({"cardiff-0": 5, "cardiff-2": 6})
    after = scene.taken(listener)

    assert answer == {"type": "subscribed", "id": "7", "gone": ["cardiff-0"]}
    assert (delta["type"], delta["prev"]) == ("delta", first["version"])
    assert [zone["id"] for zone in delta["zones"]] == ["cardiff-2"]
    assert (after["prev"], [zone["id"] for zone in after["zones"]]) == (delta["version"], ["cardiff-2"])


def test_what_was_due_when_the_subscription_changed_is_still_told(scene: Scene) -> None:
    listener = scene.join(ONE)
    scene.take(listener)
    scene.change({"cardiff-0": 3, "cardiff-1": 4})
    scene.hub.turn(listener, OTHER)
    scene.take(listener)

    assert {zone["id"]: zone["free"] for zone in scene.taken(listener)["zones"]} == {
        "cardiff-1": 4,
        "cardiff-2": 0,
    }


def test_another_driver_gets_a_snapshot(scene: Scene) -> None:
    listener = scene.join(ONE)
    scene.take(listener)
    scene.hub.turn(listener, Selection(zones=ONE.zones, view=View("ev")))
    answer, told = scene.taken(listener), scene.taken(listener)

    assert (answer["gone"], told["type"], told["reason"]) == ([], "snapshot", "subscribed")
    assert scene.take(listener) is None


def test_l8_only_the_newest_of_several_subscriptions_is_answered(scene: Scene) -> None:
    listener = scene.join(ONE)
    scene.take(listener)
    scene.hub.turn(listener, OTHER, "1")
    scene.hub.turn(listener, Selection(zones=frozenset({"cardiff-0"})), "2")
    answer, delta = scene.taken(listener), scene.taken(listener)

    assert (answer["id"], answer["gone"]) == ("2", ["cardiff-1", "cardiff-2"])
    assert [zone["id"] for zone in delta["zones"]] == ["cardiff-0"]
    assert scene.take(listener) is None


def ahead(scene: Scene) -> str:
    """A version that another process has read already."""
    token = scene.board.token()
    area = scene.board.areas[AreaId("cardiff")]
    return token.replace(f":{area.generation}.{area.version}.", f":{area.generation}.{area.version + 1}.")


def test_who_has_seen_more_than_we_waits_until_we_have_read_it(scene: Scene) -> None:
    seen = ahead(scene)
    listener = scene.join(since=seen)
    scene.hub.heartbeat()
    assert scene.take(listener) is None
    scene.change({"cardiff-1": 4})
    resumed = scene.taken(listener)

    assert (resumed["type"], resumed["prev"], resumed["version"], resumed["zones"]) == (
        "delta",
        seen,
        seen,
        [],
    )


def test_a_version_that_the_store_does_not_have_gets_a_snapshot_once_it_was_asked_twice(scene: Scene) -> None:
    listener = scene.join(since=ahead(scene))
    for read_at in (1.0, 1.0, 2.0, 2.0):
        scene.hub.settle(read_at)
        assert scene.take(listener) is None
    scene.hub.settle(3.0)

    assert scene.taken(listener)["reason"] == "too_old"


def test_who_waits_may_leave_and_turn(scene: Scene) -> None:
    gone, turned = scene.join(since=ahead(scene)), scene.join(since=ahead(scene))
    scene.hub.leave(gone)
    scene.hub.turn(turned, ONE, "1")
    assert scene.take(turned) is None
    scene.change({"cardiff-1": 4})

    assert scene.take(gone) is None
    assert [scene.taken(turned)["type"], scene.taken(turned)["reason"]] == ["subscribed", "subscribed"]
