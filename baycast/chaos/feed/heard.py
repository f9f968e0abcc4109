"""What a listener was told, word by word, as the auditor reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Numbers(NamedTuple):
    """Of a zone."""

    free: int
    occupied: int
    unknown: int
    closed: int


class Told(NamedTuple):
    """One message that has a version."""

    kind: str
    """snapshot, delta or heartbeat."""
    version: str
    prev: str | None
    reset: bool
    stale: bool
    numbers: Mapping[str, Numbers]


class Fault(StrEnum):
    """What a client found wrong by itself, and closed the connection for."""

    GAP = "gap"
    WENT_BACK = "went_back"


class Lost(NamedTuple):
    """A connection ended, or could not be opened. `fault` None: it was cut, as the kills do."""

    fault: Fault | None


Word = Told | Lost


@dataclass
class Record:
    """One listener's: every word in order, and the zones that it holds in the end."""

    name: str
    words: list[Word] = field(default_factory=list)
    version: str | None = None
    zones: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def told(self) -> bool:
        """Whether it is connected and was told something since."""
        return bool(self.words) and isinstance(self.words[-1], Told)


def numbers_of(zones: Iterable[Mapping[str, Any]]) -> dict[str, Numbers]:
    """The counts of zones as `GET /v1/availability` has them."""
    return {zone["id"]: Numbers(*(zone[name] for name in Numbers._fields)) for zone in zones}
