"""The judge's shares beside a second, plain reckoning of the same answers: instant by instant, bay by bay."""

from collections import Counter
from datetime import datetime
from itertools import pairwise
from random import Random

import pytest

from baycast.score.bay_tally import FREE, OCCUPIED, UNKNOWN, BayTally
from baycast.score.city import START, make_city
from baycast.score.decoding import instant, to_ms
from baycast.score.ground import Ground
from baycast.score.zone_tally import TrueZones, ZoneTally
from occupancy.model import Bay, BayType
from occupancy.registry import Registry
from occupancy.rules import access_of, rules_in_force
from simulator.field_run import FieldRun
from simulator.history import History, play
from simulator.scenarios import SCENARIOS

M = 60_000
BEGIN = to_ms(START) + 9 * 60 * M
"""Noon, when streets fill up."""
END = BEGIN + 120 * M

Answer = tuple[int, int, float]
"""From when on, what is shown, and how sure it is."""


def occupied_at(history: History, bay: int, at_ms: int) -> bool:
    now = history.occupied_at_start[bay]
    for change in history.changes:
        if change.bay == bay and change.at_ms <= at_ms:
            now = change.occupied
    return now


def closed_at(registry: Registry, bay: Bay, at: datetime) -> bool:
    return access_of(registry, bay.rule_ids, bay.bay_type, at).closed


def judged() -> tuple[History, Registry, FieldRun, Ground, BayTally, ZoneTally, list[list[Answer]]]:
    """A city of 80 bays for two hours, and somebody who guesses: more often right than wrong."""
    city = make_city(bays=80, seed=5)
    registry = city.registry()
    history = play(city.plan, seed=5, start_ms=BEGIN, end_ms=END)
    run = FieldRun(history, SCENARIOS["bad_day"], seed=5)
    ground = Ground(run, registry)
    tally = BayTally(ground, UNKNOWN)
    ground.judge(tally)
    true_zones = TrueZones(ground)
    zones = ZoneTally(ground, true_zones, tally)
    random = Random(5)
    said: list[list[Answer]] = [[(BEGIN, UNKNOWN, 0.0)] for _ in ground.bays]
    for at_ms in range(BEGIN + M, END + 1, M):
        ground.advance(at_ms)
        for bay in range(len(ground.bays)):
            if random.random() < 0.2:
                right = OCCUPIED if ground.occupied[bay] else FREE
                answer = random.choice([right, right, UNKNOWN, FREE, OCCUPIED])
                sure = random.choice([0.55, 0.8, 0.97])
                tally.show(bay, answer, sure, at_ms, (FREE, sure) if answer == UNKNOWN else None)
                said[bay].append((at_ms, answer, sure))
        true_zones.look()
        zones.look(None)
    ground.finish()
    return history, registry, run, ground, tally, zones, said


def skill(said: Counter[tuple[float, bool]]) -> float:
    total = said.total()
    rate = sum(ms for (_, right), ms in said.items() if right) / total
    brier = sum(ms * (confidence - right) ** 2 for (confidence, right), ms in said.items()) / total
    return 1 - brier / (rate * (1 - rate))


def test_shares_are_those_of_a_plain_reckoning() -> None:
    history, registry, run, ground, tally, _zones, said = judged()
    silent = {sensor.bay: sensor.silent for sensor in run.sensors}
    lasted: Counter[str] = Counter()
    sure: Counter[tuple[float, bool]] = Counter()
    withheld: Counter[tuple[float, bool]] = Counter()
    for n, bay in enumerate(ground.bays):
        own = [change.at_ms for change in history.changes if change.bay == n]
        ends = [edge for episode in silent[n] for edge in (episode.start_ms, episode.end_ms)]
        quarters = range(BEGIN, END, 15 * M)
        edges = sorted({BEGIN, END, *own, *(one[0] for one in said[n]), *ends, *quarters})
        for start, end in pairwise(edge for edge in edges if BEGIN <= edge <= END):
            if closed_at(registry, bay, instant(start // (15 * M) * 15 * M)):
                continue
            taken = occupied_at(history, n, start)
            _, answer, confidence = next(one for one in reversed(said[n]) if one[0] <= start)
            lasted["all"] += end - start
            lasted[f"{answer} {taken}"] += end - start
            if any(episode.start_ms <= start < episode.end_ms for episode in silent[n]):
                lasted["silent"] += end - start
            if answer != UNKNOWN:
                sure[confidence, (answer == OCCUPIED) is taken] += end - start
            elif confidence:
                withheld[confidence, not taken] += end - start
    figures = tally.figures()
    assert figures["false_free_share"] == pytest.approx(lasted[f"{FREE} True"] / lasted["all"])
    assert figures["false_occupied_share"] == pytest.approx(lasted[f"{OCCUPIED} False"] / lasted["all"])
    unknown = lasted[f"{UNKNOWN} True"] + lasted[f"{UNKNOWN} False"]
    assert figures["unknown_share"] == pytest.approx(unknown / lasted["all"])
    assert figures["truly_silent_share"] == pytest.approx(lasted["silent"] / lasted["all"])
    assert lasted["silent"] > 0

    total = sum(sure.values())
    by_confidence = {confidence for confidence, _ in sure}
    gaps = [abs(c * (sure[c, True] + sure[c, False]) - sure[c, True]) for c in by_confidence]
    calibration = tally.calibration()
    assert calibration["brier_skill"] == pytest.approx(skill(sure))
    assert calibration["brier_skill_with_withheld"] == pytest.approx(skill(sure + withheld))
    assert calibration["ece"] == pytest.approx(sum(gaps) / total)


def test_what_free_is_worth_is_counted_by_minute_in_full_streets_while_a_rule_is_in_force() -> None:
    history, registry, _, ground, _, zones, said = judged()
    claims = {False: [0, 0], True: [0, 0]}
    errors: list[int] = []
    for at_ms in range(BEGIN + M, END + 1, M):
        quarter = instant(at_ms // (15 * M) * 15 * M if at_ms < END else END - 15 * M)
        streets: dict[str, list[tuple[Bay, bool, int]]] = {}
        for n, bay in enumerate(ground.bays):
            if not closed_at(registry, bay, quarter):
                shown = next(one[1] for one in reversed(said[n]) if one[0] <= at_ms)
                taken = occupied_at(history, n, at_ms)
                streets.setdefault(bay.zone_id, []).append((bay, taken, shown))
        for bays in streets.values():
            full = sum(taken for _, taken, _ in bays) >= 0.85 * len(bays)
            errors.append(sum(shown == FREE for _, _, shown in bays) - sum(not taken for _, taken, _ in bays))
            for bay, taken, shown in bays:
                if full and shown == FREE and rules_in_force(registry, bay.rule_ids, quarter):
                    claims[False][taken] += 1
                    claims[True][taken] += bay.bay_type is BayType.BLUE_BADGE
    figures = zones.figures()
    assert claims[False][True] > 0
    assert claims[True][False] + claims[True][True] > 0
    assert figures["occupied_given_free"] == pytest.approx(claims[False][True] / sum(claims[False]))
    assert figures["occupied_given_free_blue_badge"] == pytest.approx(claims[True][True] / sum(claims[True]))
    assert figures["zone_mae"] == pytest.approx(sum(map(abs, errors)) / len(errors))
    assert figures["zone_bias"] == pytest.approx(sum(errors) / len(errors))
