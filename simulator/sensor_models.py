"""Kinds of bay sensors that differ in what an engine can make of them. Delays and habits are assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorModel:
    """`detection_s`: least and most seconds from a change to its message. `says_previous`: changes carry `prev_s`."""

    heartbeat_s: int
    detection_s: tuple[float, float]
    says_previous: bool
    share: float
    """Share of a mixed city's sensors."""


MODELS: Mapping[str, SensorModel] = {
    "sim-hourly": SensorModel(heartbeat_s=3_600, detection_s=(1, 3), says_previous=False, share=0.2),
    "sim-previous": SensorModel(heartbeat_s=10_800, detection_s=(3, 5), says_previous=True, share=0.45),
    "sim-daily": SensorModel(heartbeat_s=86_400, detection_s=(5, 15), says_previous=False, share=0.2),
    "sim-daily-previous": SensorModel(heartbeat_s=86_400, detection_s=(3, 8), says_previous=True, share=0.15),
}
"""A mixture of which 3,300 sensors say about a million things in 14 days, most of them changes."""


def model_of(name: str, heartbeat_s: int) -> SensorModel:
    """The model of that name; any other reports within 1 to 3 s and says no previous duration."""
    found = MODELS.get(name)
    return found or SensorModel(heartbeat_s=heartbeat_s, detection_s=(1, 3), says_previous=False, share=0.0)


def draw_model(random: Random) -> str:
    """A model's name, by the shares of a mixed city."""
    return random.choices(list(MODELS), [model.share for model in MODELS.values()])[0]
