"""What a run that was attacked and audited came to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Check = Callable[[], None]
"""Called often while something is waited for; raises when the run was interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`good`: whether the audit found nothing, and the run showed what it was asked to."""

    figures: dict[str, float]
    findings: list[str]
    stuck: str | None
    good: bool
