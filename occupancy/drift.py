"""Where the count of a car park has drifted to, how far that may be off, and what corrections have taught.

Gates miss vehicles (1 to 10 % in the field) and read some twice, so a count by passages walks away from the truth. It
is kept here as an estimate with a variance: each passage moves the one and widens the other; an absolute count settles
both, and its correction teaches the share that is missed coming in and going out and how noisy that is; the bounds
0 and capacity and the quiet of the night are evidence, too. Everything learnt is shrunk towards gates that miss
equally in both directions, so that few corrections teach little. Pure, and of constant size.
"""

from __future__ import annotations

import math

import msgspec
from msgspec.structs import replace

NOMINAL_SD = 1.645
"""Standard deviations on either side of the estimate: the interval is to hold the truth nine times of ten."""

_NOISE = 0.08
"""Variance in vehicles² per passage before anything is learnt: about 5 % missed, 1 to 2 % read twice."""
_NOISE_WEIGHT = 4.0
"""Corrections that this first guess is worth."""
_BIAS_SD = 0.02
"""How much the share missed of one direction is expected to differ from none, before anything is learnt."""
_BIAS_MOST = 0.3
_FORGET = 0.98
"""Weight of older corrections with each new one: cameras are cleaned, and get dirty."""
_ODD_CORRECTION = 6.0
"""A correction beyond so many standard deviations teaches no more than one of that size (a wrong recount)."""
_HALF_NORMAL = 0.36
"""What is left of the variance when the estimate runs into a bound: 1 - 2/π."""
_NIGHTS_NEEDED = 3
_NIGHT_MEMORY = 30
"""Nights that the learnt floor rests on at most."""
_FLOOR_SPREAD = 0.1
"""Spread of the night floor as a share of the capacity, before it is learnt."""


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """What corrections have taught of one car park: sums of a weighted regression, noise, and the night floor."""

    ii: float = 0.0
    io: float = 0.0
    oo: float = 0.0
    ei: float = 0.0
    eo: float = 0.0
    noise_sum: float = 0.0
    noise_weight: float = 0.0
    floor: float = 0.0
    floor_weight: float = 0.0
    floor_square: float = 0.0
    nights: int = 0

    @property
    def missed(self) -> tuple[float, float]:
        """Share of vehicles to add per passage (in, out): positive where the gate misses more than it reads twice."""
        prior = 1 / _BIAS_SD**2
        ii, oo = self.ii + prior, self.oo + prior
        of = ii * oo - self.io**2
        missed_in = (self.ei * oo - self.eo * self.io) / of
        missed_out = (self.eo * ii - self.ei * self.io) / of
        return _within(missed_in, -_BIAS_MOST, _BIAS_MOST), _within(missed_out, -_BIAS_MOST, _BIAS_MOST)

    def share_variance(self, ins: int, outs: int) -> float:
        """What so many passages leave open since the missed shares are not known, in vehicles²."""
        prior = 1 / _BIAS_SD**2
        ii, oo = self.ii + prior, self.oo + prior
        return (ins**2 * oo + 2 * ins * outs * self.io + outs**2 * ii) / (ii * oo - self.io**2)

    def bias_variance(self, ins: int, outs: int, delta: int) -> float:
        """By how much one more passage widens that: the same share is missed of all, so it adds up faster than noise
        does."""
        prior = 1 / _BIAS_SD**2
        ii, oo = self.ii + prior, self.oo + prior
        of = ii * oo - self.io**2
        if delta > 0:
            return max(0.0, ((2 * ins + 1) * oo + 2 * outs * self.io) / of)
        return max(0.0, ((2 * outs + 1) * ii + 2 * ins * self.io) / of)

    @property
    def noise(self) -> float:
        """Variance of the error in vehicles² per passage."""
        return (_NOISE * _NOISE_WEIGHT + self.noise_sum) / (_NOISE_WEIGHT + self.noise_weight)

    def floor_variance(self, capacity: int) -> float:
        """How much one night differs from another, in vehicles²."""
        expected = (_FLOOR_SPREAD * capacity) ** 2 + 1
        return (expected + self.floor_square) / (1 + self.nights)

    def corrected(self, passages_in: int, passages_out: int, correction: float) -> Learnt:
        """Learn from an absolute count that differs by `correction` from the passages since the one before."""
        passages = passages_in + passages_out
        if passages == 0:
            return self
        weight = 1 / (self.noise * passages)
        missed_in, missed_out = self.missed
        surprise = correction - (missed_in * passages_in - missed_out * passages_out)
        most = _ODD_CORRECTION * math.sqrt(self.noise * passages)
        taught = correction - surprise + _within(surprise, -most, most)
        return replace(
            self,
            ii=self.ii * _FORGET + weight * passages_in**2,
            io=self.io * _FORGET - weight * passages_in * passages_out,
            oo=self.oo * _FORGET + weight * passages_out**2,
            ei=self.ei * _FORGET + weight * taught * passages_in,
            eo=self.eo * _FORGET - weight * taught * passages_out,
            noise_sum=self.noise_sum * _FORGET + _within(surprise, -most, most) ** 2 / passages,
            noise_weight=self.noise_weight * _FORGET + 1,
        )

    def slept(self, estimate: float, variance: float, capacity: int) -> Learnt:
        """Learn from one night: `variance` is what the passages since the last absolute count leave open."""
        spread = self.floor_variance(capacity)
        weight = 1 / (variance + spread)
        before = min(self.floor_weight, _NIGHT_MEMORY / spread)
        off = estimate - self.floor
        # The part of the deviation that drift does not explain; a night long after the last count says little of it.
        square = max(0.0, off**2 - variance) * spread * weight if self.nights else 0.0
        full = self.nights >= _NIGHT_MEMORY
        return replace(
            self,
            floor=self.floor + off * weight / (before + weight),
            floor_weight=before + weight,
            floor_square=self.floor_square * (1 - 1 / _NIGHT_MEMORY if full else 1.0) + square,
            nights=self.nights + (not full),
        )


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """Vehicles inside as estimated. `counted`: the last absolute count; `ins`, `outs`: passages since."""

    estimate: float
    variance: float = 0.0
    """What chance has made of it since the last evidence, in vehicles²."""
    bias: float = 0.0
    """What the shares missed, as far as they are not known, may have made of it, in vehicles². It widens the interval
    only: all nights since the last count have it in common, so evidence weighed by it would be trusted too much."""
    counted: int = 0
    ins: int = 0
    outs: int = 0
    missed: int = 0
    """Vehicles since that tokens told were missed coming in, less those missed going out."""
    uncertain: float = 0.0
    """Variance since the last absolute count that no passage accounts for: gates that were silent."""
    sound: bool = True
    """Whether the next absolute count may teach: no gate has been silent since the last one."""

    @property
    def occupied(self) -> int:
        return max(0, round(self.estimate))

    @property
    def spread(self) -> int:
        """Half the width of the interval that is to hold the truth, in vehicles."""
        return math.ceil(NOMINAL_SD * math.sqrt(self.variance + self.bias))

    def passed(self, delta: int, learnt: Learnt, capacity: int) -> tuple[Drift, bool]:
        """One vehicle in (+1) or out (-1). Returns the drift, and whether the estimate ran into a bound."""
        missed_in, missed_out = learnt.missed
        moved = replace(
            self,
            estimate=self.estimate + (1 + missed_in if delta > 0 else -1 - missed_out),
            variance=self.variance + learnt.noise,
            bias=self.bias + learnt.bias_variance(self.ins, self.outs, delta),
            ins=self.ins + (delta > 0),
            outs=self.outs + (delta < 0),
        )
        return moved.bounded(capacity)

    def matched(self, vehicles: int) -> Drift:
        """Vehicles that tokens tell were missed coming in (going out: below 0)."""
        if not vehicles:
            return self
        return replace(self, estimate=self.estimate + vehicles, missed=self.missed + vehicles)

    def shifted(self, vehicles: float, variance: float) -> Drift:
        """What was not seen and is estimated from elsewhere."""
        return replace(
            self,
            estimate=self.estimate + vehicles,
            variance=max(0.0, self.variance + variance),
            uncertain=max(0.0, self.uncertain + variance),
        )

    def bounded(self, capacity: int) -> tuple[Drift, bool]:
        """Bring the estimate back to the bound it has passed; the bound is then where the truth is near."""
        # A car park may hold more than its nominal capacity: what was counted in it was in it.
        most = max(capacity, self.counted)
        if 0 <= self.estimate <= most:
            return self, False
        beyond = not -0.5 <= self.estimate <= most + 0.5
        bound = _within(self.estimate, 0.0, float(most))
        left = _HALF_NORMAL
        return replace(self, estimate=bound, variance=self.variance * left, bias=self.bias * left), beyond

    def slept(self, learnt: Learnt, floor: int | None, capacity: int) -> Drift:
        """Weigh the estimate against what usually is inside at night (`floor`: configured; None: as learnt)."""
        if floor is None and learnt.nights < _NIGHTS_NEEDED:
            return self
        spread = learnt.floor_variance(capacity)
        usual = learnt.floor if floor is None else float(floor)
        unsure = spread + (1 / learnt.floor_weight if floor is None else 0.0)
        gain = self.variance / (self.variance + unsure)
        estimate = self.estimate + gain * (usual - self.estimate)
        left = 1 - gain
        return replace(self, estimate=estimate, variance=self.variance * left, bias=self.bias * left**2)

    def since_counted(self, learnt: Learnt) -> float:
        """Variance that has gathered since the last absolute count, whatever other evidence there was."""
        noise = (self.ins + self.outs) * learnt.noise + self.uncertain
        return noise + learnt.share_variance(self.ins, self.outs)


def counted(drift: Drift | None, learnt: Learnt, count: int) -> tuple[Drift, Learnt]:
    """An absolute count: the estimate is exact again, and what it corrects is learnt from."""
    if drift is not None and drift.sound:
        by_passages = drift.counted + drift.ins - drift.outs + drift.missed
        learnt = learnt.corrected(drift.ins, drift.outs, float(count - by_passages))
    return Drift(estimate=float(count), counted=count), learnt


def _within(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)
