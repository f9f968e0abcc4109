"""What drivers are answered from the board alone: no server, no socket, and no database."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from api import schemas
from api.app import create_app
from api.config import ApiConfig
from api.hub import Hub
from api.live import Live
from api.seats import Seats
from api.selection import Selection, View
from occupancy.model import AreaId, State, ZoneId
from store.feed import Change
from tests.support.asked_town import NOON, town

FREE, TAKEN = State.FREE, State.OCCUPIED
SEEN = {
    "queen-0": FREE,
    "queen-1": FREE,
    "queen-2": FREE,
    "queen-3": TAKEN,
    "terrace-0": FREE,
    "market-0": FREE,
}


class Asked:
    """An API over a board that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOON
        nowhere = ApiConfig(database_url="postgresql://nowhere.invalid/none")
        self.app: FastAPI = create_app(nowhere, clock=lambda: self.now)
        self.live: Live = self.app.state.live
        self.feed = town(SEEN)
        self.live.board.load(self.feed, self.now)

    def move(self, at: datetime, states: dict[str, State] | None = None) -> None:
        """The minute moves on, and with it what the engine says."""
        version = self.feed.areas[AreaId("tre")].version + 1
        fresh = town({**SEEN, **(states or {})}, at=at, version=version)
        changed = []
        for zone_id, live in fresh.zones.items():
            if live.availability == self.feed.zones[zone_id].availability:
                fresh.zones[zone_id] = self.feed.zones[zone_id]
            else:
                changed.append(zone_id)
        prev, self.feed, self.now = self.feed.areas[AreaId("tre")].version, fresh, at
        step = Change(AreaId("tre"), 1, version, prev, at, tuple(changed), reset=False)
        self.live.board.apply(step, fresh, at)

    def tick(self, at: datetime) -> None:
        """The minute moves on, and the engine has nothing new to say."""
        self.now = at
        self.feed.move_watermark("tre", at)
        self.live.board.retime(self.feed, at)

    def get(self, path: str, **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://town") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())

    def document(self, path: str, shape: type[BaseModel] = schemas.Snapshot) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        shape.model_validate_json(answer.content)
        return answer.json()

    def zones(self, query: str = "") -> dict[str, Any]:
        return {zone["id"]: zone for zone in self.document(f"/v1/availability{query}")["zones"]}


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_nothing_that_drivers_ask_for_touches_the_database(asked: Asked) -> None:
    """There is none: a connection would fail, and its answer would be a 503."""
    for path in (
        "/v1/availability",
        "/v1/availability?near=51.48,-3.18&stay_min=90&min_free=1&open_now=true",
        "/v1/availability?arrive_in=30&stay_min=60&format=geojson",
        "/v1/availability?since=tre:1.1.1-1",
        "/v1/zones?limit=2&kind=street",
        "/v1/zones/queen?stay_min=30",
        "/v1/zones/queen/forecast?stay_min=30",
    ):
        assert asked.get(path).status_code == 200, path


def test_each_reason_for_nothing_usable_is_another_answer(asked: Asked) -> None:
    found = {zone_id: zone["usable"]["status"] for zone_id, zone in asked.zones().items()}

    assert found == {
        "queen": "free",
        "market": "suspended",
        "terrace": "not_for_you",
        "park": "unknown",
        "yard": "unknown",
    }
    asked.move(NOON, dict.fromkeys(SEEN, TAKEN))
    assert asked.zones()["queen"]["usable"]["status"] == "full"
    asked.move(NOON.replace(hour=20))
    assert asked.zones()["park"]["usable"]["status"] == "closed"
    assert asked.zones("?for=permit:A")["terrace"]["usable"]["status"] == "free"


@pytest.mark.parametrize(
    ("query", "free"),
    [
        ("", 3),
        ("?stay_min=60", 3),
        ("?stay_min=61", 1),  # beyond the hour of limited waiting
        ("?stay_min=240", 1),  # until four the third bay is for all
        ("?stay_min=241", 0),
        ("?stay_min=241&for=loading", 1),
        ("?stay_min=60&arrive_in=300", 2),  # five o'clock: loading
        ("?stay_min=600&arrive_in=360", 3),  # from six o'clock to four in the morning
    ],
)
def test_l12_usable_is_for_the_whole_stay(asked: Asked, query: str, free: int) -> None:
    assert asked.zones(query)["queen"]["usable"]["free"] == free


def test_l12_a_stay_ends_before_the_car_park_does(asked: Asked) -> None:
    assert asked.zones("?stay_min=420")["park"]["usable"]["status"] == "unknown"
    shut = asked.zones("?stay_min=421")["park"]
    assert (shut["usable"]["status"], shut["usable"]["capacity"], shut["unknown"]) == ("closed", 0, 100)
    assert "park" not in asked.zones("?stay_min=421&open_now=true")
    assert "park" in asked.zones("?stay_min=420&open_now=true")


def test_a_suspension_to_come_is_part_of_the_stay(asked: Asked) -> None:
    asked.move(NOON.replace(hour=7))
    assert asked.zones("?stay_min=60")["market"]["usable"]["status"] == "free"
    assert asked.zones("?stay_min=61")["market"]["usable"]["status"] == "suspended"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("?open_now=true", {"queen", "terrace", "park", "yard"}),
        ("?min_height_m=2.1", {"queen", "market", "terrace", "park"}),
        ("?min_height_m=2.2", {"queen", "market", "terrace"}),
        ("?step_free=true", {"terrace", "park"}),
        ("?ev_connector=ccs", {"queen"}),
        ("?ev_connector=type2", {"queen", "park"}),
        ("?ev_connector=chademo", set()),
        ("?min_free=1&for=permit:A", {"queen", "terrace"}),
        ("?kind=street&near=51.48,-3.18&radius_m=200", {"queen", "market"}),
    ],
)
def test_filters_take_what_is_known_to_fit(asked: Asked, query: str, ids: set[str]) -> None:
    assert asked.zones(query).keys() == ids
    page = asked.document(f"/v1/zones{query}", schemas.ZonePage)
    assert {zone["id"] for zone in page["zones"]} == ids


def test_l12_of_bays_with_a_connector_only_those_count(asked: Asked) -> None:
    zones = asked.zones("?ev_connector=type2&for=ev")
    assert zones["queen"]["usable"] | {"status": "full"} == {
        "capacity": 1, "free": 0, "occupied": 1, "unknown": 0, "closed": 0, "status": "full"
    }  # fmt: skip
    assert zones["park"]["usable"]["status"] == "unknown"


def test_near_sorts_by_the_straight_line_also_page_by_page(asked: Asked) -> None:
    query = "near=51.48,-3.187&radius_m=5000"
    near = asked.document(f"/v1/availability?{query}")["zones"]
    assert [zone["distance_m"] for zone in near] == sorted(zone["distance_m"] for zone in near)

    first = asked.document(f"/v1/zones?{query}&limit=3", schemas.ZonePage)
    rest = asked.document(f"/v1/zones?{query}&after={first['next']}", schemas.ZonePage)

    assert [zone["id"] for zone in first["zones"] + rest["zones"]] == [zone["id"] for zone in near]
    assert asked.get(f"/v1/zones?{query}&after=nowhere").status_code == 422


def test_the_rules_in_force_are_there_in_words_and_data(asked: Asked) -> None:
    document = asked.document("/v1/availability")
    zones = {zone["id"]: zone for zone in document["zones"]}

    assert zones["queen"]["rules_in_force"] == ["wait-1h"]
    assert zones["market"]["overrides_in_force"] == ["works"]
    rule = document["rules"]["wait-1h"]
    assert (rule["use"], rule["starts"], rule["ends"], rule["max_stay_min"]) == (
        "limited_waiting", "08:00", "18:00", 60
    )  # fmt: skip
    assert rule["words"] == {
        "en": "Limited waiting; Monday to Saturday, 08:00 to 18:00; maximum stay 1 hour; no return within 2 hours",
        "cy": "Aros cyfyngedig; dydd Llun i dydd Sadwrn, 08:00 i 18:00; arhosiad hiraf 1 awr; "
        "dim dychwelyd o fewn 2 awr",
        "confirmed": False,
    }
    assert document["overrides"]["works"]["words"]["en"] == "Suspended until 2026-11-18 14:00Z"
    assert document["rules"].keys() == {"wait-1h", "homes"}
    asked.move(NOON.replace(hour=17))
    assert asked.zones()["queen"]["rules_in_force"] == ["goods", "wait-1h"]
    kerb = asked.document("/v1/zones/queen", schemas.OneZone)["kerb"]
    assert [(one["for"], one["rules_in_force"]) for one in kerb] == [
        (["ev"], []), (["general"], ["wait-1h"]), (["loading"], ["goods"])
    ]  # fmt: skip


def test_both_languages_are_in_the_same_bytes_whatever_is_preferred(asked: Asked) -> None:
    welsh = asked.get("/v1/zones/queen", **{"Accept-Language": "cy"})
    english = asked.get("/v1/zones/queen", **{"Accept-Language": "en"})

    assert welsh.content == english.content
    assert welsh.headers["etag"] == english.headers["etag"]
    assert "accept-language" not in welsh.headers["vary"].lower()


# --- since ---------------------------------------------------------------------------------------------------


def test_since_gives_what_changed_and_names_what_is_gone(asked: Asked) -> None:
    before = asked.document("/v1/availability?min_free=1")
    assert before["complete"]
    assert {zone["id"] for zone in before["zones"]} == {"queen"}
    since = before["version"]

    nothing = asked.document(f"/v1/availability?min_free=1&since={since}")
    assert (nothing["complete"], nothing["prev"], nothing["zones"], nothing["gone"]) == (False, since, [], [])

    asked.move(NOON, {"queen-0": TAKEN})
    step = asked.document(f"/v1/availability?min_free=1&since={since}")
    assert [zone["usable"]["free"] for zone in step["zones"]] == [2]
    asked.move(NOON, dict.fromkeys(SEEN, TAKEN))
    step = asked.document(f"/v1/availability?min_free=1&since={step['version']}")
    assert (step["zones"], step["gone"]) == ([], ["queen", "terrace"])


@pytest.mark.parametrize(
    "since", ["nonsense", "tre:7.1.1-1", "tre:1.99.1-1", "elsewhere:1.1.1-1", "tre:1.1.1-1@5"]
)
def test_since_a_version_that_cannot_be_gone_on_from_is_answered_with_everything(
    asked: Asked, since: str
) -> None:
    document = asked.document(f"/v1/availability?since={since}")
    assert document["complete"]
    assert len(document["zones"]) == 5


def test_since_tells_of_stays_that_the_clock_alone_has_changed(asked: Asked) -> None:
    before = asked.document("/v1/availability?stay_min=240")
    asked.tick(NOON + timedelta(minutes=1))

    step = asked.document(f"/v1/availability?stay_min=240&since={before['version']}")

    assert step["version"] != before["version"]
    assert [(zone["id"], zone["usable"]["free"]) for zone in step["zones"]] == [("queen", 0)]
    again = asked.document(f"/v1/availability?stay_min=240&since={step['version']}")
    assert (again["complete"], again["zones"]) == (False, [])


def test_since_is_about_now(asked: Asked) -> None:
    answer = asked.get("/v1/availability?since=x&arrive_in=5")
    assert answer.status_code == 422
    assert answer.json()["parameter"] == "since"


def test_answers_since_a_version_are_kept_and_have_a_tag_of_their_own(asked: Asked) -> None:
    path = f"/v1/availability?since={asked.document('/v1/availability')['version']}"
    first = asked.get(path)

    assert asked.get(path, **{"If-None-Match": first.headers["etag"]}).status_code == 304
    kept = asked.live.answers.answer(
        f"GET {path} HTTP/1.1\r\nHost: town\r\n\r\n".encode(), asked.live.board.stamp
    )
    assert kept is not None
    assert kept[2].endswith(first.content)
    asked.tick(NOON + timedelta(minutes=1))
    assert (
        asked.live.answers.answer(
            f"GET {path} HTTP/1.1\r\nHost: town\r\n\r\n".encode(), asked.live.board.stamp
        )
        is None
    )


def test_listeners_for_a_stay_hear_of_the_clock_and_others_do_not(asked: Asked) -> None:
    hub = Hub(asked.live.board, Seats(5))
    plain = hub.join(Selection(), lambda: None, lambda: None)
    staying = hub.join(Selection(view=View(stay_min=240)), lambda: None, lambda: None)
    first = hub.take(staying)
    assert first is not None
    assert hub.take(plain) is not None
    asked.tick(NOON + timedelta(minutes=1))
    hub.publish((), reset=False)

    said = hub.take(staying)
    assert said is not None
    delta = json.loads(said.text)
    assert (delta["type"], delta["prev"]) == ("delta", first.version)
    assert [(zone["id"], zone["usable"]["free"]) for zone in delta["zones"]] == [("queen", 0)]
    assert hub.take(plain) is None
    missed = hub.take(hub.join(Selection(view=View(stay_min=240)), lambda: None, lambda: None, first.version))
    assert missed is not None
    assert [zone["id"] for zone in json.loads(missed.text)["zones"]] == [ZoneId("queen")]
