"""Registry files as they come from disk: which format, unpacked, decoded; and what is read from them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from baycast.settings import UsageError
from occupancy.registry import Entity, RegistryError, binding_of, entity, identity

MAX_BYTES = 256 * 1024 * 1024
"""Largest registry file, unpacked (L8): a country's bays fit several times."""


@dataclass(frozen=True, slots=True)
class FileEntity:
    """One entity of a file. `source` says where it stands there, as in "bays.csv row 17"."""

    entity: Entity
    source: str


class Reading:
    """Collects the entities of one file and all that is wrong in it: nobody likes correcting in rounds."""

    def __init__(self) -> None:
        self.found: list[FileEntity] = []
        self.errors: list[RegistryError] = []

    def add(
        self, source: str, kind: str, id: str, doc: object, fields: Mapping[str, str] | None = None
    ) -> bool:
        """Parse a document; whether it is sound. `fields`: our fields as the file's columns call them."""
        try:
            self.found.append(FileEntity(entity(kind, id, doc), source))
        except RegistryError as error:
            field = (fields or {}).get(error.field or "", error.field)
            where = source if fields else f"{source}: {error.where}"
            self.errors.append(RegistryError(where, field, error.problem, error.fix))
            return False
        return True

    def add_binding(self, source: str, doc: object) -> None:
        """Parse a binding, whose id follows from its document."""
        try:
            self.found.append(FileEntity(binding_of(doc), source))
        except RegistryError as error:
            self.errors.append(error.moved_to(source))

    def error(self, source: str, field: str | None, problem: str, fix: str) -> None:
        self.errors.append(RegistryError(source, field, problem, fix))


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


def sources(found: Iterable[FileEntity]) -> dict[str, str]:
    """Where each entity stands, by the name that the registry's own errors use ("bay queen-st-014")."""
    return {" ".join(identity(item.entity)): item.source for item in found}
