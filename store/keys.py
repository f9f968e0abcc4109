"""API keys: made, rotated and revoked in one transaction with their entry in the audit log; kept as hashes only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import psycopg

from firmware_contract.plates import holds_plate_word
from occupancy.answers import instant
from occupancy.model import aware
from store import audit
from store.audit import Deed
from store.key_secret import digest, new_secret
from store.postgres import Connection
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]

KEYS_MAX = 1000
"""Keys that are not revoked: every API process holds them all."""
LABEL_MAX = 64


class Scope(StrEnum):
    """What a key is for; one scope does not include another."""

    LIVE = "live:read"
    HISTORY = "history:read"
    ADMIN = "admin"
    SIGNS = "signs:write"
    PERSONAL = "personal"


class KeyRefusedError(ValueError):
    """What cannot be done with a key, in words for who asked for it."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. `areas` None: all of them, also those to come."""

    key_id: int
    label: str
    scopes: frozenset[Scope]
    areas: frozenset[str] | None
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    """To the minute."""

    def lives_at(self, at: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)

    def document(self) -> dict[str, object]:
        """All that may be told of it."""
        return {
            "id": self.key_id,
            "label": self.label,
            "scopes": sorted(self.scopes),
            "areas": None if self.areas is None else sorted(self.areas),
            "made_by": self.made_by,
            "made_at": instant(self.made_at),
            "expires_at": instant(self.expires_at),
            "revoked_at": instant(self.revoked_at),
            "last_used_at": instant(self.last_used_at),
        }


def named(key_id: int, label: str) -> str:
    """How the audit log names who holds a key: labels are not unique."""
    return f"key {key_id} ({label})"


def create(
    conn: Connection,
    *,
    label: str,
    scopes: Collection[Scope],
    areas: Collection[str] | None,
    expires_at: datetime | None,
    made_by: str,
    made_at: datetime,
) -> tuple[ApiKey, str]:
    """Make a key; returns it with its secret, which is nowhere else.

    Raises `KeyRefusedError`, `psycopg.Error`.
    """
    if not label.isprintable() or not 1 <= len(label) <= LABEL_MAX:
        raise KeyRefusedError(f"a label has 1 to {LABEL_MAX} printable characters")
    if holds_plate_word(label):
        raise KeyRefusedError("the label holds what reads like a number plate: choose another")
    if not scopes or (areas is not None and not areas):
        raise KeyRefusedError("a key needs at least one scope, and is for one area at least or for all")
    if expires_at is not None and aware(expires_at, "expires_at") <= made_at:
        raise KeyRefusedError("it would have expired already")
    bound = None if areas is None else sorted(set(areas))
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(sql("key.lock"))
        if _first(cur.execute(sql("key.count")))[0] >= KEYS_MAX:
            raise KeyRefusedError(f"there are {KEYS_MAX} keys: revoke those that nobody uses")
        row = (label, sorted(scopes), bound, made_by, made_at, expires_at)
        key_id = int(_first(cur.execute(sql("key.create"), row))[0])
        secret = _add_secret(cur, key_id, made_at)
        doc = {
            "label": label,
            "scopes": sorted(scopes),
            "expires_at": instant(expires_at),
        }
        audit.append(cur, Deed(who=made_by, action="key.create", areas=bound, subject=str(key_id), doc=doc))
        cur.execute(sql("key.notify"))
        return _found(cur, key_id), secret


def revoke(conn: Connection, key_id: int, *, by: str, at: datetime) -> ApiKey:
    """End a key for good. Raises `KeyRefusedError` when there is none, or it is revoked already."""
    with conn.transaction(), conn.cursor() as cur:
        key = _found(cur, key_id)
        if key.revoked_at is not None:
            raise KeyRefusedError(f"key {key_id} was revoked at {instant(key.revoked_at)}")
        cur.execute(sql("key.revoke"), (key_id, aware(at, "at")))
        _record(cur, "key.revoke", key, by, {})
        cur.execute(sql("key.notify"))
    return replace(key, revoked_at=at)


def rotate(conn: Connection, key_id: int, *, until: datetime, by: str, at: datetime) -> tuple[ApiKey, str]:
    """Give a key a new secret, which is returned; those it had go on until `until`.

    Raises `KeyRefusedError` when there is none, or it has ended.
    """
    if aware(until, "until") < at:
        raise KeyRefusedError("the old secret cannot end in the past; `until` now ends it at once")
    with conn.transaction(), conn.cursor() as cur:
        key = _found(cur, key_id)
        if not key.lives_at(at):
            raise KeyRefusedError(f"key {key_id} has ended: make another one")
        cur.execute(sql("key.end_secrets"), (key_id, until))
        secret = _add_secret(cur, key_id, at)
        _record(cur, "key.rotate", key, by, {"until": instant(until)})
        cur.execute(sql("key.notify"))
    return key, secret


def page(conn: Connection, *, within: Collection[str] | None = None, after: int, limit: int) -> list[ApiKey]:
    """Keys by id, of those after `after`; `within`: bound to no area but these."""
    areas = None if within is None else sorted(within)
    return [_key(row) for row in conn.execute(sql("key.page"), (areas, after, limit)).fetchall()]


def _add_secret(cur: Cursor, key_id: int, made_at: datetime) -> str:
    secret = new_secret()
    cur.execute(sql("key.add_secret"), (digest(secret), key_id, made_at))
    return secret


def _record(cur: Cursor, action: str, key: ApiKey, by: str, doc: Mapping[str, object]) -> None:
    doc = {"label": key.label, **doc}
    audit.append(cur, Deed(who=by, action=action, areas=key.areas, subject=str(key.key_id), doc=doc))


def _found(cur: Cursor, key_id: int) -> ApiKey:
    row = cur.execute(sql("key.find"), (key_id,)).fetchone()
    if row is None:
        raise KeyRefusedError(f"there is no key {key_id}")
    return _key(row)


def _key(row: tuple[Any, ...]) -> ApiKey:
    key_id, label, scopes, areas, *rest = row
    return ApiKey(key_id, label, scopes_of(scopes), None if areas is None else frozenset(areas), *rest)


def scopes_of(names: Collection[str]) -> frozenset[Scope]:
    """Return the scopes of these names; what a newer release has added opens nothing here."""
    return frozenset(scope for scope in Scope if scope.value in names)


def _first(cur: Cursor) -> tuple[Any, ...]:
    row = cur.fetchone()
    if row is None:
        raise LookupError("the database gave no row")
    return row
