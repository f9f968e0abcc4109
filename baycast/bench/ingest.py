"""Measures the way in: QoS 1 PUBLISH, broker, ingest, COMMIT, PUBACK, all of it on this machine.

In every round the same number of messages takes each way: through ingest; through the broker alone, to a compiled
subscriber; as rows into the database alone; and, fewer of them, through what tutorials show. Ratios are taken
within a round, so that a slow minute of the machine slows both sides, and the median of the rounds is told.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from baycast.bench.ingest_load import Load, device_id, keys
from baycast.bench.ingest_rivals import (
    NO_MOSQUITTO_SUB,
    broker_rate,
    copy_rate,
    mosquitto_sub,
    tutorial_rate,
)
from baycast.bench.ingest_system import IngestSystem, go, ingest_system, publisher, result
from baycast.measured import measured
from baycast.settings import Settings, UsageError
from firmware_contract.topics import PREFIX
from store.postgres import Connection, connect

AREA = "bench"
_STORED_WITHIN_S = 120.0
_POLL_S = 0.01
"""Between two counts of the rows: far below the seconds that are measured, and the count itself costs CPU time."""
_PREFIX = f"{PREFIX}/dev/"
_TUTORIAL_SHARE = 10
"""The tutorial's pipeline gets one message in so many: it is that slow."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. Raises `ValueError` for a plan that measures nothing or too much."""

    messages: int
    rounds: int
    devices: int
    rate: float
    seconds: float
    seed: int
    server: str | None = None
    """URL of a database server to measure on; None: the embedded one."""

    def __post_init__(self) -> None:
        if not (1000 <= self.messages <= 1_000_000 and 1 <= self.rounds <= 20):
            raise ValueError("--messages is from 1000 to 1000000, --rounds from 1 to 20")
        if not (1 <= self.devices <= 50_000 and 0 < self.rate <= 5000 and 1 <= self.seconds <= 600):
            raise ValueError(
                "--devices is from 1 to 50000, --rate above 0 and at most 5000, --seconds from 1 to 600"
            )


def measure(plan: Plan, settings: Settings, say: Callable[[str], None]) -> dict[str, object]:
    """Start what is needed, measure, stop it. Raises `UsageError`."""
    subscriber = mosquitto_sub()
    if subscriber is None:
        say(NO_MOSQUITTO_SUB)
    with (
        ingest_system(settings, plan.server) as system,
        connect(system.database_url, autocommit=True) as conn,
    ):
        bench = _Bench(plan, system, conn, say)
        bench.register()
        for number in range(plan.rounds):
            say(f"round {number + 1} of {plan.rounds}")
            bench.round(subscriber)
        latencies = bench.publish_to_commit()
    notes = {} if subscriber else {"notes": [NO_MOSQUITTO_SUB]}
    return measured("bench ingest", plan.seed, bench.figures(latencies), bench.ratios(), **notes)


@dataclass(slots=True)
class _Bench:
    plan: Plan
    system: IngestSystem
    conn: Connection
    say: Callable[[str], None]
    next_message: int = 0
    rates: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu_us: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def register(self) -> None:
        """The area and its sensors; each has spoken once, as in a city that runs."""
        from store.registry import Change, apply

        name = {"en": "Bench", "cy": "Mainc"}
        area = {"name": name, "time_zone": "Europe/London", "languages": ["cy", "en"], "clock": "live"}
        sensor = {"area_id": AREA, "model": "bench", "expected_heartbeat_s": 86_400}
        sensors = [Change("sensor", device_id(n), sensor) for n in range(self.plan.devices)]
        at = datetime.fromtimestamp(time.time(), UTC)
        apply(self.conn, [Change("area", AREA, area), *sensors], entered_by="baycast bench", entered_at=at)
        self._durable(self._load(self.plan.devices))

    def round(self, subscriber: str | None) -> None:
        """Every way once."""
        plan = self.plan
        before = self._last_batch()
        cpu = self.system.cpu_s()
        rate, publisher_s = self._durable(self._load(plan.messages))
        used = self.system.cpu_s()
        used["publisher"] = publisher_s
        for name, seconds in used.items():
            self.cpu_us[name].append(1e6 * (seconds - cpu.get(name, 0.0)) / plan.messages)
        self.rates["durable"].append(rate)
        if subscriber is not None:
            self.rates["broker_c"].append(
                broker_rate(self.system, self._load(plan.messages, "bench/c/"), subscriber)
            )
        self.rates["copy"].append(copy_rate(self.system, before))
        few = self._load(plan.messages // _TUTORIAL_SHARE, "bench/t/")
        self.rates["tutorial"].append(tutorial_rate(self.system, few))
        self.say("  ".join(f"{name} {rates[-1]:,.0f}/s" for name, rates in self.rates.items()))

    def publish_to_commit(self) -> list[float]:
        """Seconds from each PUBLISH until another session sees its COMMIT, at an even rate, sorted."""
        plan = self.plan
        load = self._load(int(plan.rate * plan.seconds), rate=plan.rate)
        first = self._last_batch()
        seen_at: dict[int, float] = {}
        stored, target = 0, load.count
        with publisher(load) as sender, connect(self.system.database_url, autocommit=True) as conn:
            conn.execute("LISTEN baycast_log")
            position = self._position()
            go(sender)
            deadline = time.monotonic() + plan.seconds + _STORED_WITHIN_S
            while stored < target:
                for _ in conn.notifies(timeout=1.0, stop_after=1):
                    pass
                rows = conn.execute(
                    "SELECT position, batch_id, readings FROM log_batch WHERE area = $1 AND position > $2",
                    (AREA, position),
                ).fetchall()
                now = time.monotonic()
                for at, batch_id, readings in rows:
                    position = max(position, at)
                    seen_at[batch_id] = now
                    stored += readings
                if now > deadline:
                    raise UsageError(f"bench ingest: of {target} paced messages {stored} were stored")
            sent_at = dict(zip(keys(load), result(sender)["sent_at"], strict=True))
        rows = self.conn.execute(
            "SELECT device_id, seq, batch_id FROM reading WHERE batch_id > $1", (first,)
        ).fetchall()
        return sorted(seen_at[batch] - sent_at[device, seq] for device, seq, batch in rows)

    def figures(self, latencies_s: list[float]) -> Mapping[str, float]:
        """Medians of the rounds."""
        cuts = statistics.quantiles((1000 * each for each in latencies_s), n=100, method="inclusive")
        figures: dict[str, float] = {
            "durable_per_s": statistics.median(self.rates["durable"]),
            "cpu_us_per_message": statistics.median(self.cpu_us["ingest"]),
        }
        parts = {name: median for name, median in _medians(self.cpu_us) if name.startswith("ingest.")}
        figures |= {f"cpu_us.{name.removeprefix('ingest.')}": value for name, value in parts.items()}
        figures["cpu_us.other"] = figures["cpu_us_per_message"] - sum(parts.values())
        figures |= {
            f"system_cpu_us.{name}": value for name, value in _medians(self.cpu_us) if "." not in name
        }
        figures |= {f"{name}_per_s": value for name, value in _medians(self.rates) if name != "durable"}
        figures |= {
            "publish_to_commit_p50_ms": cuts[49],
            "publish_to_commit_p99_ms": cuts[98],
            "publish_to_commit_max_ms": 1000 * latencies_s[-1],
            "paced_per_s": self.plan.rate,
            "messages": self.plan.messages,
            "rounds": self.plan.rounds,
            "devices": self.plan.devices,
        }
        return figures

    def ratios(self) -> Mapping[str, float]:
        """Ingest's durable rate to each rival's, within a round; medians of the rounds."""
        return {
            f"to_{name}": statistics.median(
                ours / theirs for ours, theirs in zip(self.rates["durable"], rates, strict=True)
            )
            for name, rates in self.rates.items()
            if name != "durable"
        }

    def _load(self, count: int, prefix: str = _PREFIX, rate: float = 0.0) -> Load:
        first, plan = self.next_message, self.plan
        if prefix == _PREFIX:
            self.next_message += count
        return Load(
            port=self.system.port,
            prefix=prefix,
            first=first,
            count=count,
            devices=plan.devices,
            seed=plan.seed,
            rate=rate,
        )

    def _durable(self, load: Load) -> tuple[float, float]:
        """Messages per second from the first PUBLISH until all are committed; the publisher's CPU seconds."""
        target = self._stored() + load.count
        with publisher(load) as sender:
            began = time.monotonic()
            go(sender)
            while (stored := self._stored()) < target:
                if time.monotonic() > began + _STORED_WITHIN_S:
                    raise UsageError(f"bench ingest: {target - stored} of {load.count} were not stored")
                time.sleep(_POLL_S)  # what is waited for are rows of another process
            took_s = time.monotonic() - began
            return load.count / took_s, float(result(sender)["cpu_s"])

    def _stored(self) -> int:
        return self._number("SELECT coalesce(sum(readings), 0) FROM log_batch WHERE area = $1")

    def _last_batch(self) -> int:
        return self._number("SELECT coalesce(max(batch_id), 0) FROM log_batch WHERE area = $1")

    def _position(self) -> int:
        return self._number("SELECT position FROM log_head WHERE area = $1")

    def _number(self, query: str) -> int:
        row = self.conn.execute(query, (AREA,)).fetchone()
        return 0 if row is None else int(row[0])


def _medians(samples: Mapping[str, list[float]]) -> list[tuple[str, float]]:
    return [(name, statistics.median(values)) for name, values in samples.items()]
