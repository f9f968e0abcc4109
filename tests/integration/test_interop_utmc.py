"""Car parks for a UTMC instation: the real API on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from api.config import ApiConfig
from api.interop.utmc import instant
from api.interop_schemas import UtmcDynamics, UtmcStatic
from occupancy.model import Name, Sign, SignId, Zone, ZoneId, ZoneKind
from signs.car_park import speaker_for
from tests.support.api_server import ApiServer, running_api
from tests.support.published_city import GREYFRIARS, SIGN, City

STATIC, DYNAMIC = "/interop/utmc/carpark/static", "/interop/utmc/carpark/dynamic"


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    made = City(database_url)
    with made.connection:
        yield made


@pytest.fixture
def api(city: City) -> Iterator[ApiServer]:
    with running_api(ApiConfig(database_url=city.url)) as running:
        running.until(STATIC, lambda answer: bool(answer.json()))
        yield running


def now_of(answer: httpx.Response) -> dict[str, Any] | None:
    """What is said of the one car park; it has the published shape. None: nothing was ever known of it."""
    UtmcDynamics.model_validate_json(answer.content, strict=True)
    [car_park] = answer.json()
    assert car_park["systemCodeNumber"] == GREYFRIARS
    found: dict[str, Any] | None = next(iter(car_park["dynamics"]), None)
    return found


def until(api: ApiServer, state: str) -> dict[str, Any]:
    answer = api.until(DYNAMIC, lambda answer: (now_of(answer) or {}).get("stateDescription") == state)
    return now_of(answer) or {}


def test_what_is_static_has_the_public_names(api: ApiServer) -> None:
    answer = api.get(STATIC)
    UtmcStatic.model_validate_json(answer.content, strict=True)
    assert answer.json() == [
        {
            "systemCodeNumber": GREYFRIARS,
            "definitions": [
                {
                    "shortDescription": "Greyfriars Road",
                    "longDescription": "Heol y Brodyr Llwydion / Greyfriars Road",
                    "point": {"latitude": 51.484, "longitude": -3.176},
                }
            ],
            "configurations": [{"capacity": 20}],
        }
    ]


def test_l4_a_car_park_of_which_nothing_was_known_has_no_dynamics(api: ApiServer) -> None:
    assert now_of(api.get(DYNAMIC)) is None


def test_occupancy_is_what_is_taken_and_the_state_is_as_on_signs(api: ApiServer, city: City) -> None:
    city.zone(free=12, occupied=8)
    assert until(api, "SPACES")["occupancy"] == 8
    city.zone(free=0, occupied=20)
    assert until(api, "FULL")["occupancy"] == 20


def test_l6_the_thresholds_of_the_sign_that_speaks_of_it_hold(api: ApiServer, city: City) -> None:
    city.zone(free=3, occupied=17)
    until(api, "SPACES")
    city.document("sign", SIGN, {**city.sign, "full_below": 5})
    assert until(api, "FULL")["occupancy"] == 17


def test_l6_almost_full_is_said_where_the_sign_would_say_it(api: ApiServer, city: City) -> None:
    city.document("sign", SIGN, {**city.sign, "almost_full_below": 5})
    city.zone(free=3, occupied=17)
    assert until(api, "ALMOST FULL")["occupancy"] == 17


def test_l4_what_is_not_known_is_left_out(api: ApiServer, city: City) -> None:
    city.zone(free=2, occupied=3, unknown=15, free_min=0)
    assert "occupancy" not in until(api, "UNKNOWN")


def test_l5_a_modelled_number_is_not_told(api: ApiServer, city: City) -> None:
    city.zone(free=12, occupied=8)
    until(api, "SPACES")
    city.zone(free=12, occupied=8, source="estimate")
    assert "occupancy" not in until(api, "UNKNOWN")


def test_l6_when_the_pipeline_is_stale_nothing_is_claimed(api: ApiServer, city: City) -> None:
    city.zone(free=12, occupied=8)
    before = until(api, "SPACES")
    city.watermark(timedelta(seconds=40))
    stale = until(api, "UNKNOWN")
    assert "occupancy" not in stale
    assert stale["lastUpdated"] == before["lastUpdated"]


def test_xml_says_the_same(api: ApiServer, city: City) -> None:
    city.zone(free=12, occupied=8)
    until(api, "SPACES")
    answer = api.get(f"{DYNAMIC}?format=xml")
    assert answer.headers["content-type"] == "application/xml"
    root = ElementTree.fromstring(answer.content)
    assert root.findtext("carPark/systemCodeNumber") == GREYFRIARS
    assert root.findtext("carPark/dynamics/dynamic/occupancy") == "8"
    assert root.findtext("carPark/dynamics/dynamic/stateDescription") == "SPACES"
    root = ElementTree.fromstring(api.get(f"{STATIC}?format=xml").content)
    assert root.findtext("carPark/definitions/definition/point/latitude") == "51.484"
    assert root.findtext("carPark/configurations/configuration/capacity") == "20"


def test_polling_is_cheap_and_mistakes_are_named(api: ApiServer) -> None:
    first = api.get(STATIC)
    assert api.get(STATIC, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert api.get(f"{STATIC}?area=cardiff").json() == first.json()
    assert api.get(f"{STATIC}?area=atlantis").status_code == 404
    assert api.get(f"{DYNAMIC}?format=csv").status_code == 422
    assert api.get(f"{DYNAMIC}?carpark=1").status_code == 400


def test_times_are_written_as_in_the_public_feed() -> None:
    at = datetime(2012, 1, 13, 12, 19, 32, 419_999, tzinfo=UTC)
    assert instant(at) == "2012-01-13T12:19:32.419+0000"


def test_who_speaks_for_a_car_park_speaks_of_it_alone() -> None:
    name = Name(en="A")
    car_park = Zone(
        zone_id=ZoneId("a"),
        area_id="cardiff",
        kind=ZoneKind.CAR_PARK,
        name=name,
        lat=51.0,
        lon=-3.0,  # type: ignore[arg-type]
    )

    def sign(sign_id: str, *zones: str) -> Sign:
        zone_ids = tuple(ZoneId(zone) for zone in zones)
        return Sign(
            sign_id=SignId(sign_id),
            area_id=car_park.area_id,
            name=name,
            zone_ids=zone_ids,
            lat=51.0,
            lon=-3.0,
        )

    signs = [sign("c", "a"), sign("a", "a", "b"), sign("b", "a"), sign("0", "b")]
    assert speaker_for(car_park, signs).sign_id == "b"
    assert speaker_for(car_park, signs[3:]).zone_ids == ("a",)
