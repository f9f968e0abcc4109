"""What signs are said to have shown, against what drivers would have found: by sign, and beside a naive engine's."""

from __future__ import annotations

import pytest

from baycast.score.bay_tally import FREE, OCCUPIED, BayTally
from baycast.score.city import START, City, make_city
from baycast.score.decoding import instant, to_ms
from baycast.score.ground import Ground
from baycast.score.sign_answers import EngineAnswers, NaiveAnswers
from baycast.score.sign_tally import SignTally, sign_for_each, signs_of
from occupancy.model import (
    BayType,
    CountReading,
    Counts,
    DeviceId,
    Direction,
    Group,
    PassageReading,
    ReadingKey,
    Source,
    ZoneAvailability,
    ZoneId,
)
from occupancy.registry import Registry
from simulator.field_run import FieldRun
from simulator.history import play
from simulator.scenarios import SCENARIOS

M = 60_000
BEGIN = to_ms(START) + 9 * 60 * M
"""Noon."""


@pytest.fixture(scope="module")
def city() -> City:
    return make_city(bays=80, seed=5)


@pytest.fixture
def registry(city: City) -> Registry:
    return city.registry()


@pytest.fixture
def ground(city: City, registry: Registry) -> Ground:
    """A minute after noon: there is room in every car park."""
    history = play(city.plan, seed=5, start_ms=BEGIN, end_ms=BEGIN + 120 * M)
    ground = Ground(FieldRun(history, SCENARIOS["calm"], seed=5), registry)
    ground.advance(BEGIN + M)
    return ground


def everywhere(registry: Registry, **counts: int) -> dict[ZoneId, ZoneAvailability]:
    """Every zone is said to have these bays, for general drivers."""
    group = Group(bay_type=BayType.STANDARD, access=frozenset({"general"}), counts=Counts(**counts))
    free, unknown = group.counts.free, group.counts.unknown
    return {
        zone_id: ZoneAvailability(
            zone_id=zone_id,
            groups=(group,),
            counts=group.counts,
            free_min=free,
            free_max=free + unknown,
            as_of=instant(BEGIN),
            source=Source.SENSOR,
            confidence=1.0,
            coverage=1.0,
        )
        for zone_id in registry.zones
    }


def fill(ground: Ground) -> None:
    """Nobody finds a space any more."""
    for park in ground.park_of.values():
        ground.parked[park] = ground.capacities[park]
    ground.occupied[:] = [True] * len(ground.bays)


def test_a_sign_is_wrong_by_what_drivers_would_find_and_blank_without_a_claim(
    ground: Ground, registry: Registry
) -> None:
    def figures(**counts: int) -> tuple[float | None, ...]:
        signs = SignTally(ground, signs_of(registry, ground), EngineAnswers(everywhere(registry, **counts)))
        signs.look(BEGIN + M)
        found = signs.figures(each=False)
        names = ("wrong_share", "blank_share", "spaces_none_minutes", "full_room_minutes")
        return tuple(found[name] for name in names)

    left = set(ground.park_of) | {bay.zone_id for bay in ground.bays}
    number = sum(bool(left & set(sign.zone_ids)) for sign in registry.signs.values())
    assert 1 < number < len(registry.signs)  # one speaks only of streets that this city has not
    # Every sign that is left names a car park, or a street with room.
    assert figures(free=1) == (0, 0, 0, 0)
    assert figures(occupied=1) == (1, 0, 0, number)
    assert figures(unknown=1) == (0, 1, 0, 0)
    fill(ground)
    assert figures(free=1) == (1, 0, number, 0)
    assert figures(occupied=1) == (0, 0, 0, 0)


def test_a_sign_keeps_its_words_as_on_the_street(ground: Ground, registry: Registry) -> None:
    said = everywhere(registry, free=1)
    signs = SignTally(ground, signs_of(registry, ground), EngineAnswers(said))
    number = len({sign for sign in registry.signs.values() if _left(ground) & set(sign.zone_ids)})
    # The word is FULL for five seconds: truth wins over the dwell, so the signs are blank, and SPACES comes back.
    for at_s, counts in ((0, {"free": 1}), (20, {"occupied": 1}), (25, {"free": 1}), (40, {"occupied": 1})):
        said.update(everywhere(registry, **counts))
        signs.hear(BEGIN + 1000 * at_s)
    signs.look(BEGIN + 55_000)
    assert signs.figures(each=False)["blank_share"] == 1
    signs.hear(BEGIN + 61_000)  # nothing is new, but the dwell is over
    signs.look(BEGIN + 115_000)
    found = signs.figures(each=False)
    assert found["blank_share"] == 0.5
    assert found["full_room_minutes"] == number
    assert found["word_changes"] == number
    assert found["word_least_s"] is None

    said.update(everywhere(registry, free=1))
    signs.look(BEGIN + 200_000)
    assert signs.figures(each=False)["word_least_s"] == 139


def test_each_sign_has_its_figures_and_the_worst_is_named(ground: Ground, registry: Registry) -> None:
    said = everywhere(registry, free=1)
    unknown = everywhere(registry, unknown=1)
    dark = next(sign for sign in registry.signs.values() if "sophia-gardens" in sign.zone_ids)
    for zone_id in dark.zone_ids:
        said[zone_id] = unknown[zone_id]
    signs = SignTally(ground, signs_of(registry, ground), EngineAnswers(said))
    signs.look(BEGIN + M)
    found = signs.figures(each=True)
    assert found[f"blank_share.{dark.sign_id}"] == found["blank_share.worst"] == 1
    assert found["blank_share"] is not None
    assert 0 < found["blank_share"] < 1
    assert found["spaces_none_minutes.worst"] == found["full_room_minutes.worst"] == 0
    assert not any("vms-" in name for name in signs.figures(each=False))


def test_every_street_and_car_park_may_have_a_sign_of_its_own(ground: Ground, registry: Registry) -> None:
    own = sign_for_each(registry, ground)
    assert {sign.zone_ids for sign in own} == {(zone_id,) for zone_id in _left(ground)}
    fill(ground)
    signs = SignTally(ground, own, EngineAnswers(everywhere(registry, free=1)))
    signs.look(BEGIN + M)
    assert signs.figures(each=False)["spaces_none_minutes"] == len(own)


def test_a_naive_sign_is_sure_of_bays_and_of_passages(ground: Ground, registry: Registry) -> None:
    bays = BayTally(ground, FREE)
    naive = NaiveAnswers(ground, bays, registry)
    street = max(ground.bays_of, key=lambda zone_id: len(ground.bays_of[zone_id]))
    before, stamp = naive.known([ZoneId(street)], "general"), naive.stamp([ZoneId(street)])
    assert before.free_min == before.free_max == before.open > 0
    for bay in ground.bays_of[street]:
        bays.show(bay, OCCUPIED, 1.0, BEGIN + M)
        naive.changed(street)
    after = naive.known([ZoneId(street)], "general")
    assert (after.free_min, after.free_max, after.open) == (0, 0, before.open)
    assert naive.stamp([ZoneId(street)]) != stamp

    park = ZoneId(next(iter(ground.park_of)))
    gate = registry.gates_by_zone[park][0]
    capacity = naive.known([park], "general").free_max
    assert capacity == ground.capacities[ground.park_of[park]]
    naive.take([counted(gate.device_id, 5)])
    naive.take([passed(gate.device_id, Direction.IN)] * 3)
    naive.take([passed(gate.device_id, Direction.OUT)])
    assert naive.known([park], "general").free_min == capacity - 7
    naive.take([counted(gate.device_id, capacity + 9)])
    assert naive.known([park], "general").free_max == 0
    both = naive.known([park, ZoneId(street)], "general")
    assert (both.open, both.free_min) == (capacity + before.open, 0)
    ground.park_open[ground.park_of[park]] = False
    assert naive.known([park], "general").all_closed


KEY = ReadingKey(0, 1, 1)
"""The naive engine looks at no key: what is delivered twice counts twice."""


def counted(gate: DeviceId, occupied: int) -> CountReading:
    at = instant(BEGIN)
    return CountReading(device_id=gate, key=KEY, at=at, age_ms=None, received_at=at, occupied=occupied)


def passed(gate: DeviceId, direction: Direction) -> PassageReading:
    at = instant(BEGIN)
    return PassageReading(device_id=gate, key=KEY, at=at, age_ms=None, received_at=at, direction=direction)


def _left(ground: Ground) -> set[str]:
    return set(ground.park_of) | {bay.zone_id for bay in ground.bays}
