"""One scored run: world -> contract bytes -> decode -> engine, beside the truth and beside the naive engine."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from baycast.score.bay_tally import ANSWERS, FREE, OCCUPIED, UNKNOWN, BayTally
from baycast.score.city import START, City, make_city
from baycast.score.decoding import Decoder, instant
from baycast.score.detection import outage_figures
from baycast.score.final_tables import judge_tables
from baycast.score.ground import Ground
from baycast.score.memory_engine import MemoryEngine
from baycast.score.naive import NaiveEngine
from baycast.score.sign_answers import EngineAnswers, NaiveAnswers
from baycast.score.sign_tally import SignTally, sign_for_each, signs_of
from baycast.score.suspicion_log import SuspicionLog
from baycast.score.zone_tally import TrueZones, ZoneTally
from occupancy.model import AnyReading, BayState, State
from simulator.field_run import FieldRun
from simulator.history import play
from simulator.rates import with_rates
from simulator.scenarios import SCENARIOS, Faults

WINDOW_MS = 5_000
"""Arrivals of so long are one batch, and its answers count from the end of it: for both engines alike."""
MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_NOT_OF_NAIVE = (
    "truly_silent_share",
    "interval_coverage",
    "repairable_merges",
    "history_unknown_share",
    "sign_minutes",
    "street_sign_minutes",
)
"""Figures that a naive engine does not have, or that are the same for both."""

Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class ScorePlan:
    scenario: str
    seed: int = 1
    days: float = 14.0
    bays: int = 3300
    rates: tuple[str, ...] = ()
    """Rates in place of the scenario's own, as `simulator.rates` reads them."""
    car_parks: bool = True
    """Without them a small city is judged much faster; the same seed is then another city."""

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise ValueError(f"--scenario is one of {', '.join(SCENARIOS)}")
        if not 0.05 <= self.days <= 28:
            raise ValueError("--days is from 0.05 to 28")
        if not 1 <= self.bays <= 3300:
            raise ValueError("--bays is from 1 to 3300")
        self.faults()

    def faults(self) -> Faults:
        return with_rates(SCENARIOS[self.scenario], self.rates)


def score(plan: ScorePlan, tell: Callable[[str], None]) -> Figures:
    """Play the scenario and judge both engines; `tell` is given a line now and then."""
    began = time.process_time()
    city = make_city(bays=plan.bays, seed=plan.seed, car_parks=plan.car_parks)
    start_ms = int(START.timestamp() * 1000)
    history = play(city.plan, seed=plan.seed, start_ms=start_ms, end_ms=start_ms + int(plan.days * _DAY_MS))
    run = FieldRun(history, plan.faults(), seed=plan.seed)
    name = f"{plan.scenario}, seed {plan.seed}"
    tell(f"{name}: the city lived in {time.process_time() - began:.0f} s")
    return _Judge(city, run).judge(lambda text: tell(f"{name}, {text}"))


class _Judge:
    def __init__(self, city: City, run: FieldRun) -> None:
        self._run = run
        self._decoder = Decoder(city.directory())
        registry = self._registry = city.registry()
        self._engine = MemoryEngine(registry)
        self._naive = NaiveEngine(
            {bay.device_id: bay.bay_id for bay in city.plan.bays if bay.device_id is not None}
        )
        self._index = {bay.bay_id: n for n, bay in enumerate(city.plan.bays)}
        self._ground = Ground(run, registry)
        self._ours, self._theirs = BayTally(self._ground, UNKNOWN), BayTally(self._ground, FREE)
        self._ground.judge(self._ours, self._theirs)
        self._true_zones = TrueZones(self._ground)
        self._our_zones = ZoneTally(self._ground, self._true_zones, self._ours)
        self._their_zones = ZoneTally(self._ground, self._true_zones, self._theirs)
        answers = EngineAnswers(self._engine.fold.zones)
        self._their_answers = NaiveAnswers(self._ground, self._theirs, registry)
        posted = {
            "sign": signs_of(registry, self._ground),
            "street_sign": sign_for_each(registry, self._ground),
        }
        self._our_signs = {name: SignTally(self._ground, signs, answers) for name, signs in posted.items()}
        self._their_signs = {
            name: SignTally(self._ground, signs, self._their_answers) for name, signs in posted.items()
        }
        self._suspicions = SuspicionLog()
        self._engine_s = 0.0

    def judge(self, tell: Callable[[str], None]) -> Figures:
        began, wall = time.process_time(), time.perf_counter()
        readings = 0
        for end_ms, window in self._windows():
            readings += len(window)
            self._step(end_ms, window)
            if (end_ms - self._run.history.start_ms) % _DAY_MS == 0:
                day = (end_ms - self._run.history.start_ms) // _DAY_MS
                tell(f"day {day}: {readings} readings, {time.process_time() - began:.0f} s of CPU")
        self._ground.finish()
        judged_s = time.process_time() - began
        # To ask for the CPU time twice in every window would cost more than a window: wall time shares it out.
        self._engine_s *= judged_s / (time.perf_counter() - wall)
        return self._figures(readings, judged_s)

    def _windows(self) -> Iterator[tuple[int, list[AnyReading]]]:
        """(end, readings) of every window in which something arrived or a minute ended."""
        history = self._run.history
        end_ms = history.start_ms + WINDOW_MS
        window: list[AnyReading] = []
        for message in self._run.messages():
            while message.at_ms >= end_ms:
                if window or end_ms % MINUTE_MS == 0:
                    yield end_ms, window
                    window = []
                end_ms += WINDOW_MS
            window.extend(self._decoder.readings(message))
        while end_ms <= history.end_ms:
            if window or end_ms % MINUTE_MS == 0:
                yield end_ms, window
                window = []
            end_ms += WINDOW_MS

    def _step(self, end_ms: int, window: list[AnyReading]) -> None:
        began = time.perf_counter()
        states = self._engine.append(window, instant(end_ms))
        self._engine_s += time.perf_counter() - began
        self._ground.advance(end_ms)
        for bay_id, state in states.items():
            if (bay := self._index.get(bay_id)) is not None:
                self._show(bay, state, end_ms)
        for naive_id, occupied in self._naive.append(window).items():
            bay = self._index[naive_id]
            self._theirs.show(bay, OCCUPIED if occupied else FREE, 1.0, end_ms)
            self._their_answers.changed(self._ground.bays[bay].zone_id)
        self._their_answers.take(window)
        for signs in (*self._our_signs.values(), *self._their_signs.values()):
            signs.hear(end_ms)
        if end_ms % MINUTE_MS == 0:
            self._true_zones.look()
            self._our_zones.look(self._engine.fold.zones)
            self._their_zones.look(None)
            for signs in (*self._our_signs.values(), *self._their_signs.values()):
                signs.look(end_ms)

    def _show(self, bay: int, state: BayState, at_ms: int) -> None:
        self._ours.show(bay, ANSWERS.get(state.state, UNKNOWN), state.confidence, at_ms, _withheld(state))
        self._suspicions.show(bay, state, at_ms)

    def _figures(self, readings: int, judged_s: float) -> Figures:
        ours: Figures = {
            **self._ours.figures(),
            **self._our_zones.figures(),
            **self._ours.calibration(),
            **_of_signs(self._our_signs, each="sign"),
            **self._suspicions.figures(self._run),
            **outage_figures(self._run, self._engine.view.outages),
        }
        theirs: Figures = {
            **self._theirs.figures(),
            **self._their_zones.figures(),
            **_of_signs(self._their_signs),
        }
        our_table, their_table = judge_tables(
            self._run, self._ground, self._engine, self._naive, self._registry
        )
        ours.update(our_table)
        theirs.update(their_table)
        for name in _NOT_OF_NAIVE:
            del theirs[name]
        return {
            **ours,
            **{f"naive_{name}": value for name, value in theirs.items()},
            **{f"wrong_share.{why}": share for why, share in self._ours.causes().items()},
            "readings": readings,
            "refused": self._decoder.refused,
            "engine_cpu_s": self._engine_s,
            "cpu_s": judged_s,
            "rss_max_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def _of_signs(tallies: Mapping[str, SignTally], *, each: str | None = None) -> Figures:
    return {
        f"{name}_{figure}": value
        for name, tally in tallies.items()
        for figure, value in tally.figures(each=name == each).items()
    }


def _withheld(state: BayState) -> tuple[int, float] | None:
    """What is unknown now but was said last, and how likely it is to be so still."""
    if state.last_said not in ANSWERS or state.free_chance is None:
        return None
    free = state.last_said is State.FREE
    return ANSWERS[state.last_said], state.free_chance if free else 1 - state.free_chance
