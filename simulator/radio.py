"""The way from the sensors to the broker: what is lost, doubled, overtaken, or kept by a gateway for a while."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import NamedTuple

from simulator.scenarios import Faults
from simulator.sensor_eye import HOUR_MS, Said
from simulator.sensor_models import Confirmed, Kept

_WEEK_MS = 7 * 24 * HOUR_MS
ITEMS_A_BATCH = 100
BATCH_EVERY_MS = 2_000


class Outage(NamedTuple):
    """A gateway ("late": it keeps what it hears; "gateway_down") or everything ("network_down") is away."""

    start_ms: int
    end_ms: int
    why: str
    gateway: int | None


class Arrival(NamedTuple):
    """What reaches the broker at `at_ms`: items of (sensor, what it said); a gateway's batch when `gateway` is set.

    `sent_ms` is when it left the device, or the gateway that kept it.
    """

    at_ms: int
    sent_ms: int
    items: tuple[tuple[int, Said], ...]
    gateway: int | None = None


@dataclass(slots=True)
class Carried:
    """What became of one sensor's messages, in their order: when each first arrived, or why it never did."""

    received_ms: list[int | None] = field(default_factory=list)
    why: list[str] = field(default_factory=list)


class Radio:
    """All gateways of a city over one run. `gateway_of` holds each sensor's gateway."""

    def __init__(
        self, faults: Faults, gateway_of: Sequence[int], *, seed: int, start_ms: int, end_ms: int
    ) -> None:
        self._faults = faults
        self._gateway_of = gateway_of
        self._seed = seed
        self._end_ms = end_ms
        self.outages = _outages(faults, max(gateway_of, default=-1) + 1, seed, start_ms, end_ms)
        self._by_gateway: dict[int, list[Outage]] = {
            gateway: [outage for outage in self.outages if outage.gateway in (None, gateway)]
            for gateway in set(gateway_of)
        }
        self._kept: dict[Outage, list[tuple[int, Said]]] = {}

    def carry(
        self,
        sensor: int,
        said: Iterable[Said],
        arrivals: list[Arrival],
        resends: Confirmed | Kept | None = None,
    ) -> Carried:
        """Add to `arrivals` what arrives on its own; what gateways keep is handed over by `batches`."""
        random = Random(f"radio {self._seed} {sensor}")  # noqa: S311 - a simulation
        loss = random.uniform(*self._faults.loss)
        carried = Carried()
        missing: list[tuple[int, Said]] = []
        for number, one in enumerate(said):
            tries = [one.sent_ms]
            if isinstance(resends, Confirmed):
                waits = (random.uniform(*resends.wait_s) for _ in range(resends.retries))
                tries = list(accumulate((int(wait * 1000) for wait in waits), initial=one.sent_ms))
            at_ms, why = self._try(sensor, one, tries, loss, random, arrivals)
            carried.received_ms.append(at_ms)
            carried.why.append(why)
            if not isinstance(resends, Kept):
                continue
            missing = [
                item for item in missing if item[1].boot == one.boot and number - item[0] < resends.events
            ]
            if at_ms is None:
                missing.append((number, one))
                continue
            for late, old in tuple(missing):
                asked_ms = at_ms + int(random.uniform(*resends.answer_s) * 1000)
                carried.received_ms[late], _ = self._try(sensor, old, [asked_ms], loss, random, arrivals)
            missing = [item for item in missing if carried.received_ms[item[0]] is None]
        return carried

    def _try(
        self,
        sensor: int,
        said: Said,
        tries: Sequence[int],
        loss: float,
        random: Random,
        arrivals: list[Arrival],
    ) -> tuple[int | None, str]:
        """Send it at each of the times until it is heard: when it arrives (None: never), and what befell it first."""
        first = ""
        for sent_ms in tries:
            away = self._away(sensor, sent_ms)
            if random.random() < loss:
                first = first or "lost"
            elif away is not None and away.why == "late":
                self._kept.setdefault(away, []).append((sensor, said))
                return (away.end_ms if away.end_ms < self._end_ms else None), "late"
            elif away is not None:
                first = first or away.why
            else:
                at_ms, why = self._arrive(sensor, said, sent_ms, random, arrivals)
                return at_ms, first or why
        return None, first

    def _away(self, sensor: int, at_ms: int) -> Outage | None:
        outages = self._by_gateway[self._gateway_of[sensor]]
        return next((outage for outage in outages if outage.start_ms <= at_ms < outage.end_ms), None)

    def _arrive(
        self, sensor: int, said: Said, sent_ms: int, random: Random, arrivals: list[Arrival]
    ) -> tuple[int, str]:
        at_ms, why = sent_ms + random.randint(200, 2_000), ""
        if random.random() < self._faults.reordered:
            at_ms, why = at_ms + random.randint(5_000, 600_000), "reordered"
        arrivals.append(Arrival(at_ms, sent_ms, ((sensor, said),)))
        if random.random() < self._faults.duplicated:
            arrivals.append(Arrival(at_ms + random.randint(500, 900_000), sent_ms, ((sensor, said),)))
        return at_ms, why

    def batches(self) -> Iterable[Arrival]:
        """What the gateways kept, as they hand it over once their line is back."""
        for outage, kept in self._kept.items():
            if outage.end_ms >= self._end_ms:
                continue
            kept.sort(key=lambda item: item[1].sent_ms)
            for number, first in enumerate(range(0, len(kept), ITEMS_A_BATCH)):
                at_ms = outage.end_ms + number * BATCH_EVERY_MS
                yield Arrival(at_ms, at_ms, tuple(kept[first : first + ITEMS_A_BATCH]), outage.gateway)


def _outages(faults: Faults, gateways: int, seed: int, start_ms: int, end_ms: int) -> list[Outage]:
    random = Random(f"outages {seed}")  # noqa: S311 - a simulation
    found: list[Outage] = []
    for why, a_week, hours in (
        ("late", faults.late_week, faults.late_hours),
        ("gateway_down", faults.deaf_week, faults.deaf_hours),
    ):
        for gateway in range(gateways if a_week else 0):
            at = start_ms + int(random.expovariate(a_week / _WEEK_MS))
            while at < end_ms:
                until = at + int(random.uniform(*hours) * HOUR_MS)
                found.append(Outage(at, until, why, gateway))
                at = until + int(random.expovariate(a_week / _WEEK_MS))
    length_ms = end_ms - start_ms
    for number, hours_down in enumerate(faults.network_down_hours, 1):
        # Never more than a tenth of a short run, so that there is something to judge beside the outage.
        at = start_ms + number * length_ms // (len(faults.network_down_hours) + 1)
        until = at + min(int(hours_down * HOUR_MS), length_ms // 10)
        found.append(Outage(at, until, "network_down", None))
    return sorted(found, key=lambda outage: outage.start_ms)
