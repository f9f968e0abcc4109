"""Recorded car park counts from files, as rows in order of time. The files stay as they were published.

Known by their columns: the Birmingham CSV (UCI "Parking Birmingham"), the Münster Parquet (Code for Münster),
and a generic CSV `time,place,capacity,occupied|free`. CSV files may be gzipped. Counts pass through as they
are, negative or above capacity: judging them is ingest's work.

Local times without an offset are read in the recording's time zone. The hour that happens twice in autumn is
told apart by the order of a place's rows in the file: from the first time that does not go forward, it is the
second pass.
"""

from __future__ import annotations

import csv
import gzip
import heapq
import io
import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_NO_CAPACITY = -1
_HOUR_S = 3600
_INT32 = 2**31 - 1


class RecordingError(ValueError):
    """A file that cannot be replayed; the text names file, row and what is wrong."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one car park said at one time (aware UTC, whole seconds)."""

    place: str
    at: datetime
    occupied: int
    capacity: int | None


@dataclass(slots=True)
class _Series:
    """One place's rows in file order, compactly: recordings have millions."""

    at_s: array[int] = field(default_factory=lambda: array("q"))
    occupied: array[int] = field(default_factory=lambda: array("l"))
    capacity: array[int] = field(default_factory=lambda: array("l"))


@dataclass(slots=True)
class Recording:
    """A file read. `skipped` counts rows that say nothing, by reason; `read` counts all rows."""

    name: str
    time_zone: str
    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    _series: dict[str, _Series] = field(default_factory=dict)

    def add(self, place: str, at_s: int, occupied: int, capacity: int | None) -> None:
        series = self._series.get(place)
        if series is None:
            series = self._series[place] = _Series()
        series.at_s.append(at_s)
        series.occupied.append(occupied)
        series.capacity.append(_NO_CAPACITY if capacity is None else capacity)

    def skip(self, reason: str) -> None:
        self.skipped[reason] += 1

    @property
    def places(self) -> list[str]:
        """Every place with at least one row, in order of the file."""
        return list(self._series)

    @property
    def rows_kept(self) -> int:
        return sum(len(series.at_s) for series in self._series.values())

    def capacity_of(self, place: str) -> int | None:
        """The place's capacity as its latest row that has one says."""
        series = self._series[place]
        latest = max(
            ((at_s, number) for number, at_s in enumerate(series.at_s) if series.capacity[number] >= 0),
            default=None,
        )
        return None if latest is None else series.capacity[latest[1]]

    def rows(self) -> Iterator[Row]:
        """All rows in order of time; rows of one time in order of place and file."""
        streams = [self._stream(place, rank) for rank, place in enumerate(self._series)]
        places = self.places
        for at_s, rank, number in heapq.merge(*streams):
            series = self._series[places[rank]]
            capacity = series.capacity[number]
            yield Row(
                places[rank],
                datetime.fromtimestamp(at_s, UTC),
                series.occupied[number],
                None if capacity == _NO_CAPACITY else capacity,
            )

    def _stream(self, place: str, rank: int) -> Iterator[tuple[int, int, int]]:
        at_s = self._series[place].at_s
        for number in sorted(range(len(at_s)), key=at_s.__getitem__):
            yield at_s[number], rank, number


class LocalTimes:
    """Local times of one time zone to seconds since 1970, hour by hour: a recording has few hours and many
    rows."""

    def __init__(self, time_zone: str) -> None:
        try:
            self._zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise RecordingError(
                f"no time zone {time_zone!r}; give an IANA name, as Europe/London"
            ) from error
        self._quarters: dict[int, tuple[int, int]] = {}
        self._last: dict[str, tuple[int, bool]] = {}

    def seconds(self, place: str, local_s: int) -> int:
        """`local_s` is the local wall time counted as if it were UTC; rows of a place come in file order."""
        first, second = self._offsets(local_s // 900)
        if first == second:
            return local_s - first
        before_s, again = self._last.get(place, (local_s - _HOUR_S * 3, False))
        near = abs(local_s - before_s) < _HOUR_S * 2
        again = near and (again or local_s <= before_s)
        self._last[place] = (local_s, again)
        return local_s - (second if again else first)

    def _offsets(self, quarter: int) -> tuple[int, int]:
        """Offsets in seconds for the first and the second pass; the same when there is one. A time that the
        clocks skipped in spring is read as if they had not, so both are those before the change."""
        found = self._quarters.get(quarter)
        if found is None:
            naive = datetime.fromtimestamp(quarter * 900, UTC).replace(tzinfo=self._zone)
            first, second = (_seconds(naive.replace(fold=fold).utcoffset()) for fold in (0, 1))
            # In autumn the clock goes back, so the first pass has the larger offset; in a gap it is the other
            # way.
            found = (first, second if first > second else first)
            self._quarters[quarter] = found
        return found


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else int(offset.total_seconds())


# --- files ------------------------------------------------------------------------------------------------


def read_recording(path: Path, *, time_zone: str | None = None) -> Recording:
    """Read a file of any known kind. `time_zone` overrules the kind's own; a generic CSV without offsets
    needs one.

    Raises `RecordingError` for a file that is not there, is of no known kind or breaks its own rules.
    """
    if not path.is_file():
        raise RecordingError(f"{path}: no such file")
    if path.suffix == ".parquet":
        from simulator.recordings_muenster import read_muenster

        return read_muenster(path, time_zone or "Europe/Berlin")
    with _opened(path) as file:
        rows = csv.reader(file)
        header = [name.strip() for name in next(rows, [])]
        if header == ["SystemCodeNumber", "Capacity", "Occupancy", "LastUpdated"]:
            return _read_birmingham(path, rows, time_zone or "Europe/London")
        return _read_generic(path, header, rows, time_zone)


def _read_birmingham(path: Path, rows: Iterable[list[str]], time_zone: str) -> Recording:
    recording, times = Recording("birmingham", time_zone), LocalTimes(time_zone)
    for number, cells in enumerate(rows, 2):
        recording.read += 1
        with _naming(path, number):
            place, capacity, occupied, local = cells
            at_s = times.seconds(place, _local_seconds(local))
            recording.add(place, at_s, _whole(occupied), _whole(capacity))
    return recording


def _read_generic(
    path: Path, header: list[str], rows: Iterable[list[str]], time_zone: str | None
) -> Recording:
    counted = {"occupied", "free"} & set(header)
    if (
        not {"time", "place"} <= set(header)
        or len(counted) != 1
        or ("free" in counted and "capacity" not in header)
    ):
        raise RecordingError(
            f"{path}: columns {', '.join(header) or 'none'}; known are the Birmingham and Münster files, and "
            "time,place,capacity with occupied or free"
        )
    recording = Recording(path.name.removesuffix(".gz").removesuffix(".csv"), time_zone or "UTC")
    times = None if time_zone is None else LocalTimes(time_zone)
    for number, cells in enumerate(rows, 2):
        recording.read += 1
        with _naming(path, number):
            row = dict(zip(header, cells, strict=True))
            count = row[next(iter(counted))].strip()
            if not count:
                recording.skip("no_data")
                continue
            capacity = _whole(row["capacity"]) if row.get("capacity", "").strip() else None
            at_s = _generic_seconds(row["place"], row["time"], times)
            recording.add(row["place"], at_s, _occupied(counted, _whole(count), capacity), capacity)
    return recording


def _occupied(counted: set[str], count: int, capacity: int | None) -> int:
    if "occupied" in counted:
        return count
    if capacity is None:
        raise ValueError("free without a capacity")
    return capacity - count


def _generic_seconds(place: str, text: str, times: LocalTimes | None) -> int:
    at = datetime.fromisoformat(text.strip())
    if at.tzinfo is not None:
        return int(at.timestamp())
    if times is None:
        raise ValueError(f"time {text!r} has no offset; give --time-zone")
    return times.seconds(place, _as_if_utc(at))


def _local_seconds(text: str) -> int:
    return _as_if_utc(datetime.fromisoformat(text.strip()))


def _as_if_utc(local: datetime) -> int:
    return int(local.replace(tzinfo=UTC).timestamp())


def _whole(text: str) -> int:
    value = int(text)
    if abs(value) > _INT32:
        raise ValueError(f"{text} is beyond 32 bits")
    return value


@contextmanager
def _naming(path: Path, row: int) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError) as error:
        raise RecordingError(f"{path} row {row}: {error}") from error


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw:
            yield io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"{path}: {error}") from error


# --- names ------------------------------------------------------------------------------------------------

_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def place_ids(area_id: str, places: Iterable[str]) -> Mapping[str, str]:
    """Place -> zone id: the area's id and the place's name in lower case letters, digits and hyphens.

    The area's id is in it because zone ids stand alone in URLs. Raises `RecordingError` when two places get
    the same id.
    """
    found: dict[str, str] = {}
    for place in places:
        plain = (
            unicodedata.normalize("NFKD", place.lower().translate(_GERMAN)).encode("ascii", "ignore").decode()
        )
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
        # "-counter" is added for the device, and an id has 64 characters at most.
        zone_id = f"{area_id}-{slug}"[:56].rstrip("-")
        if not slug or zone_id in found.values():
            raise RecordingError(f"place {place!r}: no id of its own can be made from its name")
        found[place] = zone_id
    return found
