"""How often a process that folds the log looks for garbage."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Folding keeps a city in memory, makes many small objects and no cycles: with Python's own thresholds it would
    look through all it keeps again and again, for a fifth of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
