"""Between whoever brings frames and whoever shows them: a few messages, and the word that something came."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field

BACK_OFF_S = (0.25, 10.0)
ASK_S = (0.2, 5.0)
"""How often a sign asks whether it is heard, at most and at least."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A frame's document, or None: go dark. It came at `came_s` and lives from `since_s` (both monotonic) for
    `expires_in_s`, None: its ttl.
    """

    payload: bytes | None
    since_s: float
    expires_in_s: float | None
    came_s: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Inbox:
    """What came and was not looked at yet; the oldest gives way."""

    arrived: deque[Arrived] = field(default_factory=lambda: deque(maxlen=64))
    wake: threading.Event = field(default_factory=threading.Event)

    def put(self, one: Arrived) -> None:
        self.arrived.append(one)
        self.wake.set()


class BackOff:
    """How long to wait before trying again: longer each time, up to a bound, and not all signs at once."""

    def __init__(self) -> None:
        self._next_s = BACK_OFF_S[0]

    def pause_s(self) -> float:
        """Return the next pause in seconds."""
        this_s, self._next_s = self._next_s, min(self._next_s * 2, BACK_OFF_S[1])
        return this_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads reconnects

    def reset(self) -> None:
        """It went well."""
        self._next_s = BACK_OFF_S[0]


def ask_after_s(life_s: float) -> float:
    """How long until the next question of a sign whose frames live so long: ten in a life."""
    return min(max(ASK_S[0], life_s / 10), ASK_S[1])


def say(text: str) -> None:
    """Tell whoever looks after the sign."""
    sys.stderr.write(f"baycast sign: {text}\n")
    sys.stderr.flush()
