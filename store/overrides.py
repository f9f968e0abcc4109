"""Overrides as they stand, and their only way to change: through the log of their area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from occupancy.model import AreaId, Override, aware
from occupancy.overrides import KIND, override_document, override_of
from occupancy.registry import Registry, RegistryError, RegistryRefused
from store.log import LogEntry, begin_entries, close_entries
from store.queries import sql

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Entered:
    """An override with who entered it, and when."""

    override: Override
    entered_by: str
    entered_at: datetime


def load(conn: Connection, area: AreaId | None = None) -> list[Entered]:
    """The overrides of one area, or of all, by area and id."""
    with conn.cursor() as cur:
        return _load(cur, area)


def put(
    conn: Connection,
    override: Override,
    registries: Mapping[AreaId, Registry],
    *,
    entered_by: str,
    entered_at: datetime,
) -> bool:
    """Enter an override, in place of the one with its id; whether anything is new.

    Raises `RegistryRefused` with everything that does not fit the registry, `psycopg.Error`.
    """
    aware(entered_at, "entered_at")
    errors = problems_of(override, registries)
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(sql("override.lock"))
        before = {entered.override.override_id: entered.override for entered in _load(cur, None)}
        known = before.get(override.override_id)
        if known is not None and known.area_id != override.area_id:
            where, problem = f"override {override.override_id}", f"is an override of area '{known.area_id}'"
            errors.append(RegistryError(where, "id", problem, "choose another id"))
        if errors:
            raise RegistryRefused(errors)
        if known == override:
            return False
        _write(cur, override.override_id, override.area_id, override, entered_by, entered_at)
    return True


def withdraw(
    conn: Connection, override_id: str, *, entered_by: str, entered_at: datetime, void: bool = False
) -> Override | None:
    """End an override at `entered_at`, to the minute; take it out where it has not begun by then, or with `void`.

    Returns what is left of it, None: nothing. Raises `LookupError` when there is none, or it has ended already.
    """
    minute = aware(entered_at, "entered_at").replace(second=0, microsecond=0)
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(sql("override.lock"))
        found = {entered.override.override_id: entered.override for entered in _load(cur, None)}
        known = found.get(override_id)
        if known is None:
            near = get_close_matches(override_id, found, n=1)
            raise LookupError(
                f"there is no override {override_id!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
        left: Override | None = None
        if not void and known.starts_at < minute:
            if known.until is not None and known.until <= minute:
                raise LookupError(f"override {override_id!r} has ended at {known.until:%Y-%m-%d %H:%MZ}")
            left = replace(known, ends_at=minute, expires_at=None)
        _write(cur, override_id, known.area_id, left, entered_by, entered_at)
    return left


def problems_of(override: Override, registries: Mapping[AreaId, Registry]) -> list[RegistryError]:
    """What in it does not fit the registry."""
    where = f"override {override.override_id}"
    registry = registries.get(override.area_id)
    if registry is None:
        known = ", ".join(sorted(registries)) or "none"
        return [
            RegistryError(where, "area_id", f"there is no area '{override.area_id}'", f"registered: {known}")
        ]
    errors = []
    for field, what, named, there in (
        ("bay_ids", "bay", override.bay_ids, registry.bays),
        ("zone_ids", "zone", override.zone_ids, registry.zones),
    ):
        for id in sorted(set(named) - set(there)):
            near = get_close_matches(id, there, n=1)
            fix = f"did you mean '{near[0]}'?" if near else f"correct the id, or register the {what}"
            errors.append(
                RegistryError(where, field, f"there is no {what} '{id}' in '{override.area_id}'", fix)
            )
    return errors


def _load(cur: Cursor, area: AreaId | None) -> list[Entered]:
    cur.execute(sql("override.load"), (area,))
    return [Entered(override_of(id, doc), by, at) for id, _, doc, by, at in cur.fetchall()]


def _write(
    cur: Cursor, override_id: str, area: AreaId, left: Override | None, entered_by: str, entered_at: datetime
) -> None:
    doc = None if left is None else override_document(left)
    entries = [LogEntry(KIND, override_id, doc, entered_at, entered_by)]
    batch_id = begin_entries(cur, area, entries)
    if doc is None:
        cur.execute(sql("override.drop"), (override_id,))
    else:
        cur.execute(sql("override.put"), (override_id, area, Jsonb(doc), batch_id, entered_by, entered_at))
    cur.execute(sql("registry.notify"), (area,))
    close_entries(cur, area, batch_id, len(entries))
