"""`baycast bench engine`: readings per second through the sensors' step, and through the fold of a whole area."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from random import Random
from statistics import median

from baycast.score.city import START, make_city
from baycast.score.decoding import Decoder
from occupancy.batch import Batch
from occupancy.device_fold import DeviceFold, Watch
from occupancy.fold import AreaFold
from occupancy.model import AnyReading, Cause, Clock, DeviceId, ReadingKey, StateReading
from occupancy.registry import Registry
from occupancy.step import step
from simulator.field_run import FieldRun
from simulator.history import play
from simulator.scenarios import SCENARIOS

AREA = "bench"
BAYS_A_ZONE = 50
BATCH = 500
_HEARTBEAT_S = 3_600
MANY = 100_000
_FEW = 1_000
_CITY_BAYS = 300
_READINGS_A_DAY = 20
"""About what a bay's sensor gives."""
_DAY_MS = 86_400_000


Stream = tuple[Watch, list[AnyReading]]
"""What a sensor promises, and what it says, in its own order."""


def bench_engine(
    *, readings: int, rounds: int, seed: int, tell: Callable[[str], None], many: int = MANY
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """(figures, ratios), medians of the rounds; CPU time, so that a busy machine alters them little.

    `many` is the size of the large area in bays: a test has no time for 100,000.
    """
    steps, small, large = [], [], []
    streams = city_streams(readings, seed)
    told = sum(len(said) for _, said in streams)
    tell(f"{told:,} readings of {len(streams)} sensors of a simulated city")
    for number in range(1, rounds + 1):
        steps.append(_step_per_s(streams))
        small.append(_fold_per_s(_FEW, readings, seed))
        large.append(_fold_per_s(many, readings, seed))
        tell(f"round {number} of {rounds}: step {steps[-1]:,.0f}/s, fold {small[-1]:,.0f}/s")
    figures = {
        "step_per_s": median(steps),
        "step_readings": told,
        "fold_per_s": median(small),
        "fold_per_s_100k_bays": median(large),
        "readings": readings,
        "rounds": rounds,
    }
    cost = median([one / other for one, other in zip(small, large, strict=True)])
    return {**figures}, {"cost_100k_to_1k_bays": cost}


def city_streams(readings: int, seed: int) -> list[Stream]:
    """What the sensors of a simulated city say and what arrives of it, with the faults of the scenario `typical`, from
    contract bytes by ingest's own way: about so many readings, whole days of `_CITY_BAYS` bays."""
    city = make_city(bays=_CITY_BAYS, seed=seed)
    start_ms = int(START.timestamp() * 1000)
    days = 1 + readings // (_CITY_BAYS * _READINGS_A_DAY)
    history = play(city.plan, seed=seed, start_ms=start_ms, end_ms=start_ms + days * _DAY_MS)
    decoder, sensors = Decoder(city.directory()), city.registry().sensors
    said: dict[DeviceId, dict[ReadingKey, AnyReading]] = {}
    for message in FieldRun(history, SCENARIOS["typical"], seed=seed).messages():
        for reading in decoder.readings(message):
            if reading.device_id in sensors:
                said.setdefault(reading.device_id, {})[reading.key] = reading
    return [
        (
            Watch(sensors[device_id].silent_after, sensors[device_id].overdue_after, Clock.LIVE),
            [own[key] for key in sorted(own)],
        )
        for device_id, own in said.items()
    ]


def _step_per_s(streams: Sequence[Stream]) -> float:
    """One sensor after the other, each in its own order, as the engine does."""
    began = _start()
    for watch, said in streams:
        fold: DeviceFold | None = None
        for reading in said:
            fold, _, _ = step(fold, reading, watch)
    return sum(len(said) for _, said in streams) / (time.process_time() - began)


def _fold_per_s(bays: int, readings: int, seed: int) -> float:
    """Batches of 500 readings, ten seconds of the area's time each; every sensor has spoken before."""
    fold = AreaFold(Registry(_documents(bays)))
    fold.apply(Batch(position=1, watermark=START, readings=list(_readings(bays, bays, seed))))
    fold.take_page()
    made = list(_readings(bays, readings, seed, first_seq=1))
    began = _start()
    for number, first in enumerate(range(0, readings, BATCH), 2):
        watermark = START + timedelta(seconds=10 * number)
        fold.apply(Batch(position=number, watermark=watermark, readings=made[first : first + BATCH]))
        fold.take_page()
    return readings / (time.process_time() - began)


def _start() -> float:
    """Garbage of what came before is nobody's cost here."""
    gc.collect()
    return time.process_time()


def _readings(bays: int, count: int, seed: int, first_seq: int = 0) -> Iterator[AnyReading]:
    """Sensors in turn; half of what they say are changes, half heartbeats, which say the same again."""
    random = Random(f"bench {seed}")  # noqa: S311 - a load, not a secret
    occupied = [False] * bays
    for number in range(count):
        at = START + timedelta(seconds=number * 10 / BATCH)
        change = first_seq + number // bays > 0 and random.random() < 0.5
        occupied[number % bays] ^= change
        yield StateReading(
            device_id=DeviceId(f"s{number % bays}"),
            key=ReadingKey(0, 1, first_seq + number // bays),
            at=at,
            age_ms=None,
            received_at=at + timedelta(seconds=1),
            occupied=occupied[number % bays],
            cause=Cause.CHANGE if change else Cause.HEARTBEAT,
        )


def _documents(bays: int) -> Iterator[tuple[str, str, dict[str, object]]]:
    own: dict[str, object] = {"area_id": AREA}
    place: dict[str, object] = {"lat": 51.48, "lon": -3.18}
    yield (
        "area",
        AREA,
        {"name": {"en": "Bench"}, "time_zone": "Europe/London", "languages": ["en"], "clock": "live"},
    )
    for zone in range((bays + BAYS_A_ZONE - 1) // BAYS_A_ZONE):
        yield "zone", f"z{zone}", {**own, **place, "kind": "street", "name": {"en": f"Street {zone}"}}
    for bay in range(bays):
        yield (
            "bay",
            f"b{bay}",
            {**own, **place, "zone_id": f"z{bay // BAYS_A_ZONE}", "bay_type": "standard"},
        )
        yield "sensor", f"s{bay}", {**own, "model": "bench", "expected_heartbeat_s": _HEARTBEAT_S}
        yield "binding", f"s{bay}@b{bay}@always", {**own, "device_id": f"s{bay}", "bay_id": f"b{bay}"}
