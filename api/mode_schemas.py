"""What operators of signs send and get."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.admin_schemas import FreeText, Id
from api.schemas import Frame
from signs.words import Mode


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewMode(_Shape):
    """What a sign shall show in place of what the sensors say, and until when; `auto` ends it."""

    mode: Mode
    reason: FreeText = Field(min_length=1, description="For the audit log, without number plates")
    expires_at: AwareDatetime | None = Field(
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

    id: Id = "preview"
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
