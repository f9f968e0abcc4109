"""The feed on a real database: every change once and in order, whatever happens to notifications."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from occupancy.model import AreaId, BayId, ZoneId
from store.feed import Change, Feed
from store.feed_bays import ASKING_MAX
from tests.support.derived_rows import AREA, NOW, DerivedRows, group, street

WITHIN_S = 20.0
CARDIFF = AreaId("cardiff")


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with DerivedRows(database_url) as rows:
        rows.register("area", "cardiff", AREA)
        rows.register("zone", "s0", street(0))
        rows.register("zone", "s1", street(1))
        rows.register(
            "bay",
            "b1",
            {"zone_id": "s1", "area_id": "cardiff", "bay_type": "blue_badge", "lat": 51.48, "lon": -3.18},
        )
        rows.go_live(NOW)
        rows.commit_zones({"s0": [group(3, 1)]}, watermark=NOW)
        yield rows


@asynccontextmanager
async def following(
    url: str, poll_s: float = 0.05
) -> AsyncIterator[tuple[Feed, AsyncGenerator[Change, None]]]:
    async with Feed(url, poll_s=poll_s) as feed:
        changes = feed.changes()
        try:
            yield feed, changes
        finally:
            await changes.aclose()


async def following_change(changes: AsyncGenerator[Change, None]) -> Change:
    return await asyncio.wait_for(anext(changes), WITHIN_S)


def test_entering_loads_areas_zones_and_registry(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        async with Feed(database_url) as feed:
            area, zone = feed.areas[CARDIFF], feed.zones[ZoneId("s0")]
            assert (area.generation, area.version, area.watermark) == (1, 1, NOW)
            assert (zone.availability.counts.free, zone.version) == (3, 1)
            assert list(feed.registries) == ["cardiff"]
            assert feed.followed_s is not None

    asyncio.run(scene())


def test_l4_zone_that_the_engine_has_not_spoken_of_is_all_unknown(
    database_url: str, rows: DerivedRows
) -> None:
    rows.register("zone", "park", {**street(5), "line": [], "kind": "car_park", "capacity": 80})

    async def scene() -> None:
        async with Feed(database_url) as feed:
            bays = feed.zones[ZoneId("s1")].availability
            counted = feed.zones[ZoneId("park")].availability
            assert (bays.counts.unknown, bays.free_min, bays.free_max, bays.as_of) == (1, 0, 1, None)
            assert (bays.source, bays.confidence, bays.coverage) == ("sensor", 0.0, 0.0)
            assert (counted.counts.unknown, counted.source) == (80, "count")

    asyncio.run(scene())


def test_changes_come_once_and_chain(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        async with following(database_url) as (feed, changes):
            rows.commit_zones({"s0": [group(2, 2)]}, watermark=NOW + timedelta(seconds=1))
            first = await following_change(changes)
            assert feed.zones[ZoneId("s0")].availability.counts.free == 2
            rows.commit_zones({"s1": [group(0, 1)]}, watermark=NOW + timedelta(seconds=2))
            second = await following_change(changes)
            assert (first.prev, first.version, first.zone_ids, first.reset) == (1, 2, ("s0",), False)
            assert (second.prev, second.version, second.zone_ids) == (2, 3, ("s1",))
            assert second.watermark == NOW + timedelta(seconds=2)

    asyncio.run(scene())


def test_notification_wakes_at_once(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        async with following(database_url, poll_s=3600) as (_feed, changes):
            waiting = asyncio.ensure_future(following_change(changes))
            await asyncio.wait({waiting}, timeout=0.3)  # it is asleep now, for an hour if nobody calls
            assert not waiting.done()
            await asyncio.to_thread(rows.commit_zones, {"s0": [group(2, 2)]})
            assert (await waiting).version == 2

    asyncio.run(scene())


def test_lost_notification_costs_latency_only(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        async with following(database_url) as (_feed, changes):
            rows.commit_zones({"s0": [group(2, 2)]}, notify=False)
            assert (await following_change(changes)).version == 2

    asyncio.run(scene())


def test_watermark_alone_moves_without_a_change(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        async with following(database_url) as (feed, changes):
            rows.move_watermark(NOW + timedelta(seconds=7))
            waiting = asyncio.ensure_future(following_change(changes))
            while feed.areas[CARDIFF].watermark != NOW + timedelta(seconds=7):
                await asyncio.wait({waiting}, timeout=0.02)
            assert not waiting.done()
            rows.commit_zones({"s0": [group(1, 3)]})
            assert (await waiting).version == 2

    asyncio.run(scene())


def test_new_generation_resets(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        async with following(database_url) as (feed, changes):
            rows.generation = 2
            rows.go_live(NOW)
            change = await following_change(changes)
            assert (change.generation, change.reset, set(change.zone_ids)) == (2, True, {"s0", "s1"})
            # The old generation's answer is not the new one's.
            assert feed.zones[ZoneId("s0")].availability.counts.free == 0

    asyncio.run(scene())


def test_registry_change_resets_and_keeps_what_is_known(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        async with following(database_url) as (feed, changes):
            mark = feed.areas[CARDIFF].registry_mark
            rows.register("zone", "s0", {**street(0), "name": {"en": "New Street"}})
            change = await following_change(changes)
            assert change.reset
            assert feed.zones[ZoneId("s0")].zone.name.en == "New Street"
            assert feed.zones[ZoneId("s0")].availability.counts.free == 3
            assert feed.areas[CARDIFF].registry_mark != mark

    asyncio.run(scene())


def test_removed_zone_is_named_and_gone(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        async with following(database_url) as (feed, changes):
            rows.unregister("zone", "s0")
            change = await following_change(changes)
            assert "s0" in change.zone_ids
            assert "s0" not in feed.zones

    asyncio.run(scene())


def test_removed_area_is_gone(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        async with following(database_url) as (feed, changes):
            rows.unregister("area", "cardiff")
            change = await following_change(changes)
            assert change.reset
            assert not feed.areas
            assert not feed.zones

    asyncio.run(scene())


def test_cut_connection_heals_and_misses_nothing(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        async with following(database_url) as (_feed, changes):
            waiting = asyncio.ensure_future(following_change(changes))
            with psycopg.connect(database_url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'baycast feed' AND datname = current_database()"
                )
            rows.commit_zones({"s0": [group(0, 4)]})
            change = await waiting
            assert (change.prev, change.version, change.reset) == (1, 2, False)

    asyncio.run(scene())


def test_unreachable_database_is_tried_again(database_url: str, rows: DerivedRows) -> None:
    async def scene() -> None:
        feed = Feed("postgresql://127.0.0.1:1/nothing", poll_s=0.05)
        async with feed:
            assert feed.areas == {}
            assert feed.followed_s is None
            feed._following.url = database_url  # the server comes back
            changes = feed.changes()
            change = await following_change(changes)
            assert (change.reset, change.version) == (True, 1)
            await changes.aclose()

    asyncio.run(scene())


def test_l11_one_bad_row_or_document_harms_its_own_zone_only(database_url: str, rows: DerivedRows) -> None:
    rows.commit_zones({"s0": [{**group(3, 1), "bay_type": "hovercraft"}], "s1": [group(1)]})
    rows.register("zone", "s9", {"area_id": "cardiff", "kind": "lake"})

    async def scene() -> None:
        async with Feed(database_url) as feed:
            assert set(feed.zones) == {"s0", "s1"}
            assert feed.zones[ZoneId("s0")].availability.confidence == 0.0
            assert feed.zones[ZoneId("s1")].availability.counts.free == 1

    asyncio.run(scene())


def test_bay_states_are_those_of_the_live_generation(database_url: str, rows: DerivedRows) -> None:
    rows.bay("b1", "occupied", since=NOW, as_of=NOW)

    async def scene() -> None:
        async with Feed(database_url) as feed:
            found = await feed.bay_states(feed.areas[CARDIFF].area.area_id, [BayId("b1"), BayId("b2")])
            assert {bay_id: (state.state, state.since) for bay_id, state in found.items()} == {
                "b1": ("occupied", NOW)
            }
            area = feed.areas[CARDIFF]
            feed.areas[CARDIFF] = replace(area, generation=2)
            assert await feed.bay_states(area.area.area_id, [BayId("b1")]) == {}

    asyncio.run(scene())


def test_l8_a_question_about_bays_holds_up_nobody(database_url: str, rows: DerivedRows) -> None:
    rows.bay("b1", "occupied", since=NOW, as_of=NOW)

    async def scene() -> None:
        async with following(database_url) as (feed, changes):
            with psycopg.connect(database_url) as other:
                other.execute("LOCK TABLE bay_state IN ACCESS EXCLUSIVE MODE")
                asked = [
                    asyncio.create_task(feed.bay_states(CARDIFF, [BayId("b1")])) for _ in range(ASKING_MAX)
                ]
                await asyncio.sleep(0)
                with pytest.raises(ConnectionError):
                    await feed.bay_states(CARDIFF, [BayId("b1")])
                rows.commit_zones({"s0": [group(2, 2)]}, watermark=NOW)
                assert (await following_change(changes)).zone_ids == ("s0",)
                assert not any(question.done() for question in asked)
            for question in asked:
                assert list(await asyncio.wait_for(question, WITHIN_S)) == ["b1"]

    asyncio.run(scene())
