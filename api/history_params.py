"""Query parameters of the reports on history."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.params import Nothing
from api.texts import AreaId, BayTypes, Dated, Days, Hours, Text, Token, Uses, ZoneIds
from occupancy.history.periods import Grain

ROWS_MAX = 5_000


class History(Nothing):
    """One report. Dates are civil dates of the area; `to` is not included."""

    area: AreaId = Field(description="The area's id")
    from_: Dated = Field(
        alias="from",
        description="2026-10 (a month), 2026-10-01, or an instant: a full hour, with grain 5m or 15m a multiple of it",
        examples=["2026-10"],
    )
    to: Dated = Field(description="Likewise; not included", examples=["2026-11"])
    grain: Grain = Field(Grain.DAY, description="Length of a period, by civil time")
    by: Literal["area", "controlled_zone", "zone", "bay_type", "use"] = Field(
        "area", description="One row for each of these"
    )
    zones: ZoneIds | None = Field(
        None, description="With by=zone, bay_type or use: zone ids, separated by commas"
    )
    controlled_zones: ZoneIds | None = Field(
        None, description="With by=controlled_zone, bay_type or use: their codes, separated by commas"
    )
    bay_type: BayTypes | None = Field(
        None, description="Only bays of these physical types, separated by commas"
    )
    use: Uses | None = Field(
        None, description="Only while the rule in force gives the kerb one of these uses, separated by commas"
    )
    hours: Hours | None = Field(
        None,
        description="Civil hours, as in 8-18; or controlled: while a rule limits, charges or keeps others out",
    )
    days: Days | None = Field(None, description="mon-sat or mon,wed,fri")
    day_type: Annotated[Text, Field(max_length=40)] | None = Field(
        None, description="Only days of this type: bank_holiday, event, or one that the calendar declares"
    )
    compare_from: Dated | None = Field(
        None, description="Beginning of a stretch of the same civil length to compare with, period by period"
    )
    limit: int = Field(1000, ge=1, le=ROWS_MAX, description="Rows in one JSON answer")
    after: Token | None = Field(None, description="Go on after this row: `next` of the answer before")
    format: Literal["json", "csv", "parquet"] | None = Field(
        None, description="Or by Accept; CSV and Parquet have all rows"
    )
