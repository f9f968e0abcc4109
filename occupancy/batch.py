"""One position of the log as the fold takes it, and what must be looked up for it first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from occupancy.car_park import Recount
from occupancy.learnt import Learnt
from occupancy.model import AnyReading, DeviceId, ZoneId
from occupancy.page import Before

Change = tuple[str, str, object | None]
"""A change of the registry or of an override: (kind, id, document or None when removed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One position of the log, or successive ones that are folded at once: see `at_once`."""

    position: int
    watermark: datetime | None = None
    readings: Sequence[AnyReading] = ()
    changes: Sequence[Change] = ()
    recounts: Sequence[Recount] = ()
    pipeline_down: Sequence[tuple[datetime, datetime]] = ()
    """When nothing could be received, as the log says."""
    learnt: Learnt | None = None
    parts: Sequence[Batch] = ()
    """The positions, where they are several."""

    def positions(self) -> Sequence[Batch]:
        """One by one."""
        return self.parts or (self,)


def at_once(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Successive positions as few batches: what is changed in the registry has a position of its own."""
    together: list[Batch] = []
    for batch in batches:
        if batch.changes:
            yield from _joined(together)
            yield batch
            together = []
        else:
            together.append(batch)
    yield from _joined(together)


def _joined(batches: Sequence[Batch]) -> Iterator[Batch]:
    if len(batches) == 1:
        yield batches[0]
    elif batches:
        yield Batch(
            position=batches[-1].position,
            readings=[reading for batch in batches for reading in batch.readings],
            recounts=[recount for batch in batches for recount in batch.recounts],
            parts=batches,
        )


@dataclass(slots=True)
class Needs:
    """What `apply` must be given: what the checkpoint must lie before; None: all from the start."""

    devices: dict[DeviceId, Before | None] = field(default_factory=dict)
    car_parks: dict[ZoneId, datetime | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.devices or self.car_parks)
