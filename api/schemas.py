"""The shape of the answers, for the OpenAPI document and for the tests that hold the answers against it.

The answers themselves are rendered as bytes elsewhere; these models never see a request.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.forecast_schemas import Outlook, WithinRadius
from api.rule_schemas import Kerb, Opening, OverrideInForce, RuleInForce, Words


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


Source = Literal["sensor", "count", "estimate", "forecast", "typical", "prior"]
State = Literal["free", "occupied", "unknown", "closed"]


class Name(_Shape):
    en: str
    cy: str = Field(description="The English name where there is no Welsh one")


class Counts(_Shape):
    """Bays: free + occupied + unknown + closed = capacity."""

    capacity: int = Field(ge=0)
    free: int = Field(ge=0)
    occupied: int = Field(ge=0)
    unknown: int = Field(ge=0)
    closed: int = Field(ge=0)


class Usable(Counts):
    status: Literal["free", "unknown", "full", "closed", "suspended", "not_for_you"] = Field(
        description="free: one is known to be free; unknown: none is, one may be; full: all that are open are taken; "
        "else nothing is usable, and why most of the bays are not"
    )


class Estimated(_Shape):
    """Modelled: the bays not known are taken to be as those of their kind that are observed in the zone."""

    free: int | None = Field(ge=0, description="Whole bays; null: for some of the bays there is no ground")
    usable: int | None = Field(ge=0, description="Of the bays in `usable`")
    source: Literal["estimate"]


class Zone(Counts):
    """One zone as it is known now. Shown to people as a street or a car park."""

    id: str
    name: Name
    area: str
    kind: Literal["street", "car_park"]
    lat: float
    lon: float
    free_min: int = Field(
        ge=0, description="At least so many are free, nine times in ten, whatever the unknown ones are"
    )
    free_max: int = Field(
        ge=0, description="At most so many are free, nine times in ten, whatever the unknown ones are"
    )
    usable: Usable = Field(
        description="Only the bays that the driver of `for=` may use now, or from arrival to departure, as they are now"
    )
    estimated_free: Estimated | None = Field(
        description="With the bays that are not known; null: there are none, or no ground for an estimate"
    )
    as_of: datetime | None = Field(
        description="The newest evidence; null: there is none. Where an override closes the zone, when it began"
    )
    source: Source = Field(
        description="prior: all is closed by rules, hours or an override, which are known beforehand"
    )
    confidence: float = Field(ge=0, le=1)
    coverage: float = Field(ge=0, le=1, description="Share of the bays observed now")
    by_bay_type: dict[str, Counts]
    rules_in_force: list[str] = Field(description="Ids of those that hold for some of the bays now")
    overrides_in_force: list[str]
    stale: bool = Field(
        description="The sensors' way has been silent for more than 30 s; after 300 s all is unknown"
    )


class NearZone(Zone):
    forecast: Outlook | None = Field(
        None, description="Only with `arrive_in` or `arrive_at`; null: the area has no such time"
    )
    distance_m: float | None = Field(None, ge=0, description="Straight line, only with `near`")


class PlacedZone(Zone):
    line: list[tuple[float, float]] = Field(description="[lon, lat] pairs; empty where not surveyed")
    controlled_zone: str | None
    height_limit_m: float | None
    step_free: bool | None = Field(description="A way without steps to the street; null: not known")
    ev_connectors: list[str] = Field(description="Of a car park; those of a street are in `kerb`")
    opening: list[Opening] = Field(description="Empty: always open")
    opening_words: Words | None = Field(description="Of a car park")
    kerb: list[Kerb]
    distance_m: float | None = Field(None, ge=0, description="Straight line, only with `near`")


class _Versioned(_Shape):
    version: str = Field(
        description="Opaque. Equal versions mean equal answers, from any server of the same store"
    )
    as_of: datetime | None = Field(description="Everything that reached us up to then is in it")
    stale: bool
    rules: dict[str, RuleInForce] = Field(description="Those that the zones of this answer name, by id")
    overrides: dict[str, OverrideInForce]


class OneZone(PlacedZone, _Versioned):
    """One zone."""


class _Since(_Versioned):
    complete: bool = Field(
        description="Every zone that was asked for is in it; false: only those that changed since `prev`"
    )
    prev: str | None = Field(None, description="The `since` that was asked with; only when not complete")
    gone: list[str] = Field(
        default=[],
        description="Zones that changed and have not what was asked for: drop them; only when not complete",
    )

    within_radius: WithinRadius | None = Field(
        None, description="Only with `near` and `arrive_in` or `arrive_at`"
    )


class Snapshot(_Since):
    zones: list[NearZone]


class ZonePage(_Versioned):
    zones: list[PlacedZone]
    next: str | None = Field(description="Give it as `after` for the next page; null: this was the last")


class Geometry(_Shape):
    type: Literal["Point", "LineString", "Polygon"]
    coordinates: list[object]


class Feature(_Shape):
    type: Literal["Feature"]
    id: str
    geometry: Geometry
    properties: NearZone


class FeatureCollection(_Since):
    type: Literal["FeatureCollection"]
    features: list[Feature]


class Bay(_Shape):
    id: str
    bay_type: str
    lat: float
    lon: float
    withheld: bool = Field(
        description="Nothing is told of what its sensor sees (`reason` says why): a Blue Badge or residents' bay. "
        "Told to a key of scope `personal`, and audited"
    )
    state: State | None = Field(description="null: withheld")
    since: datetime | None
    as_of: datetime | None
    confidence: float | None = Field(ge=0, le=1)
    reason: str
    stale: bool
    access: list[str] | None = Field(description="Who may use it now; null: not known")
    max_stay_min: int | None
    rules_in_force: list[str]
    rule_ids: list[str]


class BayPage(_Shape):
    zone: str
    area: str
    version: str
    as_of: datetime | None
    bays: list[Bay]
    next: str | None


class Sign(_Shape):
    id: str
    area: str
    name: Name
    lat: float
    lon: float
    zones: list[str]
    driver: str
    lines: int
    width: int
    ttl_s: int
    show: str = Field(description="Of its zones: their sum, or each on pages or in lines of its own")
    layout: str = Field(description="Its languages: on pages, or on two_lines of one page")
    controller: str = Field(description="baycast, or utmc: no frame of ours is made for it")


class SignList(_Shape):
    signs: list[Sign]


class Page(_Shape):
    language: str
    lines: list[str]


class Frame(_Shape):
    """What a sign may show until `ttl_s` seconds after `issued_at`; no pages: blank."""

    sign_id: str
    sequence: int
    issued_at: datetime
    ttl_s: int
    state: str
    mode: str = Field("auto", description="Other than auto: an operator has set it")
    pages: list[Page]
    versions: dict[str, str]


class Alive(_Shape):
    status: Literal["alive"]


class Ready(_Shape):
    ready: bool
    reasons: list[str]


class Problem(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str | None = None
