"""What the report says of forecasts, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from occupancy.forecast.skill import KindOfDay


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastWords:
    """In one language. What stands in braces is filled in."""

    heading: str
    says: str
    none: str
    table: str
    ahead: str
    horizons: Mapping[str, str]
    """By the name of a horizon."""
    on_days: Mapping[KindOfDay, str]
    """A horizon on days of a kind."""
    number: str
    error: str
    error_usual: str
    error_now: str
    band: str
    skill: str
    skill_now: str
    calibration: str
    calibration_says: str
    tenth: str
    share: str
    said: str
    came: str


ENGLISH = ForecastWords(
    heading="How good the forecasts were",
    says="Every forecast that was issued is held against what came, in streets and car parks alike. The error is of "
    "the share of bays that are taken, on average. The skill is that of the probability of a free bay (Brier): 100% is "
    "perfect, 0% no better than the guess beside which it stands, less than 0% is worse.",
    none="No forecast of this month has been scored.",
    table="Forecasts by how far ahead they were, beside two guesses: what is usual then, and that all stays as it is",
    ahead="Ahead",
    horizons={
        "5m": "5 minutes",
        "15m": "15 minutes",
        "30m": "30 minutes",
        "1h": "1 hour",
        "2h": "2 hours",
        "4h": "4 hours",
        "24h": "24 hours",
    },
    on_days={
        KindOfDay.ORDINARY: "{horizon}",
        KindOfDay.BANK_HOLIDAY: "{horizon}, bank holidays",
        KindOfDay.EVENT: "{horizon}, event days",
    },
    number="Forecasts",
    error="Error",
    error_usual="Error of what is usual",
    error_now="Error of no change",
    band="In the 90% band",
    skill="Skill against what is usual",
    skill_now="Skill against no change",
    calibration="Was a bay free as often as was said?",
    calibration_says="Forecasts of {horizon} ahead, by the probability of a free bay that was said. The nearer the two "
    "lines, the more can be relied on what is said.",
    tenth="Probability that was said, %",
    share="Share, %",
    said="Said on average",
    came="A bay was free",
)

WELSH = ForecastWords(
    heading="Pa mor dda oedd y rhagolygon",
    says="Cymherir pob rhagolwg a gyhoeddwyd â'r hyn a ddigwyddodd, mewn strydoedd a meysydd parcio fel ei gilydd. "
    "Cymedr y gwall yng nghyfran y cilfachau mewn defnydd yw'r gwall. Medr y tebygolrwydd o gilfach rydd (Brier) yw'r "
    "medr: mae 100% yn berffaith, 0% cystal â'r dyfaliad wrth ei ochr a dim gwell, a llai na 0% yn waeth.",
    none="Nid oes rhagolwg o'r mis hwn wedi'i sgorio.",
    table="Rhagolygon yn ôl pa mor bell ymlaen, wrth ochr dau ddyfaliad: yr hyn sy'n arferol bryd hynny, a dim newid",
    ahead="Ymlaen",
    horizons={
        "5m": "5 munud",
        "15m": "15 munud",
        "30m": "30 munud",
        "1h": "1 awr",
        "2h": "2 awr",
        "4h": "4 awr",
        "24h": "24 awr",
    },
    on_days={
        KindOfDay.ORDINARY: "{horizon}",
        KindOfDay.BANK_HOLIDAY: "{horizon}, gwyliau banc",
        KindOfDay.EVENT: "{horizon}, diwrnodau digwyddiad",
    },
    number="Rhagolygon",
    error="Gwall",
    error_usual="Gwall yr hyn sy'n arferol",
    error_now="Gwall dim newid",
    band="Yn y band 90%",
    skill="Medr o'i gymharu â'r arferol",
    skill_now="Medr o'i gymharu â dim newid",
    calibration="A oedd cilfach yn rhydd mor aml ag y dywedwyd?",
    calibration_says="Rhagolygon {horizon} ymlaen, yn ôl y tebygolrwydd o gilfach rydd a ddywedwyd. Po agosaf y ddwy "
    "linell, mwyaf y gellir dibynnu ar yr hyn a ddywedir.",
    tenth="Y tebygolrwydd a ddywedwyd, %",
    share="Cyfran, %",
    said="Dywedwyd ar gyfartaledd",
    came="Roedd cilfach yn rhydd",
)
