"""Cheap choices from one seeded stream of random numbers: `random.choice` costs several times as much."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """The same seed makes the same choices, on any machine."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed).random

    def below(self, end: int) -> int:
        """A number from 0 to end - 1."""
        return int(self.random() * end)

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def happens(self, share: float) -> bool:
        return self.random() < share
