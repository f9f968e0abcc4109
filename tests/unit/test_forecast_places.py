"""How many bays a place is taken to have while something is learnt at it."""

from __future__ import annotations

from datetime import UTC, datetime

from occupancy.forecast.issue import Place
from occupancy.forecast.kinds import Kind
from occupancy.forecast.places import Members, bays_at, most_bays
from occupancy.model import AreaId, Name, Zone, ZoneId, ZoneKind
from occupancy.model.places import CapacityHours
from occupancy.registry import Registry

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DECK = Zone(
    zone_id=ZoneId("deck"),
    area_id=AreaId("town"),
    kind=ZoneKind.CAR_PARK,
    name=Name(en="Deck", cy="Dec"),
    lat=51.48,
    lon=-3.18,
    capacity=0,
    capacity_hours=(
        CapacityHours(days=frozenset(range(7)), starts_min=480, ends_min=1200, capacity=300),
        CapacityHours(days=frozenset({0}), starts_min=1200, ends_min=1320, capacity=120),
    ),
)


def test_a_deck_that_is_closed_when_a_model_is_trained_is_learnt_with_its_bays_of_the_day() -> None:
    deck = [Members(Place(DECK.zone_id), DECK, Kind.CAR_PARK)]
    assert bays_at(Registry(), deck, MIDNIGHT).tolist() == [0]
    assert most_bays(Registry(), deck, MIDNIGHT).tolist() == [300]
