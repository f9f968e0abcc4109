"""The gate agent's file: its cameras, and where a camera's JSON has what (docs/gate-agent.md)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from baycast.gate.camera_event import EventFields
from baycast.settings import UsageError
from firmware_contract.topics import device_topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """`direction` None: the event says it."""

    device_id: str
    direction: Literal["in", "out"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    cameras: Mapping[str, Camera]
    fields: EventFields
    host: str = "127.0.0.1"
    port: int = 8090
    longest_stay: timedelta = timedelta(hours=24)
    tokens: bool = True
    """False: passages without tokens, where stays need not be matched (FC-052)."""
    fold_confused: bool = False


_TOP = frozenset({"host", "port", "longest_stay_h", "tokens", "fold_confused", "cameras", "fields"})


def read_config(path: Path) -> GateConfig:
    """Raises `UsageError` naming what is wrong."""
    try:
        doc = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    unknown = sorted(set(doc) - _TOP)
    if unknown:
        raise UsageError(f"{path}: unknown entry {unknown[0]!r}; there are {', '.join(sorted(_TOP))}")
    cameras = {name: _camera(path, name, entry) for name, entry in _table(path, doc, "cameras").items()}
    if not cameras:
        raise UsageError(f"{path}: no camera; add [cameras.NAME] with device_id")
    return GateConfig(
        cameras=cameras,
        fields=_fields(path, _table(path, doc, "fields")),
        host=_typed(path, doc, "host", str, "127.0.0.1"),
        port=_typed(path, doc, "port", int, 8090),
        longest_stay=timedelta(hours=_typed(path, doc, "longest_stay_h", int, 24)),
        tokens=_typed(path, doc, "tokens", bool, True),
        fold_confused=_typed(path, doc, "fold_confused", bool, False),
    )


def _table(path: Path, doc: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = doc.get(name, {})
    if not isinstance(found, dict):
        raise UsageError(f"{path}: {name} is a table")
    return found


def _typed(path: Path, doc: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = doc.get(name, default)
    if type(value) is not kind:
        raise UsageError(f"{path}: {name} is of type {kind.__name__}")
    return value


def _camera(path: Path, name: str, entry: Any) -> Camera:
    if not isinstance(entry, dict) or set(entry) - {"device_id", "direction"}:
        raise UsageError(f"{path}: cameras.{name} has device_id, and direction where it sees one only")
    device_id, direction = entry.get("device_id"), entry.get("direction")
    try:
        device_topic(str(device_id or ""), "passage")
    except ValueError as error:
        raise UsageError(f"{path}: cameras.{name}: {error}") from None
    if direction not in (None, "in", "out"):
        raise UsageError(f"{path}: cameras.{name}: direction is in or out")
    return Camera(device_id=str(device_id), direction=direction)


def _fields(path: Path, entry: Mapping[str, Any]) -> EventFields:
    known = {item.name for item in fields(EventFields)}
    if unknown := sorted(set(entry) - known):
        raise UsageError(f"{path}: unknown fields.{unknown[0]}; there are {', '.join(sorted(known))}")
    words: dict[str, Any] = {
        name: frozenset(str(word).casefold() for word in value) if isinstance(value, list) else value
        for name, value in entry.items()
    }
    return EventFields(**words)
