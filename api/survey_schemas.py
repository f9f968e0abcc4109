"""What is sent and told of beat surveys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.params import AdminPage, Nothing
from api.texts import AreaId, Dated, Text, checked
from occupancy.survey_sheets import ROWS_MAX, checked_surveyor

Word = Annotated[str, Field(max_length=64)]


class SurveyQuery(Nothing):
    area: AreaId = Field(description="The area's id")
    surveyor: Annotated[Text, checked(checked_surveyor)] = Field(
        description="Who looked: a person or a team, in letters", examples=["Anna Rees"]
    )
    skip_bad: bool = Field(default=False, description="Pass over rows that are wrong, and tell which")


class AgreementQuery(AdminPage):
    from_: Dated | None = Field(
        None, alias="from", description="2026-10, 2026-10-01 (civil time of the area) or an instant"
    )
    to: Dated | None = Field(None, description="Likewise; not included")
    by: Literal["sensor", "zone", "area"] = Field("zone", description="One row for each of these")
    limit: int = Field(100, ge=1, le=5000, description="Rows in one answer, the worst at the top")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewLook(_Shape):
    bay_id: Word
    seen_at: Word = Field(description="RFC 3339, or without an offset the clock on the wall in the area")
    occupied: bool | Literal[0, 1] | Word | None = Field(
        description="true, taken, yes, 1; false, free, no, 0; null or unknown: could not tell"
    )


class NewSurvey(_Shape):
    """Looks of one surveyor, or the same as CSV with these columns. There is no place for notes (L10)."""

    looks: list[NewLook] = Field(max_length=ROWS_MAX)


class RowProblem(_Shape):
    where: str
    field: str | None
    problem: str
    fix: str


class SurveyEntered(_Shape):
    entered: int
    known: int = Field(description="Looks that were there already")
    skipped: int = Field(description="Rows that were passed over")
    problems: list[RowProblem] = Field(description="What is wrong with them; the first hundred")


class Agreement(_Shape):
    """How often history says of a bay what a surveyor saw there. Computed when asked, from what is known now."""

    rate: float | None = Field(ge=0, le=1, description="agreed / said; null: `missing` says why")
    missing: Literal["few", "none"] | None = Field(
        description="few: of three looks or fewer, for a key without scope personal; none: history says nothing of any"
    )
    low: float | None = Field(ge=0, le=1, description="With `high`: Wilson's interval of 95 %")
    high: float | None = Field(ge=0, le=1)
    looks: int = Field(ge=0, description="Looks at which the surveyor could tell")
    said: int = Field(ge=0, description="Of these, at which history says free or taken, but for close calls")
    agreed: int | None = Field(ge=0, description="null: `few`; so with both kinds of error")
    said_share: float | None = Field(ge=0, le=1, description="said / (looks - close calls): the coverage")
    since: datetime = Field(description="The first of these looks")
    until: datetime = Field(description="The last")


class AgreementRow(Agreement):
    area: str
    sensor: str | None = Field(None, description="That of the bay at the time of the look")
    zone: str | None = None
    close_calls: int = Field(ge=0, description="Looks within a minute of a change; they count neither way")
    unclear: int = Field(ge=0, description="Looks at which the surveyor could not tell")
    taken_said_taken: int | None = Field(ge=0)
    taken_said_free: int | None = Field(ge=0)
    free_said_free: int | None = Field(ge=0)
    free_said_taken: int | None = Field(ge=0)


class AgreementList(_Shape):
    """Where history is surely wrong most at the top: by the upper end of the interval."""

    agreement: list[AgreementRow]
    of: int = Field(description="Rows in all")
