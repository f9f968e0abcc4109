"""What an asker may write, and which zones it takes."""

from dataclasses import replace

import pytest

from api.selection import Around, Selection, box_of, distance_m, driver_of, ids_of, point_of
from occupancy.model import AreaId, Name, Zone, ZoneId, ZoneKind

CASTLE = Zone(
    zone_id=ZoneId("castle-st"),
    area_id=AreaId("cardiff"),
    kind=ZoneKind.STREET,
    name=Name(en="Castle Street"),
    lat=51.4816,
    lon=-3.1811,
)


@pytest.mark.parametrize("text", ["general", "blue_badge", "permit:A7", "ev"])
def test_drivers_are_read(text: str) -> None:
    assert driver_of(text) == text


@pytest.mark.parametrize("text", ["", "General", "permit:", "permit:../x", "everyone", "ev "])
def test_other_drivers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is one of"):
        driver_of(text)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "0,0,0,0", "1,0,0,1", "nan,0,1,1", "-181,0,1,1", "0,0,1,inf", "0,0,1,91"]
)
def test_boxes_that_hold_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="west,south,east,north"):
        box_of(text)


@pytest.mark.parametrize("text", ["", "91,0", "0,181", "nan,0", "1", "1,2,3", "a,b"])
def test_points_off_the_earth_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="lat,lon"):
        point_of(text)


def test_l8_the_number_of_ids_is_bounded() -> None:
    assert ids_of("a,b", 2) == {"a", "b"}
    with pytest.raises(ValueError, match="at most 2"):
        ids_of("a,b,c", 2)
    with pytest.raises(ValueError, match="separated by commas"):
        ids_of("a,,c", 5)


def test_each_condition_must_hold() -> None:
    inside = box_of("-3.2,51.4,-3.1,51.5")
    chosen = Selection(frozenset({"cardiff"}), frozenset({"castle-st"}), inside, kind="street")

    assert chosen.takes(CASTLE)
    assert not replace(chosen, areas=frozenset({"newport"})).takes(CASTLE)
    assert not replace(chosen, zones=frozenset({"queen-st"})).takes(CASTLE)
    assert not replace(chosen, box=box_of("-3.1,51.4,-3.0,51.5")).takes(CASTLE)
    assert not replace(chosen, kind="car_park").takes(CASTLE)
    assert not replace(chosen, around=Around(51.5, -3.1811, 1000)).takes(CASTLE)


def test_distance_is_the_straight_line_in_metres() -> None:
    # One minute of latitude is a nautical mile, 1852 m, within the flattening of the Earth.
    assert distance_m(Around(51.0, -3.0, 0), 51 + 1 / 60, -3.0) == pytest.approx(1853, abs=2)
    assert distance_m(Around(0, 0, 0), 0, 180) == pytest.approx(20_015_000, rel=0.001)
