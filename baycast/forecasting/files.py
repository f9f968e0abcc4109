"""Histories of car parks and streets in files, as `baycast forecast evaluate` reads them.

Columns: `time`, `place`, `capacity` and `occupied` or `free`; or those of the city feeds that are known by name. Times
are by the clock on the wall of the place. CSV (also packed by gzip) and Parquet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baycast.settings import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from occupancy.forecast.gridding import Words

_NAMES: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "LastUpdated", "timestamp_local"),
    "place": ("place", "SystemCodeNumber", "car_park"),
    "capacity": ("capacity", "Capacity"),
    "occupied": ("occupied", "Occupancy"),
    "free": ("free",),
    "status": ("status",),
}
_UNKNOWN = {"ges", "kei", "closed", "unknown"}
"""What a status says where the number means nothing."""
_FULL = {"bes", "full"}
CAPACITY_SHARE = 0.995
"""Where no capacity is given, a place has as many bays as were free at most, but for so small a share of the words."""


@dataclass(frozen=True, slots=True)
class History:
    """What a file says, row by row; NaN: not known. `names` of the places by number."""

    names: list[str]
    places: NDArray[np.int64]
    times: NDArray[np.datetime64]
    occupied: NDArray[np.float64] | None
    free: NDArray[np.float64] | None
    capacity: NDArray[np.float64] | None

    def scaled(self, before: np.datetime64) -> tuple[Words, NDArray[np.float64]]:
        """The occupied shares, and the bays of each place: where the file does not give them, by what was free before
        the first day that is scored, for nothing may be known of what comes."""
        import numpy as np

        from occupancy.forecast.gridding import Words

        bays = self._bays(before)
        of_each = (
            bays[self.places] if self.capacity is None else np.where(self.capacity > 0, self.capacity, np.nan)
        )
        taken = self.occupied if self.occupied is not None else of_each - self.free  # type: ignore[operator]
        return Words(self.places, self.times, np.clip(taken / of_each, 0.0, 1.0)), bays

    def _bays(self, before: np.datetime64) -> NDArray[np.float64]:
        import numpy as np

        said = self.capacity if self.capacity is not None else self.free
        assert said is not None  # noqa: S101 - `read_history` has seen to it
        past = np.isfinite(said) & (said > 0) & ((self.times < before) | (self.capacity is not None))
        bays = np.ones(len(self.names))
        for place in np.unique(self.places[past]):
            own = said[past & (self.places == place)]
            bays[place] = np.median(own) if self.capacity is not None else np.quantile(own, CAPACITY_SHARE)
        return bays


def read_history(path: Path) -> History:
    """Read a file. Raises `UsageError` that names what is wrong with it."""
    if find_spec("pyarrow") is None:
        raise UsageError("forecast: files are read by pyarrow: pip install 'baycast[parquet]'")
    import numpy as np

    columns = _columns(path)
    named = {own: _found(columns, names) for own, names in _NAMES.items()}
    for needed in ("time", "place"):
        if named[needed] is None:
            raise UsageError(f"{path}: no column {needed!r}; there are: {', '.join(columns)}")
    if named["occupied"] is None and named["free"] is None:
        raise UsageError(f"{path}: neither a column 'occupied' nor 'free'; there are: {', '.join(columns)}")
    text = np.asarray(columns[str(named["place"])].cast("string").to_pylist(), dtype=object)
    names, places = np.unique(text.astype(str), return_inverse=True)
    times = _times(path, columns[str(named["time"])])
    occupied, free = (_numbers(path, columns, named[one]) for one in ("occupied", "free"))
    capacity = _numbers(path, columns, named["capacity"])
    status = None if named["status"] is None else columns[str(named["status"])].cast("string").to_pylist()
    if status is not None:
        said = np.asarray([str(one).lower() for one in status])
        unknown, full = np.isin(said, sorted(_UNKNOWN)), np.isin(said, sorted(_FULL))
        for numbers in (occupied, free):
            if numbers is not None:
                numbers[unknown] = np.nan
        if free is not None:
            free[full] = 0
    if capacity is None and free is None:
        raise UsageError(f"{path}: no column 'capacity', which 'occupied' is a part of")
    seen = np.isfinite(times) & (text != None)  # noqa: E711 - by element
    if not seen.any():
        raise UsageError(f"{path}: no row has a time and a place")
    parts = (None if one is None else one[seen] for one in (occupied, free, capacity))
    return History(list(names), places[seen].astype(np.int64), times[seen], *parts)


def _columns(path: Path) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        table = parquet.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{path}: {str(error).splitlines()[0]}") from None
    names = [name.lstrip("\ufeff") for name in table.column_names]
    return dict(zip(names, (column.combine_chunks() for column in table.columns), strict=True))


def _found(columns: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in columns), None)


def _times(path: Path, column: Any) -> NDArray[np.datetime64]:
    import pyarrow as pa

    try:
        # Of what has an offset, the wall clock is not known: it is taken by UTC.
        found = column.cast(pa.timestamp("us", tz=getattr(column.type, "tz", None)))
    except pa.ArrowInvalid as error:
        raise UsageError(f"{path}: times: {str(error).splitlines()[0]}") from None
    times: NDArray[np.datetime64] = (
        found.cast(pa.int64()).to_numpy(zero_copy_only=False).astype("datetime64[us]")
    )
    return times


def _numbers(path: Path, columns: Mapping[str, Any], name: str | None) -> NDArray[np.float64] | None:
    import numpy as np
    import pyarrow as pa

    if name is None:
        return None
    try:
        found = columns[name].cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise UsageError(f"{path}: {name}: {str(error).splitlines()[0]}") from None
    return np.array(found.to_numpy(zero_copy_only=False), dtype=np.float64)
