"""Boot numbers that survive the simulator, as a real device keeps them in its flash: they only grow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

_U32 = 2**32 - 1


class BootFileError(RuntimeError):
    """The file of boot numbers cannot be read or written; its text says which and what to do."""


def start_devices(path: Path, device_ids: Iterable[str], *, clock_s: int) -> dict[str, int]:
    """Return the boot number of each device for the run that begins now; it is on disk when this returns.

    A device started before gets its last number plus one. A new one starts at `clock_s` (seconds since 1970),
    so that a lost file makes no device repeat the numbers of an earlier life. Raises `BootFileError`.
    """
    known = _read(path)
    boots = {device: known[device] + 1 if device in known else clock_s for device in device_ids}
    if any(not 0 <= boot <= _U32 for boot in boots.values()):
        raise BootFileError(f"{path}: a boot number beyond 32 bits; remove the file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(known | boots, indent=0, sort_keys=True), durable=True)
    except OSError as error:
        raise BootFileError(f"{path}: cannot be written ({error.strerror})") from error
    return boots


def write_atomically(path: Path, text: str, *, durable: bool = False) -> None:
    """Readers see the old text or the new, never a part. `durable`: it also survives a power cut. Raises
    `OSError`."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)


def _read(path: Path) -> dict[str, int]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BootFileError(
            f"{path}: cannot be read ({error}); remove the file to start all devices anew"
        ) from error
    if not isinstance(found, dict) or not all(type(boot) is int for boot in found.values()):
        raise BootFileError(f"{path}: not a file of boot numbers; remove it to start all devices anew")
    return found
