"""Stores held against their chain by a funnel plot: a small store's rate strays further by chance alone.

Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24 (2005),
with exact binomial limits (its appendix), and limits that allow for differences between stores
(Spiegelhalter, "Handling over-dispersion of performance indicators", Quality & Safety in Health Care 14
(2005), additive model). And which of many stores' changes are more than chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import bdtrik, betainc, chdtrc, gammaln, ndtri, xlog1py, xlogy

from retention_models.errors import CannotSay

Floats = NDArray[np.float64]

INNER, OUTER = 0.95, 0.998
FEWEST_STORES = 5
# Too few to tell the usual difference between stores from one that is out of the ordinary.
_FEWEST_FOR_SPREAD = 10
_LEVEL = 0.05
_MIDDLE = float(ndtri(0.75))


@dataclass(frozen=True, slots=True)
class Funnel:
    """A chain's rate, and how far stores of any size stray from it.

    `spread` is the standard deviation of the stores' true rates, 0 where chance alone explains their
    differences; `rate` and `total` (customers) have shape (stores,).
    """

    centre: float
    spread: float
    rate: Floats
    total: Floats

    def limits(self, total: ArrayLike, level: float) -> tuple[Floats, Floats]:
        """Ends between which a store of so many customers lies with a probability."""
        low, high = binomial_limits(total, self.centre, level)
        variance = self.centre * (1.0 - self.centre) / np.asarray(total, dtype=float)
        # The exact ends, moved out as the standard deviation grows: √(s² + τ²) ÷ s.
        wider = np.sqrt(1.0 + self.spread**2 / variance) if self.spread else 1.0
        return (
            np.clip(self.centre - wider * (self.centre - low), 0.0, 1.0),
            np.clip(self.centre + wider * (high - self.centre), 0.0, 1.0),
        )

    def outside(self, level: float) -> NDArray[np.int_]:
        """-1 for each store below the limits, 1 above them, 0 within; shape (stores,)."""
        low, high = self.limits(self.total, level)
        # Rounding must not push a rate of exactly 0 or 1 out.
        return np.where(self.rate < low - 1e-12, -1, np.where(self.rate > high + 1e-12, 1, 0))


def binomial_limits(total: ArrayLike, rate: float, level: float) -> tuple[Floats, Floats]:
    """Control limits of a proportion, interpolated between whole counts.

    With r the smallest count whose cumulative probability P(R ≤ r) reaches p = (1 − level) ÷ 2, the
    lower limit is (r − α) ÷ n, α = (P(R ≤ r) − p) ÷ P(R = r), which runs smoothly in n
    (Spiegelhalter 2005, Statistics in Medicine, appendix on exact limits). The upper one is its
    mirror image, that of the customers of whom the thing is not so. A store is outside exactly
    where a count as far out, or farther, has a probability below p.
    """
    n = np.asarray(total, dtype=float)
    return _lower(n, rate, level), 1.0 - _lower(n, 1.0 - rate, level)


def _lower(n: Floats, rate: float, level: float) -> Floats:
    p = (1.0 - level) / 2.0
    # The least r that has p below or at it, which rounding may put one too high.
    r = np.ceil(bdtrik(p, n, rate))
    less = np.maximum(r - 1.0, 0.0)
    r = np.where(_at_most(less, n, rate) >= p, less, r)
    log_chance = gammaln(n + 1.0) - gammaln(r + 1.0) - gammaln(n - r + 1.0)
    log_chance += xlogy(r, rate) + xlog1py(n - r, -rate)
    back = (_at_most(r, n, rate) - p) / np.exp(log_chance)
    return np.clip((r - back) / n, 0.0, 1.0)


def _at_most(r: Floats, n: Floats, rate: float) -> Floats:
    """P(X ≤ r) of a binomial X: I(n − r, r + 1) at 1 − rate."""
    return np.where(r < n, betainc(np.maximum(n - r, 1.0), r + 1.0, 1.0 - rate), 1.0)


def find_funnel(count: ArrayLike, total: ArrayLike) -> Funnel:
    """The funnel of a chain.

    The centre is the mean of rates weighted by 1 ÷ (s² + τ²), s² = θ(1 − θ) ÷ n, which is the
    pooled rate where τ = 0. τ, the standard deviation of true rates, is 0 unless Cochran's Q, Σ (pᵢ
    − θ)² ÷ sᵢ² on stores − 1 degrees of freedom, says at 5% that stores differ; then it is the τ at
    which the middle store is as far from the centre as the middle one of normal deviates, median
    |pᵢ − θ| ÷ √(sᵢ² + τ²) = 0.674. A median is not moved by the outliers that are looked for.
    """
    y, n = np.asarray(count, dtype=float), np.asarray(total, dtype=float)
    if len(n) < FEWEST_STORES:
        raise CannotSay(
            "A comparison of stores needs {fewest} of them or more.", fewest=FEWEST_STORES
        )
    centre, spread = float(y.sum() / n.sum()), 0.0
    if not 0.0 < centre < 1.0:
        raise CannotSay("All customers of the chain are alike in this, so no store stands out.")
    rate = y / n
    chance = centre * (1.0 - centre) / n
    q = float(((rate - centre) ** 2 / chance).sum())
    if len(n) >= _FEWEST_FOR_SPREAD and chdtrc(len(n) - 1, q) < _LEVEL:
        centre, spread = _with_spread(rate, n, centre)
    return Funnel(centre, spread, rate, n)


def _with_spread(rate: Floats, n: Floats, centre: float) -> tuple[float, float]:
    spread = 0.0
    for _ in range(20):
        chance = centre * (1.0 - centre) / n
        spread = _spread(rate - centre, chance)
        weight = 1.0 / (chance + spread**2)
        centre, before = float((weight * rate).sum() / weight.sum()), centre
        if abs(centre - before) < 1e-9:
            break
    return centre, spread


def _spread(apart: Floats, chance: Floats) -> float:
    def beyond(spread: float) -> float:
        return float(np.median(np.abs(apart) / np.sqrt(chance + spread**2))) - _MIDDLE

    return float(brentq(beyond, 0.0, 10.0)) if beyond(0.0) > 0 else 0.0
