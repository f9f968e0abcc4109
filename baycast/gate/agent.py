"""One camera event becomes one passage: token, buffer, answer. The plate is gone when `take` returns (L10)."""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from baycast.gate.buffer import Buffer
from baycast.gate.camera_event import BadEventError, CameraEvent, camera_event, event_key
from baycast.gate.config import Camera, GateConfig
from baycast.gate.tokens import KEY_BYTES, KeyRing, NotAPlateError, normalised
from firmware_contract.codec import encode
from firmware_contract.messages import Health, Passage
from firmware_contract.topics import device_topic

_log = logging.getLogger("baycast.gate")


class UnknownCameraError(ValueError):
    """A camera that the agent's file does not name."""


class Agent:
    """Usable from several threads. `clock` is the time of day in UTC."""

    def __init__(
        self, config: GateConfig, buffer: Buffer, clock: Callable[[], datetime], key_file: Path | None = None
    ) -> None:
        self._config = config
        self._buffer = buffer
        self._clock = clock
        self._key_file = key_file
        self._lock = threading.Lock()
        self._directions = {
            name: camera.direction for name, camera in config.cameras.items() if camera.direction
        }
        self._ring = KeyRing(_read_keys(key_file), buffer.load_inside())
        self._turn()

    def take(self, body: bytes) -> bool:
        """Keep the passage of one camera event; it is on disk when this returns. False: taken before.

        Raises `BadEventError`, `UnknownCameraError`, `BufferFullError`; none of them quotes the event.
        """
        event = camera_event(body, self._config.fields, self._directions)
        camera = self._camera(event.camera)
        key = event_key(event)
        with self._lock:
            if self._buffer.was_taken(key):
                return False
            self._turn()
            token = self._token(event)
            inside: tuple[str, date | None] | None = None
            if token is not None:
                inside = (token, self._ring.inside.get(token))

            def message(boot: int, seq: int) -> tuple[str, bytes]:
                passage = Passage(
                    boot=boot,
                    seq=seq,
                    at=event.at,
                    direction=event.direction,
                    vehicle_token=token,
                    confidence=event.confidence,
                )
                return device_topic(camera.device_id, "passage"), encode(passage)

            return self._buffer.take(key, camera.device_id, self._clock().timestamp(), message, inside)

    def alive(self, camera_name: str) -> None:
        """A camera says that it lives: its gate does. Raises `UnknownCameraError`, `BufferFullError`."""
        device_id = self._camera(camera_name).device_id
        now = self._clock()

        def message(boot: int, seq: int) -> tuple[str, bytes]:
            return device_topic(device_id, "health"), encode(Health(boot=boot, seq=seq, at=now))

        self._buffer.take(None, device_id, now.timestamp(), message)

    def _camera(self, name: str) -> Camera:
        camera = self._config.cameras.get(name)
        if camera is None:
            raise UnknownCameraError("no such camera in the agent's file")
        return camera

    def _token(self, event: CameraEvent) -> str | None:
        if event.plate is None or not self._config.tokens:
            return None
        try:
            plate = normalised(event.plate, fold_confused=self._config.fold_confused)
        except NotAPlateError:
            return None  # the vehicle passed all the same
        return self._ring.token(plate, leaving=event.direction == "out")

    def _turn(self) -> None:
        today = self._clock().astimezone(UTC).date()
        if not self._ring.turn(today, secrets.token_bytes(KEY_BYTES), self._config.longest_stay):
            return
        self._buffer.forget_before(min(self._ring.keys))
        if self._key_file is not None:
            _write_keys(self._key_file, self._ring.keys)
        _log.info("keys turned", extra={"keys": len(self._ring.keys)})


def _read_keys(path: Path | None) -> dict[date, bytes]:
    if path is None or not path.exists():
        return {}
    return {date.fromisoformat(day): bytes.fromhex(key) for day, key in json.loads(path.read_text()).items()}


def _write_keys(path: Path, keys: dict[date, bytes]) -> None:
    """In place of the old file, readable by nobody else, on disk when this returns."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({day.isoformat(): key.hex() for day, key in keys.items()}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


__all__ = ["Agent", "BadEventError", "UnknownCameraError"]
