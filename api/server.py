"""How the API must be served: what the listeners rely on beyond ASGI."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from fastapi import FastAPI

from api.door import Door
from api.live_socket import LiveSocket

OPTIONS: Final[dict[str, Any]] = {
    "server_header": False,
    # Event streams never end by themselves: after this many seconds a stopping server cuts them.
    "timeout_graceful_shutdown": 2,
}
"""Keyword arguments of `uvicorn.Config` that hold for any application."""


def options(app: FastAPI) -> dict[str, Any]:
    """Return the keyword arguments of `uvicorn.Config` for this application."""
    live = app.state.live
    return {
        **OPTIONS,
        "forwarded_allow_ips": ",".join(live.config.trusted_proxies),
        "http": partial(Door, live.answers, lambda: live.board.stamp),
        "ws": partial(LiveSocket, app.state.sockets, live.fan_out),
    }
