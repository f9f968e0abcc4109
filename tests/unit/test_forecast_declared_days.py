"""Days that the calendar declares are not like others: what was usual on such days is expected of the next one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from occupancy.calendar import is_out_of_term
from occupancy.forecast.civil_slots import slots_of
from occupancy.forecast.declared_days import DeclaredDay, declared_day
from occupancy.forecast.issue import GRID, HORIZONS, Issue, Place
from occupancy.forecast.issuing import REMEMBERED, Recent, issue
from occupancy.forecast.kinds import Kind
from occupancy.forecast.model import Model
from occupancy.forecast.model_file import from_bytes, to_bytes
from occupancy.forecast.other_places import model_of
from occupancy.forecast.panel import Floats, Grid, Panel
from occupancy.forecast.profile import Week
from occupancy.forecast.training import train
from occupancy.forecast.usual import UsualWeek
from occupancy.model import Area, AreaId, Calendar, Clock, Name, ZoneId
from tests.support.panels import STEP, town

AREA = Area(
    area_id=AreaId("tre"),
    name=Name(en="Town"),
    time_zone="Europe/London",
    languages=("en",),
    clock=Clock.EVENT,
)
BEGINS = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday in winter: days are the same by the clock on the wall."""
DAYS = 28
UNTIL = BEGINS + DAYS * timedelta(days=1)
PLAYED = (4, 9, 16, 22)
"""Days whose evenings were full."""
NEXT = 29
PLACES = tuple(Place(ZoneId(f"street-{number}")) for number in range(3))
KINDS = (Kind.SHORT_STAY,) * 3
BAYS = np.array([20, 40, 400])
A_DAY = HORIZONS.index(timedelta(days=1))


def calendar(*days: int, **declared: tuple[str, str]) -> Calendar:
    events = tuple(("event", *(f"{BEGINS + day * timedelta(days=1):%Y-%m-%d}",) * 2) for day in days)
    return Calendar(
        area_id=AREA.area_id, days=(*events, *((kind, *dates) for kind, dates in declared.items()))
    )  # type: ignore[arg-type]


DECLARED = Week(AREA, calendar(*PLAYED, NEXT))
PLAIN = Week(AREA, None)


@pytest.fixture(scope="module")
def shares() -> Floats:
    """By day, two streets of three are full from 18 o'clock when there is a match."""
    found = town(NEXT + 1, places=3, step=GRID.step).shares
    for day in (*PLAYED, NEXT):
        found.reshape(NEXT + 1, GRID.per_day, 3)[day, 18 * 12 :, :2] = 1.0
    return found


def trained(shares: Floats, week: Week) -> Model:
    steps = DAYS * GRID.per_day
    return train(Panel(GRID, shares[:steps], slots_of(week, GRID, BEGINS, steps)), PLACES, KINDS, BAYS, UNTIL)


@pytest.fixture(scope="module")
def told(shares: Floats) -> Model:
    return trained(shares, DECLARED)


@pytest.fixture(scope="module")
def untold(shares: Floats) -> Model:
    return trained(shares, PLAIN)


def issued(model: Model, shares: Floats, week: Week, hour: int) -> Issue:
    """On the day before the next match."""
    now = UNTIL + timedelta(hours=hour)
    step = DAYS * GRID.per_day + hour * 12
    recent = Recent(now, shares[step - REMEMBERED + 1 : step + 1], now, shares[step])
    return issue(model, AREA.area_id, recent, BAYS, week, now)


def test_the_next_event_is_expected_to_be_as_the_last_ones_were(
    shares: Floats, told: Model, untold: Model
) -> None:
    for hour in (19, 21):
        free = issued(told, shares, DECLARED, hour).free[:, A_DAY]
        blind = issued(untold, shares, PLAIN, hour).free[:, A_DAY]
        truth = 1 - shares[NEXT * GRID.per_day + hour * 12]
        assert (np.abs(free - truth)[:2] < 0.15).all()
        assert (np.abs(blind - truth)[:2] > 0.2).all()
        assert abs(free[2] - truth[2]) < 0.12  # the street that is far from the ground
    aware, blind = issued(told, shares, DECLARED, 20), issued(untold, shares, PLAIN, 20)
    assert aware.any_free[0, A_DAY] < blind.any_free[0, A_DAY]
    morning, as_ever = issued(told, shares, DECLARED, 9), issued(untold, shares, PLAIN, 9)
    assert morning.free[:, A_DAY] == pytest.approx(as_ever.free[:, A_DAY], abs=0.06)


def test_of_what_was_declared_of_the_future_only_the_calendar_is_known(shares: Floats, told: Model) -> None:
    """What comes on the day of the next event changes nothing of what is said before."""
    other = shares.copy()
    other[DAYS * GRID.per_day + 20 * 12 + 1 :] = np.random.default_rng(1).uniform(size=3)
    one, another = (issued(told, each, DECLARED, 20) for each in (shares, other))
    assert (one.quantiles == another.quantiles).all()


def test_a_calendar_that_declares_nothing_of_these_days_changes_not_one_bit(
    shares: Floats, untold: Model
) -> None:
    quiet = Week(AREA, calendar(school_term=("2026-01-01", "2026-06-30")))
    assert to_bytes(trained(shares, quiet)) == to_bytes(untold)
    assert len(untold.weeks.usual) == GRID.per_week


def test_a_model_that_has_seen_no_such_day_takes_it_for_an_ordinary_one(
    shares: Floats, untold: Model
) -> None:
    found, plain = issued(untold, shares, DECLARED, 20), issued(untold, shares, PLAIN, 20)
    assert (found.free == plain.free).all()


def test_a_model_with_declared_days_is_kept_and_serves_other_places(told: Model) -> None:
    model = from_bytes(to_bytes(told))
    assert len(model.weeks.usual) == 2 * GRID.per_week
    new = (*PLACES, Place(ZoneId("new")), Place(ZoneId("newer")))
    wider = model_of(model, new, (*KINDS, Kind.SHORT_STAY, Kind.LOADING), np.append(BAYS, [10, 10]))
    assert wider.weeks.usual.shape == wider.weeks.some_free.shape == (2 * GRID.per_week, 5)
    ordinary, event = wider.weeks.usual[:: GRID.per_week, 4]
    assert ordinary == event  # of loading bays on event days nothing is known


def test_an_event_leaves_the_ordinary_week_as_it_was_and_is_learnt_by_part_of_the_day() -> None:
    grid = Grid(STEP)
    week = UsualWeek(grid, 1, declared=1)
    for weekday in range(7):
        week.take_up(weekday * grid.per_day + np.arange(grid.per_day), np.full((grid.per_day, 1), 0.4))
    before = week.shares()[: grid.per_week].copy()
    evening = np.full((grid.per_day, 1), 0.4)
    evening[-6:] = 1.0
    for believed in (1 / 2, 2 / 3, 3 / 4):
        week.take_up(grid.per_week + np.arange(grid.per_day), evening)
        found = week.shares()
        usual, event = found[: grid.per_week], found[grid.per_week :]
        assert usual == pytest.approx(before, abs=0.01)
        late = (event - usual).reshape(7, grid.per_day, 1)[:, -6:]
        assert late == pytest.approx(np.full_like(late, 0.6 * believed), abs=0.02)
        assert np.abs((event - usual).reshape(7, grid.per_day, 1)[:, :-6]).max() < 0.02


def test_days_are_declared_by_the_clock_on_the_wall() -> None:
    match = Week(AREA, Calendar(area_id=AREA.area_id, days=(("event", "2026-07-01", "2026-07-01"),)))
    first = datetime(2026, 6, 30, tzinfo=UTC)
    kinds = slots_of(match, GRID, first, 3 * GRID.per_day) // GRID.per_week
    assert np.flatnonzero(kinds).tolist() == [*range(23 * 12, 47 * 12)]  # midnight is 23:00 in UTC
    plain = slots_of(PLAIN, GRID, first, 3 * GRID.per_day)
    assert (slots_of(match, GRID, first, 3 * GRID.per_day) % GRID.per_week == plain).all()


def test_out_of_term_is_between_terms_that_are_declared() -> None:
    terms = (("school_term", "2026-09-01", "2026-10-23"), ("school_term", "2026-11-02", "2026-12-18"))
    declared = Calendar(area_id=AREA.area_id, days=(*terms, ("event", "2026-10-28", "2026-10-28")))
    days = {
        date(2026, 8, 31): DeclaredDay.ORDINARY,
        date(2026, 10, 23): DeclaredDay.ORDINARY,
        date(2026, 10, 24): DeclaredDay.OUT_OF_TERM,
        date(2026, 10, 28): DeclaredDay.EVENT,
        date(2026, 11, 1): DeclaredDay.OUT_OF_TERM,
        date(2026, 11, 2): DeclaredDay.ORDINARY,
        date(2026, 12, 19): DeclaredDay.ORDINARY,
    }
    assert {day: declared_day(declared, day) for day in days} == days
    assert not is_out_of_term(None, date(2026, 10, 28))
