"""The Münster car parks ("Parkhausbelegung Stadt Münster", dl-de/by-2-0, historicised by Code for Münster).

A row holds the free spaces; `bes` is full, `ges` closed, `kei` no data. Closed car parks emit 0 or nothing,
which says nothing about vehicles, so those rows are skipped and counted.
"""

from __future__ import annotations

from pathlib import Path

from simulator.recordings import LocalTimes, Recording, RecordingError

# Published capacities (2026). The feed has none, and a few rows with more free spaces than that become
# negative counts.
_CAPACITY = {
    "Busparkplatz": 63,
    "Halle Münsterland P1": 212,
    "PH Aegidii": 750,
    "PH Alter Steinweg": 371,
    "PH Bahnhofstraße": 320,
    "PH Bremer Platz": 287,
    "PH Cineplex": 590,
    "PH Coesfelder Kreuz": 1000,
    "PH Engelenschanze": 429,
    "PH Karstadt": 187,
    "PH Münster Arkaden": 166,
    "PH Stadthaus 3": 372,
    "PH Stubengasse": 300,
    "PH Theater": 743,
    "PP Georgskommende": 272,
    "PP Hafenmarkt": 103,
    "PP Hörsterplatz": 202,
    "PP Schlossplatz Nord": 450,
    "PP Schlossplatz Süd": 460,
    "TG Hafenmarkt": 350,
}
_COLUMNS = ("timestamp_local", "car_park", "free", "status")
_BATCH = 65_536


def read_muenster(path: Path, time_zone: str) -> Recording:
    """Read the Parquet file. Raises `RecordingError`, also when pyarrow is not installed."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise RecordingError(
            f"{path}: reading Parquet needs pyarrow: pip install 'baycast[parquet]'"
        ) from error
    recording, times = Recording("muenster", time_zone), LocalTimes(time_zone)
    try:
        with parquet.ParquetFile(path) as file:
            if not set(_COLUMNS) <= set(file.schema_arrow.names):
                raise RecordingError(
                    f"{path}: columns {', '.join(file.schema_arrow.names)}; expected {_COLUMNS}"
                )
            for batch in file.iter_batches(_BATCH, columns=list(_COLUMNS)):
                local_ms = batch.column(0).cast(arrow.timestamp("ms")).cast(arrow.int64()).to_pylist()
                rest = [batch.column(number).to_pylist() for number in (1, 2, 3)]
                for row in zip(local_ms, *rest, strict=True):
                    _take(recording, times, row)
    except (OSError, arrow.ArrowException) as error:
        raise RecordingError(f"{path}: {error}") from error
    return recording


def _take(
    recording: Recording, times: LocalTimes, row: tuple[int | None, str, int | None, str | None]
) -> None:
    local_ms, place, free, status = row
    recording.read += 1
    capacity = _CAPACITY.get(place)
    if status == "ges":
        recording.skip("closed")
    elif local_ms is None or (free is None and status != "bes") or status == "kei":
        recording.skip("no_data")
    elif capacity is None:
        recording.skip("no_capacity")
    else:
        # "bes" (full) comes without a number: it is the number.
        recording.add(place, times.seconds(place, local_ms // 1000), capacity - (free or 0), capacity)
