"""Rules in words: each says all of what the rule says, in both languages, and that nobody has confirmed it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from occupancy.model import AreaId, OpeningHours, Override, OverrideKind, Rule, Use, ZoneId
from occupancy.registry_fields import DRIVERS
from occupancy.rule_words import opening_words, override_words, rule_words

PAY = Rule(
    rule_id="r", area_id=AreaId("tre"), use=Use.PAY, days=frozenset(range(6)), starts_min=480, ends_min=1080
)


@pytest.mark.parametrize(
    ("rule", "en", "cy"),
    [
        (
            PAY,
            "Pay to park; Monday to Saturday, 08:00 to 18:00",
            "Talu i barcio; dydd Llun i dydd Sadwrn, 08:00 i 18:00",
        ),
        (
            replace(
                PAY,
                use=Use.RESIDENT,
                permit_areas=("A", "B"),
                days=frozenset(range(7)),
                starts_min=0,
                ends_min=1440,
            ),
            "Permit holders A, B only; every day, all day",
            "Deiliaid trwydded A, B yn unig; bob dydd, drwy'r dydd",
        ),
        (
            replace(
                PAY,
                days=frozenset({5, 6}),
                max_stay_min=90,
                no_return_min=60,
                exemptions=("blue_badge", "permit:C"),
            ),
            "Pay to park; Saturday, Sunday, 08:00 to 18:00; maximum stay 90 minutes; no return within 1 hour; "
            "no time limit for Blue Badge holders, permit holders C",
            "Talu i barcio; dydd Sadwrn, dydd Sul, 08:00 i 18:00; arhosiad hiraf 90 munud; dim dychwelyd o fewn 1 awr; "
            "dim terfyn amser i ddeiliaid Bathodyn Glas, ddeiliaid trwydded C",
        ),
        (
            replace(
                PAY, days=frozenset({0, 2}), only_on="school_term", bank_holidays=False, max_stay_min=120
            ),
            'Pay to park; Monday, Wednesday, 08:00 to 18:00; only on days of "school_term"; not on bank holidays; '
            "maximum stay 2 hours",
            'Talu i barcio; dydd Llun, dydd Mercher, 08:00 i 18:00; dim ond ar ddiwrnodau "school_term"; '
            "nid ar wyliau banc; arhosiad hiraf 2 awr",
        ),
    ],
)
def test_a_rule_says_what_it_says(rule: Rule, en: str, cy: str) -> None:
    assert rule_words(rule) == {"en": en, "cy": cy, "confirmed": False}


@pytest.mark.parametrize("use", list(Use))
def test_every_use_and_every_driver_has_words_in_both_languages(use: Use) -> None:
    words = rule_words(replace(PAY, use=use, permit_areas=("A",), exemptions=(*DRIVERS, "permit:A")))
    assert words["en"] != words["cy"]
    assert "{" not in f"{words['en']}{words['cy']}"


@pytest.mark.parametrize("kind", list(OverrideKind))
def test_an_override_says_until_when(kind: OverrideKind) -> None:
    over = Override(
        override_id="o",
        area_id=AreaId("tre"),
        kind=kind,
        reason="works",
        starts_at=datetime(2026, 11, 18, 8, tzinfo=UTC),
        zone_ids=frozenset({ZoneId("z")}),
    )
    ending = replace(over, ends_at=datetime(2026, 11, 18, 14, 30, tzinfo=UTC))

    assert str(override_words(ending)["en"]).endswith("until 2026-11-18 14:30Z")
    assert str(override_words(ending)["cy"]).endswith("tan 2026-11-18 14:30Z")
    assert str(override_words(over)["en"]).endswith("until further notice")


def test_opening_hours_in_words() -> None:
    hours = OpeningHours(days=frozenset(range(7)), opens_min=420, closes_min=1140)
    assert opening_words([hours])["en"] == "Open every day, 07:00 to 19:00"
    assert opening_words([])["cy"] == "Ar agor bob amser"
