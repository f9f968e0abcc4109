"""The fields of registry documents, read strictly: a typo in a registry is a silent disaster.

Nothing is guessed. Each reader takes one field off a document and either returns its value or raises
`RegistryError`, which says where, which field, what is wrong and what to do about it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, TypeVar

from occupancy.model import Name

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ID_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
DEVICE_ID_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
LANGUAGE_PATTERN: Final = re.compile(r"[a-z]{2,3}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_CLOCK_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")
_TEXT_MAX = 200
_ITEMS_MAX = 10_000

DRIVERS: Final = ("general", "blue_badge", "loading", "ev", "motorcycle", "coach")

E = TypeVar("E", bound=StrEnum)


class RegistryError(ValueError):
    """One thing wrong in a registry: where, in which field, what, and how to put it right."""

    def __init__(self, where: str, field: str | None, problem: str, fix: str) -> None:
        at = f"{where}: field '{field}'" if field else where
        super().__init__(f"{at}: {problem} (fix: {fix})")
        self.where = where
        self.field = field
        self.problem = problem
        self.fix = fix

    def moved_to(self, where: str) -> RegistryError:
        """The same error seen from a file: "bays.csv row 17" tells more than the id."""
        return RegistryError(where, self.field, self.problem, self.fix)


class RegistryRefused(ValueError):
    """Everything that is wrong with a set of registry changes, of which none was made."""

    def __init__(self, errors: Sequence[RegistryError]) -> None:
        super().__init__(f"{len(errors)} problem(s) in the registry, the first: {errors[0]}")
        self.errors = tuple(errors)


def is_driver(token: str) -> bool:
    """Whether `token` names a kind of driver, as in `for=`: "general", "blue_badge", ..., "permit:CODE"."""
    return token in DRIVERS or (token.startswith("permit:") and _CODE.fullmatch(token[7:]) is not None)


def format_instant(at: datetime) -> str:
    """RFC 3339 in UTC, as in 2026-04-01T00:00:00Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def format_minutes(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def format_days(days: frozenset[int]) -> str:
    """The shortest of our spellings: "daily", "mon-sat", "mon,wed,fri", "sat,sun"."""
    if len(days) == 7:
        return "daily"
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(
        f"{DAYS[run[0]]}-{DAYS[run[-1]]}" if len(run) > 2 else ",".join(DAYS[day] for day in run)
        for run in runs
    )


def parse_days(text: str) -> frozenset[int]:
    """The inverse of `format_days`; ValueError with the reason."""
    if text == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"{part!r} is no day or range of days")
        start, end = DAYS.index(first), DAYS.index(last if dash else first)
        if end < start:
            raise ValueError(f"{part!r} runs backwards; a range does not pass Sunday")
        named = set(range(start, end + 1))
        if days & named:
            raise ValueError(f"{part!r} names a day twice")
        days |= named
    return frozenset(days)


class Fields:
    """One document being read. Every field is taken once; what is left at `done()` is an error."""

    def __init__(self, where: str, doc: object) -> None:
        self.where = where
        if not isinstance(doc, Mapping) or not all(isinstance(key, str) for key in doc):
            raise RegistryError(
                where, None, f"a JSON object is expected, not {_shown(doc)}", "give an object"
            )
        self._left = {str(key): value for key, value in doc.items()}
        self._known: list[str] = []

    def error(self, field: str, problem: str, fix: str) -> RegistryError:
        return RegistryError(self.where, field, problem, fix)

    def has(self, field: str) -> bool:
        return field in self._left

    def raw(self, field: str) -> object:
        """The field as it is; an error when it is missing."""
        self._known.append(field)
        if field not in self._left:
            raise self.error(field, "is missing", "add it")
        return self._left.pop(field)

    def optional(self, field: str) -> bool:
        """Whether there is a field to read; remembers that there could be one."""
        self._known.append(field)
        return field in self._left

    def done(self) -> None:
        for field in self._left:
            near = get_close_matches(field, self._known, n=1)
            fix = (
                f"did you mean '{near[0]}'?" if near else f"leave it out; known are {', '.join(self._known)}"
            )
            raise self.error(field, "is not known", fix)

    def text(self, field: str, longest: int = _TEXT_MAX) -> str:
        return self._clean(field, self.raw(field), longest)

    def _clean(self, field: str, value: object, longest: int = _TEXT_MAX) -> str:
        if not isinstance(value, str):
            raise self.error(field, f"{_shown(value)} is not text", "give a string")
        bad = next((char for char in value if not char.isprintable()), None)
        if bad is not None:
            raise self.error(field, f"holds U+{ord(bad):04X}, which cannot be shown", "remove that character")
        if not value or value != value.strip():
            raise self.error(
                field, f"{_shown(value)} is empty or has blanks around it", "trim it, or leave it out"
            )
        if len(value) > longest:
            raise self.error(field, f"is {len(value)} characters long", f"give at most {longest}")
        return unicodedata.normalize("NFC", value)

    def match(self, field: str, pattern: re.Pattern[str] = ID_PATTERN) -> str:
        return self._match(field, self.raw(field), pattern)

    def _match(self, field: str, value: object, pattern: re.Pattern[str]) -> str:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise self.error(field, f"{_shown(value)} is not of the form {pattern.pattern}", "rename it")
        return value

    def choice(self, field: str, kind: type[E]) -> E:
        value = self.raw(field)
        names = [member.value for member in kind]
        if not isinstance(value, str) or value not in names:
            raise self.error(field, f"{_shown(value)} is not known", f"give one of {', '.join(names)}")
        return kind(value)

    def number(self, field: str, least: float, most: float) -> float:
        return self._number(field, self.raw(field), least, most)

    def _number(self, field: str, value: object, least: float, most: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(field, f"{_shown(value)} is not a number", f"give a number {least:g}..{most:g}")
        if not math.isfinite(value) if isinstance(value, float) else abs(value) > 10**15:
            raise self.error(
                field, f"{_shown(value)} is not a usable number", f"give a number {least:g}..{most:g}"
            )
        if not least <= value <= most:
            raise self.error(field, f"{value} is out of range", f"give a number {least:g}..{most:g}")
        return float(value)

    def whole(self, field: str, least: int, most: int) -> int:
        value = self.raw(field)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.error(field, f"{_shown(value)} is no whole number {least}..{most}", "correct it")
        return value

    def flag(self, field: str) -> bool:
        value = self.raw(field)
        if not isinstance(value, bool):
            raise self.error(field, f"{_shown(value)} is neither true nor false", "give true or false")
        return value

    def items(self, field: str) -> list[object]:
        value = self.raw(field)
        if not isinstance(value, list | tuple):
            raise self.error(field, f"{_shown(value)} is not a list", "give a list")
        if len(value) > _ITEMS_MAX:
            raise self.error(field, f"has {len(value)} items", f"give at most {_ITEMS_MAX}")
        return list(value)

    def matches(self, field: str, pattern: re.Pattern[str] = ID_PATTERN) -> tuple[str, ...]:
        found = tuple(self._match(field, item, pattern) for item in self.items(field))
        if len(set(found)) != len(found):
            raise self.error(field, "names something twice", "name each once")
        return found

    def codes(self, field: str) -> tuple[str, ...]:
        return self.matches(field, _CODE)

    def some_of(self, field: str, known: Sequence[str]) -> tuple[str, ...]:
        """Names that are known, each once, in the order of those known."""
        found = self.matches(field)
        for name in found:
            if name not in known:
                raise self.error(field, f"'{name}' is not known", f"some of {', '.join(known)}")
        return tuple(name for name in known if name in found)

    def driver(self, field: str) -> str:
        return self._driver(field, self.raw(field))

    def drivers(self, field: str) -> tuple[str, ...]:
        return tuple({self._driver(field, item): None for item in self.items(field)})

    def _driver(self, field: str, value: object) -> str:
        if not isinstance(value, str) or not is_driver(value):
            raise self.error(
                field, f"{_shown(value)} is no kind of driver", f"one of {', '.join(DRIVERS)}, permit:CODE"
            )
        return value

    def name(self, field: str) -> Name:
        inner = Fields(f"{self.where}: {field}", self.raw(field))
        found = Name(en=inner.text("en"), cy=inner.text("cy") if inner.optional("cy") else None)
        inner.done()
        return found

    def days(self, field: str) -> frozenset[int]:
        value = self.text(field)
        try:
            return parse_days(value)
        except ValueError as error:
            raise self.error(field, str(error), 'write "daily", "mon-sat" or "mon,wed,fri"') from None

    def clock_time(self, field: str) -> int:
        """Minutes after local midnight of "08:00".."24:00"."""
        value = self.raw(field)
        if not isinstance(value, str) or _CLOCK_TIME.fullmatch(value) is None:
            raise self.error(field, f"{_shown(value)} is no time of day", 'write "08:00", up to "24:00"')
        return int(value[:2]) * 60 + int(value[3:])

    def instant(self, field: str) -> datetime:
        value = self.raw(field)
        fix = "give an instant with its offset, as 2026-04-01T00:00:00Z"
        if not isinstance(value, str) or _INSTANT.fullmatch(value) is None:
            raise self.error(field, f"{_shown(value)} is no instant", fix)
        try:
            at = datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.error(field, f"{_shown(value)} is no instant", fix) from None
        if not 1970 <= at.year <= 2199:
            raise self.error(field, f"the year {at.year} is out of range", "give a year 1970..2199")
        return at

    def date(self, field: str) -> str:
        """An ISO civil date, kept as text."""
        value = self.raw(field)
        try:
            if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
                return value
        except ValueError:
            pass
        raise self.error(field, f"{_shown(value)} is no date", "write 2026-09-02")

    def points(self, field: str) -> tuple[tuple[float, float], ...]:
        """[[lon, lat], ...] in degrees."""
        found: list[tuple[float, float]] = []
        for item in self.items(field):
            if not isinstance(item, list | tuple) or len(item) != 2:
                raise self.error(field, f"{_shown(item)} is no point", "give [longitude, latitude]")
            found.append((self._number(field, item[0], -180, 180), self._number(field, item[1], -90, 90)))
        return tuple(found)


def _shown(value: object) -> str:
    """A value for a message: escaped and short, since it may be anything."""
    text = ascii(value) if not isinstance(value, int) or abs(value) < 10**20 else "a huge number"
    return text if len(text) <= 60 else text[:57] + "..."
