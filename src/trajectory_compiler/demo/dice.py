"""Chance, from `random.Random.random()` alone: the one method whose sequence Python promises to keep across versions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Seeded throws: the same seed gives the same throws on any machine."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  a simulation, no secret

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self._random.random() < probability

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.integer(0, len(choices) - 1)]

    def draw(self, choices: Sequence[T], count: int) -> list[T]:
        """Return `count` different choices (or all, where there are fewer), in the order drawn."""
        left = list(choices)
        return [left.pop(self.integer(0, len(left) - 1)) for _ in range(min(count, len(left)))]

    def other(self, choices: Sequence[T], than: T) -> T:
        """Return one of the choices that is not `than`."""
        return self.pick([choice for choice in choices if choice != than])
