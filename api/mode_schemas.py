"""What operators of signs send and get."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from api.admin_schemas import FreeText, Id
from api.arrival import RFC3339
from api.schemas import Frame
from signs.words import Mode


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _written(said: object) -> object:
    """Out of a number, or of its digits with or without a sign, seconds since 1970 would be read."""
    if said is not None and not (isinstance(said, str) and re.fullmatch(RFC3339, said)):
        raise ValueError("is no time: give RFC 3339 with its offset, as in 2026-11-22T10:30:00Z")
    return said


_GIVEN: JsonDict = {"type": "string"}
_LEFT_OUT: JsonDict = {"type": "null"}
_ENDING = [mode.value for mode in Mode if mode not in (Mode.AUTO, Mode.LEGEND)]
_WHAT_GOES_TOGETHER: JsonDict = {
    "examples": [
        {"mode": "full", "reason": "the barrier is broken", "expires_at": "2026-11-22T10:30:00Z"},
        {"mode": "auto", "reason": "the barrier is mended"},
    ],
    "anyOf": [
        {"properties": {"mode": {"const": "auto"}, "expires_at": _LEFT_OUT, "legend": _LEFT_OUT}},
        {
            "properties": {"mode": {"const": "legend"}, "expires_at": _GIVEN, "legend": _GIVEN},
            "required": ["expires_at", "legend"],
        },
        {
            "properties": {"mode": {"enum": [*_ENDING]}, "expires_at": _GIVEN, "legend": _LEFT_OUT},
            "required": ["expires_at"],
        },
    ],
}


class NewMode(_Shape):
    """What a sign shall show in place of what the sensors say, and until when; `auto` ends it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_WHAT_GOES_TOGETHER)
    mode: Mode
    reason: FreeText = Field(min_length=1, description="For the audit log, without number plates")
    expires_at: Annotated[AwareDatetime, BeforeValidator(_written)] | None = Field(
        None, description="Needed for all modes but auto; at most 30 days away"
    )
    legend: Id | None = Field(
        None, description="With mode legend: the id of one that the authority has approved"
    )


class SetMode(_Shape):
    mode: Mode
    legend: str | None
    reason: str
    set_by: str
    set_at: datetime
    expires_at: datetime | None


class SignMode(_Shape):
    sign_id: str
    mode: Mode = Field(description="What holds now; past its end, what was set is auto again")
    set: SetMode | None = Field(description="What was set last; null: nothing ever was")


class NewPreview(_Shape):
    """A sign's registry document, which need not be registered."""

    id: str = Field(
        "preview", min_length=1, max_length=128, description="What is no id is one of the refusals"
    )
    document: dict[str, Any]


class SignRefusal(_Shape):
    where: str
    field: str | None
    problem: str
    fix: str


class UnconfirmedWord(_Shape):
    state: str
    language: str
    text: str


class SignPreview(_Shape):
    frame: Frame | None = Field(
        description="What it would show now, on auto, if nothing stood on it before; null: it cannot be registered"
    )
    refusals: list[SignRefusal] = Field(description="Why it cannot be registered; empty: it can")
    unconfirmed: list[UnconfirmedWord] = Field(
        description="Words of ours that it might show and no sign authority has confirmed"
    )
