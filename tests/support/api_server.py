"""The real API on a real port, in a thread of the test."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import uvicorn

from api.access import Access
from api.app import create_app
from api.config import ApiConfig
from api.live import Live, utc_now
from api.server import options


class Clock:
    """What a server takes for the time of day: `now` can be set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@dataclass
class ApiServer:
    port: int
    live: Live
    access: Access
    server: uvicorn.Server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections the server holds; those of finished requests go within seconds."""
        return len(self.server.server_state.connections)

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/live"

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10, **more)

    def until(
        self, path: str, true_of: Callable[[httpx.Response], bool], within_s: float = 15.0
    ) -> httpx.Response:
        """Ask again and again; fail when it does not become true."""
        deadline = time.monotonic() + within_s
        pause = threading.Event()
        while True:
            answer = self.get(path)
            if true_of(answer):
                return answer
            assert time.monotonic() < deadline, f"{path} stayed {answer.status_code} {answer.text[:400]}"
            pause.wait(0.02)


@contextmanager
def running_api(config: ApiConfig, clock: Callable[[], datetime] = utc_now) -> Iterator[ApiServer]:
    """Serve for the time of the block."""
    app = create_app(config, clock=clock)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind(("127.0.0.1", 0))
        served = uvicorn.Config(
            app, log_config=None, access_log=False, **{**options(app), "timeout_graceful_shutdown": 1}
        )
        server = uvicorn.Server(served)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        try:
            started = threading.Event()
            deadline = time.monotonic() + 20
            while not server.started:
                assert thread.is_alive(), "the API ended at once"
                assert time.monotonic() < deadline, "the API did not start"
                started.wait(0.01)
            yield ApiServer(int(listening.getsockname()[1]), app.state.live, app.state.access, server)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the API did not stop"
