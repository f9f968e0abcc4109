"""Who audits the auditor of signs: faults are planted in what a sign showed, and each must be found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baycast.chaos.signs.auditor import FAULTS, Row, Struck, Verdict, judge
from baycast.chaos.signs.notes import Came, Diary, Notes, Pages, Shown
from baycast.chaos.signs.plan import WAYS, How, Link, Over, dark_within_s, posts, schedule

THREE: Pages = (("cy", "3 LLE"), ("en", "3 SPACES"))
FOUR: Pages = (("cy", "4 LLE"), ("en", "4 SPACES"))
FULL: Pages = (("cy", "LLAWN"), ("en", "FULL"))
ROWS = [
    Row(1, 5, "street-0", "sensor", 4, 4),
    Row(1, 9, "street-0", "sensor", 3, 4),
    Row(1, 20, "street-0", "estimate", 4, 4),
    Row(2, 1, "street-0", "sensor", 0, 0),
]
CUT = Struck("publish.kill", 12.0, 16.0, {"sign-0": 2.0})


def came(at_s: float, pages: Pages = FOUR, version: str = "1.5", state: str = "SPACES") -> Came:
    """A frame with a ttl of 2 s that comes the moment it is made."""
    return Came(at_s, int(at_s * 1000), at_s + 2, state, pages, (("street-0", version),))


TOLD: list[Came | Shown] = [
    came(10.0),
    Shown(10.0, FOUR),
    came(11.0, THREE, "1.9"),
    Shown(11.01, THREE),
    came(11.5, THREE, "1.12"),
    Shown(13.5, ()),
    came(17.0),
    Shown(17.0, FOUR),
    came(18.5),
    came(20.0),
    came(20.5, FULL, "2.4", "FULL"),
    Shown(20.5, FULL),
]
"""Lit, cut off from 12 to 16, and lit again."""


def changed(index: int, note: Came | Shown) -> list[Came | Shown]:
    return [*TOLD[:index], note, *TOLD[index + 1 :]]


def verdict(notes: list[Came | Shown], cut: Struck = CUT, dwell_s: float = 20) -> Verdict:
    return judge({"sign-0": Diary(notes)}, [cut], ROWS, dwell_s=dwell_s, ended_s=21.0)


def test_nothing_is_found_where_there_is_nothing() -> None:
    found = verdict(TOLD)
    assert found.findings == []
    assert all(found.figures[name] == 0 for name in FAULTS)
    assert (found.figures["frames"], found.figures["pictures"], found.figures["modelled"]) == (7, 4, 1)
    worst_s = {name: round(value, 3) for name, value in found.worst_s.items()}
    assert worst_s["past_ttl_worst_s"] == 0
    assert worst_s["blank_worst_s"] == worst_s["blank_worst_s.publish.kill"] == 1.5
    assert worst_s["recovered_worst_s"] == worst_s["recovered_worst_s.publish.kill"] == 1


def test_a_picture_may_be_drawn_while_the_next_frame_comes() -> None:
    assert verdict([came(10.0), came(10.1, THREE, "1.9"), Shown(10.11, FOUR), *TOLD[2:]]).findings == []


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        pytest.param("past_ttl", verdict(changed(5, Shown(13.8, ()))), id="dark after the ttl"),
        pytest.param("past_ttl", verdict(TOLD[:5]), id="never dark"),
        pytest.param("past_ttl", verdict([*TOLD[:8], *TOLD[10:]]), id="the next frame after the ttl"),
        pytest.param(
            "past_ttl",
            verdict(changed(6, came(17.0)._replace(ends_s=16.5))),
            id="a frame that was held up on its way",
        ),
        pytest.param("blank_late", verdict(TOLD, CUT._replace(dark_within_s={"sign-0": 1.2})), id="too late"),
        pytest.param(
            "blank_late",
            verdict([*TOLD[:6], came(14.5), Shown(14.5, FOUR), Shown(15.0, ()), *TOLD[6:]]),
            id="lit again while the link is cut",
        ),
        pytest.param("recovered_late", verdict(TOLD[:6]), id="dark for good"),
        pytest.param("recovered_late", verdict(TOLD, dwell_s=0.5), id="back after a dwell"),
        pytest.param(
            "recovered_late",
            verdict([*TOLD[:8], Shown(17.4, ()), came(20.6), Shown(20.6, FOUR)]),
            id="back, and dark again at once",
        ),
        pytest.param(
            "recovered_late",
            verdict([*TOLD[:8], Shown(17.9, ()), came(20.2), Shown(20.2, FOUR)], dwell_s=3),
            id="back, and once more later",
        ),
        pytest.param("modelled_as_live", verdict(changed(9, came(20.0, version="1.20"))), id="an estimate"),
        pytest.param("unfounded", verdict(changed(9, came(20.0, version="1.9"))), id="more than is certain"),
        pytest.param("unfounded", verdict(changed(9, came(20.0, version="3.1"))), id="of no such version"),
        pytest.param("unfounded", verdict(changed(10, came(20.5, FULL, "1.9", "FULL"))), id="not full"),
        pytest.param("unfounded", verdict(changed(9, came(20.0)._replace(versions=()))), id="of nothing"),
        pytest.param("untold", verdict(changed(7, Shown(17.0, FULL))), id="another picture"),
        pytest.param("untold", verdict(changed(0, came(30.0))), id="an older frame than one before"),
        pytest.param(
            "untold",
            verdict([came(10.0), came(10.1, THREE, "1.9"), Shown(10.4, FOUR), *TOLD[2:]]),
            id="the frame before the last",
        ),
    ],
)
def test_a_planted_fault_is_found(fault: str, found: Verdict) -> None:
    assert found.figures[fault] >= 1
    assert any(text.startswith(f"{fault}: sign-0") for text in found.findings)


def test_every_link_is_cut_in_each_of_its_ways_before_one_comes_again() -> None:
    cuts = schedule(7, len(WAYS) * 4)
    assert schedule(7, len(WAYS)) == cuts[: len(WAYS)]
    assert [cut.link for cut in cuts[: len(WAYS)]] == list(Link)
    assert {(cut.link, cut.how) for cut in cuts} == {
        (link, how) for link, ways in WAYS.items() for how in ways
    }


def test_one_round_has_links_cut_in_every_way() -> None:
    """Of seed 1, which the suite runs (tests/e2e/test_chaos_signs.py)."""
    assert {cut.how for cut in schedule(1, len(WAYS))} == set(How)
    assert schedule(2, 1)[0].how is not schedule(1, 1)[0].how


def test_who_must_be_dark_depends_on_the_way_its_frames_come() -> None:
    by_mqtt, by_websocket = posts(2)
    assert (by_mqtt.over, by_websocket.over) == (Over.MQTT, Over.WEBSOCKET)
    for cut in schedule(1, len(WAYS) * 4):
        both = (dark_within_s(cut, by_mqtt, 30), dark_within_s(cut, by_websocket, 30))
        expected = {
            Link.API: (None, 2),
            Link.BROKER: (2, 32) if cut.how in (How.KILL, How.STOP) else (2, None),
            Link.INGEST: (32, 32),
            Link.ENGINE: (32, 32),
            Link.GATEWAY: (13, 13),
        }
        assert both == expected.get(cut.link, (2, 2)), cut
    other_gateway = posts(4)[2]
    silence = next(cut for cut in schedule(1, len(WAYS)) if cut.link is Link.GATEWAY)
    assert dark_within_s(silence, other_gateway, 30) is None


def test_notes_are_read_while_they_are_written(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "notes")
    notes.read()
    assert notes.lit_since_s("sign-0") is None
    frame = {"sequence": 7, "issued_at": "2026-10-03T12:00:00Z", "ttl_s": 2, "state": "SPACES"}
    frame |= {"pages": [{"language": "en", "lines": ["4 SPACES"]}], "versions": {"street-0": "1.5"}}
    first = {"at": 50.0, "sign": "sign-0", "wall": 1791028800.5, "frame": json.dumps(frame)}
    lines = [
        first,
        {"at": 50.1, "sign": "sign-0", "pages": [["en", "4 SPACES"]]},
        {"at": 51.0, "sign": "sign-0", "pages": []},
    ]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    with (tmp_path / "notes").open("a") as file:
        half = text.index('{"at": 51.0') + 5
        file.write(text[:half])
        file.flush()
        notes.read()
        assert notes.lit_since_s("sign-0") == 50.1
        file.write(text[half:])
        file.flush()
        notes.read()
    assert notes.lit_since_s("sign-0") is None
    told, *pictures = notes.diaries["sign-0"].notes
    assert isinstance(told, Came)
    assert (told.sequence, told.versions, told.pages) == (7, (("street-0", "1.5"),), (("en", "4 SPACES"),))
    # It came half a second after it was issued.
    assert told.ends_s == pytest.approx(51.5)
    assert pictures == [Shown(50.1, (("en", "4 SPACES"),)), Shown(51.0, ())]
