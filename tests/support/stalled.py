"""A client that does not read."""

from __future__ import annotations

import contextlib
import socket
from typing import Self

from tests.support.api_server import ApiServer

_WITHIN_S = 20


class Stalled:
    """Asks, takes nothing and has small buffers."""

    def __init__(self, api: ApiServer, request: bytes) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", api.port))
        self._socket.sendall(request)

    def __enter__(self) -> Self:
        return self

    def read_to_the_end(self) -> None:
        """Return when the server has dropped the connection; what was on its way may still come."""
        self._socket.settimeout(_WITHIN_S)
        with contextlib.suppress(ConnectionResetError):
            while self._socket.recv(65536):
                pass

    def __exit__(self, *_exc: object) -> None:
        self._socket.close()
