"""The audit log cannot be changed unnoticed, and every change has its entry in its own transaction."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from baycast.cli import main
from baycast.operator import operator
from store.audit import Deed, Head, append, page, verify
from store.keys import KeyRefusedError, Scope, create, revoke, rotate
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.support.registry_samples import sample

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    with connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def tampering(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A superuser with the triggers off."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def record(conn: Connection, number: int) -> None:
    """Entries of every shape."""
    chance = random.Random(1)
    with conn.transaction(), conn.cursor() as cur:
        for ordinal in range(number):
            areas = chance.choice([None, [], ["cardiff"], ["cardiff", "newport"]])
            subject = chance.choice([None, "", f"zone {ordinal}"])
            doc: dict[str, object] = {"rows": ordinal, "ŵ": ["é", None, 1.5, {"a": ordinal}]}
            deed = Deed(who=f"key {ordinal}", action="personal.read", areas=areas, subject=subject, doc=doc)
            append(cur, deed)


def test_the_log_takes_entries_and_nothing_else(conn: Connection) -> None:
    record(conn, 3)
    for statement in (
        "UPDATE audit_entry SET who = 'nobody'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "UPDATE audit_head SET seq = 0",
        "DELETE FROM audit_head",
        "TRUNCATE audit_head",
        "INSERT INTO audit_head (only_row, seq, hash) VALUES (false, 0, '')",
    ):
        with pytest.raises(psycopg.Error, match="append-only"):
            conn.execute(statement)
    told = verify(conn)
    assert (told.entries, told.head.seq, told.breaks) == (3, 3, [])


def test_the_database_gives_place_time_and_hash(conn: Connection) -> None:
    conn.execute(
        "INSERT INTO audit_entry (seq, at, who, action, hash) VALUES (7, '2000-01-01Z', 'me', 'x', '\\x00')"
    )
    (entry,) = page(conn, limit=10)
    assert entry.seq == 1
    assert abs(entry.at - datetime.fromtimestamp(datetime.now(UTC).timestamp(), UTC)) < timedelta(minutes=1)
    assert verify(conn).breaks == []


def test_a_thousand_random_edits_and_deletions_are_all_detected(
    conn: Connection, tampering: psycopg.Connection[Any]
) -> None:
    entries = 40
    record(conn, entries)
    assert verify(conn).breaks == []
    chance = random.Random(20261122)
    edits = (
        ("who = who || 'x'", ""),
        ("who = 'key 0'", " AND who <> 'key 0'"),
        ("action = 'key.list'", ""),
        ("areas = CASE WHEN areas IS NULL THEN '{}'::text[] END", " AND (areas IS NULL OR areas = '{}')"),
        ("areas = array_append(areas, 'x')", ""),
        ("subject = CASE WHEN subject IS NULL THEN '' END", " AND coalesce(subject, '') = ''"),
        ("subject = coalesce(subject, '') || ' '", ""),
        ("""doc = doc || '{"rows": -1}'""", ""),
        ("doc = doc - 'rows'", ""),
        ("doc = '{}'", ""),
        ("at = at + interval '1 microsecond'", ""),
        ("at = at - interval '1 year'", ""),
        ("seq = -seq", ""),
        ("seq = seq + 1000", ""),
        ("hash = sha256(hash)", ""),
    )
    undetected, done = [], 0
    while done < 1000:
        seq = chance.randint(1, entries)
        kind, (change, where) = chance.random(), chance.choice(edits)
        with tampering.transaction(force_rollback=True):
            if kind < 0.25:
                what, changed = (
                    f"delete {seq}",
                    tampering.execute("DELETE FROM audit_entry WHERE seq = %s", [seq]),
                )
            elif kind < 0.35:  # from there to the end, as if nothing had been written since
                what = f"delete from {seq}"
                changed = tampering.execute("DELETE FROM audit_entry WHERE seq >= %s", [seq])
            elif kind < 0.45:  # two entries change places
                other = chance.choice([other for other in range(1, entries + 1) if other != seq])
                what = f"swap {seq} {other}"
                tampering.execute("UPDATE audit_entry SET seq = 5000 WHERE seq = %s", [seq])
                tampering.execute("UPDATE audit_entry SET seq = %s WHERE seq = %s", [seq, other])
                changed = tampering.execute("UPDATE audit_entry SET seq = %s WHERE seq = 5000", [other])
            else:
                what = f"{change} of {seq}"
                changed = tampering.execute(f"UPDATE audit_entry SET {change} WHERE seq = %s{where}", [seq])
            if changed.rowcount:
                done += 1
                if not _breaks_within(tampering):
                    undetected.append(what)
    assert undetected == []
    assert verify(conn).breaks == []


def _breaks_within(tampering: psycopg.Connection[Any]) -> bool:
    """What verify would find if the transaction were committed."""
    from store import audit

    cursors, tampering.cursor_factory = tampering.cursor_factory, psycopg.RawCursor
    try:
        return bool(audit._verified(tampering, None).breaks)
    finally:
        tampering.cursor_factory = cursors


def test_a_chain_made_anew_shows_beside_a_head_that_was_noted(
    conn: Connection, tampering: psycopg.Connection[Any]
) -> None:
    record(conn, 5)
    noted = verify(conn).head
    record(conn, 2)
    assert verify(conn, noted).breaks == []
    with tampering.transaction():
        tampering.execute("DELETE FROM audit_entry")
        tampering.execute("UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')")
    record(conn, 6)
    assert verify(conn).breaks == []
    assert verify(conn, noted).breaks == ["entry 5 is not the one that was noted"]
    assert verify(conn, replace(noted, seq=99)).breaks == ["entry 99 is not the one that was noted"]
    assert verify(conn, Head(0, b"")).breaks == []


def test_verify_is_a_command_with_a_status(
    conn: Connection, tampering: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    record(conn, 4)
    assert main(["audit", "verify", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["entries"], told["breaks"]) == (4, [])
    tampering.execute("DELETE FROM audit_entry WHERE seq = 2")
    assert main(["audit", "verify", "--head", told["head"]]) == 1
    assert capsys.readouterr().out.startswith("entries 2 to 2 are missing\n3 entries, broken; head 4:")
    assert main(["audit", "verify", "--head", "4"]) == 2
    assert main(["audit", "verify", "--head", "4:ab"]) == 1


def test_keys_are_recorded_without_their_secrets(conn: Connection) -> None:
    more: dict[str, Any] = {"expires_at": None, "made_by": "user anna", "made_at": AT}
    key, first = create(conn, label="team", scopes=[Scope.ADMIN], areas=["cardiff"], **more)
    _, second = rotate(conn, key.key_id, until=AT + timedelta(hours=1), by="user ben", at=AT)
    revoke(conn, key.key_id, by="user cai", at=AT)
    entries = page(conn, limit=10)
    assert [(e.who, e.action, e.areas, e.subject) for e in entries] == [
        ("user cai", "key.revoke", ["cardiff"], "1"),
        ("user ben", "key.rotate", ["cardiff"], "1"),
        ("user anna", "key.create", ["cardiff"], "1"),
    ]
    assert not any(secret[8:] in str(entries) for secret in (first, second))
    with pytest.raises(KeyRefusedError):
        revoke(conn, key.key_id, by="user cai", at=AT)
    assert len(page(conn, limit=10)) == 3


def test_registry_changes_are_recorded_in_their_own_transaction(conn: Connection) -> None:
    changes = [Change(kind, id, doc) for (kind, id), doc in sample().items()]
    with conn.transaction(force_rollback=True):
        apply(conn, changes, entered_by="file", entered_at=AT, actor="user anna")
        assert len(page(conn, limit=10)) == 1
    assert page(conn, limit=10) == []
    apply(conn, changes, entered_by="file", entered_at=AT, actor="user anna")
    apply(conn, changes, entered_by="file", entered_at=AT, actor="user anna")
    (entry,) = page(conn, limit=10)
    assert (entry.who, entry.action, entry.areas) == ("user anna", "registry.change", ["tre"])
    assert (entry.doc["put"], entry.doc["removed"], entry.doc["entered_by"]) == (len(changes), 0, "file")
    assert "bay/queen-st-001" in str(entry.doc["documents"])


def test_overrides_and_recounts_by_command_are_recorded(
    conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = [Change(kind, id, doc) for (kind, id), doc in sample().items()]
    apply(conn, changes, entered_by="test", entered_at=AT)
    sets = ["override", "set", "ttro-1", "--kind", "closure", "--zones", "queen-st", "--reason", "flood"]
    assert main([*sets, "--by", "anna"]) == 0
    assert main([*sets, "--by", "anna"]) == 0
    assert main(["override", "withdraw", "ttro-1", "--void", "--by", "ben"]) == 0
    assert main(["recount", "castle-mews", "12", "--by", "cai", "--reason", "drift"]) == 0
    capsys.readouterr()
    assert main(["audit", "list", "--area", "tre", "--limit", "3", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert [(e["who"], e["action"], e["details"]["entered_by"]) for e in entries] == [
        (operator(), "recount", "cai"),
        (operator(), "override.withdraw", "ben"),
        (operator(), "override.set", "anna"),
    ]
    assert entries[1]["details"]["before"]["zone_ids"] == ["queen-st"]
    assert entries[1]["details"]["after"] is None
    assert entries[2]["details"]["before"] is None
    assert main(["audit", "list", "--of", "recount"]) == 0
    assert "recount castle-mews [tre]" in capsys.readouterr().out
    assert main(["audit", "list", "--area", "moon"]) == 0
    assert capsys.readouterr().out == "none\n"
