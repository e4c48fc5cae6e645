"""The MBG/NBD model of purchases: a BG/NBD whose customers can leave after the first one too.

A customer buys as a Poisson process with rate λ ~ Gamma(r, rate α) and, after each purchase and
already after the first one, at time zero, leaves for good with probability p ~ Beta(a, b). A
customer is known by frequency x (repeat purchases), recency t_x and T, in the same unit of time as
1/λ.

Sources
-------
BDF : Batislam, Denizel & Filiztekin (2007), "Empirical validation and comparison of models for
customer base analysis", International Journal of Research in Marketing 24(3), 201–209; an erratum
in 25(2), 2008, corrects their conditional expectation.
HW : Hoppe & Wagner (2007), "Customer base analysis: the case for a central variant of the
betageometric/NBD model", Marketing Journal of Research and Management 3(2), 75–90.

Staying after the first purchase has probability b/(a+b) and leaves p ~ Beta(a, b+1). From then on
the customer is one of the BG/NBD model with parameters (r, α, a, b+1). So the formulas here are
those of `bg_nbd` at b + 1; only customers with x = 0, who in the BG/NBD are surely alive, may have
left.

Preconditions: x ≥ 0 whole, 0 ≤ t_x ≤ T, t_x = 0 where x = 0. a = 0 is the NBD: nobody leaves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from retention_models.models import bg_nbd

Array = NDArray[np.float64]

NAMES = ("r", "alpha", "a", "b")


def probability_stayed(
    x: ArrayLike, T: ArrayLike, r: float, alpha: float, a: float, b: float
) -> Array:
    """P(stayed after the first purchase) of customers with x repeat purchases in (0, T].

    Formula: 1 where x > 0, else 1 / (1 + a/b · ((α+T)/α)^r). At T = 0 it is b/(a+b). P(alive) is
    this probability times that of the BG/NBD with b + 1.

    Parameters
    ----------
    x, T : array_like
        Frequency and T; broadcast together.
    r, alpha, a, b : float
        Model parameters.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> probability_stayed([0, 0, 1], [0.0, 38.86, 38.86], 0.525, 6.183, 0.891, 1.614).round(4)
    array([0.6443, 0.3897, 1.    ])
    """
    x, T = (np.asarray(v, dtype=float) for v in (x, T))
    if a == 0.0:
        return np.ones(np.broadcast_shapes(x.shape, T.shape))
    odds_left = np.log(a) - np.log(b) + r * np.log1p(T / alpha)
    return np.where(x > 0, 1.0, expit(-odds_left))


def probability_alive(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> Array:
    """P(alive) of customers with history (x, t_x, T); HW, BDF.

    Formula: 1 / (1 + a/(b+x) · ((α+T)/(α+t_x))^(r+x)), below one also at x = 0.

    Parameters
    ----------
    x, t_x, T : array_like
        Frequency, recency and T; broadcast together.
    r, alpha, a, b : float
        Model parameters.

    Returns
    -------
    ndarray
        Probabilities, of the broadcast shape.

    Examples
    --------
    >>> probability_alive([0, 2], [0, 30.43], 38.86, 0.525, 6.183, 0.891, 1.614).round(4)
    array([0.3897, 0.7062])
    """
    stayed = probability_stayed(x, T, r, alpha, a, b)
    return np.asarray(stayed * bg_nbd.probability_alive(x, t_x, T, r, alpha, a, b + 1.0))


def expected_purchases(
    t: ArrayLike, r: ArrayLike, alpha: ArrayLike, a: float, b: ArrayLike
) -> Array:
    """Expected number of repeat purchases of a new customer in (0, t].

    Formula: b/(a+b) · E(t; r, α, a, b+1), with E that of the BG/NBD.

    Parameters
    ----------
    t : array_like
        Length of the window.
    r, alpha, b : array_like
        Parameters.
    a : float
        Parameter; 0 gives the NBD, r·t/α.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> expected_purchases([1.0, 78.0], 0.524843, 6.183086, 0.891359, 1.614001).round(5)
    array([0.05306, 1.80363])
    """
    b = np.asarray(b, dtype=float)
    return np.asarray(b / (a + b) * bg_nbd.expected_purchases(t, r, alpha, a, b + 1.0))


def conditional_expected_purchases(
    t: ArrayLike,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> Array:
    """Expected purchases in (T, T + t] of customers with history (x, t_x, T).

    Formula: P(alive) · E(t; r+x, α+T, a, b+x+1), with E that of a new BG/NBD customer.

    Parameters
    ----------
    t : array_like
        Length of the future window, in the unit of T.
    x, t_x, T : array_like
        Frequency, recency and T.
    r, alpha, a, b : float
        Model parameters.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> p = (0.524843, 6.183086, 0.891359, 1.614001)
    >>> float(conditional_expected_purchases(39, 2, 30.43, 38.86, *p).round(6))
    1.262669
    """
    stayed = probability_stayed(x, T, r, alpha, a, b)
    rest = bg_nbd.conditional_expected_purchases(t, x, t_x, T, r, alpha, a, b + 1.0)
    return np.asarray(stayed * rest)


def discounted_expected_purchases(
    horizon: float,
    rate: float,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> Array:
    """Expected purchases in (T, T + horizon], each discounted by exp(−rate · waiting time).

    Parameters
    ----------
    horizon : float
        Length of the window, in the unit of T.
    rate : float
        Continuous discount rate per unit of T.
    x, t_x, T : array_like
        Frequency, recency and T.
    r, alpha, a, b : float
        Model parameters.

    Returns
    -------
    ndarray

    See Also
    --------
    retention_models.models.bg_nbd.discounted_purchases : the formula, and what is refused.
    """
    stayed = probability_stayed(x, T, r, alpha, a, b)
    rest = bg_nbd.discounted_expected_purchases(horizon, rate, x, t_x, T, r, alpha, a, b + 1.0)
    return np.asarray(stayed * rest)


def purchase_count_probability(
    n: ArrayLike, t: ArrayLike, r: ArrayLike, alpha: ArrayLike, a: float, b: ArrayLike
) -> Array:
    """P(X(t) = n) for a new customer.

    Formula: [n = 0] · a/(a+b) + b/(a+b) · P(n, t; r, α, a, b+1), with P that of the BG/NBD.

    Parameters
    ----------
    n : array_like
        Numbers of repeat purchases.
    t : array_like
        Length of the window.
    r, alpha, b : array_like
        Parameters.
    a : float
        Parameter; 0 gives the NBD.

    Returns
    -------
    ndarray
        Of the broadcast shape.

    Examples
    --------
    >>> p = (0.524843, 6.183086, 0.891359, 1.614001)
    >>> float(purchase_count_probability(0, 39, *p).round(6))
    0.582605
    """
    b = np.asarray(b, dtype=float)
    later = bg_nbd.purchase_count_probability(n, t, r, alpha, a, b + 1.0)
    return np.asarray(np.where(np.asarray(n) == 0, a, 0.0) / (a + b) + b / (a + b) * later)


def conditional_count_probabilities(
    t: float,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: float,
    a: float,
    b: float,
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
    r, alpha, a, b : float
        Model parameters.
    tail : float
        Probability above the last column that is let go, at most, for every customer.

    Returns
    -------
    ndarray, shape (k, n)
        Column j holds P(j purchases); rows sum to 1 less `tail` at most.
    """
    stayed = np.atleast_1d(probability_stayed(x, T, r, alpha, a, b))
    chances = bg_nbd.conditional_count_probabilities(t, x, t_x, T, r, alpha, a, b + 1.0, tail=tail)
    chances = stayed[:, None] * chances
    chances[:, 0] += 1.0 - stayed
    return chances
