"""Changes of the registry of `tests.support.small_town`, and overrides, as people enter them: also for past time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support.small_town import AREA, START, documents

Change = tuple[str, str, Any]
HEARTBEAT_S = 40_000


def limit(minutes: int, **more: Any) -> dict[str, Any]:
    return {"area_id": AREA, "use": "limited_waiting", "days": "daily", "max_stay_min": minutes, **more}


def works(**more: Any) -> dict[str, Any]:
    return {"area_id": AREA, "use": "suspended", "days": "mon-sun", **more}


def two_streets() -> list[Change]:
    """Sensors that seldom speak, through two gateways; limits on all bays, works on one; a street without bays."""
    more: dict[tuple[str, str], dict[str, Any]] = {
        ("area", AREA): {"overstay_grace_min": 2},
        **{("sensor", f"s{n}"): {"gateway": "gw-a" if n < 2 else "gw-b"} for n in range(3)},
        **{("bay", f"high-st-{n}"): {"rule_ids": ["limit", "works"][: 1 + (n == 0)]} for n in range(3)},
    }
    docs: list[Change] = []
    for kind, id, doc in documents():
        seldom = {"expected_heartbeat_s": HEARTBEAT_S} if kind == "sensor" else {}
        docs.append((kind, id, {**doc, **seldom, **more.get((kind, id), {})}))
        if (kind, id) == ("zone", "high-st"):
            docs.append((kind, "side-st", doc))
    return [*docs, ("rule", "limit", limit(30)), ("rule", "works", works(starts="02:00", ends="05:00"))]


_DOCS = {(kind, id): doc for kind, id, doc in two_streets()}


def _bay(number: int, **more: Any) -> Change:
    id = f"high-st-{number}"
    return "bay", id, {**_DOCS["bay", id], **more}


def _as_it_was(kind: str, id: str) -> Change:
    return kind, id, _DOCS[kind, id]


def z(after_min: int) -> str:
    return (START + timedelta(minutes=after_min)).isoformat().replace("+00:00", "Z")


@st.composite
def overrides(draw: st.DrawFn) -> Change:
    id = draw(st.sampled_from(["o1", "o2"]))
    if draw(st.integers(0, 3)) == 0:
        return "override", id, None
    starts_min = draw(st.sampled_from([-600, 0, 300, 1000, 2000, 3500]))
    doc = {"area_id": AREA, "reason": "r", "starts_at": z(starts_min)}
    doc["kind"] = draw(st.sampled_from(["suspension", "closure", "event"]))
    lasts_min = draw(st.sampled_from([None, 90, 1200]))
    if lasts_min is not None:
        doc["ends_at"] = z(starts_min + lasts_min)
    where: list[dict[str, Any]] = [{"bay_ids": ["high-st-0", "high-st-1"]}]
    where += [{"zone_ids": ["high-st"]}, {"zone_ids": ["side-st"]}]
    return "override", id, doc | draw(st.sampled_from(where))


CHANGES: list[list[Change]] = [
    *([_bay(n, zone_id="side-st")] for n in (0, 1)),
    *([_bay(n, bay_type="blue_badge")] for n in (0, 1)),
    *([_bay(n, rule_ids=["works", "limit"])] for n in (1, 2)),
    *([_bay(n, rule_ids=["limit", "nothing"])] for n in (0, 1)),
    *([_as_it_was("bay", f"high-st-{n}")] for n in (0, 1)),
    [("rule", "works", works())],
    [("rule", "works", works(valid_from=z(700), valid_to=z(2200)))],
    [("rule", "works", limit(60))],
    [_as_it_was("rule", "works")],
    [("rule", "limit", limit(600, starts="09:00", ends="23:00"))],
    [("area", AREA, {**_DOCS["area", AREA], "time_zone": "America/New_York"})],
]
"""Each at one position. They concern the judgement of bays alone."""

LEAVING: list[list[Change]] = [
    *([("bay", f"high-st-{n}", None), ("binding", f"s{n}@high-st-{n}@always", None)] for n in (0, 1)),
    *([("bay", f"high-st-{n}", None)] for n in (0, 1)),
    *([("sensor", f"s{n}", None)] for n in (0, 1)),
    *([_as_it_was("bay", f"high-st-{n}"), _as_it_was("binding", f"s{n}@high-st-{n}@always")] for n in (0, 1)),
    *([_as_it_was("sensor", f"s{n}")] for n in (0, 1)),
    *([("sensor", f"s{n}", {**_DOCS["sensor", f"s{n}"], "gateway": "gw-b"})] for n in (0, 1)),
    *([("sensor", f"s{n}", {**_DOCS["sensor", f"s{n}"], "expected_heartbeat_s": 3600})] for n in (0, 1)),
]
"""Bays and sensors that go, come again, or are others."""
