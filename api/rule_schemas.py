"""The shape of rules, overrides and opening hours in answers to drivers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Words(_Shape):
    """The same in words. The data beside them count, and the order on the street before both."""

    en: str
    cy: str
    confirmed: bool = Field(description="Whether a translator and the authority have confirmed the words")


class RuleInForce(_Shape):
    use: str
    days: str = Field(description='"daily", "mon-sat" or "mon,wed,fri"')
    starts: str = Field(description="On the clock of the area")
    ends: str = Field(description="Up to 24:00, not included")
    bank_holidays: bool = Field(description="Whether it holds on bank holidays, too")
    only_on: str | None = Field(description="A day type: it holds on days of it only")
    max_stay_min: int | None
    no_return_min: int | None
    permit_areas: list[str]
    exemptions: list[str] = Field(description="Whom the maximum stay does not bind")
    valid_from: datetime | None
    valid_to: datetime | None
    tariff: str | None
    order: str | None = Field(description="The traffic order that it is made by")
    words: Words


class OverrideInForce(_Shape):
    """What an operator has put over the rules for a time."""

    kind: Literal["suspension", "closure", "event"]
    starts_at: datetime
    until: datetime | None = Field(description="null: until further notice")
    day_type: str | None = Field(description="Of an event: the day type whose rules it brings into force")
    notice: str | None
    reason: str = Field(description="As entered, in one language")
    words: Words


class Kerb(_Shape):
    """Bays of a zone that are used alike."""

    bay_type: str
    capacity: int = Field(ge=0)
    for_: list[str] = Field(alias="for", description="Who may use them now; empty: nobody")
    max_stay_min: int | None = Field(description="In force now")
    closed: bool
    suspended: bool = Field(description="Closed by a suspension")
    ev_connectors: list[str]
    rules_in_force: list[str]


class Opening(_Shape):
    days: list[int] = Field(description="Monday is 0")
    opens_min: int = Field(description="Minutes after local midnight")
    closes_min: int
