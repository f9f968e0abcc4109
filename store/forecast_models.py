"""Where the models of forecasts are kept: a folder per area, with the newest ones and a file that names the current.

Each is written whole, and on disk, before anything names it: whoever is killed at any instant leaves the model before.
"""

from __future__ import annotations

import os
from pathlib import Path

from occupancy.forecast.model import Model
from occupancy.forecast.model_file import ModelFileError, from_bytes, to_bytes
from occupancy.model import AreaId

KEPT = 3
"""Models of an area that are kept, the current one included."""
_CURRENT = "current"
_MODEL = ".model"
_FRESH = ".new"


class ModelFolder:
    """Of one area. Readers need not know of writers; there is one writer at a time."""

    def __init__(self, data_dir: Path, area: AreaId) -> None:
        self._folder = data_dir / "forecast" / area

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
        models = sorted(self._folder.glob("*" + _MODEL), key=lambda path: path.stat().st_mtime, reverse=True)
        others = [path for path in models if path.stem != current]
        for path in [*others[KEPT - 1 :], *self._folder.glob("*" + _FRESH)]:  # fresh: of who was killed
            path.unlink()


def _write(path: Path, data: bytes) -> None:
    """In place of what was there, on disk when this returns."""
    fresh = path.with_name(path.name + _FRESH)
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
