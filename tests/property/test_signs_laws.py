"""The laws of the signs, against every hidden truth that is consistent with what is counted."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from occupancy.model import (
    Area,
    AreaId,
    BayType,
    Clock,
    Counts,
    Group,
    Name,
    Sign,
    SignId,
    Source,
    ZoneAvailability,
    ZoneId,
)
from signs.bounds import known
from signs.display import Display, receive, shown
from signs.document import FrameError, encode, parse
from signs.frame import Frame
from signs.making import frame
from signs.text import columns, fit
from signs.words import FrameState

NOW = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
OURS = frozenset({"general"})
THEIRS = frozenset({"permit:A"})


def counts(most: int) -> st.SearchStrategy[Counts]:
    number = st.integers(0, most)
    return st.builds(Counts, free=number, occupied=number, unknown=number, closed=st.integers(0, 1))


@st.composite
def zone(draw: st.DrawFn, most: int = 2, zone_id: str = "z", live: bool = True) -> ZoneAvailability:
    groups = tuple(
        Group(bay_type=BayType.STANDARD, access=access, counts=draw(counts(most)))
        for access in (OURS, THEIRS)
    )
    total = groups[0].counts + groups[1].counts
    sources = [Source.SENSOR, Source.COUNT] if live else list(Source)
    return ZoneAvailability(
        zone_id=ZoneId(zone_id),
        groups=groups,
        free_min=draw(st.integers(0, total.free)),
        free_max=draw(st.integers(total.free, total.capacity)),
        as_of=NOW,
        source=draw(st.sampled_from(sources)),
        confidence=1.0,
        coverage=1.0,
        counts=total,
    )


def truths(zone: ZoneAvailability) -> Iterator[int]:
    """Every number of bays truly free for us that the counts and their bounds allow (see signs/bounds.py)."""
    ours, theirs = (group.counts for group in zone.groups)
    doubt = zone.counts.free - zone.free_min
    drift = max(0, zone.free_max - zone.counts.free - zone.counts.unknown)
    ranges = [
        range(number + 1) for part in (ours, theirs) for number in (part.free, part.occupied, part.unknown)
    ]
    for taken, freed, seen, taken_2, freed_2, seen_2 in itertools.product(*ranges):
        mine = ours.free - taken + freed + seen
        other = theirs.free - taken_2 + freed_2 + seen_2
        if taken + taken_2 <= doubt and freed + freed_2 <= drift and mine + other <= zone.free_max:
            yield mine


AREAS = st.builds(
    Area,
    area_id=st.just(AreaId("cardiff")),
    name=st.just(Name(en="Cardiff", cy="Caerdydd")),
    time_zone=st.just("Europe/London"),
    languages=st.sampled_from([("cy", "en"), ("en", "cy"), ("en",), ("cy",), ("cy", "en", "fr"), ()]),
    clock=st.just(Clock.LIVE),
)


@st.composite
def sign(draw: st.DrawFn, zone_ids: tuple[str, ...] = ("z",), full_below: int | None = 1) -> Sign:
    word = st.text(st.sampled_from("AÂW {}n1"), max_size=9)
    key = st.sampled_from(["spaces", "spaces_n", "spaces_one", "full", "closed"])
    return Sign(
        sign_id=SignId("s"),
        area_id=AreaId("cardiff"),
        name=Name(en="s"),
        zone_ids=tuple(ZoneId(zone_id) for zone_id in zone_ids),
        lat=0,
        lon=0,
        lines=draw(st.integers(1, 3)),
        width=draw(st.integers(1, 14)),
        full_below=draw(st.integers(0, 4)) if full_below is None else full_below,
        words=tuple(draw(st.lists(st.tuples(key, st.sampled_from(["cy", "en"]), word), max_size=3))),
    )


def make(sign: Sign, area: Area, *zones: ZoneAvailability, fresh: bool = True) -> Frame:
    return frame(sign, area, zones, now=NOW, sequence=1, fresh=fresh)


@given(zone())
def test_l6_the_bounds_hold_every_consistent_truth_and_are_tight(zone: ZoneAvailability) -> None:
    what = known([zone], "general")
    possible = set(truths(zone))
    assert (what.free_min, what.free_max) == (min(possible), max(possible))


@given(zone(most=40))
def test_l6_a_driver_who_may_use_all_bays_gets_the_zones_own_bounds(zone: ZoneAvailability) -> None:
    everyone = Group(bay_type=BayType.STANDARD, access=OURS, counts=zone.counts)
    whole = ZoneAvailability(
        zone_id=zone.zone_id,
        groups=(everyone,),
        free_min=zone.free_min,
        free_max=zone.free_max,
        as_of=NOW,
        source=Source.COUNT,
        confidence=1.0,
        coverage=1.0,
        counts=zone.counts,
    )
    what = known([whole], "general")
    assert what.free_min == zone.free_min
    assert what.free_max == min(zone.free_max, zone.counts.capacity - zone.counts.closed)


@given(sign(zone_ids=("a", "b"), full_below=None), AREAS, zone(zone_id="a"), zone(zone_id="b"))
def test_l6_a_sign_never_overclaims(
    sign: Sign, area: Area, one: ZoneAvailability, other: ZoneAvailability
) -> None:
    made = make(sign, area, one, other)
    least = min(truths(one)) + min(truths(other))
    most = max(truths(one)) + max(truths(other))
    if made.state is FrameState.SPACES:
        assert least >= 1
        assert str(least) in " ".join(made.pages[0].lines)
    elif made.state is FrameState.FULL:
        assert most < sign.full_below
    elif made.state is FrameState.CLOSED:
        assert most == 0


@given(sign(), AREAS, zone())
def test_l6_full_is_never_shown_when_a_bay_may_be_usable(
    sign: Sign, area: Area, zone: ZoneAvailability
) -> None:
    made = make(sign, area, zone)
    assert made.state is not FrameState.FULL or max(truths(zone)) == 0


@given(sign(full_below=None), AREAS, zone(live=False))
def test_l5_a_modelled_number_is_never_shown(sign: Sign, area: Area, zone: ZoneAvailability) -> None:
    made = make(sign, area, zone)
    if zone.source not in (Source.SENSOR, Source.COUNT):
        assert made.state is not FrameState.SPACES
        open_bays = zone.groups[0].counts.capacity - zone.groups[0].counts.closed
        assert made.state is not FrameState.FULL or open_bays < sign.full_below


@given(sign(full_below=None), AREAS, zone())
def test_l6_every_page_fits_and_the_languages_keep_their_order(
    sign: Sign, area: Area, zone: ZoneAvailability
) -> None:
    made = make(sign, area, zone)
    assert bool(made.pages) == (made.state is not FrameState.UNKNOWN)
    if made.pages:
        assert tuple(page.language for page in made.pages) == area.languages
    for page in made.pages:
        assert 1 <= len(page.lines) <= sign.lines
        assert all(line.strip() and (columns(line) or 99) <= sign.width for line in page.lines)


@given(sign(full_below=None), AREAS, zone())
def test_l6_without_freshness_or_with_a_zone_missing_the_sign_is_blank(
    sign: Sign, area: Area, zone: ZoneAvailability
) -> None:
    assert make(sign, area, zone, fresh=False).pages == ()
    assert make(sign, area).pages == ()


@given(st.text(), st.integers(1, 4), st.integers(1, 20))
def test_l6_text_is_never_cut(text: str, lines: int, width: int) -> None:
    rows = fit(text, lines=lines, width=width)
    if rows is not None:
        assert len(rows) <= lines
        assert " ".join(rows).split(" ") == [
            word for word in unicodedata.normalize("NFC", text).split(" ") if word
        ]
        assert all(len(row) <= width for row in rows)


MILLISECONDS = st.integers(0, 300_000).map(lambda milliseconds: milliseconds / 1000)


@given(
    st.lists(
        st.tuples(MILLISECONDS, st.integers(0, 20), st.integers(1, 90), st.none() | st.integers(0, 90)),
        max_size=20,
    ),
    MILLISECONDS,
)
def test_l6_nothing_is_shown_past_its_ttl_and_no_replay_is_shown(
    arrivals: list[tuple[float, int, int, int | None]], later_s: float
) -> None:
    """Frames arrive as they are issued, at rising times with any sequence: the sign shows the newest, for its life.
    Those that come late are in test_signs_lateness."""
    display = Display(sign_id=SignId("s"))
    highest, received_s, life_s = -1, 0.0, 0.0
    now_s = 0.0
    for wait_s, sequence, ttl_s, expires_in_s in arrivals:
        now_s += wait_s
        display = receive(
            display, parse(_frame_bytes(sequence, ttl_s, now_s)), now_s=now_s, expires_in_s=expires_in_s
        )
        if sequence > highest:
            highest, received_s = sequence, now_s
            life_s = ttl_s if expires_in_s is None else min(ttl_s, expires_in_s)
    now_s += later_s
    pages = shown(display, now_s)
    assert bool(pages) == (now_s - received_s < life_s)
    assert pages == () or (display.frame is not None and display.frame.sequence == highest)


def _frame_bytes(sequence: int, ttl_s: int, issued_s: float) -> bytes:
    issued_at = datetime(2026, 10, 25, 0, 30, tzinfo=UTC) + timedelta(seconds=issued_s)
    return (
        f'{{"sign_id":"s","sequence":{sequence},"issued_at":"{issued_at.isoformat()}","ttl_s":{ttl_s},'
        '"state":"FULL","pages":[{"language":"cy","lines":["LLAWN"]}]}'
    ).encode()


@given(sign(full_below=None), AREAS, zone())
def test_a_frame_survives_its_own_document(sign: Sign, area: Area, zone: ZoneAvailability) -> None:
    made = make(sign, area, zone)
    assert parse(encode(made)) == made


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_l11_any_bytes_are_a_frame_or_a_frame_error(payload: bytes) -> None:
    try:
        parse(payload)
    except FrameError:
        return
