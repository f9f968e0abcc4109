"""Issues as they are recorded: their places as a document, their numbers in thousandths, packed.

A city's issue of every minute is kept for weeks, so they are small rather than legible to SQL. A thousandth is one bay
of a car park of a thousand. The first byte is the number of the format; what is packed after it carries a checksum.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import zstandard

from occupancy.forecast.issue import HORIZONS, LEVELS, Issue, Place
from occupancy.forecast.panel import Floats
from occupancy.model import AreaId, BayType, Source, ZoneId

FORMAT = 2
"""Goes up with every change of what is packed. Records of the first one have no number: they begin as zstd does."""
_ZSTD = b"\x28\xb5\x2f\xfd"
_PARTS = 1_000
_SOURCES = (Source.FORECAST, Source.TYPICAL, Source.PRIOR)
_PER_HORIZON = 1 + len(LEVELS) + 1
"""The mean, the quantiles, the chance of a free bay."""

PlacesDocument = list[list[object]]


class PackedIssueError(ValueError):
    """What is on record is no issue that can be read; the sentence says why."""


def places_document(places: Sequence[Place]) -> PlacesDocument:
    """As JSON has them."""
    return [[place.zone_id, place.bay_type.value, list(place.rule_ids)] for place in places]


def places_of(document: Sequence[Sequence[object]]) -> tuple[Place, ...]:
    """The exact inverse of `places_document`. Raises `PackedIssueError`, as for a kind of bays not known yet."""
    try:
        return tuple(_place(*one) for one in document)
    except (TypeError, ValueError) as error:
        raise PackedIssueError(f"its list of places cannot be read: {error}") from None


def packed(issue: Issue) -> bytes:
    """The numbers of an issue."""
    horizons = [issue.free[..., None], issue.quantiles, issue.any_free[..., None]]
    parts = np.rint(np.concatenate(horizons, axis=-1) * _PARTS).astype("<u2")
    # High bytes are alike, and so are the numbers of one kind: together they pack to a third.
    planes = np.moveaxis(parts, 0, -1).copy().view(np.uint8).reshape(-1, 2).T
    bays = issue.bays.astype("<u4").tobytes()
    sources = bytes(_SOURCES.index(source) for source in issue.sources)
    plain = bays + sources + planes.tobytes()
    return bytes([FORMAT]) + zstandard.ZstdCompressor(level=3, write_checksum=True).compress(plain)


def unpacked(
    area_id: AreaId,
    issued_at: datetime,
    data_to: datetime,
    model: str,
    places: tuple[Place, ...],
    body: bytes,
) -> Issue:
    """The issue of these bytes. Raises `PackedIssueError`."""
    try:
        return _unpacked(area_id, issued_at, data_to, model, places, body)
    except (ValueError, zstandard.ZstdError) as problem:
        raise PackedIssueError(f"the issue of {issued_at:%Y-%m-%d %H:%MZ}: {problem}") from None


def _unpacked(
    area_id: AreaId,
    issued_at: datetime,
    data_to: datetime,
    model: str,
    places: tuple[Place, ...],
    body: bytes,
) -> Issue:
    """Raises `ValueError`, `zstandard.ZstdError`."""
    count, numbers = len(places), len(HORIZONS) * _PER_HORIZON
    frame = _frame(body)
    # What a damaged head says of the size would be reserved before it is looked at.
    if zstandard.get_frame_parameters(frame).content_size != count * (4 + 1 + 2 * numbers):
        raise ValueError(f"it is not of {count} places")
    plain = zstandard.decompress(frame)
    sources = plain[4 * count : 5 * count]
    if max(sources, default=0) >= len(_SOURCES):
        raise ValueError("it has sources that there are not")
    planes = np.frombuffer(plain, np.uint8, offset=5 * count).reshape(2, -1)
    parts = planes.T.copy().view("<u2").reshape(len(HORIZONS), _PER_HORIZON, count)
    if parts.max(initial=0) > _PARTS:
        raise ValueError("it has shares of more than all")
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


def _frame(body: bytes) -> bytes:
    """What is packed, without the number of its format. Raises `ValueError` for a format that is not read here."""
    if body.startswith(_ZSTD):
        return body
    if body[:1] == bytes([FORMAT]):
        return body[1:]
    if body and FORMAT < body[0] < _ZSTD[0]:
        raise ValueError(f"it is of format {body[0]}, which is newer than this release (format {FORMAT})")
    raise ValueError("it does not begin as an issue does")


def _place(zone_id: object, bay_type: object, rule_ids: object) -> Place:
    if not isinstance(rule_ids, list):
        raise TypeError("rules are a list")
    return Place(ZoneId(str(zone_id)), BayType(str(bay_type)), tuple(map(str, rule_ids)))
