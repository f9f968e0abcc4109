"""Outages of a gateway or an area: what makes one, what ends it, what is left of the bays meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from occupancy.model import DeviceId, Outage, StateReading
from occupancy.said_outages import SaidOutages
from tests.support.folded import Folded
from tests.support.small_town import AREA, HEARTBEAT_S, START, documents, state

SENSORS = 16
Document = tuple[str, str, dict[str, Any]]


def two_gateways() -> list[Document]:
    """Sixteen bays, whose sensors speak through two gateways in turn."""
    return [
        (kind, id, {**doc, "gateway": f"gw-{int(id[1:]) % 2}"} if kind == "sensor" else doc)
        for kind, id, doc in documents(SENSORS)
    ]


def words(until_s: int, *, silent: dict[int, tuple[int, int]] | None = None) -> list[StateReading]:
    """A heartbeat of each sensor every ten minutes, the sensors one after the other; `silent` by number modulo 2."""
    found = []
    for n in range(SENSORS):
        for seq, at in enumerate(range(n * HEARTBEAT_S // SENSORS, until_s, HEARTBEAT_S)):
            quiet = (silent or {}).get(n % 2)
            if quiet is None or not quiet[0] <= at < quiet[1]:
                found.append(state(f"s{n}", seq, at, False, cause="heartbeat"))
    return sorted(found, key=lambda reading: reading.received_at)


def lived(readings: list[StateReading], until_s: int) -> Folded:
    town = Folded(two_gateways())
    at = 0
    for reading in readings:
        while at <= (reading.received_at - readings[0].received_at).total_seconds():
            town.append(watermark_s=at)
            at += 60
        town.append([reading])
    while at <= until_s:
        town.append(watermark_s=at)
        at += 60
    return town


def test_a_gateway_that_falls_silent_is_one_outage_and_its_bays_are_unknown_before_their_own_limit() -> None:
    quiet = {0: (3600, 100_000)}
    town = lived(words(4700, silent=quiet), 4680)
    [outage] = town.outages.values()
    assert (outage.group, outage.ended_at, outage.sensors) == ("gateway/gw-0", None, 8)
    assert (outage.noticed_at - outage.began_at).total_seconds() <= 1200
    own = [town.bays[f"high-st-{n}"] for n in range(0, SENSORS, 2)]
    assert {bay.state for bay in own} == {"unknown"}
    assert all("outage of gateway gw-0 since" in bay.reason for bay in own)
    others = [town.bays[f"high-st-{n}"] for n in range(1, SENSORS, 2)]
    assert {bay.state for bay in others} == {"free"}
    street = town.fold.zones["high-st"]  # type: ignore[index]
    assert (street.counts.free, street.counts.unknown, street.free_max) == (8, 8, 16)


def test_an_outage_ends_with_the_first_word_and_each_bay_with_its_own() -> None:
    town = lived(words(7600, silent={0: (3600, 7200)}), 7560)
    [outage] = town.outages.values()
    assert outage.ended_at is not None
    assert town.bays["high-st-0"].state == "free"
    assert town.bays["high-st-14"].state == "unknown"
    later = lived(words(9000, silent={0: (3600, 7200)}), 9000)
    assert later.outages == town.outages
    assert {bay.state for bay in later.bays.values()} == {"free"}


def test_a_silence_of_the_whole_area_is_one_outage_and_not_one_of_each_gateway() -> None:
    quiet = {0: (3600, 9000), 1: (3600, 9000)}
    town = lived(words(12_000, silent=quiet), 12_000)
    [outage] = town.outages.values()
    assert (outage.group, outage.sensors) == (f"area/{AREA}", SENSORS)


def test_a_gateway_that_stays_away_after_the_area_is_back_is_an_outage_of_its_own() -> None:
    quiet = {0: (3600, 100_000), 1: (3600, 9000)}
    town = lived(words(14_000, silent=quiet), 14_000)
    assert {outage.group for outage in town.outages.values()} == {f"area/{AREA}", "gateway/gw-0"}


def test_a_gateway_that_delivers_late_was_away_and_its_bays_are_known_again_at_once() -> None:
    readings = words(7300, silent={0: (3600, 7200)})
    kept = [reading for reading in words(7200) if reading not in readings]
    town = lived(readings, 7260)
    assert town.bays["high-st-14"].state == "unknown"
    town.append([replace(reading, received_at=readings[-1].received_at) for reading in kept])
    assert town.bays["high-st-14"].state == "free"
    assert len(town.outages) == 1


def test_history_is_unknown_from_the_beginning_of_an_outage_to_each_sensors_own_next_word() -> None:
    town = lived(words(9000, silent={0: (3600, 7200)}), 9000)
    [outage] = town.outages.values()
    own = [row for row in town.rows()["intervals"] if row.bay_id == "high-st-4"]
    assert [row.state for row in own] == ["free", "unknown", "free"]
    assert own[1].started_at == outage.began_at
    assert own[1].ended_at >= outage.ended_at
    assert "outage of gateway gw-0 since" in own[1].reason
    others = [row for row in town.rows()["intervals"] if row.bay_id == "high-st-5"]
    assert [row.state for row in others] == ["free"]


def test_what_a_gateway_kept_makes_history_whole_again() -> None:
    readings = words(9000, silent={0: (3600, 7200)})
    kept = [reading for reading in words(7200) if reading not in readings]
    town = lived(readings, 9000)
    town.append([replace(reading, received_at=readings[-1].received_at) for reading in kept])
    town.append(watermark_s=9060)
    assert len(town.outages) == 1
    assert {row.state for row in town.rows()["intervals"]} == {"free"}
    assert sum(cell.unknown_s for cell in town.rows()["cells"] if cell.zone_id == "high-st") < 9000


def test_a_stay_through_an_outage_is_censored_there() -> None:
    def occupied(reading: StateReading) -> StateReading:
        return replace(reading, occupied=True) if reading.device_id == "s4" else reading

    town = lived([occupied(reading) for reading in words(9000, silent={0: (3600, 7200)})], 9000)
    [outage] = town.outages.values()
    before, after = town.rows()["stays"]
    assert (before.departed_at, before.departure) == (outage.began_at, "censored")
    assert after.arrived_at > outage.ended_at
    assert (after.arrival, after.departed_at) == ("censored", None)


def test_an_outage_that_is_known_after_its_sensors_spoke_again_cuts_what_was_folded() -> None:
    """Nobody moved the watermark meanwhile."""
    readings = words(9000, silent={0: (3600, 7200), 1: (3600, 7200)})
    town = Folded(two_gateways())
    town.append(watermark_s=3000)
    for reading in readings:
        town.append([reading])
    assert not any("outage" in row.reason for row in town.rows()["intervals"])
    town.append(watermark_s=9000)
    assert sum("outage of area" in row.reason for row in town.rows()["intervals"]) == SENSORS
    assert town.rows()["intervals"] == lived(readings, 9000).rows()["intervals"]


def test_an_outage_that_is_known_with_the_last_words_before_it_cuts_them_off() -> None:
    """Words and a watermark long after them at one position: whoever promised to speak seldom is not silent yet."""
    docs = [
        (kind, id, {**doc, "expected_heartbeat_s": 86_400} if id == "s4" else doc)
        for kind, id, doc in two_gateways()
    ]
    town = Folded(docs)
    town.append(watermark_s=0)
    town.append(words(600), watermark_s=9000)
    last = [row for row in town.rows()["intervals"] if row.ended_at is None]
    assert len(last) == SENSORS
    assert all("outage of area" in row.reason for row in last)
    assert town.rows() == town.rebuilt(pages_of=9, together=True).rows()


def test_a_sensor_that_gets_another_gateway_takes_up_its_outages() -> None:
    town = lived(words(9000, silent={0: (3600, 7200)}), 9000)
    kind, id, doc = next(doc for doc in two_gateways() if doc[:2] == ("sensor", "s5"))
    for gateway, cut_off in (("gw-0", True), ("gw-1", False)):
        town.append(changes=[(kind, id, {**doc, "gateway": gateway})])
        own = [row for row in town.rows()["intervals"] if row.device_id == "s5"]
        # It spoke all the while, with no number missing: an outage of the others is none of its own.
        assert {row.state for row in own} == {"free"}
        assert bool(town.fold.outages.cut_offs_of(DeviceId("s5"))) is cut_off


def test_what_was_part_of_an_outage_of_the_area_is_not_said_when_that_is_forgotten() -> None:
    def outage(group: str, after_h: int) -> Outage:
        began_at = START + timedelta(hours=after_h)
        return Outage(
            group=group,
            began_at=began_at,
            ended_at=began_at + timedelta(hours=1),
            noticed_at=began_at + timedelta(minutes=20),
            sensors=8,
        )

    areas, gateways, later = outage("area/t", 0), outage("gateway/g", 0), outage("area/t", 400)
    said = SaidOutages()
    assert said.say({"area/t": [areas], "gateway/g": [gateways]}, "area/t", START) == {
        ("area/t", START): areas
    }
    found = {"area/t": [later], "gateway/g": [gateways]}
    assert said.say(found, "area/t", START + timedelta(hours=300)) == {("area/t", later.began_at): later}
    assert [cut.at for cut in said.cut_offs(("area/t", "gateway/g"))] == [START, later.began_at]


def test_five_sensors_that_fall_silent_may_be_five_faults() -> None:
    readings = [
        r for r in words(7000) if int(r.device_id[1:]) % 2 or r.device_id in ("s0", "s2", "s4", "s6", "s8")
    ]
    stopped = [r for r in readings if int(r.device_id[1:]) % 2 or r.key.seq < 6]
    town = lived(stopped, 7000)
    assert not town.outages


def test_while_the_pipeline_is_down_nobody_is_missed() -> None:
    quiet = {0: (3600, 9000), 1: (3600, 9000)}
    readings = words(9700, silent=quiet)
    town = lived(
        [r for r in readings if (r.received_at - readings[0].received_at).total_seconds() < 3600], 3600
    )
    span = (START + timedelta(seconds=3600), START + timedelta(seconds=9000))
    town.append(readings, watermark_s=9000, pipeline_down=[span])
    town.append(watermark_s=9700)
    assert not town.outages
    assert {bay.state for bay in town.bays.values()} == {"free"}
