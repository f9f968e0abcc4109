"""The one JSON object that every measuring command prints last (docs/benchmarks.md)."""

from __future__ import annotations

import platform
from collections.abc import Mapping

import psutil

from baycast.cli import installed_version


def measured(
    command: str,
    seed: int | None,
    figures: Mapping[str, float | None],
    ratios: Mapping[str, float | None] | None = None,
    **more: object,
) -> dict[str, object]:
    """Return the object: what was run, on what, and the numbers by their documented names, to six digits.

    None stands for a figure that nobody can give yet, and is null in the object.
    """
    return {
        "command": command,
        "version": installed_version(),
        "machine": machine(),
        "seed": seed,
        **more,
        "figures": rounded(figures),
        "ratios": rounded(ratios or {}),
    }


def machine() -> str:
    """The machine in words, as in "2 cores, 24 GiB, Linux x86_64, Python 3.11.7"."""
    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.machine()}"
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {system}, Python {platform.python_version()}"


def rounded(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """To six digits; counts as they are."""
    return {
        name: value if value is None or isinstance(value, int) else float(f"{value:.6g}")
        for name, value in figures.items()
    }
