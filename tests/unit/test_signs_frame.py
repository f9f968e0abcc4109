"""Signs by example: what a driver on the approach road would read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from occupancy.model import (
    Area,
    AreaId,
    BayType,
    Clock,
    Counts,
    Group,
    NaiveTimeError,
    Name,
    Sign,
    SignId,
    Source,
    ZoneAvailability,
    ZoneId,
)
from signs.display import Display, page_at, receive, showing, shown
from signs.document import FrameError, document, encode, parse
from signs.frame import Frame, Page, blank
from signs.making import frame
from signs.words import DEFAULTS, FrameState, phrase, unconfirmed

NOW = datetime(2026, 10, 3, 12, tzinfo=UTC)
CARDIFF = Area(
    area_id=AreaId("cardiff"),
    name=Name(en="Cardiff", cy="Caerdydd"),
    time_zone="Europe/London",
    languages=("cy", "en"),
    clock=Clock.LIVE,
)
SIGN = Sign(
    sign_id=SignId("newport-rd"),
    area_id=CARDIFF.area_id,
    name=Name(en="Newport Road"),
    zone_ids=(ZoneId("greyfriars"),),
    lat=51.48,
    lon=-3.17,
)


def zone(
    *groups: tuple[set[str], Counts],
    free_min: int | None = None,
    free_max: int | None = None,
    source: Source = Source.COUNT,
    zone_id: str = "greyfriars",
) -> ZoneAvailability:
    made = tuple(
        Group(bay_type=BayType.STANDARD, access=frozenset(access), counts=counts) for access, counts in groups
    )
    total = sum((group.counts for group in made), Counts())
    return ZoneAvailability(
        zone_id=ZoneId(zone_id),
        groups=made,
        free_min=total.free if free_min is None else free_min,
        free_max=total.free + total.unknown if free_max is None else free_max,
        as_of=NOW,
        source=source,
        confidence=0.9,
        coverage=1.0,
        counts=total,
    )


def says(*zones: ZoneAvailability, sign: Sign = SIGN, area: Area = CARDIFF, fresh: bool = True) -> list[str]:
    made = frame(sign, area, zones, now=NOW, sequence=7, fresh=fresh)
    return [" / ".join(page.lines) for page in made.pages]


def test_spaces_are_counted_welsh_first() -> None:
    assert says(zone(({"general"}, Counts(free=12, occupied=8)))) == ["12 LLE", "12 SPACES"]


def test_one_space_is_singular_in_english() -> None:
    assert says(zone(({"general"}, Counts(free=1, occupied=8)))) == ["1 LLE", "1 SPACE"]


def test_l6_spaces_show_the_certain_number_not_the_likely_one() -> None:
    assert says(zone(({"general"}, Counts(free=12, occupied=8)), free_min=9)) == ["9 LLE", "9 SPACES"]


def test_full_when_nothing_can_be_free() -> None:
    assert says(zone(({"general"}, Counts(occupied=20)))) == ["LLAWN", "FULL"]


def test_l6_one_silent_sensor_in_a_full_street_blanks_the_sign() -> None:
    assert says(zone(({"general"}, Counts(occupied=19, unknown=1)), source=Source.SENSOR)) == []


def test_l6_drift_of_a_counted_car_park_blanks_full() -> None:
    assert says(zone(({"general"}, Counts(occupied=20)), free_max=2)) == []


def test_l12_a_free_resident_bay_is_no_space_for_the_public() -> None:
    residents = ({"permit:A"}, Counts(free=5))
    assert says(zone(({"general"}, Counts(occupied=3)), residents)) == ["LLAWN", "FULL"]
    assert says(zone(({"general"}, Counts(free=2)), residents), sign=replace(SIGN, driver="permit:A")) == [
        "7 LLE",
        "7 SPACES",
    ]


def test_l12_doubt_about_any_bay_may_fall_on_the_publics_bays() -> None:
    street = zone(({"general"}, Counts(free=2)), ({"permit:A"}, Counts(free=5)), free_min=5)
    assert says(street) == []


def test_the_unknown_bays_of_others_do_not_hide_that_ours_are_full() -> None:
    street = zone(({"general"}, Counts(occupied=3)), ({"permit:A"}, Counts(unknown=5)), source=Source.SENSOR)
    assert says(street) == ["LLAWN", "FULL"]


def test_closed_when_every_bay_is_closed() -> None:
    assert says(zone((set(), Counts(closed=20)))) == ["AR GAU", "CLOSED"]
    assert says(zone(({"general"}, Counts(closed=20)), ({"permit:A"}, Counts(free=3)))) == [
        "AR GAU",
        "CLOSED",
    ]


def test_no_bay_for_these_drivers_is_neither_full_nor_closed() -> None:
    assert says(zone(({"permit:A"}, Counts(free=3)))) == []
    assert says(zone()) == []


def test_full_below_keeps_a_reserve() -> None:
    reserve = replace(SIGN, full_below=5)
    assert says(zone(({"general"}, Counts(free=4, occupied=9))), sign=reserve) == ["LLAWN", "FULL"]
    assert says(zone(({"general"}, Counts(free=5, occupied=9))), sign=reserve) == ["5 LLE", "5 SPACES"]


def test_zones_are_summed_and_a_missing_one_blanks() -> None:
    both = replace(SIGN, zone_ids=(ZoneId("greyfriars"), ZoneId("dumfries")))
    one = zone(({"general"}, Counts(free=3)))
    other = zone(({"general"}, Counts(free=4)), zone_id="dumfries")
    assert says(one, other, sign=both) == ["7 LLE", "7 SPACES"]
    assert says(one, sign=both) == []


def test_a_zone_named_twice_counts_once() -> None:
    twice = replace(SIGN, zone_ids=(ZoneId("greyfriars"), ZoneId("greyfriars")))
    assert says(zone(({"general"}, Counts(free=3))), sign=twice) == ["3 LLE", "3 SPACES"]


def test_a_stale_pipeline_or_no_zone_at_all_blanks() -> None:
    assert says(zone(({"general"}, Counts(free=3))), fresh=False) == []
    assert says(sign=replace(SIGN, zone_ids=())) == []


@pytest.mark.parametrize("source", [Source.ESTIMATE, Source.FORECAST, Source.TYPICAL, Source.PRIOR])
def test_l5_modelled_numbers_are_not_shown(source: Source) -> None:
    assert says(zone(({"general"}, Counts(free=3)), source=source)) == []
    assert says(zone(({"general"}, Counts(occupied=3)), source=source)) == []


def test_l6_what_does_not_fit_in_one_language_is_shown_in_none() -> None:
    narrow = replace(SIGN, width=8, lines=1)
    assert says(zone(({"general"}, Counts(free=12))), sign=narrow) == []  # 12 LLE fits, 12 SPACES does not
    assert says(zone(({"general"}, Counts(free=12))), sign=replace(narrow, lines=2)) == [
        "12 LLE",
        "12 / SPACES",
    ]


def test_l6_a_language_without_words_blanks() -> None:
    assert (
        says(zone(({"general"}, Counts(free=3))), area=replace(CARDIFF, languages=("cy", "en", "fr"))) == []
    )
    assert says(zone(({"general"}, Counts(free=3))), area=replace(CARDIFF, languages=())) == []


def test_an_authoritys_own_words_win() -> None:
    own = replace(SIGN, words=(("spaces", "en", "FREE"), ("spaces_n", "cy", "LLE: {n}"), ("full", "en", " ")))
    assert says(zone(({"general"}, Counts(free=3))), sign=own) == ["LLE: 3", "3 FREE"]
    assert says(zone(({"general"}, Counts(occupied=3))), sign=own) == ["LLAWN", "FULL"]


def test_the_shipped_words_are_unconfirmed_until_the_authority_says_so() -> None:
    assert not any(word.confirmed for word in DEFAULTS.values())
    own = replace(SIGN, words=(("full", "cy", "LLAWN"),))
    waiting = unconfirmed(own, CARDIFF.languages)
    assert ("full", "en", "FULL") in waiting
    assert ("full", "cy", "LLAWN") not in waiting


def test_every_state_has_words_in_english_and_welsh() -> None:
    for state in (FrameState.SPACES, FrameState.ALMOST_FULL, FrameState.FULL, FrameState.CLOSED):
        for language in ("en", "cy"):
            assert phrase(SIGN, state, language)
    assert phrase(SIGN, FrameState.UNKNOWN, "en") is None
    assert phrase(SIGN, FrameState.ALMOST_FULL, "cy") == "BRON YN LLAWN"


def test_l7_a_naive_time_never_enters_a_frame() -> None:
    with pytest.raises(NaiveTimeError):
        blank(SIGN, now=NOW.replace(tzinfo=None), sequence=1)


def test_document_of_a_frame() -> None:
    made = frame(
        SIGN,
        CARDIFF,
        [zone(({"general"}, Counts(free=3)))],
        now=NOW,
        sequence=7,
        fresh=True,
        versions={"greyfriars": "1.42"},
    )
    assert document(made) == {
        "sign_id": "newport-rd",
        "sequence": 7,
        "issued_at": "2026-10-03T12:00:00Z",
        "ttl_s": 60,
        "state": "SPACES",
        "pages": [{"language": "cy", "lines": ["3 LLE"]}, {"language": "en", "lines": ["3 SPACES"]}],
        "versions": {"greyfriars": "1.42"},
    }


GOOD = (
    b'{"sign_id":"s","sequence":1,"issued_at":"2026-10-03T12:00:00Z","ttl_s":60,"state":"FULL",'
    b'"pages":[{"language":"cy","lines":["LLAWN"]}]}'
)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'"sequence":1', b'"sequence":"1"', "sequence"),
        (b'"sequence":1', b'"sequence":true', "sequence"),
        (b'"sequence":1', b'"sequence":-1', "sequence"),
        (b'"ttl_s":60', b'"ttl_s":0', "ttl_s"),
        (b'"ttl_s":60', b'"ttl_s":NaN', "ttl_s"),
        (b'"ttl_s":60', b'"ttl_s":86401', "ttl_s"),
        (b'"ttl_s":60', b'"ttl_s":1' + b"0" * 400, "ttl_s"),
        (b'"sequence":1', b'"sequence":9223372036854775808', "sequence"),
        (b"2026-10-03T12:00:00Z", b"0001-01-01T00:00:00+14:00", "issued_at"),
        (b"2026-10-03T12:00:00Z", b"9999-12-31T23:59:59-14:00", "issued_at"),
        (b'12:00:00Z"', b'12:00:00"', "issued_at"),
        (b'2026-10-03T12:00:00Z"', b'noon"', "issued_at"),
        (b'"FULL"', b'"EMPTY"', "state"),
        (b'"FULL"', b'"UNKNOWN"', "pages"),
        (b'[{"language":"cy","lines":["LLAWN"]}]', b"[]", "pages"),
        (b'["LLAWN"]', b"[1]", "pages"),
        (b'["LLAWN"]', b"[]", "pages"),
        (b'[{"language":"cy","lines":["LLAWN"]}]', b'["LLAWN"]', "pages"),
        (b'"language":"cy"', b'"language":null', "language"),
        (b'"sign_id":"s"', b'"sign_id":4', "sign_id"),
        (b'"state"', b'"versions":[],"state"', "versions"),
        (b"{", b"[", "JSON"),
        (b"{", b" " * 20_000 + b"{", "bytes"),
    ],
)
def test_l6_a_sign_does_not_believe_a_broken_frame(old: bytes, new: bytes, field: str) -> None:
    parse(GOOD)
    with pytest.raises(FrameError, match=field):
        parse(GOOD.replace(old, new, 1))


def held(sequence: int = 5, ttl_s: int = 60) -> Frame:
    return Frame(
        sign_id=SIGN.sign_id,
        sequence=sequence,
        issued_at=NOW,
        ttl_s=ttl_s,
        state=FrameState.FULL,
        pages=(Page(language="cy", lines=("LLAWN",)), Page(language="en", lines=("FULL",))),
    )


def test_l6_a_sign_goes_dark_at_the_end_of_the_ttl_by_its_own_clock() -> None:
    assert showing(held(), 159.9, 100.0) == held().pages
    assert showing(held(), 160.0, 100.0) == ()
    assert showing(held(), 99.0, 100.0) == ()
    assert showing(None, 0.0, 0.0) == ()


def test_l6_time_spent_waiting_at_the_broker_is_not_given_again() -> None:
    display = receive(Display(sign_id=SIGN.sign_id), held(), now_s=100.0, expires_in_s=20)
    assert shown(display, 119.9) == held().pages
    assert shown(display, 120.0) == ()


def test_l6_an_older_frame_is_refused_even_after_the_newer_one_has_expired() -> None:
    display = receive(Display(sign_id=SIGN.sign_id), held(5), now_s=0.0)
    assert receive(display, held(5), now_s=30.0) is display
    assert receive(display, held(4), now_s=90.0) is display
    assert receive(display, replace(held(9), sign_id=SignId("other")), now_s=1.0) is display
    newer = replace(held(6), issued_at=NOW + timedelta(seconds=90))
    assert shown(receive(display, newer, now_s=90.0), 91.0) == held().pages


def test_pages_take_turns() -> None:
    pages = held().pages
    assert [page_at(pages, at_s, 3.0) for at_s in (0.0, 2.9, 3.0, 6.0)] == [
        pages[0],
        pages[0],
        pages[1],
        pages[0],
    ]
    assert page_at((), 1.0, 3.0) is None


def test_encoding_keeps_welsh_letters() -> None:
    made = replace(held(), pages=(Page(language="cy", lines=("TŶ",)),))
    assert "TŶ".encode() in encode(made)
    assert parse(encode(made)) == made
