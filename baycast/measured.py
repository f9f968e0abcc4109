"""The one JSON object that every measuring command prints last (docs/benchmarks.md)."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping

from baycast.cli import installed_version


def measured(
    command: str, seed: int | None, figures: Mapping[str, float], ratios: Mapping[str, float] | None = None
) -> dict[str, object]:
    """Return the object: what was run, on what, and the numbers by their documented names."""
    return {
        "command": command,
        "version": installed_version(),
        "machine": f"{platform.machine()} {os.cpu_count()} cores, Python {platform.python_version()}",
        "seed": seed,
        "figures": {name: round(value, 3) for name, value in figures.items()},
        "ratios": {name: round(value, 3) for name, value in (ratios or {}).items()},
    }
