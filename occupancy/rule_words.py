"""What a rule, an override and opening hours say, in words for drivers, in English and in Welsh.

Pure. **No qualified translator and no authority has confirmed these words**: each answer marks them so, and the order
on the street counts. The data that they are made from stand beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from occupancy.calendar import BANK_HOLIDAY, EVENT
from occupancy.model import OpeningHours, Override, OverrideKind, Rule, Use

CONFIRMED: Final = False
"""Set it once a qualified translator and the authority have said so."""


@dataclass(frozen=True, slots=True)
class _Language:
    """The phrases of one language; `{}` stands for what varies."""

    days: tuple[str, ...]
    """Monday first."""
    every_day: str
    to: str
    uses: Mapping[Use, str]
    hours: str
    all_day: str
    max_stay: str
    no_return: str
    one_hour: str
    hours_of: str
    minutes_of: str
    no_limit_for: str
    drivers: Mapping[str, str]
    not_on_bank_holidays: str
    only_on: Mapping[str, str]
    only_on_days_of: str
    overrides: Mapping[OverrideKind, str]
    until: str
    until_further_notice: str
    always_open: str
    opened: str


_EN = _Language(
    days=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    every_day="every day",
    to="{} to {}",
    uses={
        Use.FREE_PARKING: "Free parking",
        Use.LIMITED_WAITING: "Limited waiting",
        Use.PAY: "Pay to park",
        Use.RESIDENT: "Permit holders {} only",
        Use.SHARED: "Permit holders {} and others",
        Use.BLUE_BADGE: "Blue Badge holders only",
        Use.LOADING: "Loading only",
        Use.EV: "Electric vehicles only",
        Use.MOTORCYCLE: "Motorcycles only",
        Use.COACH: "Coaches only",
        Use.NO_PARKING: "No parking",
        Use.SUSPENDED: "Suspended",
    },
    hours="{}, {} to {}",
    all_day="{}, all day",
    max_stay="maximum stay {}",
    no_return="no return within {}",
    one_hour="1 hour",
    hours_of="{} hours",
    minutes_of="{} minutes",
    no_limit_for="no time limit for {}",
    drivers={
        "general": "all",
        "blue_badge": "Blue Badge holders",
        "loading": "loading",
        "ev": "electric vehicles",
        "motorcycle": "motorcycles",
        "coach": "coaches",
        "permit": "permit holders {}",
    },
    not_on_bank_holidays="not on bank holidays",
    only_on={BANK_HOLIDAY: "bank holidays only", EVENT: "event days only"},
    only_on_days_of='only on days of "{}"',
    overrides={
        OverrideKind.SUSPENSION: "Suspended",
        OverrideKind.CLOSURE: "Closed",
        OverrideKind.EVENT: "Event",
    },
    until="until {}",
    until_further_notice="until further notice",
    always_open="Always open",
    opened="Open {}",
)
_CY = _Language(
    days=("dydd Llun", "dydd Mawrth", "dydd Mercher", "dydd Iau", "dydd Gwener", "dydd Sadwrn", "dydd Sul"),
    every_day="bob dydd",
    to="{} i {}",
    uses={
        Use.FREE_PARKING: "Parcio am ddim",
        Use.LIMITED_WAITING: "Aros cyfyngedig",
        Use.PAY: "Talu i barcio",
        Use.RESIDENT: "Deiliaid trwydded {} yn unig",
        Use.SHARED: "Deiliaid trwydded {} ac eraill",
        Use.BLUE_BADGE: "Deiliaid Bathodyn Glas yn unig",
        Use.LOADING: "Llwytho yn unig",
        Use.EV: "Cerbydau trydan yn unig",
        Use.MOTORCYCLE: "Beiciau modur yn unig",
        Use.COACH: "Bysiau moethus yn unig",
        Use.NO_PARKING: "Dim parcio",
        Use.SUSPENDED: "Wedi'i atal",
    },
    hours="{}, {} i {}",
    all_day="{}, drwy'r dydd",
    max_stay="arhosiad hiraf {}",
    no_return="dim dychwelyd o fewn {}",
    one_hour="1 awr",
    hours_of="{} awr",
    minutes_of="{} munud",
    no_limit_for="dim terfyn amser i {}",
    drivers={
        "general": "bawb",
        "blue_badge": "ddeiliaid Bathodyn Glas",
        "loading": "lwytho",
        "ev": "gerbydau trydan",
        "motorcycle": "feiciau modur",
        "coach": "fysiau moethus",
        "permit": "ddeiliaid trwydded {}",
    },
    not_on_bank_holidays="nid ar wyliau banc",
    only_on={BANK_HOLIDAY: "gwyliau banc yn unig", EVENT: "diwrnodau digwyddiad yn unig"},
    only_on_days_of='dim ond ar ddiwrnodau "{}"',
    overrides={
        OverrideKind.SUSPENSION: "Wedi'i atal",
        OverrideKind.CLOSURE: "Ar gau",
        OverrideKind.EVENT: "Digwyddiad",
    },
    until="tan {}",
    until_further_notice="hyd nes y clywir yn wahanol",
    always_open="Ar agor bob amser",
    opened="Ar agor {}",
)
_LANGUAGES: Final[Mapping[str, _Language]] = {"en": _EN, "cy": _CY}

Words = dict[str, object]
"""A sentence by language, and whether anybody has confirmed them."""


def rule_words(rule: Rule) -> Words:
    """Say what a rule says: its use, when, for how long, and whom it spares."""
    return _said({code: _rule(rule, language) for code, language in _LANGUAGES.items()})


def override_words(override: Override) -> Words:
    """Say what an operator has put over the rules; its reason is given as entered, beside this. Times are UTC."""
    return _said({code: _override(override, language) for code, language in _LANGUAGES.items()})


def opening_words(opening: Sequence[OpeningHours]) -> Words:
    """Say when a car park is open; no hours: always."""
    return _said({code: _opening(opening, language) for code, language in _LANGUAGES.items()})


def _said(words: Mapping[str, str]) -> Words:
    return {**words, "confirmed": CONFIRMED}


def _rule(rule: Rule, say: _Language) -> str:
    parts = [
        say.uses[rule.use].format(", ".join(rule.permit_areas)),
        _when(say, rule.days, rule.starts_min, rule.ends_min),
    ]
    if rule.only_on is not None:
        parts.append(say.only_on.get(rule.only_on) or say.only_on_days_of.format(rule.only_on))
    if not rule.bank_holidays:
        parts.append(say.not_on_bank_holidays)
    if rule.max_stay_min is not None:
        parts.append(say.max_stay.format(_length(say, rule.max_stay_min)))
    if rule.no_return_min is not None:
        parts.append(say.no_return.format(_length(say, rule.no_return_min)))
    if rule.exemptions:
        parts.append(say.no_limit_for.format(", ".join(_driver(say, one) for one in rule.exemptions)))
    return "; ".join(parts)


def _override(override: Override, say: _Language) -> str:
    what, until = say.overrides[override.kind], override.until
    return f"{what} {say.until_further_notice if until is None else say.until.format(f'{until:%Y-%m-%d %H:%M}Z')}"


def _opening(opening: Sequence[OpeningHours], say: _Language) -> str:
    if not opening:
        return say.always_open
    return say.opened.format(
        "; ".join(_when(say, hours.days, hours.opens_min, hours.closes_min) for hours in opening)
    )


def _when(say: _Language, days: frozenset[int], starts_min: int, ends_min: int) -> str:
    named = _days(say, days)
    if (starts_min, ends_min) == (0, 1440):
        return say.all_day.format(named)
    return say.hours.format(named, _clock(starts_min), _clock(ends_min))


def _days(say: _Language, days: frozenset[int]) -> str:
    if len(days) == len(say.days):
        return say.every_day
    first, last = min(days), max(days)
    if len(days) == last - first + 1 > 2:
        return say.to.format(say.days[first], say.days[last])
    return ", ".join(say.days[day] for day in sorted(days))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _length(say: _Language, minutes: int) -> str:
    if minutes == 60:
        return say.one_hour
    if minutes % 60 == 0:
        return say.hours_of.format(minutes // 60)
    return say.minutes_of.format(minutes)


def _driver(say: _Language, token: str) -> str:
    kind, _, code = token.partition(":")
    return say.drivers[kind].format(code)
