"""The shape of reports on history, for the OpenAPI document and for the tests that hold the answers against it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Name
from api.survey_schemas import Agreement


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HistoryFigures(BaseModel):
    """The figures of the report, by their names in `units`; null where `missing` says why."""

    model_config = ConfigDict(extra="allow")

    coverage: float | None = Field(
        ge=0, le=1, description="Share of the bay time in service and open that was observed"
    )


_REVISION = (
    "1: as it became final; more: revised, added or found to be none since; 0: provisional, or no record"
)


class HistoryCompared(HistoryFigures):
    """The period of the earlier stretch that has the same place in it."""

    start: datetime | None = None
    end: datetime | None = None
    status: Literal["final", "provisional"]
    revision: int = Field(ge=0, description=_REVISION)
    missing: dict[str, Literal["coverage", "few", "none"]]


class HistoryRow(HistoryFigures):
    """One period of one series."""

    area: str | None = None
    zone: str | None = None
    controlled_zone: str | None = None
    name: Name | None = None
    bay_type: str | None = None
    use: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    hour_of_week: int | None = Field(
        None, ge=0, le=167, description="0: Monday from midnight to one, civil time"
    )
    status: Literal["final", "provisional"]
    revision: int = Field(ge=0, description=_REVISION)
    histogram: list[int | None] | None = Field(
        None, description="Null: a small class, or the least of the others, by which it could be worked out"
    )
    missing: dict[str, Literal["coverage", "few", "none"]]
    agreement: Agreement | None = Field(None, description="With surveyors, of the zone or controlled zone")
    compared: HistoryCompared | None = None
    difference: dict[str, float | int | None] | None = None


class HistoryReport(_Shape):
    """A report: periods in order of series and time."""

    report: Literal["occupancy", "turnover", "stays", "overstays", "coverage"]
    area: str
    time_zone: str
    from_: datetime = Field(alias="from")
    to: datetime
    grain: Literal["5m", "15m", "1h", "1d", "1w", "1mo", "total", "hour_of_week"]
    as_of: datetime | None = Field(description="Up to when history reaches")
    final_to: datetime | None = Field(description="Up to when it is final")
    units: dict[str, str]
    histogram_up_to_min: list[int | None] | None = None
    not_evidence: Literal[True] | None = None
    agreement: Agreement | None = Field(description="With surveyors, of the area; null: nobody looked")
    rows: list[HistoryRow]
    next: str | None


class HistoryFigure(_Shape):
    name: str
    report: str
    unit: str
    formula: str
    needs: Literal["nothing", "coverage", "watched"]
    cds: str | None = Field(description="Its name in the Curb Data Specification")


class HistoryDefinitions(_Shape):
    """What each figure is."""

    least_coverage: float
    suppressed_up_to: int
    histogram_up_to_min: list[int | None]
    agreement: str
    missing: dict[str, str]
    figures: list[HistoryFigure]
