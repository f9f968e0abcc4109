"""What a measuring command prints last: one JSON object with the figures, the release and the machine."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version

import psutil


def machine() -> str:
    """The machine in words, for whoever compares figures: "2 cores, 24 GiB, Linux x86_64, Python 3.11.7"."""
    memory = psutil.virtual_memory().total / 2**30
    cores = psutil.cpu_count() or 1
    system = f"{platform.system()} {platform.machine()}"
    return f"{cores} cores, {memory:.0f} GiB, {system}, Python {platform.python_version()}"


def measured(
    command: str,
    figures: Mapping[str, float],
    *,
    ratios: Mapping[str, float] | None = None,
    seed: int | None = None,
) -> str:
    """One line of JSON; the names are those of docs/benchmarks.md."""
    return json.dumps(
        {
            "command": command,
            "version": version("baycast"),
            "machine": machine(),
            "seed": seed,
            "figures": {name: _rounded(value) for name, value in figures.items()},
            "ratios": {name: _rounded(value) for name, value in (ratios or {}).items()},
        }
    )


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.6g}")
