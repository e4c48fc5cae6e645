"""The Pareto/NBD model of purchases: P(alive), expectations, count distribution.

A customer buys as a Poisson process with rate λ ~ Gamma(r, rate α) for a lifetime that is
exponential with rate μ ~ Gamma(s, rate β), then never again. A customer is known by frequency x
(repeat purchases), recency t_x and T, in the same unit of time as 1/λ and 1/μ.

Sources
-------
SMC : Schmittlein, Morrison & Colombo (1987), "Counting your customers: who are they and what will
they do next?", Management Science 33(1), 1–24.
FH : Fader & Hardie (2005), "A note on deriving the Pareto/NBD model and related expressions", note
009; section 3 derives the likelihood, 4 the mean, 5 P(alive), 6 the conditional expectation.
FHL : Fader, Hardie & Lee (2005), "RFM and CLV: using iso-value curves for customer base analysis",
Journal of Marketing Research 42(4), 415–430.

The published formulas are differences of 2F1 functions, which cancel and overflow. Here what they
stand for, an integral over the unseen moment of leaving, is taken by quadrature: all terms are
positive, and on the log scale (see
`pareto_nbd_lifetime`).

Given (x, t_x, T), a customer that is alive has λ ~ Gamma(r + x, α + T) and μ ~ Gamma(s, β + T),
independent of each other. So everything about the future of a known customer is P(alive) times the
same quantity of a new customer with parameters (r + x, α + T, s, β + T).

Preconditions: x ≥ 0 whole, 0 ≤ t_x ≤ T, t_x = 0 where x = 0. s = 0 is the NBD: nobody leaves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, expit, gammaln

from retention_models.models.inputs import check_rate
from retention_models.models.pareto_nbd_integrals import (
    chance_before_leaving,
    discounted_lifetime,
    unseen_departures,
)
from retention_models.models.special import log_gamma_ratio

Array = NDArray[np.float64]

NAMES = ("r", "alpha", "s", "beta")


def probability_alive(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: float,
    s: float,
    beta: float,
) -> Array:
    """P(alive) of customers with history (x, t_x, T); SMC, FH section 5.

    Formula: 1 / (1 + s ∫ ((α+T)/(α+y))^(r+x) ((β+T)/(β+y))^s dy/(β+y)), y from t_x to T.

    Parameters
    ----------
    x, t_x, T : array_like
        Frequency, recency and T; broadcast together.
    r, alpha, s, beta : float
        Model parameters.

    Returns
    -------
    ndarray
        Probabilities, of the broadcast shape.

    Examples
    --------
    >>> float(probability_alive(26, 30.86, 31.0, 0.5532, 10.578, 0.6061, 11.669).round(4))
    0.9979
    """
    x, t_x, T = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, t_x, T)))
    if s == 0.0:
        return np.ones(x.shape)
    log_odds_left = np.empty(x.size)
    for rows, _, log_odds in unseen_departures(
        np.ravel(x), np.ravel(t_x), np.ravel(T), r, alpha, s, beta
    ):
        top = log_odds.max(axis=1)
        log_odds_left[rows] = top + np.log(np.exp(log_odds - top[:, None]).sum(axis=1))
    return np.asarray(expit(-log_odds_left).reshape(x.shape))


def expected_purchases(
    t: ArrayLike, r: ArrayLike, alpha: ArrayLike, s: float, beta: ArrayLike
) -> Array:
    """Expected number of repeat purchases of a new customer in (0, t]; SMC, FH section 4.

    Formula: rβ/α · (1 − (β/(β+t))^(s−1)) / (s−1), which is rβ/α · ln((β+t)/β) at s = 1.

    Parameters
    ----------
    t : array_like
        Length of the window.
    r, alpha, beta : array_like
        Parameters; arrays serve known customers (r + x, α + T, β + T).
    s : float
        Parameter; 0 gives the NBD, r·t/α.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> expected_purchases([1.0, 78.0], 0.553277, 10.577684, 0.60624, 11.668732).round(5)
    array([0.05101, 1.90987])
    """
    t, r, alpha, beta = (np.asarray(v, dtype=float) for v in (t, r, alpha, beta))
    log_gone = np.log1p(t / beta)
    e = s - 1.0
    lived = log_gone if e == 0.0 else -np.expm1(-e * log_gone) / e
    return np.asarray(r * beta / alpha * lived)


def conditional_expected_purchases(
    t: ArrayLike,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: float,
    s: float,
    beta: float,
) -> Array:
    """Expected purchases in (T, T + t] of customers with history (x, t_x, T); FH section 6.

    Formula: P(alive) · E(t; r+x, α+T, s, β+T).

    Parameters
    ----------
    t : array_like
        Length of the future window, in the unit of T.
    x, t_x, T : array_like
        Frequency, recency and T.
    r, alpha, s, beta : float
        Model parameters.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> p = (0.5532, 10.578, 0.6061, 11.669)
    >>> float(conditional_expected_purchases(52, 26, 30.86, 31.0, *p).round(2))
    25.46
    """
    x, t_x, T = (np.asarray(v, dtype=float) for v in (x, t_x, T))
    alive = probability_alive(x, t_x, T, r, alpha, s, beta)
    return np.asarray(alive * expected_purchases(t, r + x, alpha + T, s, beta + T))


def discounted_purchases(
    horizon: float, rate: float, r: ArrayLike, alpha: ArrayLike, s: float, beta: ArrayLike
) -> Array:
    """Expected purchases of a new customer in (0, horizon], each discounted by exp(−rate · time).

    Formula: r/α · ∫₀ᴴ e^(−δt) (β/(β+t))^s dt.

    Parameters
    ----------
    horizon : float
        Length of the window; infinity for all the future.
    rate : float
        Continuous discount rate δ, above 0 where the horizon is infinite.
    r, alpha, beta : array_like
        Parameters; arrays serve known customers (r + x, α + T, β + T).
    s : float
        Parameter; 0 gives the NBD.

    Returns
    -------
    ndarray
    """
    check_rate(rate, horizon, converges=s > 1.0)
    r, alpha, beta = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (r, alpha, beta)))
    lived = discounted_lifetime(horizon, rate, s, np.ravel(beta))
    return np.asarray(r / alpha * lived.reshape(beta.shape))


def discounted_expected_purchases(
    horizon: float,
    rate: float,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: float,
    s: float,
    beta: float,
) -> Array:
    """Expected purchases in (T, T + horizon], each discounted by exp(−rate · waiting time).

    Formula: P(alive) · (r+x)/(α+T) · ∫₀ᴴ e^(−δt) ((β+T)/(β+T+t))^s dt. With an endless horizon it
    is FHL (2), DET there, where the integral is written with Tricomi's function:
    δ^(s−1) (β+T)^s Ψ(s, s; δ(β+T)).

    Parameters
    ----------
    horizon : float
        Length of the window, in the unit of T; infinity for all the future.
    rate : float
        Continuous discount rate δ per unit of T, above 0 where the horizon is infinite.
    x, t_x, T : array_like
        Frequency, recency and T.
    r, alpha, s, beta : float
        Model parameters.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> p = (0.5629966, 12.559037, 0.4081095, 10.5148048)
    >>> float(discounted_expected_purchases(np.inf, 0.0027, 7, 35, 77.86, *p).round(6))
    1.864183
    """
    x, t_x, T = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, t_x, T)))
    total = discounted_purchases(horizon, rate, r + x, alpha + T, s, beta + T)
    return np.asarray(probability_alive(x, t_x, T, r, alpha, s, beta) * total)


def purchase_count_probability(
    n: ArrayLike, t: ArrayLike, r: ArrayLike, alpha: ArrayLike, s: float, beta: ArrayLike
) -> Array:
    """P(X(t) = n) for a new customer; SMC; Fader & Hardie (2006), note 012.

    Formula: NBD(n; t) (β/(β+t))^s + ∫₀ᵗ NBD(n; y) · s/(β+y) · (β/(β+y))^s dy, where
    NBD(n; y) = Γ(r+n)/(Γ(r) n!) · (α/(α+y))^r · (y/(α+y))^n. The note's form subtracts, this adds.

    Parameters
    ----------
    n : array_like
        Numbers of purchases.
    t : array_like
        Length of the window.
    r, alpha, beta : array_like
        Parameters; arrays serve known customers (r + x, α + T, β + T).
    s : float
        Parameter; 0 gives the NBD.

    Returns
    -------
    ndarray
        Of the broadcast shape.

    Examples
    --------
    >>> p = (0.553277, 10.577684, 0.60624, 11.668732)
    >>> purchase_count_probability([0, 1], 39, *p).round(6)
    array([0.593532, 0.165585])
    """
    n, t, r, alpha, beta = (np.asarray(v, dtype=float) for v in (n, t, r, alpha, beta))
    window = np.where(t > 0.0, t, alpha)  # any: in one without length nothing happens
    log_ways = log_gamma_ratio(r, n) - gammaln(n + 1.0)
    here = log_ways - r * np.log1p(t / alpha) - n * np.log1p(alpha / window)
    probability = np.exp(here - s * np.log1p(t / beta))
    if s > 0.0:
        probability = probability + chance_before_leaving(n, window, r, alpha, s, beta, log_ways)
    return np.where(t > 0.0, probability, np.where(n > 0, 0.0, 1.0))


def conditional_count_probabilities(
    t: float,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: float,
    s: float,
    beta: float,
    *,
    tail: float = 1e-9,
) -> Array:
    """Distribution of purchases in (T, T + t] for customers with history (x, t_x, T).

    Parameters
    ----------
    t : float
        Length of the future window, in the unit of T.
    x, t_x, T : array_like, shape (k,)
        Frequency, recency and T.
    r, alpha, s, beta : float
        Model parameters.
    tail : float
        Probability above the last column that is let go, at most, for every customer.

    Returns
    -------
    ndarray, shape (k, n)
        Column j holds P(j purchases); rows sum to 1 less `tail` at most, and may end in zeros.
    """
    x, t_x, T = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, t_x, T)))
    alive = probability_alive(x, t_x, T, r, alpha, s, beta)
    rate, scale, life = r + x, alpha + T, beta + T
    parts, covered, start, width = [np.zeros((x.size, 1))], 1.0 - alive, 0, 16
    rows = np.flatnonzero(covered < 1.0 - tail)
    while rows.size:
        n, block = np.arange(start, start + width), np.zeros((x.size, width))
        new = rate[rows, None], scale[rows, None], s, life[rows, None]
        block[rows] = alive[rows, None] * purchase_count_probability(n, t, *new)
        covered[rows] += block[rows].sum(axis=1)
        parts = [*parts, block] if start else [block]
        start, width = start + width, min(2 * width, 1024)
        # Nobody buys more than if staying for good: where that tail is nothing, rounding has kept
        # the sum a little below one.
        more = betainc(start, rate[rows], t / (scale[rows] + t)) > tail * 1e-3
        rows = rows[more & (covered[rows] < 1.0 - tail)]
    chances = np.concatenate(parts, axis=1)
    chances[:, 0] += 1.0 - alive
    return chances
