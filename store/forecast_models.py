"""Where the models of forecasts are kept: a folder per area, with the newest ones and a file that names the current.

Each is written whole, and on disk, before anything names it: whoever is killed at any instant leaves the model before.
One process at a time trains an area: of two, the one that began with less to learn from might name its model last.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from occupancy.forecast.model import Model
from occupancy.forecast.model_file import ModelFileError, from_bytes, to_bytes
from occupancy.model import AreaId

KEPT = 3
"""Models of an area that are kept, the current one included."""
_CURRENT = "current"
_MODEL = ".model"
_FRESH = ".new"
_LOCK = "training.lock"
_LEFT_S = 3600.0
"""What was begun so long ago is of who was killed."""


class TrainedElsewhereError(Exception):
    """Another process trains this area now; the sentence says which."""


class ModelFolder:
    """Of one area. Readers need not know of writers, nor these of each other: the last one names the current model."""

    def __init__(self, data_dir: Path, area: AreaId) -> None:
        self._folder = data_dir / "forecast" / area
        self._area = area

    @contextmanager
    def training(self) -> Iterator[None]:
        """Hold the area while it is trained. The kernel lets go of it with us, however we end. Raises
        `TrainedElsewhereError`, `OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / _LOCK).open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                raise TrainedElsewhereError(f"area {self._area} is being trained by {holder}") from None
            lock.truncate(0)
            lock.write(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%SZ', time.gmtime())}\n")
            lock.flush()
            yield

    def version(self) -> str | None:
        """The version of the current model; None: there is none yet. Raises `ModelFileError`."""
        path = self._folder / _CURRENT
        try:
            return path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ModelFileError(f"{path} cannot be read: {error}") from error

    def current(self) -> Model | None:
        """The current model; None: there is none yet. Raises `ModelFileError` for one that cannot be used."""
        version = self.version()
        if version is None:
            return None
        path = self._folder / (version + _MODEL)
        try:
            return from_bytes(path.read_bytes())
        except FileNotFoundError:
            problem = "is not there"
        except (ModelFileError, OSError) as error:
            problem = f"cannot be used: {error}"
        raise ModelFileError(f"{path} {problem}; `baycast forecast train` makes a new one")

    def keep(self, model: Model) -> int:
        """Make it the current one; returns its size in bytes. Raises `OSError`."""
        data = to_bytes(model)
        self._folder.mkdir(parents=True, exist_ok=True)
        _write(self._folder / (model.version + _MODEL), data)
        _write(self._folder / _CURRENT, model.version.encode())
        self._forget(model.version)
        return len(data)

    def _forget(self, current: str) -> None:
        others = [path for path in self._newest_first(_MODEL) if path.stem != current]
        now = time.time()
        left = [path for path, at in self._newest_first(_FRESH).items() if now - at > _LEFT_S]
        for path in [*others[KEPT - 1 :], *left]:
            path.unlink(missing_ok=True)

    def _newest_first(self, ending: str) -> dict[Path, float]:
        """Files and when they were written last, without those that another writer forgets now."""
        found = {}
        for path in self._folder.glob("*" + ending):
            with suppress(FileNotFoundError):
                found[path] = path.stat().st_mtime
        return dict(sorted(found.items(), key=lambda one: one[1], reverse=True))


def _write(path: Path, data: bytes) -> None:
    """In place of what was there, on disk when this returns."""
    fresh = path.with_name(f"{path.name}.{uuid4().hex}{_FRESH}")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
