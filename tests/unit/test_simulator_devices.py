"""The devices of the simulated city: what they say is true, in order, and accepted by the contract."""

from collections import defaultdict
from datetime import UTC, datetime

import pytest

from firmware_contract.codec import Accepted, decode
from firmware_contract.messages import Boot, Count, Passage, State
from simulator.devices import DeviceConfig, Devices
from simulator.plan import BayPlan, CarParkPlan, CityPlan, CounterPlan, GatePlan, Profile
from simulator.words import Outgoing
from simulator.world import BayChanged, World

START_MS = int(datetime(2026, 10, 14, 9, tzinfo=UTC).timestamp() * 1000)
HOUR_MS = 3_600_000
PLAN = CityPlan(
    area_id="town",
    time_zone="Europe/London",
    bays=tuple(
        BayPlan(bay_id=f"b{n}", zone_id="z", profile=Profile.SHOPPING, device_id=f"s{n}" if n % 10 else None)
        for n in range(100)
    ),
    car_parks=(
        CarParkPlan(
            zone_id="p",
            capacity=200,
            gates=(
                GatePlan(device_id="g-in", ways=frozenset({"in"})),
                GatePlan(device_id="g-out", ways=frozenset({"out"})),
            ),
            counter=CounterPlan(device_id="c"),
        ),
    ),
)


def played(
    seconds: int, *, boot: int = 1, config: DeviceConfig | None = None
) -> tuple[World, list[Outgoing]]:
    world = World(PLAN, seed=1, start_ms=START_MS)
    devices = Devices(PLAN, world, dict.fromkeys(PLAN.device_ids(), boot), seed=1, config=config)
    return world, list(devices.advance(START_MS + seconds * 1000))


def changes(seconds: int) -> dict[str, list[tuple[int, bool]]]:
    """What is true in the city that is played: by bay, its states with their beginnings, the first from ever on."""
    world = World(PLAN, seed=1, start_ms=START_MS)
    found = {bay.bay_id: [(0, world.is_occupied(number))] for number, bay in enumerate(PLAN.bays)}
    for event in world.advance(START_MS + seconds * 1000):
        if isinstance(event, BayChanged):
            found[PLAN.bays[event.bay].bay_id].append((event.at_ms, event.occupied))
    return found


def decoded(sent: list[Outgoing]) -> list[Accepted]:
    found = []
    for message in sent:
        [answer] = decode(message.topic, message.payload)
        assert isinstance(answer, Accepted), answer
        found.append(answer)
    return found


def test_every_message_keeps_the_contract_and_numbers_run_without_gaps() -> None:
    _, sent = played(2 * 3600, boot=7)
    assert [message.at_ms for message in sent] == sorted(message.at_ms for message in sent)
    seqs: dict[str, list[int]] = defaultdict(list)
    for answer in decoded(sent):
        assert answer.message.boot == 7  # type: ignore[union-attr]
        seqs[answer.device_id].append(answer.message.seq)  # type: ignore[union-attr]
    assert seqs.keys() == set(PLAN.device_ids())
    assert all(found == list(range(len(found))) for found in seqs.values())


def test_every_device_announces_itself_within_20_s() -> None:
    _, sent = played(20)
    first: dict[str, object] = {}
    for answer in decoded(sent):
        first.setdefault(answer.device_id, answer.message)
    assert first.keys() == set(PLAN.device_ids())
    for device, message in first.items():
        if device.startswith("s"):
            assert isinstance(message, State)
            assert message.cause == "boot"
        else:
            assert isinstance(message, Count if device == "c" else Boot)


def test_sensors_say_what_is_true_and_in_their_own_order() -> None:
    world, sent = played(3 * 3600)
    true = changes(3 * 3600)
    bay_of = {bay.device_id: bay.bay_id for bay in PLAN.bays}
    last: dict[str, State] = {}
    for answer in decoded(sent):
        if isinstance(answer.message, State):
            state = answer.message
            assert state.at is not None
            at_ms = round(state.at.timestamp() * 1000)
            held = [occupied for began_ms, occupied in true[bay_of[answer.device_id]] if began_ms <= at_ms]
            assert state.occupied is held[-1]
            before = last.get(answer.device_id)
            if before is not None and before.at is not None:
                assert state.at > before.at
                assert (state.occupied != before.occupied) is (state.cause == "change")
            last[answer.device_id] = state
    recent = world.recent_changes()
    for device, state in last.items():
        if bay_of[device] not in recent:
            assert state.occupied is (bay_of[device] in world.occupied_bays())


def test_a_change_says_how_long_the_state_before_lasted() -> None:
    _, sent = played(4 * 3600)
    changed_at: dict[str, datetime] = {}
    checked = 0
    for answer in decoded(sent):
        if isinstance(answer.message, State) and answer.message.cause == "change":
            at, before = answer.message.at, changed_at.get(answer.device_id)
            assert at is not None
            if before is None:
                assert answer.message.prev_s is None, "what began before the start is not known"
            else:
                assert answer.message.prev_s == (at - before) // (at - at + at.resolution * 1_000_000)
                checked += 1
            changed_at[answer.device_id] = at
    assert checked > 20


def test_gates_and_counter_agree_on_the_car_park() -> None:
    world, sent = played(3 * 3600)
    inside: int | None = None
    tokens: set[str] = set()
    counts = passages = 0
    for answer in decoded(sent):
        message = answer.message
        if isinstance(message, Count):
            assert inside is None or message.occupied == inside
            inside = message.occupied
            counts += 1
        elif isinstance(message, Passage):
            assert inside is not None
            assert message.vehicle_token is not None
            assert answer.device_id == f"g-{message.direction}"
            inside += 1 if message.direction == "in" else -1
            if message.direction == "in":
                assert message.vehicle_token not in tokens
                tokens.add(message.vehicle_token)
            passages += 1
    assert counts == 3 * 12 + 1
    assert passages > 50
    assert inside == world.in_car_park(0)


def test_l10_a_restart_makes_other_tokens() -> None:
    def tokens(boot: int) -> set[str | None]:
        answers = decoded(played(3600, boot=boot)[1])
        return {a.message.vehicle_token for a in answers if isinstance(a.message, Passage)}

    assert tokens(1)
    assert not tokens(1) & tokens(2)


def test_min_rate_is_made_up_with_heartbeats() -> None:
    _, quiet = played(600)
    _, sent = played(600, config=DeviceConfig(min_rate=5))
    steady = [message for message in sent if message.at_ms >= START_MS + 60_000]
    assert len(steady) == pytest.approx(5 * 540, rel=0.05)
    assert len(quiet) < len(sent) / 3
    assert {a.message.cause for a in decoded(steady) if isinstance(a.message, State)} == {
        "heartbeat",
        "change",
    }


def test_the_same_seed_sends_the_same_messages() -> None:
    assert played(1800)[1] == played(1800)[1]


@pytest.mark.parametrize("detection_s", [(-1, 2), (3, 1), (1, 25)])
def test_a_detection_slower_than_the_gap_between_vehicles_is_refused(
    detection_s: tuple[float, float],
) -> None:
    with pytest.raises(ValueError, match="detection_s"):
        DeviceConfig(detection_s=detection_s)
