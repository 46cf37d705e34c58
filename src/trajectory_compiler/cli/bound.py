"""How sure a handful of judgements makes us: the one-sided Clopper-Pearson bound, without a statistics library.

    >>> round(upper_bound(0, 30), 3)
    0.095
    >>> round(upper_bound(2, 30), 3)
    0.195

Source: Clopper and Pearson, Biometrika 26 (1934): the largest rate under which so few errors still have a chance of 5%.
"""

from __future__ import annotations

import math

_HALVINGS = 60  # of the interval from 0 to 1: past the precision of a float


def upper_bound(errors: int, trials: int, confidence: float = 0.95) -> float:
    """Return the error rate that is exceeded with a chance of at most 1 - `confidence`, given `errors` in `trials`."""
    if not 0 <= errors <= trials or trials == 0:
        return 1.0
    low, high = errors / trials, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if at_most(errors, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def at_most(errors: int, trials: int, rate: float) -> float:
    """Return the chance of at most so many errors in so many trials at an error rate."""
    if rate >= 1:
        return 1.0 if errors >= trials else 0.0
    if rate <= 0:
        return 1.0
    return math.fsum(
        math.exp(
            math.lgamma(trials + 1)
            - math.lgamma(k + 1)
            - math.lgamma(trials - k + 1)
            + k * math.log(rate)
            + (trials - k) * math.log1p(-rate)
        )
        for k in range(errors + 1)
    )
