"""The judge: it counts what was shown, to the second, and a run of it is the same every time."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from baycast.bench.engine import bench_engine
from baycast.score.bay_tally import FREE, OCCUPIED
from baycast.score.city import make_city
from baycast.score.detection import outage_figures
from baycast.score.history_tally import HistoryTally, Stretch, between
from baycast.score.naive import NaiveEngine
from baycast.score.overstays import Claim, Limit, OverstayMatch, Vehicle, over_at
from baycast.score.run import ScorePlan, score
from baycast.score.seeds import SeedLostError, against_naive, mean_and_worst, score_seeds
from baycast.score.stay_match import StayMatch
from baycast.score.suspicion_log import SuspicionLog, true_states
from occupancy.model import BayId, BayState, Cause, DeviceId, ReadingKey, State, StateReading, ZoneKind
from simulator.field_run import FieldRun
from simulator.history import play
from simulator.radio import Outage
from simulator.repairable import Merge
from simulator.scenarios import Faults
from simulator.sensor_eye import Episode

NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)
M = 60_000
LIMITED = [Limit(0, 600 * M, 60, frozenset({"blue_badge"}))]


def reading(minute: float, occupied: bool, seq: int = 0) -> StateReading:
    at = NOON + timedelta(minutes=minute)
    return StateReading(
        device_id=DeviceId("s1"),
        key=ReadingKey(0, 1, seq),
        at=at,
        age_ms=None,
        received_at=at,
        occupied=occupied,
        cause=Cause.CHANGE,
    )


def test_the_naive_engine_believes_the_last_arrival_and_never_doubts() -> None:
    naive = NaiveEngine({"s1": "b1"})
    assert naive.append([reading(0, True, 5)]) == {"b1": True}
    assert naive.append([reading(5, True, 6)]) == {}
    assert naive.append([reading(9, False, 2)]) == {"b1": False}  # older by its number: it wins all the same
    assert naive.stays == {"b1": [(NOON, NOON + timedelta(minutes=9))]}
    assert naive.append([]) == {}


def test_stays_are_matched_by_both_edges_and_merges_by_what_spans_them() -> None:
    match = StayMatch()
    true = [(0, 30 * M), (40 * M, 80 * M), (200 * M, 230 * M)]
    claimed = [(2 * M, 78 * M), (201 * M, 233 * M)]
    match.bay(true, claimed)
    match.merges([Merge(30 * M, 40 * M, "prev_s"), Merge(80 * M, 200 * M, "heartbeat")], true, claimed)
    figures = match.figures()
    assert figures["stays"] == 2
    assert figures["stay_precision"] == pytest.approx(1 / 2)
    assert figures["stay_recall"] == pytest.approx(1 / 3)
    assert figures["repaired_share"] == pytest.approx(1 / 2)
    assert figures["repaired_share.prev_s"] == 0
    assert figures["repaired_share.heartbeat"] == 1
    # The first two are off by 46 and 36 minutes, the third by two.
    assert figures["stay_duration_mae_s"] == pytest.approx((46 + 36 + 2) * 60 / 3)


@pytest.mark.parametrize(
    ("claimed", "repaired"),
    [
        ([(0, 30 * M), (40 * M, 80 * M)], True),
        ([(0, 20 * M), (60 * M, 80 * M)], True),
        ([(0, 80 * M)], False),
        ([], False),
        ([(40 * M, 80 * M)], False),
        ([(0, 30 * M), (90 * M, 95 * M)], False),
        ([(30 * M - 30_000, 40 * M + 30_000)], False),
    ],
)
def test_a_merge_is_repaired_where_either_of_its_stays_is_told(
    claimed: list[tuple[int, int]], repaired: bool
) -> None:
    match = StayMatch()
    match.merges([Merge(30 * M, 40 * M, "prev_s")], [(0, 30 * M), (40 * M, 80 * M)], claimed)
    assert match.figures()["repaired_share"] == repaired


def test_history_is_judged_by_what_the_tables_say_of_each_instant() -> None:
    tally = HistoryTally(0, 100 * M)
    said = [Stretch(0, 12 * M, FREE), Stretch(12 * M, 50 * M, OCCUPIED), Stretch(60 * M, 100 * M, OCCUPIED)]
    tally.bay(False, [(10 * M, True), (40 * M, False), (90 * M, True)], said)
    # Wrong: two minutes before the arrival was seen, 10 after the departure, 30 before the next arrival.
    assert tally.figures() == {
        "history_wrong_share": pytest.approx((2 + 10 + 30) / 100),
        "history_unknown_share": pytest.approx(0.1),
    }
    never_doubts = HistoryTally(0, 100 * M)
    never_doubts.bay(False, [(10 * M, True)], between([(10 * M, 90 * M)], 0, 100 * M))
    assert never_doubts.figures() == {
        "history_wrong_share": pytest.approx(0.1),
        "history_unknown_share": pytest.approx(0),
    }


def test_time_outside_the_hours_is_no_overstay() -> None:
    evening = [Limit(100 * M, 200 * M, 60, frozenset())]
    assert over_at(evening, 0, 150 * M) is None
    assert over_at(evening, 0, 170 * M) == (160 * M, evening[0])
    assert over_at(evening, 150 * M, 400 * M) is None


def test_an_overstay_is_right_when_it_was_one_by_then_and_the_exempt_are_named() -> None:
    match = OverstayMatch()
    vehicles = [
        Vehicle(0, 90 * M, "general"),
        Vehicle(100 * M, 190 * M, "blue_badge"),
        Vehicle(200 * M, 290 * M, "general"),
        Vehicle(300 * M, 365 * M, "general"),
    ]
    claims = [
        Claim(0, 70 * M, False),
        Claim(100 * M, 170 * M, False),  # a Blue Badge that is not said to be possible
        Claim(200 * M, 250 * M, False),  # too early
        Claim(700 * M, 800 * M, False),  # no limit in force
    ]
    match.bay(LIMITED, vehicles, claims)
    # The last vehicle was over by less than the grace, the Blue Badge may stay: two had to be found.
    assert match.figures() == {
        "overstay_precision": 1 / 4,
        "overstay_recall": 1 / 2,
        "overstays_without_limit": 0,
    }
    lost = Episode(110 * M, 112 * M, "lost")
    missed = Episode(150 * M, 160 * M, "missed_departure")
    told = OverstayMatch()
    told.bay(LIMITED, vehicles, claims, [lost, missed])
    assert told.causes() == {"other": 1 / 2, "missed_departure": 1 / 4}
    again = OverstayMatch()
    again.bay(LIMITED, vehicles, [Claim(100 * M, 170 * M, True)])
    assert again.figures()["overstay_precision"] == 1


def test_rows_of_any_kind_are_held_against_the_limits() -> None:
    match = OverstayMatch()
    match.rows(LIMITED, [60 * M, 600 * M, 601 * M])
    assert match.figures()["overstays_without_limit"] == 1


def test_an_outage_is_noticed_by_its_own_gateway_or_by_the_area() -> None:
    plan = make_city(bays=60, seed=1).plan
    start_ms = int(NOON.timestamp() * 1000)
    history = play(plan, seed=1, start_ms=start_ms, end_ms=start_ms + 180 * M)
    run = FieldRun(history, Faults(), seed=1)
    run.outages = [Outage(start_ms + 60 * M, start_ms + 90 * M, "gateway_down", 3)]

    def detected(group: str, minute: int) -> float | None:
        noticed = {(group, NOON): NOON + timedelta(minutes=minute)}
        return outage_figures(run, noticed)["outage_detected_share"]

    assert detected("gateway/gw-3", 75) == detected("area/cardiff", 75) == 1
    assert detected("gateway/gw-4", 75) == detected("gateway/gw-3", 95) == detected("gateway/gw-3", 59) == 0
    assert (
        outage_figures(run, {("gateway/gw-3", NOON): NOON + timedelta(minutes=75)})["outage_delay_h"] == 0.25
    )


def test_an_outage_of_everything_is_noticed_only_by_the_area() -> None:
    plan = make_city(bays=60, seed=1).plan
    start_ms = int(NOON.timestamp() * 1000)
    run = FieldRun(play(plan, seed=1, start_ms=start_ms, end_ms=start_ms + 180 * M), Faults(), seed=1)
    run.outages = [Outage(start_ms + 60 * M, start_ms + 90 * M, "network_down", None)]
    at = {minute: NOON + timedelta(minutes=minute) for minute in (59, 70, 80, 90)}
    gateways = {(f"gateway/gw-{number}", NOON): at[70] for number in range(9)}
    assert outage_figures(run, gateways)["outage_detected_share"] == 0
    found = outage_figures(run, {**gateways, ("area/score", NOON): at[80]})
    assert found["outage_detected_share"] == 1
    assert found["outage_delay_h"] == pytest.approx(20 / 60)
    for minute in (59, 90):
        assert outage_figures(run, {("area/score", NOON): at[minute]})["outage_detected_share"] == 0


def test_mean_and_worst_know_which_way_is_worse() -> None:
    found = mean_and_worst(
        [
            {
                "wrong_share": 0.1,
                "repaired_share": 0.9,
                "zone_bias": -2.0,
                "ece": None,
                "wrong_share.lost": 0.1,
            },
            {"wrong_share": 0.3, "repaired_share": 0.7, "zone_bias": 1.0, "ece": None},
        ]
    )
    assert found["wrong_share"] == pytest.approx(0.2)
    assert found["worst.wrong_share"] == 0.3
    assert found["worst.repaired_share"] == 0.7
    assert found["worst.zone_bias"] == -2.0
    assert found["wrong_share.lost"] == pytest.approx(0.05)
    assert found["ece"] is found["worst.ece"] is None


def scored(scenario: str, days: float = 0.3) -> dict[str, float | None]:
    figures = score(ScorePlan(scenario, 1, days, 120), lambda _: None)
    return {name: value for name, value in figures.items() if not name.endswith(("cpu_s", "mib"))}


def test_calm_is_almost_never_wrong() -> None:
    figures = scored("calm")
    assert figures["wrong_share"] is not None
    assert figures["wrong_share"] < 0.002
    assert figures["wrong_share.detection"] == pytest.approx(figures["wrong_share"])
    assert figures["stay_precision"] == figures["stay_recall"] == 1
    assert figures["refused"] == 0
    assert figures["sign_wrong_share"] == 0


def test_a_run_is_the_same_every_time_and_adds_up() -> None:
    figures = scored("bad_day")
    assert figures == scored("bad_day")
    causes = sum(value or 0 for name, value in figures.items() if name.startswith("wrong_share."))
    assert causes == pytest.approx(figures["wrong_share"])
    wrong = (figures["false_free_share"] or 0) + (figures["false_occupied_share"] or 0)
    assert wrong == pytest.approx(figures["wrong_share"])
    assert figures["refused"] == 0
    assert {"naive_wrong_share", "naive_zone_mae", "naive_stays", "naive_overstay_recall"} <= figures.keys()
    # Signs, and as if each street had one, of both engines.
    names = {"blank_share", "spaces_none_minutes", "full_room_minutes", "blank_share.worst"}
    for prefix in ("sign_", "street_sign_", "naive_sign_", "naive_street_sign_"):
        assert {f"{prefix}{name}" for name in names} <= figures.keys()
    assert "naive_street_sign_minutes" not in figures
    assert figures["street_sign_word_changes"]
    assert any(name.startswith("sign_blank_share.vms-") for name in figures)


def test_seeds_in_processes_of_their_own_are_those_played_alone_in_their_order() -> None:
    plans = [ScorePlan("typical", seed, 0.1, 30) for seed in (3, 1)]
    together = score_seeds(plans, 2, print)
    assert [one["wrong_share"] for one in together] == [score(plan, print)["wrong_share"] for plan in plans]
    assert together[0]["wrong_share"] != together[1]["wrong_share"]


def test_a_city_of_streets_only_has_no_car_park_and_no_sign_that_speaks_of_one() -> None:
    city = make_city(bays=30, seed=1, car_parks=False)
    registry = city.registry()
    assert not registry.gates
    assert not city.plan.car_parks
    assert {zone.kind for zone in registry.zones.values()} == {ZoneKind.STREET}
    assert registry.signs
    assert all(zone_id in registry.zones for sign in registry.signs.values() for zone_id in sign.zone_ids)
    figures = score(ScorePlan("calm", 1, 0.1, 30, car_parks=False), print)
    assert figures["wrong_share"] == figures["wrong_share.detection"]


def die(_: str) -> None:
    os._exit(3)


def test_a_seed_whose_process_is_killed_is_said_in_words() -> None:
    with pytest.raises(SeedLostError, match="fewer --jobs"):
        score_seeds([ScorePlan("calm", 1, 0.1, 30)], 1, die)


def test_ratios_to_the_naive_engine_are_null_where_it_has_nothing_wrong() -> None:
    ratios = against_naive({"wrong_share": 0.1, "naive_wrong_share": 0.4, "zone_mae": 1, "naive_zone_mae": 0})
    assert ratios["wrong_share_to_naive"] == pytest.approx(0.25)
    assert ratios["zone_mae_to_naive"] is ratios["occupied_given_free_to_naive"] is None


def test_rates_of_the_plan_are_played() -> None:
    silent = score(ScorePlan("calm", 1, 0.1, 30, ("loss=1",)), print)
    assert silent["unknown_share"] == silent["truly_silent_share"] == 1


def test_the_bench_of_the_engine_gives_its_figures() -> None:
    figures, ratios = bench_engine(readings=1_000, rounds=1, seed=1, tell=lambda _: None, many=2_000)
    assert {"step_per_s", "fold_per_s", "fold_per_s_100k_bays"} <= figures.keys()
    assert all(value is not None and value > 0 for value in [*figures.values(), *ratios.values()])


@pytest.mark.parametrize("bad", [("sunny", 1, 1, 10), ("calm", 1, 0, 10), ("calm", 1, 1, 0)])
def test_a_plan_that_cannot_be_played_is_refused(bad: tuple[str, int, float, int]) -> None:
    with pytest.raises(ValueError, match="--"):
        ScorePlan(*bad)


def test_suspicions_are_held_against_the_sensors_that_stuck_and_against_what_was_true() -> None:
    city = make_city(bays=30, seed=3)
    start_ms = int(NOON.timestamp() * 1000)
    end_ms = start_ms + 24 * 60 * M
    run = FieldRun(play(city.plan, seed=3, start_ms=start_ms, end_ms=end_ms), Faults(stuck_month=60), seed=3)
    stuck = next(sensor for sensor in run.sensors if sensor.stuck)
    [episode] = stuck.stuck
    sound = next(sensor for sensor in run.sensors if not sensor.stuck)
    truth = run.history.occupied_at_start[sound.bay], run.history.changes_by_bay()[sound.bay]
    taken_ms = sum(ms for occupied, ms in true_states(*truth, start_ms, end_ms) if occupied)
    log = SuspicionLog()
    found_ms = (episode.start_ms + min(episode.end_ms, end_ms)) // 2
    log.show(stuck.bay, _suspect(None), found_ms)
    log.show(stuck.bay, replace(_suspect(None), suspect=False), found_ms + M)
    log.show(sound.bay, _suspect(State.OCCUPIED), start_ms)
    figures = log.figures(run)
    stuck_sensors = sum(len(sensor.stuck) for sensor in run.sensors)
    assert figures["stuck_sensors"] == stuck_sensors
    assert figures["stuck_detected_share"] == pytest.approx(1 / stuck_sensors)
    assert figures["stuck_delay_median_h"] == pytest.approx((found_ms - episode.start_ms) / 3_600_000)
    assert (figures["suspects"], figures["suspects_not_stuck"]) == (2, 1)
    under_ms = end_ms - start_ms + M
    assert figures["suspect_right_share"] == pytest.approx(taken_ms / under_ms)
    assert figures["suspect_share"] == pytest.approx(under_ms / (len(run.sensors) * (end_ms - start_ms)))


def _suspect(said: State | None) -> BayState:
    return BayState(
        bay_id=BayId("b"),
        state=State.UNKNOWN,
        since=NOON,
        as_of=NOON,
        confidence=0.0,
        reason="suspect",
        suspect=True,
        last_said=said,
    )
