"""Issues forecasts every minute, scores those whose time has come, and has models trained anew every night.

A process of its own beside the engine that folds: whoever is killed at any instant leaves readers the newest issue on
record, and goes on from the records when it starts again. A second one is harmless.
"""

from occupancy.engine.forecasts.config import ForecastConfig
from occupancy.engine.forecasts.nightly import Training
from occupancy.engine.forecasts.serving import run

__all__ = ["ForecastConfig", "Training", "run"]
