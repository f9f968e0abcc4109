"""What the board says, how old it may be, and that its bytes are rendered once."""

import json
from datetime import timedelta
from typing import Any

import pytest

from api.board import Board
from api.selection import Around, Selection, View
from api.snapshot import Level, Limits, geometry
from occupancy.model import Clock
from tests.support.board_world import NOON, FeedDouble


def board_of(feed: FeedDouble) -> Board:
    board = Board(Limits())
    board.load(feed, NOON)
    return board


def said(board: Board, selection: Selection | None = None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(board.snapshot(selection or Selection()))
    return document


@pytest.fixture
def feed() -> FeedDouble:
    feed = FeedDouble()
    feed.add_area("cardiff", 3)
    return feed


def test_l4_every_zone_adds_up_in_every_level(feed: FeedDouble) -> None:
    board = board_of(feed)
    for age_s in (0, 31, 301):
        board.retime(feed, NOON + timedelta(seconds=age_s))
        for zone in said(board)["zones"]:
            for counts in (zone, zone["usable"], *zone["by_bay_type"].values()):
                parts = counts["free"] + counts["occupied"] + counts["unknown"] + counts["closed"]
                assert parts == counts["capacity"]
            assert 0 <= zone["free_min"] <= zone["free"] <= zone["free_max"] <= zone["capacity"]


def test_names_are_in_both_languages_in_the_same_bytes(feed: FeedDouble) -> None:
    names = [zone["name"] for zone in said(board_of(feed))["zones"]]

    assert names[0] == {"en": "Street 0", "cy": "Heol 0"}
    assert names[1] == {"en": "Street 1", "cy": "Street 1"}


@pytest.mark.parametrize(
    ("age_s", "level"),
    [(0, Level.FRESH), (30, Level.FRESH), (30.1, Level.STALE), (300.1, Level.DOWN), (-31, Level.STALE)],
)
def test_l4_age_of_the_watermark_decides_what_is_still_said(
    feed: FeedDouble, age_s: float, level: Level
) -> None:
    board = board_of(feed)
    board.retime(feed, NOON + timedelta(seconds=age_s))

    assert board.levels == {"cardiff": level}
    assert said(board)["stale"] is (level is not Level.FRESH)
    assert all(zone["stale"] is (level is not Level.FRESH) for zone in said(board)["zones"])
    assert all(zone["unknown"] == int(level is Level.DOWN) for zone in said(board)["zones"])


def test_l4_area_that_never_had_a_watermark_claims_nothing(feed: FeedDouble) -> None:
    feed.move_watermark("cardiff", None)
    board = board_of(feed)

    assert board.levels == {"cardiff": Level.DOWN}
    assert said(board)["as_of"] is None


def test_recorded_area_does_not_age_but_a_lost_database_does() -> None:
    feed = FeedDouble()
    feed.add_area("birmingham", 1, clock=Clock.EVENT)
    board = board_of(feed)
    board.retime(feed, NOON + timedelta(days=3650))
    assert board.levels == {"birmingham": Level.FRESH}
    feed.followed_s = 31.0
    board.retime(feed, NOON)
    assert board.levels == {"birmingham": Level.STALE}


def test_as_of_is_the_oldest_live_watermark(feed: FeedDouble) -> None:
    feed.add_area("newport", 1)
    feed.add_area("birmingham", 1, clock=Clock.EVENT)
    feed.move_watermark("newport", NOON - timedelta(seconds=10))
    feed.move_watermark("birmingham", NOON - timedelta(days=3650))
    board = board_of(feed)

    assert said(board)["as_of"] == "2026-11-18T11:59:50Z"
    assert said(board, Selection(areas=frozenset({"cardiff"})))["as_of"] == "2026-11-18T12:00:00Z"
    assert said(board, Selection(areas=frozenset({"birmingham"})))["as_of"] == "2016-11-20T12:00:00Z"


def test_bytes_are_rendered_once_per_change(feed: FeedDouble) -> None:
    board = board_of(feed)
    first = board.whole(View())
    assert board.whole(View()) is first
    board.apply(feed.change("cardiff", {"cardiff-1": 3}), feed, NOON)
    second = board.whole(View())

    assert second is not first
    assert board.whole(View()) is second
    assert board.rendered == 2


def test_as_of_follows_a_quiet_area_in_steps(feed: FeedDouble) -> None:
    board = board_of(feed)
    first = board.whole(View())
    feed.move_watermark("cardiff", NOON + timedelta(seconds=9))
    board.retime(feed, NOON + timedelta(seconds=9))
    assert board.whole(View()) is first
    feed.move_watermark("cardiff", NOON + timedelta(seconds=10))
    board.retime(feed, NOON + timedelta(seconds=10))
    again = json.loads(board.whole(View())[0])

    assert again["as_of"] == "2026-11-18T12:00:10Z"
    assert again["version"] == json.loads(first[0])["version"]


def test_l8_views_kept_are_bounded(feed: FeedDouble) -> None:
    board = board_of(feed)
    for number in range(200):
        board.whole(View(f"permit:P{number}"))

    assert len(board._bytes) <= 64
    assert len(board._whole) <= 64


def test_zones_around_a_point_come_nearest_first(feed: FeedDouble) -> None:
    around = Around(51.482, -3.18, 150)

    assert [zone.zone_id for zone in board_of(feed).select(Selection(around=around))] == [
        "cardiff-2",
        "cardiff-1",
    ]


def test_min_free_counts_what_the_driver_may_use(feed: FeedDouble) -> None:
    board = board_of(feed)
    board.apply(feed.change("cardiff", {"cardiff-1": 3}), feed, NOON)

    assert [zone.zone_id for zone in board.select(Selection(min_free=3))] == ["cardiff-1"]
    board.retime(feed, NOON + timedelta(seconds=301))
    assert board.select(Selection(min_free=1)) == []


def test_version_is_equal_for_followers_of_the_same_store(feed: FeedDouble) -> None:
    one, other = board_of(feed), board_of(feed)
    for free in (1, 2):
        one.apply(feed.change("cardiff", {"cardiff-0": free}), feed, NOON)
    other.load(feed, NOON)

    assert one.token() == other.token()
    assert one.whole(View()) == other.whole(View())


def test_the_same_is_said_in_the_same_bytes_whenever_the_watermark_was_read(feed: FeedDouble) -> None:
    rendered = []
    for age_s in (0, 4, 9.9):
        feed.move_watermark("cardiff", NOON + timedelta(seconds=age_s))
        board = board_of(feed)
        rendered.append((board.whole(View()), board.snapshot(Selection(min_free=0))))

    assert rendered[0] == rendered[1] == rendered[2]


def test_geometry_is_a_ring_a_line_or_a_point(feed: FeedDouble) -> None:
    from dataclasses import replace

    zone = next(iter(feed.zones.values())).zone
    line = ((-3.18, 51.48), (-3.17, 51.48))
    ring = (*line, (-3.17, 51.49), line[0])

    assert geometry(zone)["type"] == "Point"
    assert geometry(replace(zone, line=line))["type"] == "LineString"
    assert geometry(replace(zone, line=ring))["type"] == "Polygon"
