"""Issues as bytes, and how good they were."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import zstandard

from occupancy.forecast.issue import HORIZONS, Place
from occupancy.forecast.issue_bytes import (
    FORMAT,
    PackedIssueError,
    packed,
    places_document,
    places_of,
    unpacked,
)
from occupancy.forecast.skill import Chances, Guesses, KindOfDay, Scored, Sums, kinds_of_day
from occupancy.model import BayType, ZoneId
from occupancy.registry import Registry
from tests.support.issues import ISSUED_AT, issue_of

PLACES = (Place(ZoneId("a")), Place(ZoneId("a"), BayType.EV, ("r1", "r2")), Place(ZoneId("b")))
ISSUE = issue_of(PLACES, [4, 2, 1000], [0.5, 0.25, 0.123])


def test_an_issue_comes_back_to_the_thousandth() -> None:
    body = packed(ISSUE)
    again = unpacked(
        ISSUE.area_id, ISSUE.issued_at, ISSUE.data_to, ISSUE.model, places_of(places_document(PLACES)), body
    )
    assert again.places == PLACES
    assert again.sources == ISSUE.sources
    assert again.bays.tolist() == [4, 2, 1000]
    for name in ("free", "quantiles", "any_free"):
        assert getattr(again, name) == pytest.approx(getattr(ISSUE, name), abs=0.0006)
    assert packed(again) == body


HEAD = (ISSUE.area_id, ISSUE.issued_at, ISSUE.data_to, ISSUE.model)


def test_a_record_from_before_formats_had_numbers_is_read() -> None:
    """As the first release wrote it: the packed numbers alone, without a checksum."""
    plain = zstandard.decompress(packed(ISSUE)[1:])
    old = unpacked(*HEAD, PLACES, zstandard.compress(plain, 3))
    assert packed(old) == packed(ISSUE)


def test_an_area_without_places_comes_back() -> None:
    nothing = issue_of([], [], np.empty((0, len(HORIZONS))))
    assert unpacked(*HEAD, (), packed(nothing)).places == ()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (packed(ISSUE)[:-1], ""),  # cut off
        (packed(ISSUE)[:-2] + b"\0\0", "checksum"),
        (bytes([FORMAT + 1]) + packed(ISSUE)[1:], f"format {FORMAT + 1}, which is newer"),
        (b"nothing", "does not begin"),
        (b"", "does not begin"),
        (bytes([FORMAT]), ""),
        (bytes([FORMAT]) + zstandard.compress(b"\0" * (1 << 20)), "3 places"),
        (zstandard.compress(b"\xff" * len(zstandard.decompress(packed(ISSUE)[1:]))), "sources"),
        (
            zstandard.compress(b"\0" * 15 + b"\xff" * (len(zstandard.decompress(packed(ISSUE)[1:])) - 15)),
            "shares",
        ),
    ],
)
def test_what_is_damaged_or_newer_is_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(PackedIssueError, match=f"the issue of 2026-11-18 12:00Z: .*{why}"):
        unpacked(*HEAD, PLACES, body)


def test_numbers_that_no_forecast_has_are_refused() -> None:
    """As a record without a checksum may have them: quantiles that fall."""
    plain = bytearray(zstandard.decompress(packed(ISSUE)[1:]))
    high_bytes = 5 * len(PLACES) + (len(plain) - 5 * len(PLACES)) // 2
    falling = (255 - number % 256 for number in range(high_bytes - 5 * len(PLACES)))
    plain[5 * len(PLACES) : high_bytes] = bytes(falling)
    plain[high_bytes:] = bytes(len(plain) - high_bytes)
    with pytest.raises(PackedIssueError, match="ascending"):
        unpacked(*HEAD, PLACES, zstandard.compress(bytes(plain)))


def test_an_issue_of_other_places_is_refused() -> None:
    with pytest.raises(PackedIssueError, match="2 places"):
        unpacked(*HEAD, PLACES[:2], packed(ISSUE))
    with pytest.raises(PackedIssueError, match="places cannot be read"):
        places_of([["a", "hovercraft", []]])
    with pytest.raises(PackedIssueError, match="places cannot be read"):
        places_of([["a", "ev"]])


def test_forecasts_are_held_against_what_came_and_against_two_guesses() -> None:
    scored = Scored()
    truth, now = np.array([0.75, np.nan, 0.9]), np.array([1.0, 0.5, np.nan])
    usual = Guesses(np.array([0.5, 0.5, 0.8]), np.array([0.9, 0.9, 1.0]))
    scored.take_up(ISSUE, 3, truth, now, usual, {ZoneId("b"): KindOfDay.EVENT})
    assert set(scored.zones) == {(ZoneId("a"), KindOfDay.ORDINARY), (ZoneId("b"), KindOfDay.EVENT)}
    first = scored.zones[ZoneId("a"), KindOfDay.ORDINARY]
    assert (first.forecasts, first.inside) == (1, 0)
    assert (first.off, first.off_usual, first.off_now) == (0.25, 0.25, 0.25)
    said = float(ISSUE.any_free[0, 3])
    assert first.brier == pytest.approx((said - 1) ** 2)
    assert first.brier_usual == pytest.approx(0.01)
    assert first.brier_now == 1
    assert first.skill is not None
    assert first.skill_now == pytest.approx(1 - first.brier)
    second = scored.zones[ZoneId("b"), KindOfDay.EVENT]
    assert second.off_now == second.off_usual, "what was not known is taken as usual"
    assert second.inside == 1
    assert scored.chances[KindOfDay.EVENT].forecasts[9] == 1
    assert scored.chances[KindOfDay.EVENT].calibration_error == pytest.approx(0.005)
    total = Sums()
    total.add(first)
    total.add(second)
    assert total.forecasts == 2
    assert total.mean(total.off) == pytest.approx((0.25 + 0.023) / 2)
    assert Sums().mean(0.0) is Sums().skill is Chances().calibration_error is None


def test_a_truth_on_the_edge_of_the_recorded_band_is_in_it() -> None:
    issue = issue_of([PLACES[0]], [3], [1 / 3], spread=0.0)
    again = unpacked(issue.area_id, ISSUED_AT, ISSUED_AT, "m", issue.places, packed(issue))
    scored = Scored()
    guesses = Guesses(np.array([0.5]), np.array([0.5]))
    for horizon in range(len(HORIZONS)):
        scored.take_up(again, horizon, np.array([2 / 3]), np.array([0.5]), guesses, {})
    assert scored.zones[ZoneId("a"), KindOfDay.ORDINARY].inside == len(HORIZONS)


def test_bank_holidays_and_events_are_days_of_their_own() -> None:
    area = {"name": {"en": "T"}, "time_zone": "Europe/London", "languages": ["en"], "clock": "live"}
    registry = Registry([("area", "t", {**area, "bank_holidays": "GB-WLS"})])
    for name in ("a", "b"):
        place = {"area_id": "t", "kind": "street", "name": {"en": name}, "lat": 51.48, "lon": -3.18}
        registry.put("zone", name, place)
    match = {"area_id": "t", "kind": "event", "reason": "a match", "zone_ids": ["b"]}
    times = {"starts_at": "2026-11-21T12:00:00Z", "ends_at": "2026-11-21T20:00:00Z"}
    registry.put_override("match", {**match, **times})
    a, b = ZoneId("a"), ZoneId("b")
    assert kinds_of_day(registry, date(2026, 11, 20)) == dict.fromkeys((a, b), KindOfDay.ORDINARY)
    assert kinds_of_day(registry, date(2026, 11, 21)) == {a: KindOfDay.ORDINARY, b: KindOfDay.EVENT}
    assert set(kinds_of_day(registry, date(2026, 12, 25)).values()) == {KindOfDay.BANK_HOLIDAY}
    days = [{"type": "event", "from": "2026-11-28", "to": "2026-11-28"}]
    registry.put("calendar", "t", {"area_id": "t", "days": days})
    assert set(kinds_of_day(registry, date(2026, 11, 28)).values()) == {KindOfDay.EVENT}
