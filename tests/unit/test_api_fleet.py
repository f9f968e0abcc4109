"""API processes on one port: the socket that each of them listens on."""

from __future__ import annotations

import socket
from pathlib import Path

from baycast.api_fleet import shared_socket
from baycast.settings import Settings
from tests.support.ports import free_port


def test_answers_in_parts_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A connection sends each part at once, where a server sends the head of an answer before its body."""
    port = free_port()
    with shared_socket(Settings(http_port=port, data_dir=tmp_path)) as listening:
        listening.listen()
        with socket.create_connection(("127.0.0.1", port)):
            connection, _ = listening.accept()
            with connection:
                assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
