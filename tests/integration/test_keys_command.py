"""`baycast keys`, as a person runs it, and the form of a key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from baycast.cli import main
from baycast.commands.keys import SCOPES
from store.key_secret import PATTERN, digest, is_well_formed, new_secret
from store.keys import KEYS_MAX, KeyRefusedError, Scope, create, rotate
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.support.registry_samples import sample

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    with connect(database_url, autocommit=True) as connection:
        area = sample()["area", "tre"]
        apply(connection, [Change("area", "tre", area)], entered_by="test", entered_at=AT)
        yield connection


def test_a_key_is_known_by_its_form_and_a_typing_error_by_its_checksum() -> None:
    made = [new_secret() for _ in range(200)]
    assert len(set(made)) == 200
    for secret in made:
        assert PATTERN.fullmatch(secret)
        assert is_well_formed(secret)
        for place in range(8, len(secret)):
            other = "x" if secret[place] != "x" else "y"
            assert not is_well_formed(secret[:place] + other + secret[place + 1 :])
    for odd in ("", "baycast_", made[0] + "\n", made[0][:-1], made[0].upper(), "é" * 57):
        assert not is_well_formed(odd)


def test_the_command_knows_the_scopes_that_there_are(conn: Connection) -> None:
    assert set(SCOPES) == set(Scope)
    create(conn, label="x", scopes=[*Scope], areas=None, expires_at=None, made_by="user a", made_at=AT)


def test_a_key_is_made_listed_rotated_and_revoked(
    conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    make = ["keys", "create", "--label", "parking team", "--scopes", "admin, history:read", "--areas", "tre"]
    assert main([*make, "--expires", "2036-01-01T00:00Z"]) == 0
    words = "1 parking team: admin, history:read for tre, until 2036-01-01 00:00Z"
    first_line, secret, told = capsys.readouterr().out.splitlines()
    assert (first_line, told) == (words, "This is the only time that it is shown: only its hash is kept.")
    assert is_well_formed(secret)
    assert conn.execute("SELECT digest FROM api_key_secret").fetchall() == [(digest(secret),)]
    assert main(["keys", "list"]) == 0
    assert re.fullmatch(
        rf"{words}; made by user \S+ {datetime.now(UTC):%Y-%m-%d}, never used\n", capsys.readouterr().out
    )
    assert main(["keys", "rotate", "1", "--until", "2035-01-01T00:00Z", "--json"]) == 0
    turned = json.loads(capsys.readouterr().out)
    assert turned["key"] != secret
    assert turned["old_until"] == "2035-01-01T00:00:00+00:00"
    rows = dict(conn.execute("SELECT digest, valid_until FROM api_key_secret").fetchall())
    assert rows == {digest(secret): datetime(2035, 1, 1, tzinfo=UTC), digest(turned["key"]): None}
    assert main(["keys", "revoke", "1"]) == 0
    assert "revoked" in capsys.readouterr().out
    assert main(["keys", "list"]) == 0
    assert capsys.readouterr().out == "none\n"
    assert main(["keys", "list", "--all", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["keys"]
    assert (listed["label"], listed["areas"], listed["revoked_at"] is None) == (
        "parking team",
        ["tre"],
        False,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create", "--label", "x", "--scopes", "admin,root"], "--scopes root: give some of live:read"),
        (["create", "--label", "x", "--scopes", ","], "at least one scope"),
        (["create", "--label", "x", "--scopes", "admin", "--areas", "tre,moon"], "--areas moon: there is no"),
        (["create", "--label", "x", "--scopes", "admin", "--areas", ","], "one area at least or for all"),
        (["create", "--label", "x" * 65, "--scopes", "admin"], "1 to 64 printable"),
        (["create", "--label", "a\nb", "--scopes", "admin"], "1 to 64 printable"),
        (
            ["create", "--label", "x", "--scopes", "admin", "--expires", "2020-01-01T00:00Z"],
            "expired already",
        ),
        (["create", "--label", "x", "--scopes", "admin", "--expires", "soon"], "--expires soon: is no time"),
        (["create", "--label", "x", "--scopes", "admin", "--expires", "2036-01-01"], "needs an offset"),
        (["revoke", "7"], "there is no key 7"),
        (["rotate", "7"], "there is no key 7"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_made(
    arguments: list[str], words: str, conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert conn.execute("SELECT count(*) FROM api_key").fetchone() == (0,)


def test_without_areas_a_key_is_for_all(conn: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--label", "app", "--scopes", "live:read", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["areas"], made["expires_at"], made["scopes"]) == (None, None, ["live:read"])


def test_an_overlap_is_never_made_longer_by_another_rotation(conn: Connection) -> None:
    key, _ = create(
        conn, label="x", scopes=[Scope.LIVE], areas=None, expires_at=None, made_by="user a", made_at=AT
    )
    rotate(conn, key.key_id, until=AT + timedelta(hours=1), by="user a", at=AT)
    rotate(conn, key.key_id, until=AT + timedelta(hours=9), by="user a", at=AT)
    ends = conn.execute("SELECT valid_until FROM api_key_secret ORDER BY valid_until NULLS LAST").fetchall()
    assert ends == [(AT + timedelta(hours=1),), (AT + timedelta(hours=9),), (None,)]
    with pytest.raises(KeyRefusedError, match="in the past"):
        rotate(conn, key.key_id, until=AT - timedelta(hours=1), by="user a", at=AT)


def test_l8_keys_are_bounded(conn: Connection) -> None:
    conn.execute(
        "INSERT INTO api_key (label, scopes, made_by, made_at) "
        f"SELECT 'x', '{{admin}}', 'test', now() FROM generate_series(1, {KEYS_MAX})"
    )
    with pytest.raises(KeyRefusedError, match="revoke those that nobody uses"):
        create(conn, label="x", scopes=[Scope.LIVE], areas=None, expires_at=None, made_by="a", made_at=AT)
