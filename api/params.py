"""Query parameters of drivers and signs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from api.arrival import MINUTES_MAX, instant_of
from api.selection import AREAS_MAX, ZONES_MAX, Around, Selection, View, box_of, ids_of, point_of
from api.texts import (
    AreaId,
    AreaIds,
    ArrivalTime,
    CivilDay,
    Connector,
    Degrees2,
    Degrees4,
    Drivers,
    OneId,
    Text,
    ZoneIds,
)
from occupancy.model import EV_CONNECTORS

ID_MAX = 2**53 - 1
"""The greatest whole number that every reader of JSON holds exactly, and so the greatest that OpenAPI can name."""


class Nothing(BaseModel):
    """A route without parameters."""

    model_config = ConfigDict(extra="forbid")


class Driver(Nothing):
    for_: Drivers = Field(
        "general",
        alias="for",
        description="Who `usable` is for: general, blue_badge, loading, ev, motorcycle, coach, permit:CODE",
    )
    stay_min: int | None = Field(None, ge=1, le=7 * 24 * 60, description="Intended stay in minutes")

    @property
    def view(self) -> View:
        return View(self.for_, self.stay_min)


class Arrival(Driver):
    arrive_in: int | None = Field(
        None, ge=0, le=MINUTES_MAX, description="A forecast for so many minutes from now, up to 24 hours"
    )
    arrive_at: ArrivalTime | None = Field(
        None,
        description="A forecast for this time, RFC 3339 with its offset, up to 24 hours ahead; or `arrive_in`",
        examples=["2026-11-22T10:30:00Z"],
    )

    at_least: int | None = Field(
        None, ge=1, le=1000, description="Also the probability of at least so many free bays: `p_at_least`"
    )

    @property
    def arriving(self) -> bool:
        return self.arrive_in is not None or self.arrive_at is not None

    @property
    def at(self) -> datetime | None:
        return None if self.arrive_at is None else instant_of(self.arrive_at)


class Places(Driver):
    area: AreaIds | None = Field(None, description="Area ids, separated by commas")
    zones: ZoneIds | None = Field(None, description="Zone ids, separated by commas")
    bbox: Degrees4 | None = Field(
        None, description="west,south,east,north in degrees", examples=["-3.19,51.47,-3.16,51.49"]
    )

    @property
    def selection(self) -> Selection:
        return Selection(
            areas=None if self.area is None else ids_of(self.area, AREAS_MAX),
            zones=None if self.zones is None else ids_of(self.zones, ZONES_MAX),
            box=None if self.bbox is None else box_of(self.bbox),
            view=self.view,
        )


class Chosen(Places):
    """Zones chosen by where they are and what they offer."""

    near: Degrees2 | None = Field(
        None,
        description="lat,lon in degrees: zones around it, by straight-line distance",
        examples=["51.48,-3.18"],
    )
    radius_m: float | None = Field(
        None, gt=0, le=50_000, allow_inf_nan=False, description="With `near`; 500 when not given"
    )
    kind: Literal["street", "car_park"] | None = None
    min_free: int | None = Field(
        None, ge=0, le=100_000, description="At least so many usable bays known to be free"
    )
    open_now: bool = Field(
        default=False,
        description="Not closed as a whole: now, and where a stay or an arrival is given, all along",
    )
    min_height_m: float | None = Field(
        None,
        ge=0.5,
        le=10,
        allow_inf_nan=False,
        description="The vehicle's height: streets, and car parks whose height limit is known to be no lower",
    )
    step_free: bool = Field(default=False, description="Known to have a way without steps")
    ev_connector: Connector | None = Field(
        None,
        description=f"Zones that have it ({', '.join(EV_CONNECTORS)}); in `usable` only the bays known to have it",
    )

    @field_validator("radius_m")
    @classmethod
    def _needs_near(cls, radius_m: float | None, others: ValidationInfo) -> float | None:
        if radius_m is not None and others.data.get("near") is None:
            raise ValueError("goes with near=lat,lon")
        return radius_m

    @property
    def view(self) -> View:
        return View(self.for_, self.stay_min, self.ev_connector)

    @property
    def selection(self) -> Selection:
        return replace(
            super().selection,
            around=None if self.near is None else Around(*point_of(self.near), self.radius_m or 500.0),
            kind=self.kind,
            min_free=self.min_free,
            open_now=self.open_now,
            min_height_m=self.min_height_m,
            step_free=self.step_free,
        )


class Availability(Chosen, Arrival):
    format: Literal["json", "geojson"] = "json"
    since: Text | None = Field(
        None,
        description="The `version` of your last answer to the same question: only what changed after it is given, or "
        "everything, with `complete` true, where that cannot be told",
    )


class ZonePage(Chosen):
    limit: int = Field(200, ge=1, le=1000, description="Zones in one answer")
    after: OneId | None = Field(None, description="Go on after this zone: `next` of the answer before")


class SkillQuery(Nothing):
    """How good forecasts were. Days are civil days of the area, both included."""

    area: AreaId = Field(description="The area's id")
    zone: OneId | None = Field(None, description="Of this zone alone")
    by: Literal["area", "zone"] = Field("area", description="zone: each zone, all kinds of days together")
    horizon: Literal["5m", "15m", "30m", "1h", "2h", "4h", "24h"] | None = Field(
        None, description="How far ahead the forecasts were"
    )
    since: CivilDay | None = Field(
        None, description="The first day; four weeks before `until` when not given"
    )
    until: CivilDay | None = Field(None, description="The last day; today when not given")
    limit: int = Field(200, ge=1, le=1000, description="With by=zone: zones in one answer")
    after: OneId | None = Field(
        None, description="With by=zone: go on after this zone, `next` of the answer before"
    )


class BayPage(Nothing):
    limit: int = Field(1000, ge=1, le=5000, description="Bays in one answer")
    after: OneId | None = Field(None, description="Go on after this bay: `next` of the answer before")


class Listen(Places):
    since: Text | None = Field(
        None, description="The version of the last message seen: what changed after it is sent"
    )


class AdminPage(Nothing):
    """A page of a list for admins."""

    area: AreaId | None = Field(None, description="One area; without it, all that the key is for")
    limit: int = Field(100, ge=1, le=1000, description="Rows in one answer")


class KeyPage(AdminPage):
    after: int = Field(0, ge=0, le=ID_MAX, description="Go on after this one: `next` of the answer before")


class AuditPage(AdminPage):
    action: str | None = Field(None, max_length=64, description="Only this, as `personal.read`")
    before: int | None = Field(
        None, ge=1, le=ID_MAX, description="Go on before this one: `next` of the answer before"
    )


class SensorList(AdminPage):
    limit: int = Field(100, ge=1, le=5000, description="Sensors in one answer, what to fix first at the top")


class QuarantinePage(AdminPage):
    limit: int = Field(100, ge=1, le=200, description="Rows in one answer")
    reason: str | None = Field(None, max_length=64, description="Only these")
    discarded: bool = Field(default=False, description="Also those that were discarded")
    before: int | None = Field(
        None, ge=1, le=ID_MAX, description="Go on before this one: `next` of the answer before"
    )


class OverridePage(AdminPage):
    after: OneId | None = Field(None, description="Go on after this one: `next` of the answer before")


class Withdrawal(Nothing):
    void: bool = Field(default=False, description="It was a mistake: history, too, is told without it")
