"""What is being learnt of one horizon while days are walked over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from occupancy.forecast.baselines import OURS, Decay
from occupancy.forecast.blend import Blend
from occupancy.forecast.logit import Logit
from occupancy.forecast.making import Horizon
from occupancy.forecast.panel import Floats
from occupancy.forecast.ridge import Ridge
from occupancy.forecast.spread import Band, Spread
from occupancy.forecast.trees import Grown, Trees


@dataclass(frozen=True, slots=True)
class Stood:
    """What was learnt of one horizon when a day began."""

    learnt: Horizon
    bands: Mapping[str, Band]


@dataclass(slots=True)
class LearntHorizon:
    """Its parts, and what stood when the newest days began."""

    ahead: int
    spreads: Mapping[str, Spread]
    blend: Blend
    trust: Blend
    trust_chances: Blend
    ridge: Ridge = field(default_factory=Ridge)
    coefficients: Floats | None = None
    decay: Decay = field(default_factory=Decay)
    logit: Logit = field(default_factory=Logit)
    trees: Trees = field(default_factory=Trees)
    grown: Grown | None = None
    stood: dict[int, Stood] = field(default_factory=dict)
    """By day, of the newest two: a forecast is made by what was learnt before the day of its origin."""

    def stand(self, day: int) -> None:
        """Keep what is learnt as the day begins."""
        now = Stood(self.learnt, {name: spread.band for name, spread in self.spreads.items()})
        self.stood = {day - 1: self.stood.get(day - 1, now), day: now}

    @property
    def learnt(self) -> Horizon:
        """As it stands."""
        return Horizon(
            self.ahead,
            self.decay.left,
            self.coefficients,
            self.blend.weights,
            self.spreads[OURS].band,
            self.logit.coefficients,
            self.grown,
            self.trust.weights,
            self.trust_chances.weights,
        )

    @property
    def in_service(self) -> Horizon:
        """As it stands, without trees that nobody goes by."""
        followed = self.trust.weights[:, 1].any() or self.trust_chances.weights[0, 1] > 0
        return self.learnt if followed else replace(self.learnt, grown=None)
