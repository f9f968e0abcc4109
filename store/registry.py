"""The registry as it stands, and its only way to change: through the log, all or nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from occupancy.model import Area, AreaId, Clock, aware
from occupancy.registry import KINDS, Entity, Registry, RegistryError, RegistryRefused, document, entity
from occupancy.registry_reach import Changed, reaches_back_to
from signs.refusals import refusals
from store import audit
from store.audit import Deed
from store.log import LogEntry, begin_entries, close_entries
from store.queries import sql

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]
Key = tuple[str, str]
Document = dict[str, object]

_PUT_MAX = 10_000
"""Documents per statement: each stays far below the statement timeout, however large the area."""

_NAMED_MAX = 100
"""Documents that an entry of the audit log names; it counts them all."""

_ORDER = {kind: ordinal for ordinal, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Change:
    """One document as it shall be; `doc` None: removed."""

    kind: str
    id: str
    doc: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class AreaApplied:
    """`position` is where in the area's log the changes stand; None: nothing was new. `documents`: the first of those
    that changed, as kind/id. `since`: from where on history is told otherwise; None: the past stays as it is."""

    position: int | None
    changed: int
    unchanged: int
    documents: Sequence[str] = ()
    since: datetime | None = None


class RegistryChangedError(Exception):
    """A document is not as whoever changes it has seen it."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"{kind} {id} was changed meanwhile")


@dataclass(frozen=True, slots=True)
class Applied:
    areas: Mapping[AreaId, AreaApplied]

    @property
    def changed(self) -> int:
        return sum(area.changed for area in self.areas.values())

    @property
    def since(self) -> datetime | None:
        """From where on history is told otherwise in any of the areas; None: in none."""
        return min((area.since for area in self.areas.values() if area.since is not None), default=None)


def load(conn: Connection, area: AreaId | None = None) -> list[tuple[str, str, AreaId, Document]]:
    """Every document (kind, id, area, doc) of one area or of all: by area, kind in `KINDS` order, id."""
    with conn.cursor() as cur:
        cur.execute(sql("registry.load"), (area,))
        rows = [(str(kind), str(id), AreaId(of), dict(doc)) for kind, id, of, doc in cur.fetchall()]
    return sorted(rows, key=lambda row: (row[2], _ORDER[row[0]], row[1]))


def load_registries(conn: Connection) -> dict[AreaId, Registry]:
    """Every area's registry, ready to be asked."""
    found: dict[AreaId, Registry] = defaultdict(Registry)
    for kind, id, area, doc in load(conn):
        found[area].put(kind, id, doc)
    return dict(found)


def apply(
    conn: Connection,
    changes: Sequence[Change],
    *,
    entered_by: str,
    entered_at: datetime,
    actor: str | None = None,
    within: Collection[str] | None = None,
    only_if: Callable[[Key, int | None], bool] = lambda _key, _version: True,
) -> Applied:
    """Make all changes or none, in one transaction: checked as a whole, logged and audited per area, then
    projected.

    A document that is there already is not logged again, so the same file imported twice appends nothing.
    `actor` is who did it in the audit log, where that is not who is noted as having entered it. `within`: the areas
    that whoever asks may know of; nothing is told of others, and nothing taken out of them. `only_if` is asked for each
    document with the version that it has, None: it is not there. Raises `RegistryChangedError` where it says no,
    `RegistryRefused` with everything that is wrong, `psycopg.Error` when the database says no.
    """
    aware(entered_at, "entered_at")
    puts, removals = _parse(changes)
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(sql("registry.lock"))
        area_of, version_of = _standing(cur, puts, removals)
        foreign = {key for key, area in area_of.items() if within is not None and area not in within}
        for key in (*puts, *removals):
            if not only_if(key, None if key in foreign else version_of.get(key)):
                raise RegistryChangedError(*key)
        _refuse(_clashes(puts, area_of, within))
        removals -= foreign
        areas = {found.area_id for found in puts.values()} | {
            area_of[key] for key in removals if key in area_of
        }
        work = [_plan(conn, area, puts, removals & area_of.keys()) for area in sorted(areas)]
        _refuse([problem for plan in work for problem in plan.problems()])
        written = {plan.area: plan.write(cur, entered_by, entered_at) for plan in work}
        for plan in work:
            if plan.changed:
                audit.append(cur, plan.deed(actor or entered_by, entered_by))
        return Applied({area: batch.close(cur) for area, batch in written.items()})


def _refuse(errors: Sequence[RegistryError]) -> None:
    if errors:
        raise RegistryRefused(errors)


def _parse(changes: Sequence[Change]) -> tuple[dict[Key, Entity], set[Key]]:
    """What to put and what to take out. The same change given twice is one; two different ones contradict."""
    puts: dict[Key, Entity] = {}
    removals: set[Key] = set()
    errors: list[RegistryError] = []
    for change in changes:
        key = (change.kind, change.id)
        if change.doc is None and change.kind in KINDS:
            removals.add(key)
            continue
        try:
            found = entity(change.kind, change.id, change.doc)
        except RegistryError as error:
            errors.append(error)
            continue
        if puts.setdefault(key, found) != found:
            where = f"{change.kind} {change.id}"
            errors.append(RegistryError(where, None, "is given twice, differently", "keep one of them"))
    errors += [
        RegistryError(f"{kind} {id}", None, "is both changed and removed", "do one of the two")
        for kind, id in sorted(puts.keys() & removals)
    ]
    _refuse(errors)
    return puts, removals


def _standing(
    cur: Cursor, puts: Mapping[Key, Entity], removals: set[Key]
) -> tuple[dict[Key, AreaId], dict[Key, int]]:
    """Where the documents in question are registered now, and their versions. A device is looked for as sensor and as
    gate."""
    wanted = {*puts, *removals}
    for kind, id in puts:
        if kind in ("sensor", "gate"):
            wanted |= {("sensor", id), ("gate", id)}
    keys = sorted(wanted)
    cur.execute(sql("registry.standing"), ([kind for kind, _ in keys], [id for _, id in keys]))
    rows = cur.fetchall()
    areas = {(kind, id): AreaId(area) for kind, id, area, _ in rows}
    return areas, {(kind, id): int(version) for kind, id, _, version in rows}


def _clashes(
    puts: Mapping[Key, Entity], area_of: Mapping[Key, AreaId], within: Collection[str] | None
) -> list[RegistryError]:
    """Ids stand alone in URLs and topics, so no two areas may use the same one."""
    errors = []
    for (kind, id), found in puts.items():
        others = [(kind, id)] if kind not in ("sensor", "gate") else [("sensor", id), ("gate", id)]
        for other in others:
            area = area_of.get(other, found.area_id)
            if area != found.area_id:
                told = within is None or area in within
                problem = f"is the id of a {other[0]} of area '{area}'" if told else "is taken"
                fix = "choose another, or remove that one first" if told else "choose another"
                errors.append(RegistryError(f"{kind} {id}", "id", problem, fix))
    return errors


@dataclass(slots=True)
class _Plan:
    """What is to be done in one area."""

    area: AreaId
    before: Area | None
    after: Registry
    changed: list[tuple[Key, Document | None]]
    unchanged: int
    reach: list[Changed]
    """The same documents as they were and shall be."""

    def problems(self) -> list[RegistryError]:
        was, now = self.before, self.after.area
        errors = [*self.after.problems(), *refusals(self.after)]
        if was and now and was.clock is not now.clock:
            problem = f"cannot turn from '{was.clock}' to '{now.clock}': the area's log has begun"
            errors.append(RegistryError(f"area {self.area}", "clock", problem, "register another area"))
        return errors

    def deed(self, actor: str, entered_by: str) -> Deed:
        """What the audit log tells of it; the documents themselves stand in the area's log."""
        names = [f"{kind}/{id}" for (kind, id), _ in self.changed]
        removed = sum(doc is None for _, doc in self.changed)
        doc = {
            "entered_by": entered_by,
            "put": len(names) - removed,
            "removed": removed,
            "documents": names[:_NAMED_MAX],
        }
        return Deed(who=actor, action="registry.change", areas=[self.area], doc=doc)

    def write(self, cur: Cursor, entered_by: str, entered_at: datetime) -> _Written:
        if not self.changed:
            return _Written(self.area, None, [], self.unchanged, None)
        entries = [
            LogEntry("registry", f"{kind}/{id}", doc, entered_at, entered_by)
            for (kind, id), doc in self.changed
        ]
        clock = self.after.area.clock.value if self.after.area else None
        batch_id = begin_entries(cur, self.area, entries, clock=clock)
        gone = [key for key, doc in self.changed if doc is None]
        put = [(*key, json.dumps(doc, allow_nan=False)) for key, doc in self.changed if doc is not None]
        cur.execute(sql("registry.drop"), ([kind for kind, _ in gone], [id for _, id in gone]))
        for start in range(0, len(put), _PUT_MAX):
            kinds, ids, docs = zip(*put[start : start + _PUT_MAX], strict=True)
            cur.execute(sql("registry.put"), (self.area, batch_id, list(kinds), list(ids), list(docs)))
        cur.execute(sql("registry.notify"), (self.area,))
        since = reaches_back_to(self.reach, self.after)
        ahead = since is not None and clock == Clock.LIVE and since >= entered_at
        past = None if ahead or self.before is None else since
        return _Written(self.area, batch_id, [entry.key for entry in entries], self.unchanged, past)


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written in one area; `batch_id` None: nothing was new."""

    area: AreaId
    batch_id: int | None
    documents: Sequence[str]
    unchanged: int
    since: datetime | None

    def close(self, cur: Cursor) -> AreaApplied:
        """Take the area's head: last before COMMIT, and after that of the audit log."""
        if self.batch_id is None:
            return AreaApplied(None, 0, self.unchanged)
        changed = len(self.documents)
        position = close_entries(cur, self.area, self.batch_id, changed)
        return AreaApplied(position, changed, self.unchanged, self.documents[:_NAMED_MAX], self.since)


def _plan(conn: Connection, area: AreaId, puts: Mapping[Key, Entity], removals: set[Key]) -> _Plan:
    after = Registry()
    stored: dict[Key, Document] = {}
    for kind, id, _, doc in load(conn, area):
        after.put(kind, id, doc)
        stored[kind, id] = doc
    before = after.area
    changed: list[tuple[Key, Document | None]] = []
    reach: list[Changed] = []
    unchanged = 0
    before_of = {key: entity(*key, stored[key]) for key in (*puts, *removals) if key in stored}
    for key, found in sorted(puts.items(), key=lambda item: (_ORDER[item[0][0]], item[0][1])):
        if found.area_id != area:
            continue
        doc = document(found)
        if stored.get(key) == doc:
            unchanged += 1
            continue
        after.put_entity(found)
        changed.append((key, doc))
        reach.append(Changed(before_of.get(key), found))
    for kind, id in sorted(removals & stored.keys(), key=lambda key: (-_ORDER[key[0]], key[1])):
        after.remove(kind, id)
        changed.append(((kind, id), None))
        reach.append(Changed(before_of[kind, id], None))
    return _Plan(area, before, after, changed, unchanged, reach)
