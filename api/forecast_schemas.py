"""The shape of what is told of arrivals to come, for the OpenAPI document and for the tests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WholeZone(_Shape):
    """How good the chances were of at least one bay that anybody may use, in zones of several kinds of bays."""

    answers: int = Field(ge=1)
    brier: float
    brier_usual: float = Field(description="Of how often there usually is one then")
    brier_now: float = Field(description="Of whether there was one when it was issued")
    skill: float | None = Field(description="1 - brier / brier_usual")
    skill_now: float | None = Field(description="1 - brier / brier_now")


class Measures(_Shape):
    """How good issued forecasts of kinds of bays were; errors are of the share of bays that are taken."""

    forecasts: int = Field(ge=0)
    mae: float | None = Field(description="Mean absolute error")
    mae_usual: float | None = Field(description="Of what is usual at that time of the week")
    mae_now: float | None = Field(description="Of how it was when the forecast was issued")
    pinball: float | None = Field(description="Mean over the quantiles")
    coverage90: float | None = Field(description="How often the truth lay in the band of 90 %")
    brier: float | None = Field(description="Of the chance of a free bay")
    brier_usual: float | None
    brier_now: float | None
    skill: float | None = Field(
        description="1 - brier / brier_usual: 1 is perfect, 0 no better than what is usual, below it worse"
    )
    skill_now: float | None = Field(description="1 - brier / brier_now")
    whole_zone: WholeZone | None = Field(
        description="Of zones of several kinds of bays as a whole; null: there is none, or none was scored"
    )


class Skill(Measures):
    """Of one zone's forecasts in the last weeks."""

    horizon: str | None = Field(description="How far ahead they were, the nearest one; null: all together")
    since: date


class Outlook(_Shape):
    """What a driver may expect at one time: modelled, never live."""

    at: datetime
    in_min: int = Field(ge=0, le=1440, description="Minutes from now")
    usable_capacity: int = Field(ge=0, description="Bays that the driver of `for=` may use then")
    expected_free: float | None = Field(
        ge=0, description="Of them, on average; null: no evidence, so no claim"
    )
    free_low: int = Field(ge=0, description="The 5-95 % band; with no claim, all that is possible")
    free_high: int = Field(ge=0)
    free_quantiles: list[float] | None = Field(
        description="Free bays at 5, 25, 50, 75 and 95 %; null: not from an issued forecast"
    )
    p_any: float | None = Field(ge=0, le=1, description="Probability of at least one usable free bay")
    p_at_least: float | None = Field(
        ge=0, le=1, description="Of as many as `at_least` asks for; null: not asked for, or not issued"
    )
    source: Literal["forecast", "typical", "prior"] = Field(
        description="forecast: by a model that was fitted to this place; typical: from its usual week and what is "
        "seen now; prior: its usual week is not known. Of several places of a zone the least known one counts"
    )
    cells: int = Field(
        ge=0, description="Quarters of an hour of history behind a `typical` that was not issued; else 0"
    )
    closed: bool = Field(description="Closed then, by the hours and rules in the registry")
    model: str | None = Field(description="Version of the model; null: not from an issued forecast")
    issued_at: datetime | None
    data_to: datetime | None = Field(description="How far the evidence reached when it was issued")
    data_age_s: int | None = Field(ge=0, description="Seconds from `data_to` to now")
    skill: Skill | None = Field(
        description="How good such forecasts were in this zone; null: none was scored"
    )


class WithinRadius(_Shape):
    """All zones of the answer together. Neighbouring streets are full together, so it is less than if each were for
    itself, and never less than the best of them.
    """

    p_any: float | None = Field(
        ge=0,
        le=1,
        description="Probability of a usable free bay in any of them; null: nothing is known of any",
    )
    zones: int = Field(ge=0, description="Zones with bays that the driver of `for=` may use then")
    zones_not_known: int = Field(ge=0, description="Zones of which nothing is known: they count for nothing")
    source: Literal["forecast", "typical", "prior"] = Field(description="Of the least known zone")


class Forecast(_Shape):
    zone: str
    area: str
    issued_at: datetime | None = Field(description="The area's time now; null: it has none yet")
    data_as_of: datetime | None = Field(description="The newest evidence; null: there is none")
    stale: bool
    for_: str = Field(alias="for")
    points: list[Outlook]
    skill: Skill | None = Field(description="How good this zone's forecasts were; null: see `skill_reason`")
    skill_reason: str | None


class SkillRow(Measures):
    zone: str | None = Field(description="null: all zones of the area together")
    horizon: str
    kind: Literal["ordinary", "bank_holiday", "event"] | None = Field(
        description="Of the day that was forecast; null: all kinds together (by=zone)"
    )


class Calibration(_Shape):
    """Forecasts whose chance of a free bay lay in one tenth."""

    horizon: str
    from_: float = Field(alias="from")
    to: float
    forecasts: int
    said: float = Field(description="The mean of what was said")
    came: float = Field(description="How often there was a free bay")


class SkillReport(_Shape):
    """How good issued forecasts of places were, each held against what came."""

    area: str
    zone: str | None
    since: date = Field(description="The first day")
    until: date = Field(description="The last day")
    rows: list[SkillRow] = Field(description="Empty: no forecast was scored")
    calibration: list[Calibration] = Field(description="Of the area alone")
    next: str | None = Field(description="With by=zone: give it as `after` for the next page; null: the last")
