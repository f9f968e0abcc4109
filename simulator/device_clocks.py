"""What a sensor's clock says when it is not right, and what it sends then."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from simulator.scenarios import Clocks

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DECADES_MS = (-1_790_000_000_000, -820_000_000_000, 630_000_000_000)
"""About: 1970 and 2000 for a run in 2026, and two decades ahead."""
EARLIEST_MS = 0


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """`kind` names the fault, "right" for none. `gain` is the clock's own rate minus one."""

    kind: str = "right"
    offset_ms: int = 0
    gain: float = 0.0

    def shows(self, at_ms: int, start_ms: int) -> int | None:
        """The time it puts into a message about `at_ms`; None: it has no clock."""
        if self.kind == "absent":
            return None
        return max(EARLIEST_MS, at_ms + self.offset_ms + int((at_ms - start_ms) * self.gain))


def draw_clock(clocks: Clocks, random: Random) -> DeviceClock:
    luck = random.random()
    for kind in ("minutes", "hours", "decades", "drift", "absent"):
        share: float = getattr(clocks, kind)
        if luck < share:
            return _faulty(kind, random)
        luck -= share
    return DeviceClock()


def _faulty(kind: str, random: Random) -> DeviceClock:
    way = random.choice((-1, 1))
    if kind == "minutes":
        return DeviceClock(kind, way * int(random.uniform(2, 45) * MINUTE_MS))
    if kind == "hours":
        return DeviceClock(kind, way * random.choice((1, 1, 1, 2, 5)) * HOUR_MS)
    if kind == "decades":
        return DeviceClock(kind, random.choice(DECADES_MS) + random.randint(0, 400) * HOUR_MS)
    if kind == "drift":
        return DeviceClock(kind, 0, way * random.uniform(50e-6, 400e-6))
    return DeviceClock(kind)
