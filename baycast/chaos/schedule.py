"""What goes wrong when: a pure function of profile, seed and number of events.

A step's moment is a number of acknowledged events, not a time, so that the same seed hits the same place of the
same stream on a slow machine and on a fast one.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from baycast.chaos import city


class Fault(StrEnum):
    """The kinds of fault; the values are in figures and plans, so they keep their meaning."""

    INGEST_KILL = "ingest_kill"
    CRASH_ENQUEUED = "crash_enqueued"
    CRASH_RECEIVED = "crash_received"
    CRASH_BEFORE_COMMIT = "crash_before_commit"
    CRASH_COMMITTED = "crash_committed"
    CRASH_MID_ACK = "crash_mid_ack"
    INGEST_STOP = "ingest_stop"
    INGEST_PAUSE = "ingest_pause"
    ENGINE_KILL = "engine_kill"
    DB_STOP = "db_stop"
    DB_KILL = "db_kill"
    DB_BACKEND_KILL = "db_backend_kill"
    DB_OUTAGE = "db_outage"
    DB_BLACKHOLE = "db_blackhole"
    DB_SLOW = "db_slow"
    DB_CUT = "db_cut"
    DB_SLICES = "db_slices"
    DB_READ_ONLY = "db_read_only"
    DB_FULL = "db_full"
    BROKER_RESTART = "broker_restart"
    BROKER_KILL = "broker_kill"
    BROKER_KILL_QUEUED = "broker_kill_queued"
    MQTT_BLACKHOLE = "mqtt_blackhole"
    MQTT_SLOW = "mqtt_slow"
    MQTT_CUT = "mqtt_cut"
    MQTT_SLICES = "mqtt_slices"
    REGISTER = "register"


CRASH_POINTS: Mapping[Fault, str] = {
    Fault.CRASH_ENQUEUED: "enqueued",
    Fault.CRASH_RECEIVED: "received",
    Fault.CRASH_BEFORE_COMMIT: "before_commit",
    Fault.CRASH_COMMITTED: "committed",
}
"""Ingest's named crash points, for which it is armed: in its queue; a batch received; all written; committed, nothing
acknowledged. The last one, amid the acknowledgements, is struck from outside: when the broker has so many bytes."""

LONGEST_S: Mapping[Fault, float] = {
    Fault.INGEST_PAUSE: 3.0,
    Fault.DB_STOP: 1.0,
    Fault.DB_KILL: 1.0,
    Fault.DB_BLACKHOLE: 4.0,
    Fault.DB_SLOW: 3.0,
    Fault.DB_SLICES: 2.0,
    Fault.DB_READ_ONLY: 2.0,
    Fault.DB_FULL: 2.0,
    Fault.BROKER_RESTART: 0.5,
    Fault.BROKER_KILL: 0.5,
    Fault.BROKER_KILL_QUEUED: 1.0,
    Fault.MQTT_BLACKHOLE: 3.0,
    Fault.MQTT_SLOW: 3.0,
    Fault.MQTT_SLICES: 2.0,
}
"""How long a fault of a kind may last; the others are over at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A mixture of faults and the stream they are let loose on."""

    name: str
    about: str
    events: int
    rate: float
    """Events per second that the publisher sends at most."""
    devices: int
    faults: Mapping[Fault, int]
    outage_s: float = 0.0
    """How long each `db_outage` lasts."""
    durable_broker: bool = False
    """The broker writes its state to disk after each round of changes: slow, and a kill costs a message or two."""
    again_s: float = 0.0
    """After a reconnect the publisher sends again what was acknowledged so shortly before."""
    broker_may_lose: bool = False
    """Broker kills with the ordinary configuration: what is lost must show as a gap in the sequence numbers."""
    poison_share: float = 0.01
    compresses: bool = False
    """On a TimescaleDB outside, where chunks are compressed all the time. Some sensors are registered late: what they
    said waits in quarantine, and then comes into compressed chunks."""

    @property
    def breaks_network(self) -> bool:
        """Whether ingest has to be behind proxies: they take a share of the machine."""
        return not self.faults.keys().isdisjoint({*NETWORK, Fault.CRASH_MID_ACK})


@dataclass(frozen=True, slots=True)
class Step:
    """One fault: begins when `at` events are acknowledged, lasts `seconds`. `count` is a crash point's n-th passing,
    or a cut's k-th byte."""

    at: int
    fault: Fault
    seconds: float
    count: int

    def __str__(self) -> str:
        lasts = f" for {self.seconds:.2f} s" if self.seconds else ""
        counted = "passing" if self.fault in CRASH_POINTS else "byte"
        where = f" at {counted} {self.count}" if self.count else ""
        return f"{self.at:>9}  {self.fault}{where}{lasts}"


_POINTS = (*CRASH_POINTS, Fault.CRASH_MID_ACK)
_LASTING = (
    Fault.DB_BLACKHOLE,
    Fault.DB_SLOW,
    Fault.DB_SLICES,
    Fault.MQTT_BLACKHOLE,
    Fault.MQTT_SLOW,
    Fault.MQTT_SLICES,
)
NETWORK = frozenset({*_LASTING, Fault.DB_CUT, Fault.MQTT_CUT})
"""Faults that are made by a proxy alone."""

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="commit",
            about="every kind of fault once or more, within three minutes",
            events=50_000,
            rate=1000,
            devices=240,
            faults={
                Fault.INGEST_KILL: 6,
                **dict.fromkeys(_POINTS, 1),
                Fault.CRASH_BEFORE_COMMIT: 2,
                Fault.CRASH_COMMITTED: 2,
                Fault.INGEST_STOP: 1,
                Fault.INGEST_PAUSE: 1,
                Fault.ENGINE_KILL: 3,
                Fault.DB_STOP: 1,
                Fault.DB_KILL: 2,
                Fault.DB_BACKEND_KILL: 1,
                **dict.fromkeys(_LASTING, 1),
                Fault.DB_CUT: 3,
                Fault.MQTT_CUT: 3,
                Fault.DB_READ_ONLY: 1,
                Fault.DB_FULL: 1,
                Fault.BROKER_RESTART: 1,
            },
        ),
        Profile(
            name="long",
            about="300 kills of ingest and 50 of the database over two million events",
            events=2_000_000,
            rate=2000,
            devices=300,
            faults={
                Fault.INGEST_KILL: 40,
                **dict.fromkeys(_POINTS, 34),
                Fault.INGEST_STOP: 10,
                Fault.INGEST_PAUSE: 10,
                Fault.ENGINE_KILL: 20,
                Fault.DB_STOP: 10,
                Fault.DB_KILL: 40,
                Fault.DB_BACKEND_KILL: 10,
                **dict.fromkeys(_LASTING, 5),
                Fault.DB_CUT: 30,
                Fault.MQTT_CUT: 30,
                Fault.DB_READ_ONLY: 5,
                Fault.DB_FULL: 5,
                Fault.BROKER_RESTART: 5,
            },
        ),
        Profile(
            name="outage",
            about="ten minutes without the database at 2,000 events a second",
            events=1_500_000,
            rate=2000,
            devices=300,
            faults={Fault.DB_OUTAGE: 1},
            outage_s=600,
            poison_share=0.0,
        ),
        Profile(
            name="broker",
            about="50 broker kills, the durable configuration, publishers that overlap: nothing may be lost",
            events=20_000,
            rate=150,
            devices=100,
            faults={Fault.BROKER_KILL: 30, Fault.BROKER_KILL_QUEUED: 20},
            durable_broker=True,
            again_s=1.0,
        ),
        Profile(
            name="stock",
            about="broker kills with the ordinary configuration: each loss must be reported as a gap",
            events=20_000,
            rate=500,
            devices=100,
            faults={Fault.BROKER_KILL: 4, Fault.BROKER_KILL_QUEUED: 8},
            broker_may_lose=True,
        ),
        Profile(
            name="poison",
            about="a million messages with one percent of poison, and a few kills",
            events=1_000_000,
            rate=4000,
            devices=300,
            faults={Fault.INGEST_KILL: 10, **dict.fromkeys(_POINTS, 3)},
        ),
        Profile(
            name="compress",
            about="kills of ingest while TimescaleDB compresses old chunks and late readings come into them",
            events=60_000,
            rate=1000,
            devices=240,
            faults={
                Fault.REGISTER: city.LATE_LOTS,
                Fault.INGEST_KILL: 6,
                **dict.fromkeys(_POINTS, 2),
                Fault.ENGINE_KILL: 2,
                Fault.DB_BLACKHOLE: 2,
                Fault.DB_CUT: 6,
            },
            poison_share=0.0,
            compresses=True,
        ),
    )
}


def schedule(profile: Profile, seed: int, events: int, faults: int | None = None) -> list[Step]:
    """The steps in order, from 2 % to 95 % of the events. With `faults` so many of the mixture, drawn at random."""
    dice = random.Random(f"faults {profile.name} {seed}")  # noqa: S311 - reproducible on purpose
    kinds = [fault for fault, times in sorted(profile.faults.items()) for _ in range(times)]
    dice.shuffle(kinds)
    if faults is not None:
        kinds = kinds[:faults]
    slots = len(kinds)
    steps = []
    for slot, fault in enumerate(kinds):
        # An outage comes first thing: the stream is to outlast it, and what drains it.
        share = 0.02 if fault is Fault.DB_OUTAGE else 0.02 + 0.93 * (slot + dice.random()) / slots
        steps.append(Step(int(events * share), fault, _seconds(profile, fault, dice), _count(fault, dice)))
    return steps


def _seconds(profile: Profile, fault: Fault, dice: random.Random) -> float:
    if fault is Fault.DB_OUTAGE:
        return profile.outage_s
    longest = LONGEST_S.get(fault, 0.0)
    return round(longest * dice.uniform(0.3, 1.0), 2)


def _count(fault: Fault, dice: random.Random) -> int:
    if fault in CRASH_POINTS:
        return dice.randint(1, 6)
    if fault is Fault.CRASH_MID_ACK:
        return int(10 ** dice.uniform(0, 3.3))  # a PUBACK has four bytes, a batch up to a thousand of them
    if fault in (Fault.DB_CUT, Fault.MQTT_CUT):
        return int(10 ** dice.uniform(0, 4))  # a few bytes of a reply as often as the middle of a batch
    return 0
