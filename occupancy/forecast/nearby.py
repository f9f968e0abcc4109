"""The chance of a free bay anywhere within a radius, where full streets are seldom full alone.

Neighbouring streets fill together, so 1 - (1 - p)(1 - q)... promises too much. Each street is taken to be full when a
normal variable is low, of which a part is common to all streets around (a Gaussian copula with one factor): the nearer
they are to each other, the larger that part. How large is judged, not measured: half of the variance for streets at one
spot, a third as much at half a kilometre. The result is never below the chance of the best street, nor above what
independent ones would give.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from occupancy.forecast.outlook import P_EDGE

AT_ONE_SPOT = 0.5
"""The correlation of streets at one spot."""
FADES_WITHIN_M = 450.0
"""Metres over which it falls to 1 / e."""
_APART = 1.36
"""Two points of a disc are on average so many times as far from each other as one is from its middle."""
_POINTS = 64
_NORMAL = NormalDist()
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(_POINTS)


def alike_within(distances_m: Sequence[float]) -> float:
    """How far the streets at these distances from a point go together, 0..1."""
    if not distances_m:
        return 0.0
    return AT_ONE_SPOT * math.exp(-_APART * sum(distances_m) / len(distances_m) / FADES_WITHIN_M)


def any_of(chances: Sequence[float], alike: float) -> float:
    """The chance that at least one street has a free bay, by the chance of each and how far they go together."""
    best = max(chances, default=0.0)
    independent = 1 - math.prod(1 - chance for chance in chances)
    if best in (0.0, 1.0):
        return best
    full_below = [_NORMAL.inv_cdf(1 - chance) for chance in chances if chance > 0]
    own, common = math.sqrt(1 - alike), math.sqrt(alike)
    total = 0.0
    for node, weight in zip(_NODES.tolist(), _WEIGHTS.tolist(), strict=True):
        total += weight * math.prod(_NORMAL.cdf((edge - common * node) / own) for edge in full_below)
    found = min(1 - total / math.sqrt(2 * math.pi), 1 - P_EDGE)
    return max(min(found, independent), best)
