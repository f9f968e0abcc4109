"""Issues as they are recorded: their places as a document, their numbers in thousandths, packed.

A city's issue of every minute is kept for weeks, so they are small rather than legible to SQL. A thousandth is one bay
of a car park of a thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import zstandard

from occupancy.forecast.issue import HORIZONS, LEVELS, Issue, Place
from occupancy.forecast.panel import Floats
from occupancy.model import AreaId, BayType, Source, ZoneId

_PARTS = 1_000
_SOURCES = (Source.FORECAST, Source.TYPICAL, Source.PRIOR)
_PER_HORIZON = 1 + len(LEVELS) + 1
"""The mean, the quantiles, the chance of a free bay."""

PlacesDocument = list[list[object]]


class PackedIssueError(ValueError):
    """These bytes are no issue of so many places."""


def places_document(places: Sequence[Place]) -> PlacesDocument:
    """As JSON has them."""
    return [[place.zone_id, place.bay_type.value, list(place.rule_ids)] for place in places]


def places_of(document: Sequence[Sequence[object]]) -> tuple[Place, ...]:
    """The exact inverse of `places_document`."""
    return tuple(_place(*one) for one in document)


def packed(issue: Issue) -> bytes:
    """The numbers of an issue."""
    horizons = [issue.free[..., None], issue.quantiles, issue.any_free[..., None]]
    parts = np.rint(np.concatenate(horizons, axis=-1) * _PARTS).astype("<u2")
    # High bytes are alike, and so are the numbers of one kind: together they pack to a third.
    planes = np.moveaxis(parts, 0, -1).copy().view(np.uint8).reshape(-1, 2).T
    bays = issue.bays.astype("<u4").tobytes()
    sources = bytes(_SOURCES.index(source) for source in issue.sources)
    return zstandard.compress(bays + sources + planes.tobytes(), 3)


def unpacked(
    area_id: AreaId,
    issued_at: datetime,
    data_to: datetime,
    model: str,
    places: tuple[Place, ...],
    body: bytes,
) -> Issue:
    """The issue of these bytes. Raises `PackedIssueError`."""
    count, numbers = len(places), len(HORIZONS) * _PER_HORIZON
    size = count * (4 + 1 + 2 * numbers)
    try:
        plain = zstandard.decompress(body, max_output_size=size + 1)
    except zstandard.ZstdError as error:
        raise PackedIssueError(f"the issue of {issued_at:%Y-%m-%d %H:%MZ}: {error}") from None
    if len(plain) != size:
        raise PackedIssueError(f"the issue of {issued_at:%Y-%m-%d %H:%MZ} is not of {count} places")
    sources = plain[4 * count : 5 * count]
    if max(sources, default=0) >= len(_SOURCES):
        raise PackedIssueError(f"the issue of {issued_at:%Y-%m-%d %H:%MZ} has sources that there are not")
    planes = np.frombuffer(plain, np.uint8, offset=5 * count).reshape(2, -1)
    parts = planes.T.copy().view("<u2").reshape(len(HORIZONS), _PER_HORIZON, count)
    shares: Floats = np.moveaxis(parts, -1, 0) / _PARTS
    return Issue(
        area_id=area_id,
        issued_at=issued_at,
        data_to=data_to,
        model=model,
        places=places,
        bays=np.frombuffer(plain, "<u4", count).astype(np.int64),
        free=shares[:, :, 0],
        quantiles=shares[:, :, 1:-1],
        any_free=shares[:, :, -1],
        sources=tuple(_SOURCES[index] for index in sources),
    )


def _place(zone_id: object, bay_type: object, rule_ids: object) -> Place:
    assert isinstance(rule_ids, list)  # noqa: S101 - as `places_document` wrote it
    return Place(ZoneId(str(zone_id)), BayType(str(bay_type)), tuple(map(str, rule_ids)))
