"""Version tokens: one part per area, `area:generation.version.registry~mark@minute`. Pure.

Opaque to whoever gets one; the same for every process that follows the same store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.snapshot import Level
from occupancy.model import EPOCH
from store.feed import AreaLive

_MARK = {Level.FRESH: "", Level.STALE: "~stale", Level.DOWN: "~down"}
_PART = re.compile(
    r"(?P<area>[^:,~@]+):(?P<generation>\d+)\.(?P<version>\d+)\.(?P<registry>[\d-]*)(?P<mark>~\w+)?"
    r"(?:@(?P<minute>\d{1,9}))?"
)
_MINUTE = timedelta(minutes=1)
STAYS_TOLD_FOR = timedelta(days=1)
"""Which whole stays have become another since is told for so long."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a token says of one area. `minute` is for views of a whole stay, which is another every minute."""

    generation: int
    version: int
    registry: str
    mark: str
    minute: datetime | None

    def follows(self, other: Part) -> bool:
        """Whether what changed between the two can be told zone by zone."""
        return (
            (self.generation, self.registry, self.mark) == (other.generation, other.registry, other.mark)
            and (self.minute is None) == (other.minute is None)
            and self.version >= other.version
            and (
                self.minute is None
                or other.minute is None
                or abs(self.minute - other.minute) <= STAYS_TOLD_FOR
            )
        )

    def __str__(self) -> str:
        minute = "" if self.minute is None else f"@{(self.minute - EPOCH) // _MINUTE}"
        return f"{self.generation}.{self.version}.{self.registry}{self.mark}{minute}"


def part_now(area: AreaLive, level: Level, minute: datetime | None) -> Part:
    """Return an area's part as it is now."""
    return Part(area.generation, area.version, area.registry_mark, _MARK[level], minute)


def parts_of(token: str) -> dict[str, Part] | None:
    """Read a token; None: it is none of ours."""
    parts: dict[str, Part] = {}
    for text in token.split(",") if token else ():
        match = _PART.fullmatch(text)
        if match is None:
            return None
        minute = match["minute"]
        parts[match["area"]] = Part(
            int(match["generation"]),
            int(match["version"]),
            match["registry"],
            match["mark"] or "",
            None if minute is None else EPOCH + int(minute) * _MINUTE,
        )
    return parts
