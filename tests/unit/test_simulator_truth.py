"""What the simulator says is true of a run: stays, silences, and which merged stays could be taken apart."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from baycast.score.city import make_city
from firmware_contract.codec import Accepted, decode
from simulator.field_run import FieldRun
from simulator.history import History, play
from simulator.plan import BayPlan, CarParkPlan, CityPlan, CounterPlan, GatePlan, Profile
from simulator.repairable import Merge, repairable_merges
from simulator.scenarios import SCENARIOS, Faults
from simulator.sensor_eye import Said

START_MS = int(datetime(2026, 9, 14, 7, tzinfo=UTC).timestamp() * 1000)
HOUR_MS = 3_600_000
PLAN = CityPlan(
    area_id="town",
    time_zone="Europe/London",
    bays=tuple(
        BayPlan(
            bay_id=f"b{n}",
            zone_id=f"z{n // 20}",
            profile=Profile.SHOPPING,
            device_id=f"s{n}",
            heartbeat_s=3_600,
            model="sim-hourly",
            neighbours=(f"b{n + 1}",),
        )
        for n in range(60)
    ),
    car_parks=(
        CarParkPlan(
            zone_id="p",
            capacity=80,
            gates=(GatePlan(device_id="g-in"),),
            counter=CounterPlan(device_id="c"),
        ),
    ),
)


def lived(hours: int = 12) -> History:
    return play(PLAN, seed=1, start_ms=START_MS, end_ms=START_MS + hours * HOUR_MS)


def test_stays_are_the_changes_and_name_the_driver() -> None:
    history = lived()
    ends = {(stay.bay, stay.departed_ms) for stay in history.stays if stay.departed_ms is not None}
    assert ends == {(change.bay, change.at_ms) for change in history.changes if not change.occupied}
    assert {stay.driver for stay in history.stays} >= {"general", "blue_badge"}
    for bay in range(60):
        own = sorted(stay.arrived_ms for stay in history.stays if stay.bay == bay)
        departures = sorted(s.departed_ms for s in history.stays if s.bay == bay and s.departed_ms)
        assert all(left < came for left, came in zip(departures, own[1:], strict=False))


def test_everything_sent_keeps_the_contract_and_comes_in_order() -> None:
    run = FieldRun(lived(), SCENARIOS["bad_day"], seed=1)
    times = []
    for message in run.messages():
        times.append(message.at_ms)
        for answer in decode(message.topic, message.payload):
            assert isinstance(answer, Accepted), answer
    assert times == sorted(times)
    assert len(times) > 1_000
    assert all(START_MS <= at < START_MS + 12 * HOUR_MS for at in times)


def test_the_same_seed_gives_the_same_bytes() -> None:
    sent = [
        [m.payload for m in FieldRun(lived(4), SCENARIOS["typical"], seed=s).messages()] for s in (3, 3, 4)
    ]
    assert sent[0] == sent[1] != sent[2]


def test_the_counter_counts_what_is_inside() -> None:
    history = lived()
    inside = history.parked_at_start[0] + sum(1 if p.inward else -1 for p in history.passages)
    counts = [m for m in FieldRun(history, Faults(), seed=1).messages() if m.topic.endswith("/count")]
    [last] = decode(counts[-1].topic, counts[-1].payload)
    assert isinstance(last, Accepted)
    after = sum(1 if p.inward else -1 for p in history.passages if p.at_ms > counts[-1].at_ms - 500)
    assert last.message.occupied == inside - after  # type: ignore[union-attr]


def test_a_sensor_is_truly_silent_from_its_limit_on_until_something_arrives() -> None:
    run = FieldRun(lived(), replace(Faults(), network_down_hours=(2.0,)), seed=1)
    [outage] = run.outages
    assert outage.end_ms - outage.start_ms == 12 * HOUR_MS // 10  # short runs keep most of their time
    deaf = FieldRun(lived(48), replace(Faults(), network_down_hours=(4.0,)), seed=1)
    silent = [episode for sensor in deaf.sensors for episode in sensor.silent]
    long = [episode for episode in silent if episode.end_ms - episode.start_ms > HOUR_MS]
    assert len(long) > 30  # of 60 sensors with a limit of 2.5 h, while nothing passes for 4 h
    [down] = deaf.outages
    assert all(down.start_ms < episode.start_ms < down.end_ms for episode in long)


def test_lost_changes_and_dead_sensors_are_named_as_causes() -> None:
    run = FieldRun(lived(48), replace(Faults(), loss=(0.2, 0.2), death_month=3.0), seed=1)
    causes = {str(episode.why) for sensor in run.sensors for episode in sensor.misled}
    assert causes == {"lost", "dead"}


# --- repairable merges -----------------------------------------------------------------------------------

M = 60_000
CHANGES = [(10 * M, True), (40 * M, False), (50 * M, True), (90 * M, False)]


def said(at_min: float, occupied: bool, cause: str = "change", previous_min: float | None = None) -> Said:
    previous_s = None if previous_min is None else int(previous_min * 60)
    return Said(int(at_min * M) + 3_000, int(at_min * M), 1, 0, occupied, cause, previous_s, 3_500)


def merges(sent: list[tuple[Said, bool]]) -> list[str]:
    received = [one.sent_ms if arrived else None for one, arrived in sent]
    found = repairable_merges(CHANGES, [one for one, _ in sent], received)
    assert all(merge[:2] == (40 * M, 50 * M) for merge in found)
    return [merge.by for merge in found]


def test_what_was_reported_in_the_ordinary_way_is_no_merge() -> None:
    sent = [(said(10, True), True), (said(40, False), True), (said(50, True), True), (said(90, False), True)]
    assert merges(sent) == []


def test_a_lost_departure_is_known_by_two_arrivals_in_a_row_or_by_the_previous_duration() -> None:
    assert merges([(said(10, True), True), (said(40, False), False), (said(50, True), True)]) == [
        "equal_change"
    ]
    with_previous = [
        (said(10, True), True),
        (said(40, False), False),
        (said(50, True, previous_min=10), True),
    ]
    assert merges(with_previous) == ["prev_s"]


def test_a_lost_pair_is_known_by_the_next_departures_previous_duration_only() -> None:
    lost = [(said(10, True), True), (said(40, False), False), (said(50, True), False)]
    assert merges([*lost, (said(90, False, previous_min=40), True)]) == ["prev_s"]
    assert merges([*lost, (said(90, False), True)]) == []


def test_a_heartbeat_between_the_stays_gives_the_first_one_away() -> None:
    sent = [(said(10, True), True), (said(45, False, "heartbeat"), True), (said(50, True), True)]
    assert merges(sent) == ["heartbeat"]


def test_the_first_word_after_a_restart_may_give_the_first_stay_away_too() -> None:
    assert merges([(said(10, True), True), (said(45, False, "boot"), True), (said(50, True), True)]) == [
        "heartbeat"
    ]


def test_of_three_merged_stays_evidence_tells_only_the_gap_that_it_shows() -> None:
    changes = [*CHANGES, (100 * M, True), (130 * M, False)]

    def gaps(*sent: Said) -> list[tuple[int, str]]:
        found = repairable_merges(changes, sent, [one.sent_ms for one in sent])
        return [(merge.departed_ms // M, merge.by) for merge in found]

    first = said(10, True)
    assert gaps(first, said(100, True)) == [(90, "equal_change")]
    assert gaps(first, said(100, True, previous_min=10)) == [(90, "prev_s")]
    assert gaps(first, said(130, False, previous_min=30)) == [(90, "prev_s")]
    # The sensor missed the second stay: its word of the third tells when the first one ended.
    assert gaps(first, said(100, True, previous_min=60)) == [(40, "prev_s"), (90, "equal_change")]


def test_a_miss_that_nothing_contradicts_cannot_be_repaired() -> None:
    assert merges([(said(10, True), True), (said(90, False, previous_min=80), True)]) == []
    # A restart forgets what was believed before.
    assert merges([(said(10, True), True), (said(60, True, "boot"), True), (said(90, False), True)]) == []


def test_merges_are_listed_by_the_run() -> None:
    run = FieldRun(lived(48), replace(Faults(), loss=(0.1, 0.1)), seed=1)
    listed = [merge for sensor in run.sensors for merge in sensor.repairable]
    assert {merge.by for merge in listed} <= {"equal_change", "heartbeat", "prev_s"}
    assert len(listed) > 20
    assert all(isinstance(merge, Merge) and merge.departed_ms < merge.arrived_ms for merge in listed)
    for sensor in run.sensors:
        assert all(a.arrived_ms <= b.departed_ms for a, b in pairwise(sensor.repairable))


def test_neighbours_are_the_bays_within_7_m_of_the_same_street() -> None:
    plan = make_city(bays=40, seed=1).plan
    near = {bay.bay_id: set(bay.neighbours) for bay in plan.bays}
    inner = plan.bays[10].bay_id
    assert len(near[inner]) == 2  # one before and one behind on its side; across the road is too far
    for bay_id, others in near.items():
        assert bay_id not in others
        assert all(bay_id in near[other] for other in others if other in near)
