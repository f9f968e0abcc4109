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
    """What a file says. `names` of the places by number, `bays` of each."""

    words: Words
    names: list[str]
    bays: NDArray[np.float64]


def read_history(path: Path) -> History:
    """Read a file. Raises `UsageError` that names what is wrong with it."""
    if find_spec("pyarrow") is None:
        raise UsageError("forecast: files are read by pyarrow: pip install 'baycast[parquet]'")
    import numpy as np

    from occupancy.forecast.gridding import Words

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
    bays = _bays(places, len(names), capacity, free, path)
    of_each = bays[places] if capacity is None else np.where(capacity > 0, capacity, np.nan)
    taken = occupied if occupied is not None else of_each - free  # type: ignore[operator]
    shares = np.clip(taken / of_each, 0.0, 1.0)
    kept = np.isfinite(times) & (np.isfinite(shares) | (status is not None))
    return History(Words(places[kept].astype(np.int64), times[kept], shares[kept]), list(names), bays)


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
        # What has an offset is taken as the wall clock that it was written by is not known: UTC.
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


def _bays(
    places: NDArray[np.int64],
    count: int,
    capacity: NDArray[np.float64] | None,
    free: NDArray[np.float64] | None,
    path: Path,
) -> NDArray[np.float64]:
    """Of each place: the median of its capacities, or by how many were free."""
    import numpy as np

    if capacity is None and free is None:
        raise UsageError(f"{path}: no column 'capacity', which 'occupied' is a part of")
    bays = np.ones(count)
    for place in range(count):
        own = places == place
        said = (capacity if capacity is not None else free)[own]  # type: ignore[index]
        said = said[np.isfinite(said) & (said > 0)]
        if len(said):
            bays[place] = np.median(said) if capacity is not None else np.quantile(said, CAPACITY_SHARE)
    return bays
