"""A month's history made by hand, and a reader of the page that is made from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from baycast.report.month import CivilMonth, MonthHistory
from occupancy.forecast.skill import Chances, KindOfDay
from occupancy.forecast.skill import Sums as ForecastSums
from occupancy.history.definitions import HISTOGRAM_MIN
from occupancy.history.hour import HOUR_US
from occupancy.history.lengths import Lengths
from occupancy.history.metrics import Sums
from occupancy.maintenance import SensorRecord
from occupancy.model import (
    Area,
    AreaId,
    BayId,
    Clock,
    DeviceId,
    Name,
    Sensor,
    State,
    Suspicion,
    SuspicionKind,
    Zone,
    ZoneId,
    ZoneKind,
)
from store.history import Extent, Period

MONTH = CivilMonth(2026, 10)
START, END = MONTH.bounds("Europe/London")
AREA = Area(
    area_id=AreaId("town"),
    name=Name(en="Town", cy="Tref"),
    time_zone="Europe/London",
    languages=("cy", "en"),
    clock=Clock.LIVE,
)
VOID = frozenset({"meta", "path", "use", "rect", "br"})


def sums(
    *, bays: int = 100, hours: float = 24, occupied: float = 0.5, coverage: float = 0.9, **more: Any
) -> Sums:
    """So many bays, open all the time."""
    whole = int(bays * hours * HOUR_US)
    seen = int(whole * coverage)
    taken = int(seen * occupied)
    known = int(hours * HOUR_US * coverage)
    counted = {
        "usable_us": int(hours * HOUR_US),
        "some_free_us": known * 3 // 4,
        "all_taken_us": known - known * 3 // 4,
        "arrivals": 400,
        "departures": 390,
        "censored": 12,
        "over_candidates": 30,
        "over_confirmed": 20,
        "over_s": 36_000,
        "lengths": classes(),
    }
    return Sums(
        hours=hours,
        in_service_us=whole,
        free_us=seen - taken,
        occupied_us=taken,
        closed_us=0,
        **{**counted, **more},
    )


def classes(counts: Sequence[int] = (2, 50, 80, 100, 40)) -> Lengths:
    """So many stays in each class; the first one has too few to be told."""
    return Lengths(sum_s=900_000, minutes=HISTOGRAM_MIN[: len(counts)], counts=counts)


def period(scope_id: str, of: Sums) -> Period:
    return Period(
        scope_id=scope_id, value="", start=START, hour_of_week=None, sums=of, final=True, revision=1
    )


def zone(zone_id: str, name: Name, kind: ZoneKind = ZoneKind.STREET) -> Zone:
    capacity = 50 if kind is ZoneKind.CAR_PARK else None
    return Zone(
        zone_id=ZoneId(zone_id),
        area_id=AREA.area_id,
        kind=kind,
        name=name,
        lat=51.5,
        lon=-3.2,
        capacity=capacity,
    )


def sensor(device_id: str, **more: Any) -> SensorRecord:
    known: dict[str, Any] = {
        "sensor": Sensor(
            device_id=DeviceId(device_id), area_id=AREA.area_id, model="ir", expected_heartbeat_s=3600
        ),
        "bay_id": BayId("high-st-0"),
        "zone_id": ZoneId("high-st"),
        "now": END,
        "heard_at": END - timedelta(minutes=5),
        "stated_at": END,
        "state": State.FREE,
        "agreed": 100,
        "missed": 0,
        "battery_mv": 3500,
        "faults": (),
        "suspicions": (),
    }
    return SensorRecord(**{**known, **more})


def said_and_came() -> Chances:
    """Nothing was said between 0.1 and 0.9."""
    found = Chances()
    found.forecasts[0], found.said[0], found.came[0] = 10, 0.5, 1
    found.forecasts[9], found.said[9], found.came[9] = 990, 950.4, 940
    return found


def suspicion() -> Suspicion:
    return Suspicion(
        bay_id=BayId("high-st-0"),
        device_id=DeviceId("s0"),
        kind=SuspicionKind.DRIFT,
        began_at=END - timedelta(days=2),
        ended_at=None,
        reason="said in English",
        evidence={},
    )


def history(**more: Any) -> MonthHistory:
    """October 2026 of a street and a car park; the 13th was observed too little, and the 14th not at all."""
    zones = {
        "high-st": zone("high-st", Name(en="High Street", cy="Stryd Fawr")),
        "castle": zone("castle", Name(en="Castle", cy="Castell"), ZoneKind.CAR_PARK),
    }
    days = {day: sums(occupied=0.3 + day.day / 100) for day in MONTH.days if day.day != 14}
    days[MONTH.days[12]] = sums(coverage=0.2)
    known: dict[str, Any] = {
        "area": AREA,
        "zones": zones,
        "month": MONTH,
        "extent": Extent(END + timedelta(days=2), END + timedelta(days=4)),
        "least_coverage": 0.5,
        "final_after_h": 48.0,
        "total": period("town", sums(hours=745, peak_us=77 * 300_000_000)),
        "before": period("town", sums(hours=720, occupied=0.4, coverage=0.8, arrivals=300)),
        "before_end": START,
        "hours_of_week": {hour: sums(hours=4, occupied=(hour % 24) / 24) for hour in range(168)},
        "working_hours": {hour: sums(hours=4, occupied=(hour % 24) / 24) for hour in range(120)},
        "days": days,
        "places": [
            period("castle", sums(bays=50, lengths=None)),
            period("high-st", sums(bays=50)),
        ],
        "revisions": 3,
        "sensors": (),
        "skill": {
            (30, KindOfDay.ORDINARY): ForecastSums(1000, 50, 100, 200, 20, 905, 50, 100, 200),
            (30, KindOfDay.EVENT): ForecastSums(10, 2, 1, 3, 1, 8, 4, 2, 3),
            (1440, KindOfDay.ORDINARY): ForecastSums(900, 90, 0, 0, 20, 800, 0, 0, 0),
        },
        "chances": {30: said_and_came()},
    }
    return MonthHistory(**{**known, **more})


class Read(HTMLParser):
    """The page as a parser sees it: every element with its attributes, its ancestors and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[dict[str, Any]] = []
        self._open: list[dict[str, Any]] = []
        self.feed(page)
        self.close()
        assert [element["tag"] for element in self._open] == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = {"tag": tag, "attributes": dict(attrs), "within": list(self._open), "text": ""}
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append({"tag": tag, "attributes": dict(attrs), "within": list(self._open), "text": ""})

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop()["tag"] == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element["text"] += data

    def all(self, *tags: str) -> list[dict[str, Any]]:
        return [element for element in self.elements if element["tag"] in tags]

    def inside(self, outer: dict[str, Any], *tags: str) -> list[dict[str, Any]]:
        return [element for element in self.all(*tags) if any(one is outer for one in element["within"])]

    def section(self, name: str) -> list[list[str]]:
        """The rows of the first table of a part of the page."""
        part = next(one for one in self.all("section") if one["attributes"]["aria-labelledby"] == name)
        found = self.inside(part, "table")[0]
        return [
            [" ".join(cell["text"].split()) for cell in self.inside(row, "th", "td")]
            for row in self.inside(found, "tr")
        ]
