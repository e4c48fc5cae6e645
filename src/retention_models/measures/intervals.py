"""95% intervals of measures from sums over customers, who are the independent units.

A measure is a product of ratios of sums, scale · Π_k Σᵢ y_ki ÷ Σᵢ x_ki, nearly always of one. Its
variance is that of the sum of the customers' linearised values lᵢ = Σ_k w_k (y_ki − R_k x_ki) ÷ X_k,
where w_k is the derivative by R_k (ratio estimator: Cochran, Sampling Techniques, 3rd ed., 1977, ch. 6;
linearisation: Särndal, Swensson & Wretman, Model Assisted Survey Sampling, 1992, ch. 5). Only sums of
products of the y and x over customers are needed, so an engine can form them; the covariance of a
measure in two periods is the same sum over the products of one period's values with the other's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retention_models.levels import t_of_interval, wilson_ends

Floats = NDArray[np.float64]
Terms = Sequence[tuple[str, str]]
# Sum over customers of the product of two columns, for every group: an array over groups.
Products = Callable[[str, str], Floats]

# Squared coefficient of variation between customers below which it is what rounding leaves.
_ALIKE = 1e-12


def wilson(count: ArrayLike, total: ArrayLike) -> tuple[Floats, Floats]:
    """Wilson's score interval of a proportion; NaN where the total is 0.

    Brown, Cai & DasGupta, Statistical Science 16 (2001), equation 4.
    """
    count, total = np.asarray(count, dtype=float), np.asarray(total, dtype=float)
    low, high = np.full(total.shape, np.nan), np.full(total.shape, np.nan)
    some = total > 0
    ends = wilson_ends(count[some], total[some])
    # Rounding can leave 1e-17 where Wilson's ends are 0 and 1 exactly.
    low[some] = np.where(count[some] == 0, 0.0, ends[0])
    high[some] = np.where(count[some] == total[some], 1.0, ends[1])
    return low, high


def ratios(sums: Callable[[str], Floats], terms: Terms) -> Floats:
    """Each term's Σy ÷ Σx, shape (terms, groups); NaN where Σx is 0."""
    found = []
    for top, bottom in terms:
        x = sums(bottom)
        found.append(np.divide(sums(top), x, out=np.full(x.shape, np.nan), where=x != 0))
    return np.array(found)


def covariance(
    terms: Terms,
    products: Products,
    left: tuple[Floats, Callable[[str], Floats]],
    right: tuple[Floats, Callable[[str], Floats]],
) -> Floats:
    """Σᵢ lᵢ l′ᵢ of a measure's linearised values in two sets of ratios and sums, shape (groups,).

    Each side is the ratios, shape (terms, groups), and the sums by name, the same twice for a
    variance; products(a, b) is Σᵢ aᵢ b′ᵢ. Scale 1, not yet multiplied by n ÷ (n − 1).
    """
    (r, sums), (s, others) = left, right
    total = np.zeros(r.shape[1])
    for k, (top, bottom) in enumerate(terms):
        for j, (other_top, other_bottom) in enumerate(terms):
            weight = np.prod(np.delete(r, k, 0), axis=0) * np.prod(np.delete(s, j, 0), axis=0)
            inner = (
                products(top, other_top)
                - s[j] * products(top, other_bottom)
                - r[k] * products(bottom, other_top)
                + r[k] * s[j] * products(bottom, other_bottom)
            )
            scale = sums(bottom) * others(other_bottom)
            total += weight * np.divide(
                inner, scale, out=np.full(scale.shape, np.nan), where=scale != 0
            )
    return total


def symmetric(value: Floats, variance: Floats, customers: Floats) -> tuple[Floats, Floats]:
    """Value ± t standard errors, of a variance over n customers; t has n − 1 degrees of freedom.

    NaN where n is below 2, and where all customers are alike: no spread is seen among them, which
    does not mean that there is none.
    """
    alike = variance * customers <= _ALIKE * value**2
    n = np.where((customers >= 2) & ~alike, customers, np.nan)
    half = t_of_interval(n - 1.0, 0.95) * np.sqrt(n / (n - 1.0) * np.where(alike, np.nan, variance))
    return value - half, value + half


def relative(value: Floats, variance: Floats, customers: Floats) -> tuple[Floats, Floats]:
    """Value ×÷ exp(t standard errors of its logarithm): the interval of a ratio of what is not negative.

    Spend and visits are skewed, which leaves `symmetric` too often below the truth, and lets it reach
    below 0. Where returns outweigh spend, or make the ratio vary more than one of positive sums can,
    it is `symmetric`.
    """
    low, high = symmetric(value, variance, customers)
    positive = (value > 0) & (variance <= 2.0 * value**2)
    base = np.where(positive, value, 1.0)
    step = np.where(positive, (high - value) / base, 0.0)
    return (
        np.where(positive, base * np.exp(-step), low),
        np.where(positive, base * np.exp(step), high),
    )


def share(
    value: Floats, variance: Floats, customers: Floats, total: Floats, squares: Floats
) -> tuple[Floats, Floats]:
    """Wilson's interval of a share of answers, of which one customer may have given several.

    Where every customer counts once (Σx² = Σx) it is Wilson's own. Elsewhere the answers are worth
    p(1 − p) ÷ V independent ones, V being the variance between customers, but no more than they are;
    and where all answers are alike, as many as there are customers (effective sample size: Franco,
    Little, Louis & Slud, Journal of Survey Statistics and Methodology 7, 2019).
    """
    several = np.maximum(customers, 2.0)
    variance = several / (several - 1.0) * np.maximum(variance, 0.0)
    spread = value * (1.0 - value)
    worth = np.divide(spread, variance, out=np.array(customers, dtype=float), where=variance > 0)
    worth = np.where(squares == total, total, np.minimum(worth, total))
    return wilson(value * worth, worth)


def difference_of_shares(
    first: Floats, second: Floats, total: Floats
) -> tuple[Floats, Floats, Floats]:
    """Difference of two shares of one multinomial sample with its 95% interval; NaN where it is empty.

    Wilson's intervals of both shares, combined by `difference` with the correlation of two
    multinomial shares, −√(p q ÷ ((1 − p)(1 − q))). Unlike the plain interval from (p + q − (p −
    q)²) ÷ n, it has a width where all answers are alike.
    """
    n = np.where(total > 0, total, np.nan)
    p, q = first / n, second / n
    rest = (1.0 - p) * (1.0 - q)
    both = np.divide(p * q, rest, out=np.zeros(p.shape), where=rest > 0)
    low, high = difference(
        (p, *wilson(first, total)), (q, *wilson(second, total)), -np.sqrt(np.minimum(both, 1.0))
    )
    return p - q, low, high


def difference(
    now: tuple[Floats, Floats, Floats], before: tuple[Floats, Floats, Floats], correlation: Floats
) -> tuple[Floats, Floats]:
    """95% interval of the difference of two estimates from each one's value, low and high.

    The method of variance estimates recovery with correlated estimates (Zou, Psychological Methods
    12, 2007; Zou & Donner, Statistics in Medicine 27, 2008): L = θ₁ − θ₂ − √((θ₁ − l₁)² + (u₂ −
    θ₂)² − 2ρ(θ₁ − l₁)(u₂ − θ₂)), and U likewise. For intervals θ ± z SE it is the paired interval
    from V₁ + V₂ − 2C; for independent proportions, Newcombe's.
    """
    (one, low, high), (two, below, above) = now, before
    change = one - two

    def width(here: Floats, there: Floats) -> Floats:
        return np.sqrt(np.maximum(here**2 + there**2 - 2.0 * correlation * here * there, 0.0))

    return change - width(one - low, above - two), change + width(high - one, two - below)
