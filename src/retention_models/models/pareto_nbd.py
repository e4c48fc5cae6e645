"""The Pareto/NBD model of purchases: P(alive), expectations, count distribution.

A customer buys as a Poisson process with rate λ ~ Gamma(r, rate α) for a lifetime that is
exponential with rate μ ~ Gamma(s, rate β), then never again. A customer is known by frequency x
(repeat purchases), recency t_x and T, in the same unit of time as 1/λ and 1/μ.

Sources
-------
SMC : Schmittlein, Morrison & Colombo (1987), "Counting your customers: who are they and what will
they do next?", Management Science 33(1), 1–24.
FH : Fader & Hardie (2005), "A note on deriving the Pareto/NBD model and related expressions", note
009; equation numbers are theirs.
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

from retention_models.models.pareto_nbd_lifetime import (
    discounted_lifetime,
    lifetime_nodes,
    unseen_departures,
)

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
    """P(alive) of customers with history (x, t_x, T); SMC, FH section 4.

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
    """Expected number of repeat purchases of a new customer in (0, t]; FH (27), SMC (16).

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
    is FHL's DERT (their equation 2), where the integral is written with Tricomi's function:
    (β+T) Ψ(1, 2−s; δ(β+T)).

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
    """P(X(t) = n) for a new customer; Fader & Hardie (2006), note 012.

    Formula: NBD(n; t) (β/(β+t))^s + ∫₀ᵗ NBD(n; y) · s/(β+y) · (β/(β+y))^s dy, where
    NBD(n; y) = Γ(r+n)/(Γ(r) n!) · (α/(α+y))^r · (y/(α+y))^n. FH's closed form subtracts; this adds.

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
    ways = gammaln(r + n) - gammaln(r) - gammaln(n + 1.0)

    def nbd(y: Array) -> Array:
        # u = y/(α+y); where it is 0, only n = 0 has a chance.
        log_u = np.log(np.maximum(y, 1e-300)) - np.log(alpha + y)
        return np.asarray(ways - r * np.log1p(y / alpha) + n * log_u)

    total = np.exp(nbd(t) - s * np.log1p(t / beta))
    if s == 0.0:
        return np.asarray(total)
    for y, dy in lifetime_nodes(t, r, alpha, s, beta):
        left = np.log(s * np.maximum(dy, 1e-300)) - np.log(beta + y) - s * np.log1p(y / beta)
        total = total + np.exp(nbd(y) + left)
    return np.asarray(total)


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
        Column j holds P(j purchases); rows sum to 1 less `tail` at most.
    """
    x, t_x, T = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, t_x, T)))
    alive = probability_alive(x, t_x, T, r, alpha, s, beta)
    new = (r + x)[:, None], (alpha + T)[:, None], s, (beta + T)[:, None]
    parts = [(1.0 - alive)[:, None]]
    covered, start, width = 1.0 - alive, 0, 16
    while float(covered.min(initial=1.0)) < 1.0 - tail:
        block = alive[:, None] * purchase_count_probability(
            np.arange(start, start + width), t, *new
        )
        if start == 0:
            block[:, 0] += parts.pop()[:, 0]
            covered = np.zeros_like(alive)
        covered = covered + block.sum(axis=1)
        parts.append(block)
        start, width = start + width, min(2 * width, 1024)
        # Nobody buys more than if staying for good: where that tail is nothing, rounding has kept
        # the sum a little below one.
        if float(betainc(start, r + x, t / (alpha + T + t)).max()) < tail * 1e-3:
            break
    return np.concatenate(parts, axis=1)
