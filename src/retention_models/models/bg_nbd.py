"""The BG/NBD model of purchases: P(alive), expectations, count distribution.

A customer buys as a Poisson process with rate λ ~ Gamma(r, rate α) and, after each purchase, leaves
for good with probability p ~ Beta(a, b). A customer is known by frequency x (repeat purchases),
recency t_x (first to last purchase) and T (first purchase to the end of observation), t_x and T in
the same unit of time as 1/λ.

Sources
-------
FHL : Fader, Hardie & Lee (2005), "Counting your customers the easy way: an alternative to the
Pareto/NBD model", Marketing Science 24(2), 275–284; equation numbers are theirs.

Given (x, t_x, T), a customer that is alive has λ ~ Gamma(r + x, α + T) and p ~ Beta(a, b + x),
independent of each other. So everything about the future of a known customer is P(alive) times the
same quantity of a new customer with parameters (r + x, α + T, a, b + x).

Preconditions: x ≥ 0 whole, 0 ≤ t_x ≤ T, t_x = 0 where x = 0. a = 0 is the NBD: nobody leaves.

Discounted expected residual transactions of BG/NBD customers over an endless horizon.

Symbols are those of `bg_nbd`. A customer that is alive and has purchase rate λ and dropout
probability p leaves at rate λp, so buys at rate λ e^(−λpt) at time t from now. Discounted at δ,

    DERT = P(alive) · E ∫₀^∞ e^(−δt) λ e^(−λpt) dt = P(alive) · E[λ / (δ + λp)],

over λ ~ Gamma(r+x, α+T) and p ~ Beta(a, b+x). See `bg_nbd_contour` for how it is taken.

Source: Fader, Hardie & Lee (2005), "RFM and CLV: using iso-value curves for customer base
analysis", Journal of Marketing Research 42(4), 415–430, define it for the Pareto/NBD, as DET.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, gammaln

from retention_models.models.bg_nbd_integrals import expected_of_rows, share_kept
from retention_models.models.inputs import check_rate
from retention_models.models.special import in_blocks, log_gamma_ratio

Array = NDArray[np.float64]

NAMES = ("r", "alpha", "a", "b")


def probability_alive(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
) -> Array:
    """P(alive) of customers with history (x, t_x, T).

    Formula: 1 / (1 + [x > 0] · a/(b+x−1) · ((α+T)/(α+t_x))^(r+x)), on the log scale.
    A customer without a repeat purchase has had no chance to leave: P(alive) = 1.

    Source: Hardie, note 021, "Computing P(alive) using the BG/NBD model" (2008).

    Parameters
    ----------
    x, t_x, T : array_like
        Frequency, recency and T; broadcast together.
    r : float
        Model parameter.
    alpha, a, b : array_like
        Model parameters; arrays serve customers who differ by covariates.

    Returns
    -------
    ndarray
        Probabilities, of the broadcast shape.

    Examples
    --------
    >>> float(probability_alive(2, 30.43, 38.86, 0.243, 4.414, 0.793, 2.426).round(4))
    0.7266
    """
    columns = list(np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, t_x, T))))
    parameters = [np.asarray(v, dtype=float) for v in (alpha, a, b)]
    own = any(v.ndim for v in parameters)
    if own:
        columns = list(np.broadcast_arrays(*columns, *parameters))
    if not np.any(a):
        return np.ones(columns[0].shape)

    def block(x: Array, t_x: Array, T: Array, *each: Array) -> Array:
        # Most customers of most shops never came back: only the others cost a logarithm.
        # (NumPy finds truths ten times faster than numbers other than 0.)
        alive, back = np.ones(x.size), np.flatnonzero(x > 0.0)
        x, t_x, T = (column.take(back) for column in (x, t_x, T))
        alpha_, a_, b_ = (column.take(back) for column in each) if own else parameters
        waited = np.log((alpha_ + T) / (alpha_ + t_x))
        # Odds beyond any number leave a chance of 0; where nobody leaves they are none.
        with np.errstate(over="ignore", invalid="ignore"):
            # b + (x − 1) is b itself at x = 1, however small.
            odds_left = np.exp((r + x) * waited) * (a_ / (b_ + (x - 1.0)))
            alive[back] = 1.0 / (1.0 + (np.where(a_ > 0.0, odds_left, 0.0) if own else odds_left))
        return alive

    return in_blocks(block, *(np.ravel(v) for v in columns)).reshape(columns[0].shape)


def expected_purchases(
    t: ArrayLike, r: ArrayLike, alpha: ArrayLike, a: ArrayLike, b: ArrayLike
) -> Array:
    """Expected number of repeat purchases of a new customer in (0, t]; FHL (9).

    See `bg_nbd_expectation` for the form that keeps its digits near a = 1 and for long windows.

    Parameters
    ----------
    t : array_like
        Length of the window.
    r, alpha, b : array_like
        Parameters; arrays serve known customers (r + x, α + T, b + x).
    a : array_like
        Parameter; 0 gives the NBD, r·t/α. An array serves customers who differ by covariates.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> expected_purchases([1.0, 78.0], 0.2425945, 4.4136, 0.79292, 2.42590).round(5)
    array([0.05318, 1.85796])
    """
    shared = np.asarray(a, dtype=float)
    t, r, alpha, b, each = np.broadcast_arrays(
        *(np.asarray(v, dtype=float) for v in (t, r, alpha, b, a))
    )
    a = np.ravel(each) if shared.ndim else shared  # one number is quicker than an array of it
    if not a.any():
        return np.asarray(r * t / alpha)
    t_row, r_row, alpha_row, b_row = (np.ravel(v) for v in (t, r, alpha, b))
    return expected_of_rows(t_row, r_row, alpha_row, a, b_row).reshape(t.shape)


def conditional_expected_purchases(
    t: ArrayLike,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
) -> Array:
    """Expected purchases in (T, T + t] of customers with history (x, t_x, T); FHL (10).

    Parameters
    ----------
    t : array_like
        Length of the future window, in the unit of T.
    x, t_x, T : array_like
        Frequency, recency and T.
    r : float
        Model parameter.
    alpha, a, b : array_like
        Model parameters; arrays serve customers who differ by covariates.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> p = (0.243, 4.414, 0.793, 2.426)
    >>> float(conditional_expected_purchases(39, 2, 30.43, 38.86, *p).round(6))
    1.226028
    """
    x, t_x, T, alpha, b = (np.asarray(v, dtype=float) for v in (x, t_x, T, alpha, b))
    alive = probability_alive(x, t_x, T, r, alpha, a, b)
    return np.asarray(alive * expected_purchases(t, r + x, alpha + T, a, b + x))


def discounted_purchases(
    horizon: float, rate: float, r: ArrayLike, alpha: ArrayLike, a: float, b: ArrayLike
) -> Array:
    """Expected purchases of a new customer in (0, horizon], each discounted by exp(−rate · time).

    Formula: r/α · ∫₀ᴴ e^(−δt) 2F1(r+1, a; a+b; −t/α) dt, the mean of λ e^(−λpt) over λ and p; see
    `bg_nbd_contour`.

    Parameters
    ----------
    horizon : float
        Length of the window; infinity for all the future.
    rate : float
        Continuous discount rate δ, at least 0; above 0 where the horizon is infinite.
    r, alpha, b : array_like
        Parameters; arrays serve known customers (r + x, α + T, b + x).
    a : float
        Parameter; 0 gives the NBD.

    Returns
    -------
    ndarray

    Raises
    ------
    SettingsError
        If the rate is below 0, or 0 over an endless horizon: that sum is infinite where a ≤ 1.

    Examples
    --------
    >>> p = (0.2425945, 4.4136, 0.79292, 2.42590)
    >>> [float(discounted_purchases(52.0, rate, *p).round(6)) for rate in (0.0, 0.0027)]
    [1.444013, 1.363783]
    """
    check_rate(rate, horizon)
    if rate == 0.0:
        return expected_purchases(horizon, r, alpha, a, b)
    r, alpha, a_, b = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (r, alpha, a, b)))
    never_leaving = -np.expm1(-rate * horizon) / rate * r / alpha
    if a == 0.0 or horizon == 0.0:
        return np.asarray(never_leaving)
    kept = share_kept(horizon, rate, *(np.ravel(v) for v in (r, alpha, a_, b)))
    return np.asarray(never_leaving * kept.reshape(r.shape))


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
        Length of the window, in the unit of T; infinity for all the future.
    rate : float
        Continuous discount rate per unit of T, at least 0; above 0 where the horizon is infinite.
    x, t_x, T : array_like
        Frequency, recency and T.
    r, alpha, a, b : float
        Model parameters.

    Returns
    -------
    ndarray

    See Also
    --------
    discounted_purchases : the formula, and what is refused.
    """
    x, t_x, T = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, t_x, T)))
    # What an alive customer will buy does not depend on recency: few cells (x, T) are distinct.
    cell, row = np.unique(x + 1j * T, return_inverse=True)
    known = r + cell.real, alpha + cell.imag, a, b + cell.real
    total = discounted_purchases(horizon, rate, *known)[row].reshape(x.shape)
    return np.asarray(probability_alive(x, t_x, T, r, alpha, a, b) * total)


def purchase_count_probability(
    n: ArrayLike, t: ArrayLike, r: ArrayLike, alpha: ArrayLike, a: float, b: ArrayLike
) -> Array:
    """P(X(t) = n) for a new customer; FHL (8), on the log scale.

    The sum in FHL's second term is a negative binomial distribution function, so that term is
    B(a+1, b+n−1)/B(a, b) · I_z(n, r) with z = t/(α+t) and I the regularised incomplete beta.

    Parameters
    ----------
    n : array_like
        Numbers of purchases.
    t : array_like
        Length of the window.
    r, alpha, b : array_like
        Parameters; arrays serve known customers (r + x, α + T, b + x).
    a : float
        Parameter; 0 gives the NBD.

    Returns
    -------
    ndarray
        Of the broadcast shape.

    Examples
    --------
    >>> p = (0.243, 4.414, 0.793, 2.426)
    >>> float(purchase_count_probability(0, 39, *p).round(7))
    0.5737864
    """
    n, t, r, alpha, b = np.broadcast_arrays(
        *(np.asarray(v, dtype=float) for v in (n, t, r, alpha, b))
    )
    z = t / (alpha + t)
    # Γ(b+n)/Γ(b) · Γ(a+b)/Γ(a+b+n), for large a by the ratios that are nearer to one.
    stayed = log_gamma_ratio(b, a) - log_gamma_ratio(b + n, a)
    if a > 100.0:
        few = log_gamma_ratio(b, n) - log_gamma_ratio(a + b, n)
        stayed = np.where(n < a, few, stayed)
    log_nbd = (
        log_gamma_ratio(r, n)
        - gammaln(n + 1.0)
        - r * np.log1p(t / alpha)
        - np.where(n > 0, n * np.log1p(alpha / np.where(t > 0, t, 1.0)), 0.0)
    )
    probability = np.where((z == 0.0) & (n > 0), 0.0, np.exp(stayed + log_nbd))
    if a == 0.0:
        return probability
    bought = n > 0
    safe_n = np.where(bought, n, 1.0)
    left = np.exp(stayed) * a / (b + (safe_n - 1.0)) * betainc(safe_n, r, z)
    return np.where(bought, probability + left, probability)


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
    x, t_x, T = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (x, t_x, T))
    alive = probability_alive(x, t_x, T, r, alpha, a, b)
    # P(n or more) ≤ P(alive) · I_z(n, r + x), the tail without dropout: columns up to where it is
    # negligible for everyone. (The mass itself is no guide: a busy customer has none in the first.)
    z = t / (alpha + T + t)
    columns = 8.0
    while float((alive * betainc(columns, r + x, z)).max(initial=0.0)) > tail:
        columns = np.ceil(1.25 * columns)
    n = np.arange(int(columns) + 1)
    chances = alive[:, None] * purchase_count_probability(
        n, t, (r + x)[:, None], (alpha + T)[:, None], a, (b + x)[:, None]
    )
    chances[:, 0] += 1.0 - alive
    return np.asarray(chances)


def discounted_expected_residual_transactions(
    rate: float,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> Array:
    """Expected purchases in (T, ∞), each discounted by exp(−rate · waiting time).

    Parameters
    ----------
    rate : float
        Continuous discount rate δ per unit of T, above 0.
    x, t_x, T : array_like
        Frequency, recency and T; broadcast together.
    r, alpha, a, b : float
        Model parameters; a = 0 is the NBD, (r+x)/(α+T)/δ.

    Returns
    -------
    ndarray

    Raises
    ------
    SettingsError
        If the rate is not above 0: without discounting the sum is infinite where a ≤ 1.

    Examples
    --------
    >>> p = (0.2425945, 4.4136, 0.79292, 2.42590)
    >>> float(discounted_expected_residual_transactions(0.0027, 2, 30.43, 38.86, *p).round(6))
    5.156369
    """
    return discounted_expected_purchases(np.inf, rate, x, t_x, T, r, alpha, a, b)
