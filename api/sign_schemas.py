"""The shape of what signs say they show, for the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Page, Sign


class Shown(BaseModel):
    """What a sign shows: either its `state`, with the `sequence` of the frame, or `dark`. Other members are ignored."""

    model_config = ConfigDict(extra="allow")
    sequence: int | None = Field(default=None, ge=0, le=2**63 - 1, description="Of the frame it shows")
    state: Literal["SPACES", "ALMOST FULL", "FULL", "CLOSED", "UNKNOWN"] | None = Field(
        default=None, description="UNKNOWN: its frame claims nothing"
    )
    dark: bool = Field(default=False, description="It shows nothing, for want of a frame")
    pages: list[Page] | None = None
    at: datetime | None = Field(default=None, description="By the sign's own clock")
    faults: list[str] = Field(
        default=[], max_length=16, description="The sign's own words for what is broken"
    )


Verdict = Literal["agrees", "dark", "expired", "unsent"]


class ShownVerdict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sign_id: str
    verdict: Verdict = Field(
        description="dark: nothing while a frame with words lives; expired: a frame past its ttl;"
        " unsent: what it was not told"
    )


class Reported(BaseModel):
    """What the sign said last that it shows."""

    model_config = ConfigDict(extra="forbid")
    verdict: Verdict | Literal["silent"]
    state: str | None = Field(description="null: dark, for want of a frame")
    sequence: int | None
    pages: list[Page] | None = Field(description="null: it did not say")
    faults: list[str]
    since: datetime = Field(description="It has said the same since then")
    at: datetime = Field(description="Its last word")


class OneSign(Sign):
    reported: Reported | None = Field(description="null: it never said anything")
