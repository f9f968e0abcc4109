"""`baycast bench engine`: readings per second through one sensor's step, and through the fold of a whole area."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from statistics import median

from baycast.score.city import START
from occupancy.batch import Batch
from occupancy.device_fold import DeviceFold, Watch
from occupancy.fold import AreaFold
from occupancy.model import AnyReading, Cause, Clock, DeviceId, ReadingKey, StateReading
from occupancy.registry import Registry
from occupancy.step import step

AREA = "bench"
BAYS_A_ZONE = 50
BATCH = 500
_HEARTBEAT_S = 3_600
MANY = 100_000
_FEW = 1_000


def bench_engine(
    *, readings: int, rounds: int, seed: int, tell: Callable[[str], None], many: int = MANY
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """(figures, ratios), medians of the rounds; CPU time, so that a busy machine alters them little.

    `many` is the size of the large area in bays: a test has no time for 100,000.
    """
    steps, small, large = [], [], []
    for number in range(1, rounds + 1):
        steps.append(_step_per_s(readings, seed))
        small.append(_fold_per_s(_FEW, readings, seed))
        large.append(_fold_per_s(many, readings, seed))
        tell(f"round {number} of {rounds}: step {steps[-1]:,.0f}/s, fold {small[-1]:,.0f}/s")
    figures = {
        "step_per_s": median(steps),
        "fold_per_s": median(small),
        "fold_per_s_100k_bays": median(large),
        "readings": readings,
        "rounds": rounds,
    }
    cost = median([one / other for one, other in zip(small, large, strict=True)])
    return {**figures}, {"cost_100k_to_1k_bays": cost}


def _step_per_s(readings: int, seed: int) -> float:
    made = list(_readings(1, readings, seed))
    fold: DeviceFold | None = None
    heartbeat = timedelta(seconds=_HEARTBEAT_S)
    watch = Watch(heartbeat * 2.5, heartbeat * 1.25, Clock.LIVE)
    began = _start()
    for reading in made:
        fold, _, _ = step(fold, reading, watch)
    return readings / (time.process_time() - began)


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
    """Sensors in turn; half of what they say are changes, half heartbeats."""
    random = Random(f"bench {seed}")  # noqa: S311 - a load, not a secret
    for number in range(count):
        at = START + timedelta(seconds=number * 10 / BATCH)
        yield StateReading(
            device_id=DeviceId(f"s{number % bays}"),
            key=ReadingKey(0, 1, first_seq + number // bays),
            at=at,
            age_ms=None,
            received_at=at + timedelta(seconds=1),
            occupied=random.random() < 0.5,
            cause=random.choice((Cause.CHANGE, Cause.HEARTBEAT)),
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
