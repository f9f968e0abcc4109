"""How long to wait before the next try: longer each time, and never all clients at once."""

from __future__ import annotations

import random


class BackOff:
    """Between half of and a whole pause that doubles from `first_s` to `most_s`."""

    def __init__(
        self, first_s: float = 0.5, most_s: float = 20.0, *, dice: random.Random | None = None
    ) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._dice = dice or random.Random()  # noqa: S311 - spreads reconnects, guards nothing
        self._next_s = first_s

    def pause_s(self, at_least_s: float = 0.0) -> float:
        """Return how long to wait now; `at_least_s`: what the server asked for, spread by up to a half."""
        pause_s = max(self._next_s * self._dice.uniform(0.5, 1.0), at_least_s * self._dice.uniform(1.0, 1.5))
        self._next_s = min(self._next_s * 2, self._most_s)
        return pause_s

    def reset(self) -> None:
        """It works again."""
        self._next_s = self._first_s
