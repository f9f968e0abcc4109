"""A camera's event as JSON, of whatever maker: where its plate, direction and time stand is configured. Pure.

No error here quotes what the camera sent, since any field may hold a plate (L10).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import msgspec


class BadEventError(ValueError):
    """An event that makes no passage. The text names the configured field and never its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFields:
    """Names of fields; a dot goes into an object, as in `plate.text`. Words are compared without regard to case."""

    plate: str = "plate"
    direction: str = "direction"
    at: str = "time"
    camera: str = "camera"
    confidence: str = "confidence"
    inward: frozenset[str] = frozenset({"in", "entry", "enter", "approaching"})
    outward: frozenset[str] = frozenset({"out", "exit", "leave", "receding"})
    confidence_of: float = 1.0
    """What full confidence is: 1, or 100 for percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraEvent:
    """One vehicle as a camera saw it; without a plate where it could read none."""

    camera: str
    direction: Literal["in", "out"]
    at: datetime
    confidence: float | None
    plate: str | None = field(repr=False)


def camera_event(
    body: bytes, fields: EventFields, directions: Mapping[str, Literal["in", "out"]]
) -> CameraEvent:
    """Read one event. `directions`: the direction of cameras that see one only. Raises `BadEventError`."""
    try:
        doc = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadEventError("the event is not JSON") from None
    if not isinstance(doc, dict):
        raise BadEventError("the event is not a JSON object")
    camera = _text(doc, fields.camera) or ""
    plate = _text(doc, fields.plate)
    return CameraEvent(
        camera=camera,
        direction=directions.get(camera) or _direction(doc, fields),
        at=_time(doc, fields.at),
        confidence=_confidence(doc, fields),
        plate=plate or None,
    )


def event_key(event: CameraEvent) -> str:
    """Names an event over its repeated deliveries: one camera sees one vehicle of a direction at a time."""
    return f"{event.camera}|{event.direction}|{event.at.isoformat()}"


def _found(doc: object, path: str) -> object:
    for name in path.split("."):
        if not isinstance(doc, dict):
            return None
        doc = doc.get(name)
    return doc


def _text(doc: object, path: str) -> str | None:
    value = _found(doc, path)
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise BadEventError(f"field {path} is not text")
    return value


def _direction(doc: object, fields: EventFields) -> Literal["in", "out"]:
    said = (_text(doc, fields.direction) or "").casefold()
    if said in fields.inward:
        return "in"
    if said in fields.outward:
        return "out"
    raise BadEventError(f"field {fields.direction} is none of the known words")


def _time(doc: object, path: str) -> datetime:
    """RFC 3339 with an offset, or seconds or milliseconds since 1970."""
    value = _found(doc, path)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            if at.tzinfo is not None:
                return at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise BadEventError(f"field {path} is not a time") from None
    raise BadEventError(f"field {path} is not a time with an offset")


def _confidence(doc: object, fields: EventFields) -> float | None:
    value = _found(doc, fields.confidence)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    share = value / fields.confidence_of
    return share if 0 <= share <= 1 else None
