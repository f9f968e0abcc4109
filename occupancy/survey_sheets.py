"""A survey as it comes: rows of a CSV file or of JSON, read strictly. Pure.

There is no column for notes: what is written there would be number plates (L10).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from occupancy.calendar import instants_of
from occupancy.likeness import Likeness
from occupancy.model import BayId, Clock
from occupancy.registry import Registry, RegistryError, RegistryRefused
from occupancy.surveys import Look

COLUMNS: Final = ("bay_id", "seen_at", "occupied")
ROWS_MAX = 20_000
"""Looks in one survey (L8)."""
_TAKEN = {"yes": True, "taken": True, "occupied": True, "true": True, "1": True}
_FREE = {"no": False, "free": False, "false": False, "0": False}
_SEEN: Mapping[str, bool | None] = {**_TAKEN, **_FREE, "unknown": None}
_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .'’-]){0,63}")


@dataclass(slots=True)
class Sheet:
    """What was read: `looks` by the place where each stands, and every row that is wrong."""

    looks: dict[str, Look] = field(default_factory=dict)
    errors: list[RegistryError] = field(default_factory=list)


def checked_surveyor(name: str) -> str:
    """A person's name, or a team's: no digits, so that it is no number plate. Raises `ValueError` with the fix."""
    if not _NAME.fullmatch(name):
        raise ValueError("is no name of a person or a team: give letters, blanks and . ' - only, at most 64")
    return name


def read_csv(text: str, file: str, registry: Registry, now: datetime) -> Sheet:
    """Rows are numbered as a spreadsheet does, with the header as 1. Raises `RegistryRefused` for a bad header."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[str, dict[str, object]]] = []
    sheet, number = Sheet(), 0
    header: list[str] = []
    try:
        for number, cells in enumerate(lines, 1):
            where = f"{file} row {number}"
            if number == 1:
                header = [cell.strip().lower() for cell in cells]
                _check_header(where, header)
            elif not any(cell.strip() for cell in cells):
                continue
            elif len(cells) != len(header):
                problem = f"has {len(cells)} cells, the header has {len(header)}"
                sheet.errors.append(RegistryError(where, None, problem, "give one cell for each column"))
            else:
                rows.append((where, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
            _check_size(file, number - 1)
    except csv.Error as error:
        fix = "save the file as CSV again"
        raise RegistryRefused([RegistryError(f"{file} row {number + 1}", None, str(error), fix)]) from None
    if number == 0:
        raise RegistryRefused([RegistryError(file, None, "is empty", f"give {', '.join(COLUMNS)} and rows")])
    return _read(sheet, rows, registry, now)


def read_rows(rows: Sequence[Mapping[str, object]], registry: Registry, now: datetime) -> Sheet:
    """Rows of JSON, numbered from 0. Raises `RegistryRefused` where there are too many."""
    _check_size("looks", len(rows))
    return _read(Sheet(), [(f"looks[{n}]", row) for n, row in enumerate(rows)], registry, now)


def _check_size(where: str, rows: int) -> None:
    if rows > ROWS_MAX:
        fix = "give it in parts"
        raise RegistryRefused([RegistryError(where, None, f"has more than {ROWS_MAX} looks", fix)])


def _check_header(where: str, header: list[str]) -> None:
    known = f"give {', '.join(COLUMNS)}"
    errors = [RegistryError(where, name, "is missing", known) for name in COLUMNS if name not in header]
    for name in dict.fromkeys(header):
        if name not in COLUMNS:
            problem = "is no column of ours: there is no place for notes, nor for number plates"
            errors.append(RegistryError(where, name or None, problem, f"leave it out; {known}"))
        elif header.count(name) > 1:
            errors.append(RegistryError(where, name, "is there twice", "leave one out"))
    if errors:
        raise RegistryRefused(errors)


def _read(
    sheet: Sheet, rows: Iterable[tuple[str, Mapping[str, object]]], registry: Registry, now: datetime
) -> Sheet:
    first: dict[tuple[BayId, datetime], tuple[str, bool | None]] = {}
    known = Likeness(registry.bays)
    for where, row in rows:
        try:
            look = _look(where, row, registry, known, now)
        except RegistryError as error:
            sheet.errors.append(error)
            continue
        before, seen = first.setdefault((look.bay_id, look.seen_at), (where, look.occupied))
        if seen is not look.occupied:
            problem = f"contradicts {before}: the same bay at the same time"
            sheet.errors.append(RegistryError(where, "occupied", problem, "keep one of them"))
        elif before == where:
            sheet.looks[where] = look
    return sheet


def _look(where: str, row: Mapping[str, object], registry: Registry, known: Likeness, now: datetime) -> Look:
    bay_id = row["bay_id"]
    if bay_id not in registry.bays:
        near = known.to(str(bay_id))
        fix = f"did you mean '{near}'?" if near is not None else "correct the id, or register the bay"
        problem = f"there is no bay {ascii(bay_id)[:70]} in '{registry.area_id}'"
        raise RegistryError(where, "bay_id", problem, fix)
    return Look(
        BayId(str(bay_id)),
        _seen_at(where, row["seen_at"], registry, now),
        _occupied(where, row["occupied"]),
    )


def _occupied(where: str, said: object) -> bool | None:
    if said is None or isinstance(said, bool):
        return said
    word = str(said).lower()
    if word not in _SEEN:
        fix = f"write one of {', '.join(_SEEN)}"
        raise RegistryError(where, "occupied", f"{ascii(said)[:40]} says nothing we know", fix)
    return _SEEN[word]


def _seen_at(where: str, said: object, registry: Registry, now: datetime) -> datetime:
    """An instant, or the clock on the wall in the area."""
    fix = "write 2026-11-18T10:15:00Z, or 2026-11-18T10:15 by the clock on the wall"

    def wrong(problem: str, fix: str = fix) -> RegistryError:
        return RegistryError(where, "seen_at", problem, fix)

    try:
        # A date without a time of day would be read as midnight.
        at = datetime.fromisoformat(said if isinstance(said, str) and ":" in said else "")
    except ValueError:
        raise wrong(f"{ascii(said)[:40]} is no time") from None
    if not 2000 < at.year < 9999:
        raise wrong(f"{at:%Y-%m-%d} is not of our time")
    if at.tzinfo is not None:
        at = at.astimezone(UTC)
    elif registry.area is None:
        raise wrong("has no offset, and the area has no time zone", "write 2026-11-18T10:15:00Z")
    else:
        found = instants_of(registry.area.time_zone, at)
        if len(found) != 1:
            told = "comes twice on that day" if found else "does not come on that day, the clocks go forward"
            raise wrong(told, "write it with its offset, as 2026-10-25T01:30+01:00")
        at = found[0]
    if registry.area is not None and registry.area.clock is Clock.LIVE and at > now:
        raise wrong(f"{at:%Y-%m-%d %H:%MZ} is still to come", "correct the time, or its offset")
    return at
