"""A few counters that the publisher and the conductor share through a file: no pipe to fill, no socket to break."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

_SIZE = 32


class Progress:
    """Written by the publisher: `acked` readings, `sent` messages, `last_ack_ns`. By the conductor: `allowed`.

    Each side writes only its own eight-byte fields, so no lock is needed.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(self._file).st_size < _SIZE:
            os.pwrite(self._file, bytes(_SIZE), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def _get(self, field: int) -> int:
        return int.from_bytes(os.pread(self._file, 8, 8 * field), "little", signed=True)

    def _set(self, field: int, value: int) -> None:
        os.pwrite(self._file, value.to_bytes(8, "little", signed=True), 8 * field)

    @property
    def acked(self) -> int:
        """Readings, copies included, for which the broker took responsibility."""
        return self._get(0)

    @acked.setter
    def acked(self, value: int) -> None:
        self._set(0, value)

    @property
    def last_ack_ns(self) -> int:
        """Time of the newest PUBACK, nanoseconds since 1970."""
        return self._get(1)

    @last_ack_ns.setter
    def last_ack_ns(self, value: int) -> None:
        self._set(1, value)

    @property
    def allowed(self) -> int:
        """Readings that the publisher may send: it must not run ahead of the schedule."""
        return self._get(2)

    @allowed.setter
    def allowed(self, value: int) -> None:
        self._set(2, value)

    @property
    def reconnects(self) -> int:
        return self._get(3)

    @reconnects.setter
    def reconnects(self, value: int) -> None:
        self._set(3, value)
