"""What counting by the day adds to Σ ln gap, at k phases: short gaps come out longer, or not at all.

Purchases at moments with a gap of e days, the first at a time of day that is as likely as any, fall on
days that lie g apart with chance 1 − |g − e| for the two whole numbers g next to e. At g = 0 they are
one purchase, and there is no gap; so what is seen of a gap is on average

    ∫ f(e) L(e) de / (1 − ∫₀¹ f(e) (1 − e) de),

L being ln at whole numbers from 1 on, straight between them, and 0 below 1. Of x gaps of k phases with a
sum of t, one is t·Beta(k, k·(x − 1)), which is f; its ln is ln t + ψ(k) − ψ(k·x) on average.

Without this, customers who come every few days look more regular than they are. (Whoever comes nearly
every day has other gaps than k phases make; of them this is a rough guess.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma

from retention_models.models.histories import distinct_rows

Array = NDArray[np.float64]

# Days up to which L is held against ln: beyond, it is short of it by less than 1/(8·24²).
_LAST = 24
_ROWS = 1 << 14


def added_by_days(k: int, x: Array, t: Array, counts: Array, day: float) -> float:
    """Σ ln gap as counted by the day, less that of the moments, of customers with x gaps within t."""
    several = x >= 2.0
    if day <= 0.0 or not several.any():
        return 0.0
    (gaps, days), place = distinct_rows(x[several], np.rint(t[several] / day))
    customers = np.bincount(place, counts[several])
    total = 0.0
    for first in range(0, gaps.size, _ROWS):
        rows = slice(first, first + _ROWS)
        each = _added(k, gaps[rows], days[rows])
        total += float((customers[rows] * gaps[rows]) @ each)
    return total


def _nodes() -> tuple[Array, Array, Array, Array]:
    """Lengths e below a day and beyond, with weights; e = v⁴ below, where ln e has no end."""
    v, weights = np.polynomial.legendre.leggauss(12)
    v = (v + 1.0) / 2.0
    below, of_below = v**4, 2.0 * v**3 * weights
    u, parts = np.polynomial.legendre.leggauss(4)
    starts = np.arange(1.0, _LAST)[:, None]
    return below, of_below, np.ravel(starts + (u + 1.0) / 2.0), np.tile(parts / 2.0, _LAST - 1)


_BELOW, _OF_BELOW, _BEYOND, _OF_BEYOND = _nodes()
_WHOLE = np.floor(_BEYOND)
# ln e − L(e) beyond a day.
_SHORT = np.log(_BEYOND) - (
    np.log(_WHOLE) + (_BEYOND - _WHOLE) * (np.log(_WHOLE + 1.0) - np.log(_WHOLE))
)


def _added(k: int, x: Array, t: Array) -> Array:
    """The mean of ln g, g the gap in days if there is one, less that of ln e, by x ≥ 2 and t."""
    others = k * (x - 1.0)
    norm = betaln(float(k), others) + np.log(t)

    def density(e: Array) -> Array:
        share = np.minimum(e / t[:, None], 1.0 - 1e-12)
        logs = (k - 1.0) * np.log(share) + (others[:, None] - 1.0) * np.log1p(-share)
        return np.where(e < t[:, None], np.exp(logs - norm[:, None]), 0.0)

    below, beyond = density(_BELOW) * _OF_BELOW, density(_BEYOND) * _OF_BEYOND
    mean = np.log(t) + digamma(float(k)) - digamma(k * x)
    merged = below @ (1.0 - _BELOW)
    seen = mean - below @ np.log(_BELOW) - beyond @ _SHORT
    return np.asarray(seen / np.maximum(1.0 - merged, 1e-3) - mean)
