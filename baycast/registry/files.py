"""Files as they come from disk: which format, unpacked, decoded."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Literal

from baycast.settings import UsageError

MAX_BYTES = 256 * 1024 * 1024
"""Largest registry file, unpacked (L8): a country's bays fit several times."""


def format_of(path: Path) -> Literal["geojson", "csv"]:
    """By the file's name. Raises UsageError."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".geojson", ".json")):
        return "geojson"
    if name.endswith(".csv"):
        return "csv"
    raise UsageError(f"{path}: not a registry file; give .geojson or .csv (also with .gz)")


def read_text(path: Path) -> str:
    """The file's text, unpacked, without a byte-order mark. Raises UsageError in words."""
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{path}: cannot be read: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{path}: is larger than {MAX_BYTES // 1024**2} MiB; give it in parts")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from None
