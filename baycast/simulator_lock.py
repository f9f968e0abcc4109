"""One simulator plays an area at a time, per data folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from baycast.settings import UsageError


def only_one(folder: Path, area_id: str) -> None:
    """Hold the area until this process ends: a second simulator would start its devices anew under the first one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / f"{area_id}.lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise UsageError(f"simulate: {folder} cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(
            f"simulate: area {area_id} is played already (`baycast demo` does); stop that, or give --area another name"
        ) from None
