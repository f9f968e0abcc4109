"""`baycast override` and `baycast overstays`, as a person runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from baycast.cli import main
from occupancy.engine import ENGINE_VERSION
from occupancy.model import ZoneId
from store.overrides import load
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import log, serve
from tests.support.small_town import START, state
from tests.unit.test_overstays import limited

MIN = 60
SET = ["override", "set", "ttro-7", "--kind", "suspension", "--reason", "water main", "--by", "anna"]


@pytest.fixture(autouse=True)
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    with connect(database_url) as connection:
        apply(connection, [Change(*document) for document in limited()], entered_by="test", entered_at=START)
        yield connection


def test_an_override_is_set_listed_and_withdrawn(
    conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    later = [
        "--bays",
        "high-st-0",
        "--from",
        "2036-07-01T08:00",
        "--to",
        "2036-07-02T00:00Z",
        "--notice",
        "N 1",
    ]
    assert main([*SET, *later]) == 0
    words = "ttro-7: suspension from 2036-07-01 07:00Z to 2036-07-02 00:00Z for high-st-0: water main (N 1)"
    assert capsys.readouterr().out == f"town: {words}\n"
    assert main([*SET, *later]) == 0
    assert capsys.readouterr().out.endswith("(as it was)\n")
    assert main(["override", "list"]) == 0
    assert capsys.readouterr().out == f"later town: {words} [anna]\n"
    assert main(["override", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["overrides"]
    assert (listed["id"], listed["bay_ids"], listed["entered_by"]) == ("ttro-7", ["high-st-0"], "anna")
    assert main(["override", "withdraw", "ttro-7", "--by", "ben"]) == 0
    assert capsys.readouterr().out == "ttro-7: taken out\n"
    entries = conn.execute(
        "SELECT entered_by, doc IS NULL FROM log_entry WHERE kind = 'override' ORDER BY batch_id"
    )
    assert entries.fetchall() == [("anna", False), ("ben", True)]


def test_one_that_has_begun_ends_when_it_is_withdrawn(
    conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    began = (datetime.now(UTC) - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%MZ")
    assert main([*SET, "--zones", "high-st,castle", "--from", began]) == 0
    assert "to further notice" in capsys.readouterr().out
    assert main(["override", "withdraw", "ttro-7", "--by", "ben"]) == 0
    assert "ends at" in capsys.readouterr().out
    (left,) = load(conn)
    assert left.override.until is not None
    assert main(["override", "withdraw", "ttro-7", "--by", "ben"]) == 2
    told = capsys.readouterr().err
    assert ("has ended" in told, "--void takes it out" in told) == (True, True)
    assert main(["override", "list"]) == 0
    assert capsys.readouterr().out == "none\n"
    assert main(["override", "withdraw", "ttro-7", "--by", "ben", "--void"]) == 0
    conn.rollback()
    assert load(conn) == []


@pytest.mark.parametrize("option", ["--reason", "--by", "--notice"])
def test_l10_words_that_are_kept_for_ever_hold_no_plate(
    option: str, conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SET, "--zones", "high-st", option, "CA51 ABC"]) == 2
    told = capsys.readouterr().err
    assert (f"{option} holds what reads like a number plate" in told, "CA51" in told) == (True, False)
    assert load(conn) == []


def test_one_withdrawn_within_its_first_minute_never_held_and_the_log_keeps_that_it_was_entered(
    conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    def closed(minute: int) -> tuple[int, float]:
        """Bays of the street that are closed at that minute, and the bay-seconds of history in which any was."""
        log(conn, [], minute * MIN)
        now = serve(conn).fold.zones[ZoneId("high-st")].counts.closed
        [(past,)] = conn.execute("SELECT sum(closed_s) FROM zone_cell WHERE zone_id = 'high-st'").fetchall()
        conn.commit()
        return now, past

    log(conn, [state("s0", 1, 0, True)], 0)
    works = [*SET, "--zones", "high-st", "--from", "2026-11-02T08:30Z"]
    assert main(works) == 0
    assert closed(30) == (3, 0.0)
    assert main(["override", "withdraw", "ttro-7", "--at", "2026-11-02T08:30:59Z", "--by", "ben"]) == 0
    assert capsys.readouterr().out.endswith("ttro-7: taken out\n")
    assert closed(60) == (0, 0.0)
    entries = conn.execute("SELECT entered_by FROM log_entry WHERE kind = 'override' ORDER BY batch_id")
    assert entries.fetchall() == [("anna",), ("ben",)]
    assert main(works) == 0
    assert main(["override", "withdraw", "ttro-7", "--at", "2026-11-02T08:31:59Z", "--by", "ben"]) == 0
    assert capsys.readouterr().out.endswith("ttro-7: ends at 2026-11-02 08:31Z\n")
    assert closed(61) == (0, 180.0), "three bays for the one whole minute"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--bays", "high-st-0,high-st-9"], "there is no bay 'high-st-9' in 'town' (fix: did you mean"),
        (["--zones", "castle,moon"], "there is no zone 'moon' in 'town'"),
        (["--bays", "nowhere"], "no area has nowhere"),
        ([], "--bays or --zones"),
        (["--zones", "castle", "--from", "soon"], "--from soon: is no time"),
        (["--zones", "castle", "--from", "2026-10-25T01:30"], "comes twice on that day"),
        (["--zones", "castle", "--from", "2026-03-29T01:30"], "does not come on that day"),
        (
            ["--zones", "castle", "--from", "2026-03-29T03:30", "--to", "2026-03-29T03:00"],
            "not after starts_at",
        ),
        (["--zones", "castle", "--day-type", "match"], "declares no day"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_entered(
    more: list[str], words: str, conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SET, *more]) == 2
    assert words in capsys.readouterr().err
    assert load(conn) == []


def test_a_name_mistyped_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SET, "--zones", "castle"]) == 0
    assert main(["override", "withdraw", "ttro-8", "--by", "ben"]) == 2
    assert "did you mean 'ttro-7'" in capsys.readouterr().err


def test_overstays_are_listed_with_their_evidence(
    conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    log(conn, [state("s0", 1, 0, False), state("s0", 2, 10 * MIN, True)], 10 * MIN)
    log(conn, [state("s0", 3, 30 * MIN, True, cause="heartbeat")], 30 * MIN)
    log(conn, [state("s0", 4, 54 * MIN, False)], 60 * MIN)
    serve(conn)
    assert main(["overstays"]) == 0
    assert capsys.readouterr().out == (
        "2026-11-02 08:40Z high-st-0: 14 min over 30 min (wait, version 10e80a91564e), ended 08:54Z, published: "
        "the sensor reported the departure at 2026-11-02 08:54:00Z; may be exempt: blue_badge\n"
    )
    assert main(["overstays", "--json", "--zone", "high-st", "--since", "2026-11-02T08:40:00Z"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["overstays"]
    assert (listed["over_min"], listed["not_evidence"], listed["exemption_possible"]) == (14, True, True)
    assert (listed["rule_version"], listed["engine_version"]) == ("10e80a91564e", ENGINE_VERSION)
    for none in (["--zone", "castle"], ["--since", "2026-11-02T08:41:00Z"]):
        assert main(["overstays", *none]) == 0
        assert capsys.readouterr().out == "none\n"
    assert main(["overstays", "--zone", "moon"]) == 2
    assert "no zone 'moon'" in capsys.readouterr().err


def test_the_version_that_a_corrected_overstay_names_can_be_looked_up(
    conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    def judged_by() -> str:
        serve(conn)
        assert main(["overstays", "--json"]) == 0
        (listed,) = json.loads(capsys.readouterr().out)["overstays"]
        return str(listed["rule_version"])

    log(conn, [state("s0", 1, 0, False), state("s0", 2, 10 * MIN, True)], 10 * MIN)
    log(conn, [state("s0", 3, 30 * MIN, True, cause="heartbeat")], 30 * MIN)
    log(conn, [state("s0", 4, 54 * MIN, False)], 60 * MIN)
    first = judged_by()
    (rule,) = [document for document in limited(20) if document[0] == "rule"]
    apply(conn, [Change(*rule)], entered_by="anna", entered_at=START + timedelta(hours=2))
    corrected = judged_by()
    assert main(["registry", "versions", "wait"]) == 0
    newest, oldest = capsys.readouterr().out.splitlines()
    assert newest.startswith(f"2026-11-02 10:00:00Z town 5 [anna] version {corrected}: ")
    assert '"max_stay_min": 20' in newest
    assert oldest.startswith(f"2026-11-02 08:00:00Z town 1 [test] version {first}: ")
    assert main(["registry", "versions", "wait", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["versions"]
    assert [one["rule_version"] for one in listed] == [corrected, first]
    assert [one["document"]["max_stay_min"] for one in listed] == [20, 30]


def test_a_rule_that_never_was_has_no_versions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["registry", "versions", "weight"]) == 2
    assert "no rule 'weight' was ever entered" in capsys.readouterr().err
