"""Overrides as they stand, and their only way to change: through the log of their area."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from occupancy.likeness import Likeness
from occupancy.model import AreaId, Override, aware
from occupancy.overrides import KIND, override_document, override_of
from occupancy.registry import Registry, RegistryError, RegistryRefused
from store import audit
from store.audit import Deed
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


@dataclass(frozen=True, slots=True)
class _Entering:
    """What is done, who is noted for it, when, and who did it where that is somebody else."""

    action: str
    entered_by: str
    entered_at: datetime
    actor: str | None


class NoOverrideError(LookupError):
    """There is no such override, as far as whoever asks may know."""


class OverrideEndedError(LookupError):
    """It has ended already, so there is nothing to end; it can still be taken out as a mistake."""


def load(conn: Connection, area: AreaId | None = None) -> list[Entered]:
    """The overrides of one area, or of all, by area and id."""
    with conn.cursor() as cur:
        return _load(cur, area)


def page(
    conn: Connection, *, within: Collection[str] | None = None, after: str = "", limit: int
) -> list[Entered]:
    """Overrides by id, of those after `after`; `within`: of these areas only."""
    areas = None if within is None else sorted(within)
    rows = conn.execute(sql("override.page"), (areas, after, limit)).fetchall()
    return [Entered(override_of(id, doc), by, at) for id, doc, by, at in rows]


def put(
    conn: Connection,
    override: Override,
    registries: Mapping[AreaId, Registry],
    *,
    entered_by: str,
    entered_at: datetime,
    actor: str | None = None,
    within: Collection[str] | None = None,
) -> bool:
    """Enter an override, in place of the one with its id; whether anything is new.

    `actor` is who did it in the audit log, where that is not who is noted as having entered it. `within`: whoever
    asks may know of these areas only. Raises `RegistryRefused` with everything that does not fit the registry,
    `psycopg.Error`.
    """
    aware(entered_at, "entered_at")
    errors = problems_of(override, registries)
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(sql("override.lock"))
        before = {entered.override.override_id: entered.override for entered in _load(cur, None)}
        known = before.get(override.override_id)
        if known is not None and known.area_id != override.area_id:
            told = within is None or known.area_id in within
            problem = f"is an override of area '{known.area_id}'" if told else "is taken"
            where = f"override {override.override_id}"
            errors.append(RegistryError(where, "id", problem, "choose another id"))
        if errors:
            raise RegistryRefused(errors)
        if known == override:
            return False
        how = _Entering("override.set", entered_by, entered_at, actor)
        _write(cur, override.override_id, known, override, how)
    return True


def withdraw(
    conn: Connection,
    override_id: str,
    *,
    entered_by: str,
    entered_at: datetime,
    void: bool = False,
    actor: str | None = None,
    within: Collection[str] | None = None,
) -> Override | None:
    """End an override at `entered_at`, to the minute; take it out where it has not begun by then, or with `void`.

    `actor` and `within` as in `put`. Returns what is left of it, None: nothing. Raises `NoOverrideError` when there
    is none, `OverrideEndedError` when it has ended already and is not to be taken out.
    """
    minute = aware(entered_at, "entered_at").replace(second=0, microsecond=0)
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(sql("override.lock"))
        found = {
            entered.override.override_id: entered.override
            for entered in _load(cur, None)
            if within is None or entered.override.area_id in within
        }
        known = found.get(override_id)
        if known is None:
            near = get_close_matches(override_id, found, n=1)
            raise NoOverrideError(
                f"there is no override {override_id!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
        left: Override | None = None
        if not void and known.starts_at < minute:
            if known.until is not None and known.until <= minute:
                raise OverrideEndedError(
                    f"override {override_id!r} has ended at {known.until:%Y-%m-%d %H:%MZ}"
                )
            left = replace(known, ends_at=minute, expires_at=None)
        how = _Entering("override.withdraw", entered_by, entered_at, actor)
        _write(cur, override_id, known, left, how)
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
    errors: list[RegistryError] = []
    for field, what, named, there in (
        ("bay_ids", "bay", override.bay_ids, registry.bays),
        ("zone_ids", "zone", override.zone_ids, registry.zones),
    ):
        likeness = Likeness(there)
        for id in sorted(set(named) - set(there)):
            near = likeness.to(id)
            fix = f"did you mean '{near}'?" if near is not None else f"correct the id, or register the {what}"
            errors.append(
                RegistryError(where, field, f"there is no {what} '{id}' in '{override.area_id}'", fix)
            )
    return errors


def _load(cur: Cursor, area: AreaId | None) -> list[Entered]:
    cur.execute(sql("override.load"), (area,))
    return [Entered(override_of(id, doc), by, at) for id, _, doc, by, at in cur.fetchall()]


def _write(
    cur: Cursor, override_id: str, before: Override | None, left: Override | None, how: _Entering
) -> None:
    """From what it was to what is left of it; None: nothing."""
    of = left or before
    if of is None:
        raise ValueError(f"override {override_id!r} is neither there nor to be")
    doc = None if left is None else override_document(left)
    entries = [LogEntry(KIND, override_id, doc, how.entered_at, how.entered_by)]
    batch_id = begin_entries(cur, of.area_id, entries)
    if doc is None:
        cur.execute(sql("override.drop"), (override_id,))
    else:
        row = (override_id, of.area_id, Jsonb(doc), batch_id, how.entered_by, how.entered_at)
        cur.execute(sql("override.put"), row)
    cur.execute(sql("registry.notify"), (of.area_id,))
    was = None if before is None else override_document(before)
    told = {"entered_by": how.entered_by, "before": was, "after": doc}
    who = how.actor or how.entered_by
    audit.append(cur, Deed(who=who, action=how.action, areas=[of.area_id], subject=override_id, doc=told))
    close_entries(cur, of.area_id, batch_id, len(entries))
