"""How far a walk over days is, for whoever waits at a terminal."""

from __future__ import annotations

import sys

_WIDTH = 40


def day_bar(done: int, of: int) -> None:
    """One line that is written over."""
    full = _WIDTH * done // of
    end = "\n" if done == of else ""
    sys.stderr.write(f"\r[{'#' * full}{'.' * (_WIDTH - full)}] day {done} of {of}{end}")
    sys.stderr.flush()
