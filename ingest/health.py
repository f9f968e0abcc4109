"""Whether messages get through, judged by what was committed, never by what looks connected.

A canary passes broker, ingest and database every second: a last COMMIT that is older has a reason.
"""

from __future__ import annotations

from collections.abc import Callable

LATE_AFTER_S = 15.0


class Health:
    """Red until the first COMMIT, and whenever the last one, or a message in hand, is older than 15 s."""

    def __init__(self) -> None:
        self._commit_age: Callable[[], float] | None = None
        self._oldest_age: Callable[[], float] = lambda: 0.0
        self._begun = False

    def watch(self, commit_age: Callable[[], float], oldest_age: Callable[[], float]) -> None:
        """Ask these for seconds: since the last COMMIT, and since the receipt of what is not acknowledged."""
        self._commit_age, self._oldest_age = commit_age, oldest_age

    def committed(self) -> None:
        """A message got through."""
        self._begun = True

    def problem(self) -> str | None:
        """None: well. Otherwise a sentence."""
        if not self._begun or self._commit_age is None:
            return "nothing was committed yet"
        if (age := self._commit_age()) > LATE_AFTER_S:
            return f"nothing was committed for {age:.0f} s"
        if (age := self._oldest_age()) > LATE_AFTER_S:
            return f"a message has waited for its COMMIT for {age:.0f} s"
        return None
