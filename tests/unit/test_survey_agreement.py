"""Beat surveys without a database: rows as people write them, and how agreement is counted."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from occupancy.likeness import AT_MOST
from occupancy.maintenance import by_urgency, defects
from occupancy.model import BayId, DeviceId, State
from occupancy.registry import Registry, RegistryRefused
from occupancy.survey_sheets import ROWS_MAX, Sheet, checked_surveyor, read_csv, read_rows
from occupancy.surveys import (
    LOOKS,
    RIGHT_SHARE,
    Agreement,
    Judged,
    Look,
    agreement,
    agreements,
    key_of,
    wilson,
    worst_first,
)
from tests.support.small_town import START, documents
from tests.unit.test_maintenance import record

NOW = START + timedelta(days=1)


@pytest.fixture(scope="module")
def town() -> Registry:
    registry = Registry()
    for document in documents():
        registry.put(*document)
    return registry


def outcome(
    occupied: bool | None,
    said: State | None,
    looks: int,
    *,
    bay: int = 0,
    turned: bool = False,
    sensor: str | None = "s0",
) -> Judged:
    watched = None if sensor is None else DeviceId(sensor)
    return Judged(BayId(f"high-st-{bay}"), watched, occupied, said, turned, looks, START, NOW)


def right_of(agreed: int, of: int) -> Agreement:
    right, wrong = outcome(True, State.OCCUPIED, agreed), outcome(True, State.FREE, of - agreed)
    return agreement([right, wrong], personal=True)


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (95, 100, 0.8882, 0.9785)],
)
def test_the_interval_is_wilsons(right: int, of: int, low: float, high: float) -> None:
    assert wilson(right, of) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_agreement_counts_what_is_said_and_tells_both_errors_apart() -> None:
    found = agreement(
        [
            outcome(True, State.OCCUPIED, 40),
            outcome(True, State.FREE, 2),
            outcome(False, State.FREE, 30),
            outcome(False, State.OCCUPIED, 8),
            outcome(True, State.UNKNOWN, 5),
            outcome(False, None, 5),
            outcome(True, State.FREE, 10, turned=True),
            outcome(None, State.FREE, 3),
        ],
        personal=True,
    )
    assert (found.looks, found.unclear, found.close_calls) == (100, 3, 10)
    assert (found.said, found.agreed, found.rate) == (80, 70, 70 / 80)
    assert (found.taken_said_free, found.free_said_taken) == (2, 8)
    assert found.said_share == 80 / 90


def test_a_rate_of_few_looks_is_for_those_who_may_be_told_of_single_ones() -> None:
    few = [outcome(True, State.OCCUPIED, 2), outcome(False, State.OCCUPIED, 1), outcome(True, None, 9)]
    told = agreement(few, personal=False).whole_document()
    assert (told["rate"], told["low"], told["missing"], told["looks"], told["said"]) == (
        None,
        None,
        "few",
        12,
        3,
    )
    assert {told[name] for name in told if "_said_" in name or name == "agreed"} == {None}
    assert agreement(few, personal=True).missing is None
    assert agreement([*few, outcome(True, State.FREE, 1)], personal=False).rate == 2 / 4
    assert agreement([outcome(True, None, 9)], personal=False).document()["missing"] == "none"


def test_where_nothing_is_said_there_is_no_rate() -> None:
    silent = agreement([outcome(True, State.UNKNOWN, 4)], personal=True)
    assert (silent.rate, silent.interval, silent.said_share, silent.surely_poor) == (None, None, 0, False)


def test_looks_are_put_together_by_sensor_zone_and_area(town: Registry) -> None:
    judged = [
        outcome(True, State.OCCUPIED, 3, bay=0, sensor="s0"),
        outcome(True, State.FREE, 2, bay=1, sensor="s1"),
        outcome(True, None, 1, bay=2, sensor=None),
        outcome(True, None, 1, bay=9, sensor=None),
    ]
    looks = {
        by: {key: one.looks for key, one in agreements(judged, key_of(by, town), personal=True).items()}
        for by in ("sensor", "zone", "controlled_zone", "area")
    }
    assert looks == {
        "sensor": {"s0": 3, "s1": 2},
        "zone": {"high-st": 6},
        "controlled_zone": {},
        "area": {"town": 7},
    }


def test_the_worst_is_what_is_surely_wrong_most_not_what_was_wrong_once() -> None:
    found = {"once": right_of(0, 1), "often": right_of(10, 40), "fine": right_of(40, 40)}
    found["silent"] = agreement([outcome(True, None, 9)], personal=True)
    assert [key for key, _ in worst_first(found)] == ["often", "once", "fine", "silent"]


def test_a_sensor_is_blamed_only_beyond_chance() -> None:
    poor, chance, few = right_of(10, 20), right_of(8, 10), right_of(0, LOOKS - 1)
    assert (poor.surely_poor, chance.surely_poor, few.surely_poor) == (True, False, False)
    assert wilson(8, 10)[1] > RIGHT_SHARE
    assert [one.words for one in defects(record("poor", agreement=poor))] == [
        "contradicted by 10 of 20 looks of surveyors"
    ]
    records = [record("a", agreement=chance), record("b", agreement=few), record("c", agreement=poor)]
    assert [str(one.device_id) for one in by_urgency(records)] == ["c", "a", "b"]


def looks(sheet: Sheet) -> list[Look]:
    assert sheet.errors == []
    return list(sheet.looks.values())


def test_a_file_is_read_as_people_write_it(town: Registry) -> None:
    text = (
        "Occupied , bay_id,seen_at\r\nyes,high-st-0,2026-11-02T10:15:00Z\r\n\r\n"
        "FREE,high-st-1,2026-11-02T10:15\r\nunknown,high-st-2,2026-11-02 10:16:30+01:00\r\n"
    )
    at = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
    assert looks(read_csv(text, "f.csv", town, NOW)) == [
        Look(BayId("high-st-0"), at, True),
        Look(BayId("high-st-1"), at, False),
        Look(BayId("high-st-2"), at - timedelta(minutes=58, seconds=30), None),
    ]


@pytest.mark.parametrize(
    ("said", "seen"),
    [("1", True), ("taken", True), ("0", False), ("No", False), (True, True), (False, False), (None, None)],
)
def test_words_for_taken_and_free(said: object, seen: bool | None, town: Registry) -> None:
    row = {"bay_id": "high-st-0", "seen_at": "2026-11-02T10:15:00Z", "occupied": said}
    (look,) = looks(read_rows([row], town, NOW))
    assert look.occupied is seen


@pytest.mark.parametrize(
    ("row", "field", "told"),
    [
        ("high-st-9,2026-11-02T10:15Z,yes", "bay_id", "did you mean 'high-st-"),
        ("CA51 ABC,2026-11-02T10:15Z,yes", "bay_id", "there is no bay 'CA51 ABC' in 'town'"),
        ("high-st-0,quarter past,yes", "seen_at", "is no time"),
        ("high-st-0,2026-11-02,yes", "seen_at", "is no time"),
        ("high-st-0,2026-11-09T10:15Z,yes", "seen_at", "is still to come"),
        ("high-st-0,1970-01-01T10:15Z,yes", "seen_at", "is not of our time"),
        ("high-st-0,2026-10-25T01:30,yes", "seen_at", "comes twice on that day"),
        ("high-st-0,2026-03-29T01:30,yes", "seen_at", "does not come on that day"),
        ("high-st-0,2026-11-02T10:15Z,perhaps", "occupied", "says nothing we know"),
        ("high-st-0,2026-11-02T10:15Z,CA51 ABC", "occupied", "says nothing we know"),
        ("high-st-0,2026-11-02T10:15Z", None, "has 2 cells, the header has 3"),
    ],
)
def test_a_bad_row_is_named_by_row_and_column(row: str, field: str | None, told: str, town: Registry) -> None:
    text = f"bay_id,seen_at,occupied\nhigh-st-0,2026-11-02T09:00Z,no\n{row}\n"
    sheet = read_csv(text, "f.csv", town, NOW)
    (error,) = sheet.errors
    assert (error.where, error.field) == ("f.csv row 3", field)
    assert told in str(error)
    assert len(sheet.looks) == 1


def test_l10_there_is_no_column_for_notes_or_plates(town: Registry) -> None:
    for name in ("plate", "vrm", "note", ""):
        with pytest.raises(RegistryRefused, match="no place for notes, nor for number plates"):
            read_csv(f"bay_id,seen_at,occupied,{name}\n", "f.csv", town, NOW)
    for name in ("CA51 ABC", "ca51abc", "7", "", " Anna", "x" * 65, "a\nb"):
        with pytest.raises(ValueError, match="is no name"):
            checked_surveyor(name)
    assert [checked_surveyor(name) for name in ("Anna Rees", "Siân O'Neill-Jones")] == [
        "Anna Rees",
        "Siân O'Neill-Jones",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("bay_id,seen_at\n", "field 'occupied': is missing"),
        ("bay_id,seen_at,occupied,occupied\n", "is there twice"),
        ('bay_id,seen_at,occupied\n"high', "save the file as CSV again"),
    ],
)
def test_a_file_without_the_columns_is_refused(text: str, told: str, town: Registry) -> None:
    with pytest.raises(RegistryRefused, match=told):
        read_csv(text, "f.csv", town, NOW)


def test_the_same_look_twice_is_one_and_another_contradicts_it(town: Registry) -> None:
    row = {"bay_id": "high-st-0", "seen_at": "2026-11-02T10:15:00Z"}
    sheet = read_rows([{**row, "occupied": 1}, {**row, "occupied": "taken"}], town, NOW)
    assert len(looks(sheet)) == 1
    sheet = read_rows([{**row, "occupied": 1}, {**row, "occupied": 0}], town, NOW)
    assert [str(error) for error in sheet.errors] == [
        "looks[1]: field 'occupied': contradicts looks[0]: the same bay at the same time (fix: keep one of them)"
    ]


def test_l8_a_survey_is_bounded(town: Registry) -> None:
    with pytest.raises(RegistryRefused, match="more than 20000 looks"):
        read_rows([{}] * (ROWS_MAX + 1), town, NOW)


def test_l8_a_file_of_nothing_but_bad_rows_is_read_at_once(town: Registry) -> None:
    """Of a city: looking for what each may have meant would take a quarter of an hour."""
    city = Registry()
    for document in documents():
        city.put(*document)
    bay = {"area_id": town.area_id, "zone_id": "high-st", "bay_type": "standard", "lat": 51.5, "lon": -3.2}
    for number in range(3_300):
        city.put("bay", f"north-street-{number:04}", bay)
    rows = [
        {"bay_id": f"north-stret-{number:05}", "seen_at": "2026-11-02T08:20Z", "occupied": True}
        for number in range(ROWS_MAX)
    ]
    began = time.process_time()
    sheet = read_rows(rows, city, NOW)
    assert time.process_time() - began < 5
    assert (len(sheet.looks), len(sheet.errors)) == (0, ROWS_MAX)
    meant = [error.fix.startswith("did you mean 'north-street-") for error in sheet.errors]
    assert (meant[:AT_MOST], any(meant[AT_MOST:])) == ([True] * AT_MOST, False)
