"""Every word of a report that is not a name. One `Words` for each language, so that neither can lack one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from baycast.report.month import Standing
from baycast.report.words_forecasts import ForecastWords
from occupancy.maintenance import DefectKind
from occupancy.model import SuspicionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionWords:
    """The heading of a part of the page, and what stands under it."""

    heading: str
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotWords:
    """A plot: its heading, what it shows, and the axes."""

    heading: str
    says: str
    x: str
    y: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """In one language. What stands in braces is filled in."""

    code: str
    """BCP 47."""
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    """From Monday on."""
    weekdays_short: tuple[str, ...]
    weekday_initials: tuple[str, ...]

    title: str
    standing: Mapping[Standing, str]
    badge: Mapping[Standing, str]
    as_of: str
    time: str
    no_history_at_all: str
    missing: Mapping[str, str]
    """Why a figure is not given."""
    made_by: str

    brief: SectionWords
    compared: str
    compared_note: str
    observed: str
    against_before: str
    figure: str
    unit: str
    this_month: str
    month_before: str
    change: str
    coverage: str
    points: str
    brief_table: str

    full: SectionWords
    heat_map: PlotWords
    typical_day: PlotWords
    by_day: PlotWords
    hour: str
    day: str
    kinds_of_day: tuple[str, str, str]
    extremes: str
    no_extremes: str
    as_table: str

    lengths: SectionWords
    histogram: PlotWords
    minutes_short: str
    hours_short: str
    up_to: str
    over: str

    turns: SectionWords
    arrivals: PlotWords
    overstays: PlotWords
    candidates: str
    confirmed: str

    seen: SectionWords
    coverage_by_day: PlotWords
    coverage_by_place: PlotWords
    threshold: str
    places: str
    unknown_hours: str
    closed_hours: str

    sensors: SectionWords
    sensors_table: str
    sensors_more: str
    sensors_well: str
    sensors_none: str
    sensor: str
    bay: str
    wrong: str
    no_bay: str
    defects: Mapping[DefectKind, str]
    suspicions: Mapping[SuspicionKind, str]

    streets: SectionWords
    car_parks: SectionWords
    street: str
    car_park: str
    places_table: str
    full_hours: str
    no_longer_registered: str

    forecasts: ForecastWords

    final: SectionWords
    final_to: str
    never_final: str
    hours_of_history: str
    revisions: str

    definitions: SectionWords
    definitions_table: str
    formula: str
    figures: Mapping[str, str]
    """Names of the figures of `occupancy.history.definitions`."""
    units: Mapping[str, str]
    formulas: Mapping[str, str]
