"""How forecasts are issued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastConfig:
    database_url: str
    data_dir: Path
    """Where the models are."""
    issues_kept: timedelta = timedelta(days=40)
    """How long issues are kept; what is summed up of them stays."""
    poll_s: float = 1.0
    """How often it is looked whether a minute has begun."""

    def __post_init__(self) -> None:
        if self.issues_kept < timedelta(days=2):
            raise ValueError("issues are kept for two days at least: they are scored a day later")
