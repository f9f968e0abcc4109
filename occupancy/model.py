"""The domain's types, and their only home.

Times are aware UTC `datetime`s (L7). Counts are bays. A type here says what is known; how it travels is the
business of `firmware_contract` (wire), `store` (rows) and `api` (JSON).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, NewType

import msgspec

AreaId = NewType("AreaId", str)
ZoneId = NewType("ZoneId", str)
BayId = NewType("BayId", str)
DeviceId = NewType("DeviceId", str)
SignId = NewType("SignId", str)

ESTIMATED_FROM = 3
"""Bays of a kind that must be observed, and as many as are not, before anything is estimated from them."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NaiveTimeError(ValueError):
    """A time without an offset reached the core; the shells must hand over aware UTC times."""


def aware(at: datetime, name: str) -> datetime:
    """Return `at`, or raise `NaiveTimeError` naming the field."""
    if at.tzinfo is None:
        raise NaiveTimeError(f"{name}: a time without an offset ({at!r}); give aware UTC")
    return at


class State(StrEnum):
    """What is known of a bay. The default is always UNKNOWN (L4)."""

    FREE = "free"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"
    CLOSED = "closed"


class Cause(StrEnum):
    """Why a bay sensor spoke."""

    CHANGE = "change"
    HEARTBEAT = "heartbeat"
    BOOT = "boot"
    REQUERY = "requery"


class Direction(StrEnum):
    IN = "in"
    OUT = "out"


class Clock(StrEnum):
    """How an area keeps time: by the ingest canary, or by its publisher's clock messages."""

    LIVE = "live"
    EVENT = "event"


class ZoneKind(StrEnum):
    STREET = "street"
    CAR_PARK = "car_park"


class Source(StrEnum):
    """Where a number comes from (L5). The modelled ones are never presented as live."""

    SENSOR = "sensor"
    COUNT = "count"
    ESTIMATE = "estimate"
    FORECAST = "forecast"
    TYPICAL = "typical"
    PRIOR = "prior"


# --- readings: one row of the log each -------------------------------------------------------------------


class ReadingKey(NamedTuple):
    """Orders the readings of one device: the device's own word, never the time of arrival (L2)."""

    incarnation: int
    boot: int
    seq: int


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every reading has. `at` is the device's own raw time, None when it has no clock (then `age_ms`)."""

    device_id: DeviceId
    key: ReadingKey
    at: datetime | None
    age_ms: int | None
    received_at: datetime

    def observed_at(self, clock: Clock) -> datetime:
        """When it happened, as well as we can tell. Pure in the row, so any arrival order gives the same.

        A device without a clock is placed by its age. In a live area a clock ahead of our own receipt by more
        than two minutes, or behind it by more than thirty days, is not believed and the receipt is taken; an
        event area's times are data and stand as they are.
        """
        if self.at is None:
            return self.received_at - timedelta(milliseconds=self.age_ms or 0)
        if clock is Clock.LIVE and not (
            self.received_at - timedelta(days=30) <= self.at <= self.received_at + timedelta(minutes=2)
        ):
            return self.received_at
        return self.at


class StateReading(Reading, frozen=True, kw_only=True, gc=False):
    occupied: bool | None
    cause: Cause
    prev_s: int | None = None
    confidence: float | None = None


class PassageReading(Reading, frozen=True, kw_only=True, gc=False):
    direction: Direction
    confidence: float | None = None
    vehicle: str | None = None
    """What tells this vehicle from others during one visit: compared, never shown (L10)."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name != "vehicle"]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"PassageReading({shown})"


class CountReading(Reading, frozen=True, kw_only=True, gc=False):
    occupied: int
    capacity: int | None = None


class HealthReading(Reading, frozen=True, kw_only=True, gc=False):
    """Also stands for `boot` messages: the device is alive, nothing is said about a vehicle."""


AnyReading = StateReading | PassageReading | CountReading | HealthReading

# --- the registry: what is where, and what holds there ---------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name as people read it, by language. `cy` falls back to `en` in answers, never silently on signs."""

    en: str
    cy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An authority or city. `languages` is the order in which signs speak (Wales: Welsh first)."""

    area_id: AreaId
    name: Name
    time_zone: str
    languages: tuple[str, ...]
    clock: Clock
    bank_holidays: str | None = None
    """Country and subdivision of the `holidays` library, as in "GB-WLS"; None: no bank holidays."""
    overstay_grace_min: int = 10
    """Minutes beyond a limit that are no overstay yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    """`days` are Monday=0..Sunday=6; minutes after local midnight, `closes` up to 1440 and after `opens`."""

    days: frozenset[int]
    opens_min: int
    closes_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityHours:
    """The bays of a car park that are open to the public at certain hours; minutes as in `OpeningHours`."""

    days: frozenset[int]
    starts_min: int
    ends_min: int
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    zone_id: ZoneId
    area_id: AreaId
    kind: ZoneKind
    name: Name
    lat: float
    lon: float
    """The point shown on a map; for a car park, its entrance."""
    line: tuple[tuple[float, float], ...] = ()
    """Geometry as (lon, lat) pairs: a line for a street, a ring for a car park; empty where not surveyed."""
    capacity: int | None = None
    """Bays of a counted car park; None for a street, whose bays are registered one by one."""
    controlled_zone: str | None = None
    opening: tuple[OpeningHours, ...] = ()
    """Empty: always open."""
    height_limit_m: float | None = None
    capacity_hours: tuple[CapacityHours, ...] = ()
    """Where `capacity` does not hold all day; the first that fits counts."""
    night_floor: int | None = None
    """Vehicles that stay in the car park at night; None: learnt."""
    longest_stay_h: int = 24
    """A vehicle token says nothing beyond it, and is forgotten after it."""


class BayType(StrEnum):
    STANDARD = "standard"
    BLUE_BADGE = "blue_badge"
    LOADING = "loading"
    EV = "ev"
    MOTORCYCLE = "motorcycle"
    COACH = "coach"


class Use(StrEnum):
    """What a rule lets a driver do while it is in force."""

    FREE_PARKING = "free_parking"
    LIMITED_WAITING = "limited_waiting"
    PAY = "pay"
    RESIDENT = "resident"
    SHARED = "shared"
    BLUE_BADGE = "blue_badge"
    LOADING = "loading"
    EV = "ev"
    MOTORCYCLE = "motorcycle"
    COACH = "coach"
    NO_PARKING = "no_parking"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One version of one rule. Minutes are civil minutes after midnight; `valid_*` are civil dates as instants."""

    rule_id: str
    area_id: AreaId
    use: Use
    days: frozenset[int]
    starts_min: int = 0
    ends_min: int = 1440
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    max_stay_min: int | None = None
    no_return_min: int | None = None
    permit_areas: tuple[str, ...] = ()
    exemptions: tuple[str, ...] = ()
    """Who the limit does not bind, as in "blue_badge"."""
    bank_holidays: bool = True
    """Whether the rule also applies on a bank holiday."""
    only_on: str | None = None
    """A declared day type ("event", "school_term"): the rule applies on those days only."""
    tariff: str | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bay:
    bay_id: BayId
    zone_id: ZoneId
    area_id: AreaId
    bay_type: BayType
    lat: float
    lon: float
    rule_ids: tuple[str, ...] = ()
    in_service_from: datetime | None = None
    in_service_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """`expected_heartbeat_s` is the maker's promise; silence beyond `silent_after` of it is no evidence at all."""

    device_id: DeviceId
    area_id: AreaId
    model: str
    expected_heartbeat_s: int
    incarnation: int = 0
    gateway: str | None = None
    """The gateway or network server through which it speaks: those that share one fall silent together."""

    @property
    def silent_after(self) -> timedelta:
        """Two and a half heartbeats: two may be lost on the air, the third cannot be late by half a period."""
        return timedelta(seconds=self.expected_heartbeat_s * 2.5)

    @property
    def overdue_after(self) -> timedelta:
        """A heartbeat and a tenth: something is missing, and what was said is less sure."""
        return timedelta(seconds=self.expected_heartbeat_s * 1.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Which sensor watches which bay, in [valid_from, valid_to)."""

    device_id: DeviceId
    bay_id: BayId
    area_id: AreaId
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def holds_at(self, at: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A device that counts vehicles of one car park: a barrier, loop or camera, or the park's own system."""

    device_id: DeviceId
    zone_id: ZoneId
    area_id: AreaId
    model: str
    expected_heartbeat_s: int
    incarnation: int = 0
    min_headway_s: float = 0.0
    """Two vehicles of one direction cannot follow each other sooner: the second is a double read. 0: they can."""

    @property
    def silent_after(self) -> timedelta:
        return timedelta(seconds=self.expected_heartbeat_s * 2.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Declared days of an area by civil date (ISO): "event", "school_term" as inclusive date ranges."""

    area_id: AreaId
    days: tuple[tuple[str, str, str], ...] = ()
    """(day type, first date, last date)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A variable message sign and what it may say. Words are by language; widths are characters."""

    sign_id: SignId
    area_id: AreaId
    name: Name
    zone_ids: tuple[ZoneId, ...]
    lat: float
    lon: float
    driver: str = "general"
    lines: int = 2
    width: int = 12
    ttl_s: int = 60
    full_below: int = 1
    """FULL is claimed when even the most favourable count (`free_max`) is below this many bays."""
    words: tuple[tuple[str, str, str], ...] = ()
    """(state, language, text) overriding the defaults of `signs.words`."""


class OverrideKind(StrEnum):
    """What an operator may put over rules and sensors for a while."""

    SUSPENSION = "suspension"
    CLOSURE = "closure"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What holds for the bays and zones it names during [starts_at, until); docs/overrides.md says it for people."""

    override_id: str
    area_id: AreaId
    kind: OverrideKind
    reason: str
    starts_at: datetime
    ends_at: datetime | None = None
    expires_at: datetime | None = None
    """When an override without a known end lapses unless it is set again."""
    notice: str | None = None
    day_type: str = "event"
    """For an event: the day type of the rules (`only_on`) that it brings into force."""
    bay_ids: frozenset[BayId] = frozenset()
    zone_ids: frozenset[ZoneId] = frozenset()

    @property
    def until(self) -> datetime | None:
        """The first instant at which it no longer holds; None: open-ended."""
        return min((at for at in (self.ends_at, self.expires_at) if at is not None), default=None)

    @property
    def closes(self) -> bool:
        return self.kind is not OverrideKind.EVENT

    def holds_at(self, at: datetime) -> bool:
        until = self.until
        return self.starts_at <= at and (until is None or at < until)

    def covers(self, bay: Bay) -> bool:
        return bay.bay_id in self.bay_ids or bay.zone_id in self.zone_ids


# --- what is derived ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BayState:
    """The live answer for one bay: since when, by which evidence, how sure (0..1), and why in words."""

    bay_id: BayId
    state: State
    since: datetime | None
    as_of: datetime | None
    confidence: float
    reason: str
    device_id: DeviceId | None = None
    suspect: bool = False
    """Whether its sensor is not to be believed now: it leaves the certain counts."""
    last_said: State | None = None
    """What its sensor said last, where that is not claimed any more."""
    free_chance: float | None = None
    """The probability that it is free, where that is not claimed but something was known of late: for estimates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BayInterval:
    """One bay in one state during [started_at, ended_at); `ended_at` None: still so."""

    bay_id: BayId
    started_at: datetime
    ended_at: datetime | None
    state: State
    reason: str
    device_id: DeviceId
    inferred: bool = False
    """Whether `started_at` was worked out, from what was missed or from a wrong clock, rather than reported."""
    uncertain_s: float = 0.0
    """Seconds by which `started_at` may be wrong, either way."""


class Quality(StrEnum):
    """How well an edge of a stay is known."""

    OBSERVED = "observed"
    REPAIRED = "repaired"
    """Worked out from what came later, or from a clock known to be wrong."""
    CENSORED = "censored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One vehicle in one bay, as far as its sensor can tell. `departed_at` None: still there, or not known."""

    bay_id: BayId
    arrived_at: datetime
    departed_at: datetime | None
    arrival: Quality
    departure: Quality | None
    device_id: DeviceId
    arrived_uncertain_s: float = 0.0
    departed_uncertain_s: float = 0.0
    rule_id: str | None = None
    """The rule in force at arrival for a general driver: the one that limits, else the first; None: none."""
    limit_min: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Many sensors silent together in [began_at, ended_at); `ended_at` None: still so. Times are to five minutes."""

    group: str
    """`gateway/ID` or `area/ID`: whose sensors."""
    began_at: datetime
    ended_at: datetime | None
    noticed_at: datetime
    """When silence could no longer be chance."""
    sensors: int
    """How many sensors spoke until then."""


class SuspicionKind(StrEnum):
    """Why a sensor is not to be believed."""

    IMPLAUSIBLE = "implausible"
    """What it says has lasted longer than is plausible there: stuck, or it missed the end."""
    CHATTER = "chatter"
    """More short spells than vehicles make there."""
    CROSSTALK = "crosstalk"
    """It comes and goes with a neighbour, again and again."""
    DRIFT = "drift"
    """Its share of occupied time has left what its own history and its street make plausible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A sensor not to be believed during [began_at, ended_at); `ended_at` None: still so."""

    bay_id: BayId
    device_id: DeviceId
    kind: SuspicionKind
    began_at: datetime
    ended_at: datetime | None
    reason: str
    evidence: Mapping[str, str | float]


class OverstayState(StrEnum):
    CANDIDATE = "candidate"
    """The limit and the grace have run out, and nothing says that the vehicle has left."""
    CONFIRMED = "confirmed"
    """A second word of the sensor, after them, says that it was still there."""
    PUBLISHED = "published"
    """And there is no reason to distrust the sensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overstay:
    """A stay longer than the limit in force. Not evidence of a contravention: no sensor sees a permit or a payment."""

    bay_id: BayId
    arrived_at: datetime
    device_id: DeviceId
    rule_id: str
    limit_min: int
    grace_min: int
    over_from: datetime
    """When the limit ran out; it counts within the hours of its rule only."""
    over_to: datetime | None
    """When the limit ceases to apply, unless the vehicle leaves before; None: not within the days looked at."""
    candidate_at: datetime
    """When the grace had run out, too."""
    confirmed_at: datetime | None
    """Up to when a word after that says that it was still there; no later than `over_to`."""
    ended_at: datetime | None
    """When the vehicle left, or the evidence ended; None: it is still there."""
    state: OverstayState
    evidence: str
    exemptions: tuple[str, ...]
    """Whom the limit does not bind: it may be one of them."""
    not_evidence: bool = True

    @property
    def exemption_possible(self) -> bool:
        return bool(self.exemptions)

    def over_min(self, now: datetime) -> int:
        """Whole minutes beyond the limit, up to `now` where it lasts."""
        ends = [at for at in (self.ended_at, self.over_to) if at is not None]
        return max(0, int((min([now, *ends]) - self.over_from).total_seconds() // 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Bays by what is known of them. `free + occupied + unknown + closed = capacity`, nothing negative (L4)."""

    free: int = 0
    occupied: int = 0
    unknown: int = 0
    closed: int = 0

    def __post_init__(self) -> None:
        if self.free < 0 or self.occupied < 0 or self.unknown < 0 or self.closed < 0:
            raise ValueError(f"a negative count: {self}")

    @property
    def capacity(self) -> int:
        return self.free + self.occupied + self.unknown + self.closed

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            free=self.free + other.free,
            occupied=self.occupied + other.occupied,
            unknown=self.unknown + other.unknown,
            closed=self.closed + other.closed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Bays of a zone that are alike: the same physical type and the same drivers admitted now (L12).

    `access` holds who may use them now: "general", "blue_badge", "permit:CODE", "loading", "ev", "motorcycle",
    "coach"; empty when closed. `max_stay_min` is the limit in force for a general driver, None: no limit.
    """

    bay_type: BayType
    access: frozenset[str]
    counts: Counts
    max_stay_min: int | None = None
    guessed: int = 0
    """Of the unknown: those of which something was known of late (an outage cut them off, or they are doubted)."""
    guessed_free: float = 0.0
    """Of these, how many are free on average."""

    @property
    def heard(self) -> int:
        """How many something is known of."""
        return self.counts.free + self.counts.occupied + self.guessed

    @property
    def heard_free(self) -> float:
        """How many of those are free: known to be, or by what has been learnt since they last were."""
        return self.counts.free + self.guessed_free

    @property
    def unheard(self) -> int:
        return self.counts.unknown - self.guessed

    @property
    def estimated_free(self) -> float | None:
        """How many are free: of those heard, and of the others as large a share; None: too few are heard to say."""
        return _with_unheard(self.heard_free, self.heard, self.unheard)


def _with_unheard(free: float, heard: int, unheard: int) -> float | None:
    if unheard == 0:
        return free
    return free + unheard * free / heard if heard >= max(ESTIMATED_FROM, unheard) else None


def sum_of_estimates(groups: Iterable[Group]) -> int | None:
    """The estimate for some groups together, in whole bays; None: there is none for one of them."""
    found = [group.estimated_free for group in groups]
    return None if None in found else round(sum(estimate for estimate in found if estimate is not None))


def estimate_of_all(groups: Sequence[Group]) -> int | None:
    """The estimate for the groups of a zone, in whole bays. A group of which too few are heard is taken to be like all
    of them together; None: of those too few are heard, too."""
    free, heard = sum(group.heard_free for group in groups), sum(group.heard for group in groups)
    if _with_unheard(free, heard, sum(group.unheard for group in groups)) is None:
        return sum_of_estimates(groups)
    estimate = 0.0
    for group in groups:
        own = group.estimated_free
        estimate += group.heard_free + group.unheard * free / heard if own is None else own
    return round(estimate)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneAvailability:
    """The live answer for one zone. `free_min..free_max` bound what is not known."""

    zone_id: ZoneId
    groups: tuple[Group, ...]
    free_min: int
    free_max: int
    as_of: datetime | None
    """The newest evidence behind it; None: there is none."""
    source: Source
    confidence: float
    coverage: float
    """Share of the bays in service whose state is observed now, 0..1."""
    counts: Counts = field(default=Counts())

    @property
    def free_estimate(self) -> int | None:
        """An estimate, never shown as observed: those free, and of those not known the share of their like."""
        return estimate_of_all(self.groups)

    def __post_init__(self) -> None:
        total = sum((group.counts for group in self.groups), Counts())
        if total != self.counts:
            raise ValueError(f"{self.zone_id}: the groups add up to {total}, not {self.counts}")
        if not 0 <= self.free_min <= self.counts.free <= self.free_max <= self.counts.capacity:
            raise ValueError(
                f"{self.zone_id}: bounds {self.free_min}..{self.free_max} do not hold {self.counts}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneCell:
    """Fifteen minutes of one zone in bay-seconds by state; written once the watermark has passed its end."""

    zone_id: ZoneId
    cell_at: datetime
    free_s: float
    occupied_s: float
    unknown_s: float
    closed_s: float
    arrivals: int
    departures: int
