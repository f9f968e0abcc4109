"""Asking the API with a key."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx

from tests.support.api_server import ApiServer

KEYS = "/v1/admin/keys"


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def when(api: ApiServer, secret: str, true_of: Callable[[httpx.Response], bool], path: str = KEYS) -> float:
    """Ask until it is true; returns the seconds that it took."""
    began = time.monotonic()
    pause = threading.Event()
    while not true_of(answer := api.get(path, headers=bearer(secret))):
        assert time.monotonic() < began + 20, f"stayed {answer.status_code} {answer.text[:300]}"
        pause.wait(0.02)
    return time.monotonic() - began


def status_is(*statuses: int) -> Callable[[httpx.Response], bool]:
    return lambda answer: answer.status_code in statuses
