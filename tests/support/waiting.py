"""Waiting for something to become true, with a deadline: never sleeping for luck."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_POLL_S = 0.02


def eventually(probe: Callable[[], T], within_s: float = 15.0, what: str = "") -> T:
    """The first truthy answer of `probe`; AssertionError with the last answer after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what or probe}; last answer {answer!r}")
        time.sleep(_POLL_S)
