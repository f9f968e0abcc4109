"""The faults of the simulated field: each does what it says, at its rate, and the same for the same seed."""

from dataclasses import replace
from random import Random

import pytest

from simulator.device_clocks import draw_clock
from simulator.radio import Arrival, Carried, Radio
from simulator.scenarios import SCENARIOS, Clocks, Faults
from simulator.sensor_eye import DAY_MS, HOUR_MS, Said, Surroundings, Watched, watch
from simulator.sensor_models import MODELS, Confirmed, Kept, draw_model

START_MS = 1_789_000_000_000
SLOW = replace(MODELS["sim-daily-previous"], heartbeat_s=86_400 * 1_000)
"""A sensor that says nothing but changes."""
HOURLY = MODELS["sim-hourly"]


def hours(count: int) -> list[tuple[int, bool]]:
    """A vehicle comes on the hour and leaves at half past."""
    return [
        (START_MS + HOUR_MS * (1 + n // 2) + (HOUR_MS // 2) * (n % 2), n % 2 == 0) for n in range(2 * count)
    ]


def watched(
    faults: Faults, *, days: int = 60, seed: str = "1", model: object = SLOW, **more: object
) -> Watched:
    changes = hours(days * 24 - 2)
    seen = Surroundings(START_MS, START_MS + days * DAY_MS, False, changes, **more)  # type: ignore[arg-type]
    return watch(model, faults, seen, Random(seed), boot=1)  # type: ignore[arg-type]


def wrong_causes(run: Watched) -> set[str]:
    return {str(episode.why) for episode in run.wrong}


def test_without_faults_a_sensor_says_every_change_once_and_is_never_wrong() -> None:
    run = watched(Faults(), days=10)
    assert run.wrong == []
    assert run.said[0].cause == "boot"
    assert [(s.at_ms, s.occupied) for s in run.said[1:]] == hours(10 * 24 - 2)
    assert [s.seq for s in run.said] == list(range(len(run.said)))
    assert {s.previous_s for s in run.said[2:]} == {1_800}


@pytest.mark.parametrize(
    ("name", "why"), [("missed_arrival", "missed_arrival"), ("missed_departure", "missed_departure")]
)
def test_misses_come_at_their_rate_and_last_until_the_next_real_change(name: str, why: str) -> None:
    run = watched(replace(Faults(), **{name: (0.1, 0.1)}))
    assert wrong_causes(run) == {why}
    assert 0.07 <= len(run.wrong) / (60 * 24) <= 0.13
    assert all(episode.end_ms - episode.start_ms == HOUR_MS // 2 for episode in run.wrong)


def test_about_half_of_the_heartbeats_find_a_miss() -> None:
    fast = replace(SLOW, heartbeat_s=600)
    blind = watched(replace(Faults(), missed_arrival=(0.3, 0.3), found_by_heartbeat=0.0), model=fast)
    seeing = watched(replace(Faults(), missed_arrival=(0.3, 0.3)), model=fast)
    lost = [sum(e.end_ms - e.start_ms for e in run.wrong) / len(run.wrong) for run in (blind, seeing)]
    # Half an hour, against the sum of 5 minutes to the first heartbeat and 10 more for each that finds nothing.
    assert lost[0] == HOUR_MS // 2
    assert 10 * 60_000 < lost[1] < 16 * 60_000
    assert any(s.cause == "heartbeat" and s.occupied for s in seeing.said)


def test_a_bad_sensor_flaps_over_an_empty_bay_and_takes_it_back() -> None:
    run = watched(replace(Faults(), bad_sensors=(1.0, 1.0), flap_h=0.2))
    assert wrong_causes(run) == {"flap"}
    # A flap shows only in the half of the time in which the bay is empty.
    assert 60 * 24 * 0.2 * 0.4 <= len(run.wrong) <= 60 * 24 * 0.2 * 0.6
    assert max(episode.end_ms - episode.start_ms for episode in run.wrong) <= 10 * 60_000


def test_a_vehicle_next_door_is_taken_for_ones_own_until_it_leaves() -> None:
    changes = [(START_MS + 100 * DAY_MS, True)]
    next_door = [(START_MS + n * HOUR_MS, START_MS + n * HOUR_MS + 600_000) for n in range(1, 1_000)]
    seen = Surroundings(START_MS, START_MS + 60 * DAY_MS, False, changes, next_door)
    run = watch(SLOW, replace(Faults(), crosstalk=0.05), seen, Random("1"), boot=1)
    assert wrong_causes(run) == {"crosstalk"}
    assert 30 <= len(run.wrong) <= 75
    assert {episode.end_ms - episode.start_ms for episode in run.wrong} == {600_000}


def test_stuck_sensors_repeat_one_state_and_some_are_cleaned() -> None:
    runs = [watched(replace(Faults(), stuck_month=0.5), seed=str(n), days=30) for n in range(200)]
    stuck = [run for run in runs if run.stuck]
    assert 0.3 <= len(stuck) / len(runs) <= 0.5  # 1 - exp(-0.5) = 0.39
    ends = [run.stuck[0].end_ms - START_MS < 30 * DAY_MS for run in stuck]
    assert 0.2 <= sum(ends) / len(ends) <= 0.6
    assert {episode.why for run in stuck for episode in run.stuck} == {"occupied", "free"}
    for run in stuck:
        [episode] = run.stuck
        said = {s.occupied for s in run.said if episode.start_ms < s.at_ms < episode.end_ms}
        assert said <= {episode.why == "occupied"}


def test_snow_adds_four_points_of_misses_on_its_days_only() -> None:
    snow = [(START_MS + 20 * DAY_MS, START_MS + 40 * DAY_MS)]
    runs = [watched(replace(Faults(), snow_days=20), seed=str(n), snow=snow) for n in range(5)]
    misses = [episode for run in runs for episode in run.wrong]
    assert all(snow[0][0] <= episode.start_ms < snow[0][1] for episode in misses)
    # A second miss can only follow the first after the next change, hence a little below 4 %.
    assert 0.03 <= len(misses) / (5 * 20 * 48) <= 0.045


def test_a_reboot_counts_on_and_begins_again_at_0_with_what_is_true() -> None:
    run = watched(replace(Faults(), reboot_day=1.0))
    boots = [s for s in run.said if s.cause == "boot"]
    assert 40 <= len(boots) <= 85
    assert [s.boot for s in boots] == list(range(1, len(boots) + 1))
    assert {s.seq for s in boots} == {0}
    assert run.wrong == []


def test_a_dying_sensor_says_so_by_its_battery_and_then_nothing() -> None:
    runs = [watched(replace(Faults(), death_month=0.5), seed=str(n)) for n in range(40)]
    dead = [run for run in runs if run.dead_ms is not None]
    assert 18 <= len(dead) <= 34  # 1 - exp(-1) of 40 = 25
    for run in dead:
        assert run.dead_ms is not None
        assert run.said[-1].at_ms < run.dead_ms
        if run.dead_ms - START_MS > 6 * DAY_MS:
            assert run.said[-1].battery_mv < run.said[0].battery_mv


def test_clocks_are_wrong_at_their_shares_and_in_their_ways() -> None:
    shares = Clocks(minutes=0.1, hours=0.1, decades=0.1, drift=0.1, absent=0.1)
    clocks = [draw_clock(shares, Random(str(n))) for n in range(4_000)]
    at_ms = START_MS + 10 * DAY_MS
    for kind, least, most in (
        ("minutes", 120_000, 45 * 60_000),
        ("hours", HOUR_MS, 5 * HOUR_MS),
        ("decades", 3_650 * DAY_MS, 22_000 * DAY_MS),
        ("drift", 40_000, 400_000),
    ):
        own = [clock for clock in clocks if clock.kind == kind]
        assert 0.08 <= len(own) / len(clocks) <= 0.12
        for clock in own:
            shown = clock.shows(at_ms, START_MS)
            assert shown is not None
            assert least <= abs(shown - at_ms) <= most
    assert all(c.shows(at_ms, START_MS) is None for c in clocks if c.kind == "absent")
    assert all(c.shows(at_ms, START_MS) == at_ms for c in clocks if c.kind == "right")


def said(count: int, every_ms: int = 60_000) -> list[Said]:
    return [
        Said(START_MS + n * every_ms, START_MS, 1, n, True, "heartbeat", None, 3_500) for n in range(count)
    ]


def carried(
    faults: Faults, count: int = 10_000, resends: Confirmed | Kept | None = None
) -> tuple[Radio, Carried, list[Arrival]]:
    end_ms = START_MS + count * 60_000
    radio = Radio(faults, [0], seed=1, start_ms=START_MS, end_ms=end_ms)
    arrivals: list[Arrival] = []
    return radio, radio.carry(0, said(count), arrivals, resends), arrivals


def test_the_radio_loses_doubles_and_reorders_at_its_rates() -> None:
    _, lossy, arrivals = carried(replace(Faults(), loss=(0.02, 0.02)))
    assert 0.015 <= lossy.received_ms.count(None) / 10_000 <= 0.025
    assert len(arrivals) == 10_000 - lossy.received_ms.count(None)
    _, _, doubled = carried(replace(Faults(), duplicated=0.05))
    assert 10_400 <= len(doubled) <= 10_600
    _, late, _ = carried(replace(Faults(), reordered=0.05))
    assert 400 <= late.why.count("reordered") <= 600
    assert [at for at in late.received_ms if at] != sorted(at for at in late.received_ms if at)


def test_confirmed_messages_are_late_sooner_than_lost() -> None:
    half = replace(Faults(), loss=(0.5, 0.5))
    _, sent, arrivals = carried(half, resends=Confirmed(retries=3, wait_s=(5, 180)))
    assert 0.05 <= sent.received_ms.count(None) / 10_000 <= 0.075  # one in sixteen
    delays = [arrival.at_ms - arrival.items[0][1].sent_ms for arrival in arrivals]
    assert 0.45 <= sum(delay > 5_000 for delay in delays) / len(delays) <= 0.48  # 7 of 15
    assert max(delays) <= 3 * 180_000 + 2_000
    assert all(arrival.at_ms - arrival.sent_ms <= 2_000 for arrival in arrivals)


def test_kept_messages_come_once_the_gap_is_seen_and_only_the_newest_of_them() -> None:
    fifth = replace(Faults(), loss=(0.2, 0.2))
    _, sent, _ = carried(fifth, resends=Kept(events=32, answer_s=(5, 120)))
    assert sent.received_ms.count(None) <= 2
    lost = [n for n, why in enumerate(sent.why) if why == "lost"]
    assert 0.18 <= len(lost) / 10_000 <= 0.22
    for number in lost[:-1]:
        late_ms, said_ms = sent.received_ms[number], START_MS + number * 60_000
        assert late_ms is None or late_ms >= said_ms + 60_000 + 5_000  # not before the next word
    _, down, _ = carried(
        replace(Faults(), network_down_hours=(2.0,)), resends=Kept(events=32, answer_s=(5, 9))
    )
    assert down.received_ms.count(None) == 120 - 31  # the oldest were overwritten meanwhile


def test_a_restart_forgets_what_was_kept() -> None:
    radio = Radio(
        replace(Faults(), network_down_hours=(2.0,)),
        [0],
        seed=1,
        start_ms=START_MS,
        end_ms=START_MS + 20 * HOUR_MS,
    )
    [down] = radio.outages
    words = [one._replace(boot=1 + (one.sent_ms >= down.end_ms)) for one in said(20 * 60)]
    sent = radio.carry(0, words, [], Kept(events=500, answer_s=(5, 9)))
    assert (
        sent.received_ms.count(None) == sum(down.start_ms <= one.sent_ms < down.end_ms for one in words) > 60
    )


def test_a_gateway_that_lost_its_line_hands_over_everything_in_batches_afterwards() -> None:
    radio, kept, arrivals = carried(replace(Faults(), late_week=7.0, late_hours=(3.0, 48.0)))
    batches = list(radio.batches())
    assert batches
    assert max(len(batch.items) for batch in batches) <= 100
    inside = [item[1] for batch in batches for item in batch.items]
    assert len(inside) + len(arrivals) + kept.received_ms.count(None) == 10_000
    for batch in batches:
        assert all(one.sent_ms <= batch.at_ms <= one.sent_ms + 49 * HOUR_MS for _, one in batch.items)


def test_nothing_passes_while_the_network_is_down() -> None:
    radio, gone, _ = carried(replace(Faults(), network_down_hours=(2.0, 12.0)))
    assert [outage.why for outage in radio.outages] == ["network_down", "network_down"]
    assert [o.end_ms - o.start_ms for o in radio.outages] == [2 * HOUR_MS, 12 * HOUR_MS]
    assert gone.received_ms.count(None) == gone.why.count("network_down") == 14 * 60


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    faults = SCENARIOS["bad_day"]
    assert watched(faults).said == watched(faults).said
    assert watched(faults).said != watched(faults, seed="2").said
    assert carried(faults)[2] == carried(faults)[2]


def test_a_mixed_city_has_every_model_at_its_share() -> None:
    drawn = [draw_model(Random(str(n))) for n in range(2_000)]
    for name, model in MODELS.items():
        assert abs(drawn.count(name) / 2_000 - model.share) < 0.05
    assert {model.says_previous for model in MODELS.values()} == {True, False}
    assert {type(model.resends) for model in MODELS.values()} == {Confirmed, Kept, type(None)}


def test_typical_keeps_the_published_rates() -> None:
    typical = SCENARIOS["typical"]
    assert typical.missed_arrival == (0.005, 0.010)
    assert typical.missed_departure == (0.005, 0.015)
    assert typical.bad_sensors == (0.02, 0.03)
    assert (typical.flap_h, typical.crosstalk, typical.snow_miss) == (0.002, 0.005, 0.04)
    assert 0.01 <= typical.stuck_month <= 0.02
    assert typical.loss == (0.01, 0.03)
    assert typical.late_hours[1] == 48.0
    assert set(SCENARIOS) == {"calm", "typical", "bad_day", "snow", "outage"}
