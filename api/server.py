"""How the API must be served: what the listeners rely on beyond ASGI."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from fastapi import FastAPI

from api.door import Door

OPTIONS: Final[dict[str, Any]] = {
    # The one implementation whose `send` waits for the reader, answers pings while it does, and can be dropped.
    "ws": "websockets-sansio",
    # Compression keeps tens of kilobytes per listener and renders every message again for each of them.
    "ws_per_message_deflate": False,
    # A feed has nothing to be told (L8).
    "ws_max_size": 16 * 1024,
    "server_header": False,
    # Event streams never end by themselves: after this many seconds a stopping server cuts them.
    "timeout_graceful_shutdown": 2,
}
"""Keyword arguments of `uvicorn.Config` that hold for any application."""


def options(app: FastAPI) -> dict[str, Any]:
    """Return the keyword arguments of `uvicorn.Config` for this application."""
    live = app.state.live
    return {**OPTIONS, "http": partial(Door, live.answers, lambda: live.board.stamp)}
