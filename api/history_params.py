"""Query parameters of the reports on history."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from api.params import Nothing, Text, checked
from api.selection import ZONES_MAX, ids_of
from occupancy.history.kerb import UNRESTRICTED
from occupancy.history.periods import Grain
from occupancy.model import BayType, Use
from occupancy.registry_fields import parse_days

ROWS_MAX = 5_000
USES = (UNRESTRICTED, *(use.value for use in Use))


def hours_of(text: str) -> tuple[int, ...]:
    """Civil hours out of "8-18": from eight to six in the evening. Raises `ValueError` with the fix."""
    first, dash, last = text.partition("-")
    if not (dash and first.isdigit() and last.isdigit() and int(first) < int(last) <= 24):
        raise ValueError("is no stretch of whole hours: give 8-18, or controlled")
    return tuple(range(int(first), int(last)))


def _hours_or_controlled(text: str) -> None:
    if text != "controlled":
        hours_of(text)


def _one_of(known: tuple[str, ...]) -> AfterValidator:
    def check(text: str) -> None:
        for one in text.split(","):
            if one not in known:
                raise ValueError(f"{one!r} is none of {', '.join(known)}")

    return checked(check)


class History(Nothing):
    """One report. Dates are civil dates of the area; `to` is not included."""

    area: Annotated[Text, checked(lambda text: ids_of(text, 1))] = Field(description="The area's id")
    from_: Text = Field(
        alias="from",
        description="2026-10 (a month), 2026-10-01, or an instant: a full hour, with grain 5m or 15m a multiple of it",
        examples=["2026-10"],
    )
    to: Text = Field(description="Likewise; not included", examples=["2026-11"])
    grain: Grain = Field(Grain.DAY, description="Length of a period, by civil time")
    by: Literal["area", "controlled_zone", "zone", "bay_type", "use"] = Field(
        "area", description="One row for each of these"
    )
    zones: Annotated[Text, checked(lambda text: ids_of(text, ZONES_MAX))] | None = Field(
        None, description="With by=zone, bay_type or use: zone ids, separated by commas"
    )
    controlled_zones: Annotated[Text, checked(lambda text: ids_of(text, ZONES_MAX))] | None = Field(
        None, description="With by=controlled_zone, bay_type or use: their codes, separated by commas"
    )
    bay_type: Annotated[Text, _one_of(tuple(BayType))] | None = Field(
        None, description="Only bays of these physical types, separated by commas"
    )
    use: Annotated[Text, _one_of(USES)] | None = Field(
        None, description="Only while the rule in force gives the kerb one of these uses, separated by commas"
    )
    hours: Annotated[Text, checked(_hours_or_controlled)] | None = Field(
        None,
        description="Civil hours, as in 8-18; or controlled: while a rule limits, charges or keeps others out",
    )
    days: Annotated[Text, checked(parse_days)] | None = Field(None, description="mon-sat or mon,wed,fri")
    day_type: Annotated[Text, Field(max_length=40)] | None = Field(
        None, description="Only days of this type: bank_holiday, event, or one that the calendar declares"
    )
    compare_from: Text | None = Field(
        None, description="Beginning of a stretch of the same civil length to compare with, period by period"
    )
    limit: int = Field(1000, ge=1, le=ROWS_MAX, description="Rows in one JSON answer")
    after: Text | None = Field(None, description="Go on after this row: `next` of the answer before")
    format: Literal["json", "csv", "parquet"] | None = Field(
        None, description="Or by Accept; CSV and Parquet have all rows"
    )
