"""The NBD model: customers who never leave. The limit that the models with dropout reduce to.

A customer buys as a Poisson process with rate λ ~ Gamma(r, rate α) and never leaves. Fits of the
models with dropout start from this one, and end at it where the data show no dropout.

Source: Ehrenberg (1959), "The pattern of consumer purchases", Applied Statistics 8(1), 26–41.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retention_models.errors import CannotSay
from retention_models.models.maximum_likelihood import (
    MaximumLikelihoodFit,
    Objective,
    maximise,
)

Array = NDArray[np.float64]

NAMES = ("r", "alpha")

# A limit reached from elsewhere is another one only if it is higher than rounding and an early stop
# can make it.
_HIGHER = 1e-3
# Steps by which an ordinary maximum is long found: more only go further towards a limit.
_STEPS = 40


def log_likelihood_with_derivatives(
    phi: Array, x: Array, T: Array, counts: Array
) -> tuple[float, Array, Array]:
    """Log-likelihood of (ln r, ln α), its gradient and its Hessian.

    The density is that of x purchases at their times: Γ(r+x)/Γ(r) · α^r · (α+T)^−(r+x). The ratio
    of gamma functions is a product of x terms; its log by sums keeps all digits where r and α run
    off together, where differences of log-gammas would make a maximum of rounding errors.

    Parameters
    ----------
    phi : ndarray, shape (2,)
        Logs of r, α.
    x, T : ndarray, shape (n,)
        Frequency, whole, and T.
    counts : ndarray, shape (n,)
        Number of customers with each row.

    Returns
    -------
    value : float
    gradient : ndarray, shape (2,)
    hessian : ndarray, shape (2, 2)

    Examples
    --------
    >>> one = np.ones(1)
    >>> value, _, _ = log_likelihood_with_derivatives(np.array([27.0, 27.0]), 3 * one, one, one)
    >>> round(value, 9)
    -1.0
    """
    r, alpha = theta = np.exp(phi)
    level = x.astype(np.intp)
    steps = r + np.arange(level.max(initial=0))
    logs, ones, squares = (
        np.concatenate([[0.0], np.cumsum(term)])[level]
        for term in (np.log(steps), 1.0 / steps, 1.0 / steps**2)
    )
    stays = alpha + T
    value = float(counts @ (logs - x * np.log(stays) - r * np.log1p(T / alpha)))
    late = T / (alpha * stays)  # 1/α − 1/(α+T)
    gradient = np.array([counts @ (ones - np.log1p(T / alpha)), counts @ (r * late - x / stays)])
    cross = counts @ late
    bend = counts @ (x / stays**2 - r * late * (1.0 / alpha + 1.0 / stays))
    hessian = np.array([[-(counts @ squares), cross], [cross, bend]])
    return value, theta * gradient, hessian * np.outer(theta, theta) + np.diag(theta * gradient)


def distinct_histories(x: Array, t_x: Array, T: Array, counts: Array) -> tuple[Array, ...]:
    """Distinct histories and how many customers have each.

    Parameters
    ----------
    x, t_x, T : ndarray, shape (n,)
        Frequency, recency and T, in any order and with repeats.
    counts : ndarray, shape (n,)
        Number of customers with each row.

    Returns
    -------
    x, t_x, T, counts : ndarray, shape (k,)
        Sorted by x, then T, then t_x.

    Raises
    ------
    CannotSay
        If no customer bought again: then no rate and no dropout can be estimated.

    Examples
    --------
    >>> two = np.array([2.0, 2.0])
    >>> [column.tolist() for column in distinct_histories(two, two, 3 * two, np.array([1.0, 5.0]))]
    [[2.0], [2.0], [6.0], [6.0]]
    """
    if not np.any(x > 0):
        raise CannotSay(
            f"None of the {counts.sum():,.0f} customers has bought a second time, so nothing can "
            "be said about when customers come back or leave."
        )
    order = np.lexsort((t_x, T, x))
    rows = np.stack([x, t_x, T])[:, order]
    first = np.concatenate([[True], np.any(rows[:, 1:] != rows[:, :-1], axis=0)])
    return *rows[:, first], np.add.reduceat(counts[order], np.flatnonzero(first))


def adjacent_cells(x: Array, T: Array, counts: Array) -> tuple[Array, Array, Array]:
    """Rows of equal x and T that follow each other, as one: after `distinct_histories` far fewer.

    Parameters
    ----------
    x, T : ndarray, shape (n,)
        Frequency and T.
    counts : ndarray, shape (n,)
        Number of customers with each row.

    Returns
    -------
    x, T, counts : ndarray, shape (k,)
    """
    change = (x[1:] != x[:-1]) | (T[1:] != T[:-1])
    first = np.flatnonzero(np.concatenate([[True], change]))
    return x[first], T[first], np.add.reduceat(counts, first)


def fit_nbd(x: Array, T: Array, counts: Array, *, penalty: float = 0.0) -> MaximumLikelihoodFit:
    """Fit the NBD model by maximum likelihood.

    Parameters
    ----------
    x, T : ndarray, shape (n,)
        Frequency and T; some x above 0.
    counts : ndarray, shape (n,)
        Number of customers with each row.
    penalty : float
        Ridge on the logs of r and α / mean T (see `maximise`).

    Returns
    -------
    MaximumLikelihoodFit
        Of r and alpha.
    """
    x, T, n = adjacent_cells(x, T, counts)
    rate = float(n @ x / (n @ T))
    return maximise(
        lambda phi: log_likelihood_with_derivatives(phi, x, T, n),
        np.array([0.5, 0.5 / rate]),
        NAMES,
        float(n.sum()),
        penalty=penalty,
        penalty_centre=np.array([0.0, np.log(float(n @ T / n.sum()))]),
    )


def best_fit(
    objective: Objective,
    starts: list[Array],
    names: tuple[str, ...],
    customers: float,
    *,
    penalty: float,
    penalty_centre: Array,
) -> MaximumLikelihoodFit:
    """The highest of the maxima reached; the search ends at the first ordinary one.

    The likelihood of a model with dropout can have an ordinary maximum or rise towards several of
    its limits, of which one start finds one.

    Parameters
    ----------
    objective, names, customers, penalty, penalty_centre
        As in `maximise`.
    starts : list of ndarray, shape (k,)
        Positive starting values, the likeliest first.

    Returns
    -------
    MaximumLikelihoodFit
    """
    best: MaximumLikelihoodFit | None = None
    for start in starts:
        fit = maximise(
            objective,
            start,
            names,
            customers,
            penalty=penalty,
            penalty_centre=penalty_centre,
            max_iterations=_STEPS,
        )
        if best is None or fit.log_likelihood > best.log_likelihood + _HIGHER:
            best = fit
        if best.verdict == "converged":
            break
    assert best is not None, "no starting values"
    return best
