"""What each figure of history is: its unit, its formula in words, and its name in the Curb Data Specification."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Report(StrEnum):
    """Figures that are asked for together."""

    OCCUPANCY = "occupancy"
    TURNOVER = "turnover"
    STAYS = "stays"
    OVERSTAYS = "overstays"
    COVERAGE = "coverage"


class Needs(StrEnum):
    """What a figure may not be given without."""

    NOTHING = "nothing"
    COVERAGE = "coverage"
    """Enough of the bay time observed."""
    WATCHED = "watched"
    """Enough of the time known whether a bay was to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One figure. `people`: it counts vehicles, so that a small one may point at somebody."""

    name: str
    report: Report
    unit: str
    formula: str
    needs: Needs = Needs.COVERAGE
    people: bool = False
    cds: str | None = None


_BAY_TIME = (
    ("in_service_min", "of all bays in service, open or closed"),
    ("occupied_min", "of bays known to be occupied"),
    ("free_min", "of bays known to be free"),
    ("unknown_min", "of open bays of which nothing was known, or whose sensor was not to be believed"),
    ("closed_min", "of bays closed by a rule in force, by opening hours or by an override"),
)

DEFINITIONS: tuple[Definition, ...] = (
    *(
        Definition(
            name=name,
            report=Report.COVERAGE,
            unit="bay-minutes",
            formula=f"sum over time {what}",
            needs=Needs.NOTHING,
        )
        for name, what in _BAY_TIME
    ),
    Definition(
        name="occupancy_pct",
        report=Report.OCCUPANCY,
        unit="%",
        formula="100 x occupied_min / (occupied_min + free_min): of the bay time that was observed",
        cds="occupancy_percent",
    ),
    Definition(
        name="peak_occupied",
        report=Report.OCCUPANCY,
        unit="bays",
        formula="the highest mean of bays known to be occupied over five minutes",
    ),
    Definition(
        name="some_free_pct",
        report=Report.OCCUPANCY,
        unit="%",
        formula="100 x time with at least one usable bay known free / (that + time with every usable bay known taken); "
        "of several streets, summed over them; usable: open to general drivers, for a bay type to its own",
        needs=Needs.WATCHED,
    ),
    Definition(
        name="full_min",
        report=Report.OCCUPANCY,
        unit="minutes",
        formula="time with every usable bay known taken; of several streets, summed over them",
        needs=Needs.WATCHED,
    ),
    Definition(
        name="arrivals",
        report=Report.TURNOVER,
        unit="stays",
        formula="stays that began, the arrival observed or worked out; at a car park net flows: a lower bound",
        people=True,
        cds="total_sessions",
    ),
    Definition(
        name="departures",
        report=Report.TURNOVER,
        unit="stays",
        formula="stays that ended, where the departure was observed or worked out",
        people=True,
    ),
    Definition(
        name="turnover",
        report=Report.TURNOVER,
        unit="stays per bay and hour",
        formula="arrivals / observed bay-hours, where observed is occupied or free",
        people=True,
    ),
    Definition(
        name="arrivals_per_hour",
        report=Report.TURNOVER,
        unit="stays per hour",
        formula="arrivals / hours of the period, of those asked for",
        people=True,
        cds="turnover",
    ),
    Definition(
        name="stays",
        report=Report.STAYS,
        unit="stays",
        formula="stays that ended and whose both ends are known",
        people=True,
    ),
    Definition(
        name="censored_stays",
        report=Report.STAYS,
        unit="stays",
        formula="stays that ended and of which an end is not known: an outage, or a sensor's first or last word",
        people=True,
    ),
    Definition(
        name="mean_stay_min",
        report=Report.STAYS,
        unit="minutes",
        formula="sum of the lengths, each cut to whole seconds, / stays",
        people=True,
        cds="average_dwell_time",
    ),
    *(
        Definition(
            name=f"{name}_stay_min",
            report=Report.STAYS,
            unit="minutes",
            formula=f"the length that {share} % of the stays do not exceed, between two stays in proportion; "
            "of lengths in whole minutes, rounded half up",
            people=True,
        )
        for name, share in (("median", 50), ("p85", 85), ("p95", 95))
    ),
    Definition(
        name="overstay_candidates",
        report=Report.OVERSTAYS,
        unit="stays",
        formula="stays whose limit and grace ran out; not evidence of a contravention",
        people=True,
    ),
    Definition(
        name="overstays_confirmed",
        report=Report.OVERSTAYS,
        unit="stays",
        formula="of these, those of which a second word of the sensor says so; not evidence of a contravention",
        people=True,
    ),
    Definition(
        name="over_min",
        report=Report.OVERSTAYS,
        unit="minutes",
        formula="time beyond the limit in force, of those that have ended; not evidence of a contravention",
        people=True,
    ),
)
BY_NAME = {definition.name: definition for definition in DEFINITIONS}
HISTOGRAM_MIN = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440)
"""Upper ends, in minutes, of the classes in which lengths of stays are counted; the last one is open."""


@cache
def of_report(report: Report) -> tuple[Definition, ...]:
    """The figures of a report, in the order in which they are given."""
    return tuple(definition for definition in DEFINITIONS if definition.report is report)
