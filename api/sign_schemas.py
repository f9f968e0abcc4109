"""The shape of what signs say they show, for the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api.schemas import Page, Sign
from signs.document import MAX_SEQUENCE
from signs.readback import FAULT, FAULTS_MAX

Fault = Annotated[str, Field(pattern=f"^{FAULT.pattern}$")]


class ShownPage(BaseModel):
    model_config = ConfigDict(extra="allow")
    language: str
    lines: list[str] = Field(min_length=1)


_LIT_OR_DARK: JsonDict = {
    "required": [],
    "anyOf": [
        {
            "properties": {"dark": {"const": False}, "sequence": {"type": "integer"}},
            "required": ["state", "sequence"],
        },
        {
            "properties": {"dark": {"const": True}, "state": False, "pages": {"maxItems": 0}},
            "required": ["dark"],
        },
    ],
}


class Shown(BaseModel):
    """What a sign shows: either its `state`, with the `sequence` of the frame, or `dark`. Other members are ignored."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_LIT_OR_DARK)
    sequence: int | None = Field(default=None, ge=0, le=MAX_SEQUENCE, description="Of the frame it shows")
    state: Literal["SPACES", "ALMOST FULL", "FULL", "CLOSED", "UNKNOWN"] = Field(
        description="UNKNOWN: its frame claims nothing"
    )
    dark: bool = Field(default=False, description="It shows nothing, for want of a frame")
    pages: list[ShownPage] | None = None
    at: datetime | None = Field(default=None, description="By the sign's own clock")
    faults: list[Fault] | None = Field(
        default=None, max_length=FAULTS_MAX, description="The sign's own words for what is broken"
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
