"""Kinds of bay sensors that differ in what an engine can make of them. Delays and habits are assumptions.

What a sensor does about a message that was not heard differs by maker as much as what it measures: LoRaWAN sensors of
one maker send confirmed uplinks by default and repeat them until they are acknowledged; another's keep the last 32
events and send them again when they are asked; the plain ones say everything once. The first is given to the model that
is most like that maker's otherwise (3 to 5 s, previous durations), the second to the one with the relays' 5 to 15 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import NamedTuple


class Confirmed(NamedTuple):
    """Every message is sent again until it is acknowledged, at most `retries` times; each wait is drawn anew."""

    retries: int
    wait_s: tuple[float, float]


class Kept(NamedTuple):
    """The newest `events` messages stay in memory until a restart. A gap in their numbers is seen when the next message
    arrives; what is missing is then asked for, and sent again after `answer_s`."""

    events: int
    answer_s: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorModel:
    """`detection_s`: least and most seconds from a change to its message. `says_previous`: changes carry `prev_s`."""

    heartbeat_s: int
    detection_s: tuple[float, float]
    says_previous: bool
    share: float
    """Share of a mixed city's sensors."""
    resends: Confirmed | Kept | None = None
    """What it does about messages that were not heard; None: it says everything once."""


MODELS: Mapping[str, SensorModel] = {
    "sim-hourly": SensorModel(heartbeat_s=3_600, detection_s=(1, 3), says_previous=False, share=0.2),
    "sim-previous": SensorModel(
        heartbeat_s=10_800,
        detection_s=(3, 5),
        says_previous=True,
        share=0.45,
        # Confirmed by default; how often is not published. Waits are those of a 1 % duty cycle at slow data rates.
        resends=Confirmed(retries=3, wait_s=(5, 180)),
    ),
    "sim-daily": SensorModel(
        heartbeat_s=86_400,
        detection_s=(5, 15),
        says_previous=False,
        share=0.2,
        resends=Kept(events=32, answer_s=(5, 120)),
    ),
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
