"""Estimation of the BG/NBD model: log-likelihood with exact derivatives, and its maximum.

Formulas and symbols are those of `bg_nbd`; FHL is Fader, Hardie & Lee (2005).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from retention_models.errors import CannotSay
from retention_models.models.bg_nbd import NAMES
from retention_models.models.distinct_rows import distinct_rows
from retention_models.models.maximum_likelihood import (
    MaximumLikelihoodFit,
    at_boundary,
    maximise,
)

Array = NDArray[np.float64]

# The full model must beat the limit without dropout by this much log-likelihood, or the limit it
# is: a → 0 approaches the limit's likelihood from below, to within rounding.
_VISIBLE_DROPOUT = 1e-3
# A chance to leave of one in a million purchases cannot be told from none either.
_NEGLIGIBLE = 1e-6
# Sums and shapes beyond these are the named limits, reached as closely as the likelihood can tell.
_SAME, _SPLIT = 1e3, 1e-3
# Starting values of a + b: moderate, all or nothing, and much the same for everyone.
_SPREADS = (3.0, 0.2, 40.0)


def log_likelihood_with_derivatives(
    phi: Array, x: Array, t_x: Array, T: Array, counts: Array
) -> tuple[float, Array, Array]:
    """Log-likelihood of (ln r, ln α, ln a, ln b), its gradient and its Hessian; FHL (6).

    Parameters
    ----------
    phi : ndarray, shape (4,)
        Logs of r, α, a, b.
    x, t_x, T : ndarray, shape (n,)
        Distinct rows of frequency, recency and T.
    counts : ndarray, shape (n,)
        Number of customers with each row.

    Returns
    -------
    value : float
    gradient : ndarray, shape (4,)
    hessian : ndarray, shape (4, 4)
    """
    theta = np.exp(phi)
    r, alpha, a, b = theta
    gradient = np.zeros(4)
    pairs = np.zeros((4, 4))  # second derivatives, upper triangle

    # Terms of x alone, over its histogram: ln (r)_x + ln (b)_x/(a+b)_x, with (c)_x = Γ(c+x)/Γ(c).
    # As sums over i < x they keep their digits for large b, where log-gammas would cancel.
    levels, n = _histogram(x, counts)
    i = np.arange(levels.max(initial=0))
    below, above = b + i, a + b + i
    value = float(n @ (_upto(levels, np.log(r + i)) - _upto(levels, np.log1p(a / below))))
    gradient[0] = n @ _upto(levels, 1.0 / (r + i))
    gradient[2] = -(n @ _upto(levels, 1.0 / above))
    gradient[3] = n @ _upto(levels, a / (below * above))
    pairs[0, 0] = -(n @ _upto(levels, 1.0 / (r + i) ** 2))
    pairs[2, 2] = pairs[2, 3] = n @ _upto(levels, 1.0 / above**2)
    pairs[3, 3] = -(n @ _upto(levels, a * (below + above) / (below * above) ** 2))

    # ln of the sum over "still alive" (u) and "left at the last purchase" (w, only for x > 0), both
    # with r ln α taken in, as −r ln(1 + t/α) − x ln(α + t).
    repeat = x > 0
    before = np.where(repeat, b + x - 1.0, 1.0)
    u, du, ddu = _survival(r, alpha, x, T)
    w, dw, ddw = _survival(r, alpha, x, t_x)
    w = np.where(repeat, w + np.log(a) - np.log(before), -np.inf)
    value += float(counts @ np.logaddexp(u, w))
    share = expit(w - u)  # posterior probability of having left
    alive, gone = counts * (1.0 - share), counts * share
    zero = np.zeros_like(u)
    first_u = np.stack([*du, zero, zero])
    first_w = np.stack([*dw, zero + 1.0 / a, -1.0 / before])
    gradient += first_u @ alive + first_w @ gone
    pairs[0, 1] = ddu[0] @ alive + ddw[0] @ gone
    pairs[1, 1] = ddu[1] @ alive + ddw[1] @ gone
    pairs[2, 2] -= gone.sum() / a**2
    pairs[3, 3] += gone @ (1.0 / before**2)
    apart = first_w - first_u
    hessian = np.triu(pairs) + np.triu(pairs, 1).T
    hessian += (apart * (counts * share * (1.0 - share))) @ apart.T
    return (
        value,
        theta * gradient,
        hessian * np.outer(theta, theta) + np.diag(theta * gradient),
    )


def _histogram(x: Array, counts: Array) -> tuple[NDArray[np.intp], Array]:
    """Distinct values of a whole-numbered column, and the number of customers with each."""
    levels, level_of_row = np.unique(x.astype(np.intp), return_inverse=True)
    return levels, np.bincount(np.ravel(level_of_row), weights=counts).astype(float)


def _upto(levels: NDArray[np.intp], terms: Array) -> Array:
    """Σ_{i < x} terms[i] for each x in levels."""
    return np.concatenate([[0.0], np.cumsum(terms)])[levels]


def _survival(
    r: float, alpha: float, x: Array, t: Array
) -> tuple[Array, tuple[Array, Array], tuple[Array, Array]]:
    """Evaluate −r ln(1 + t/α) − x ln(α + t), with derivatives by (r, α) and by (rα, αα)."""
    log_ratio, end = np.log1p(t / alpha), alpha + t
    slope = t / (alpha * end)  # 1/α − 1/(α+t)
    value = -r * log_ratio - x * np.log(end)
    first = -log_ratio, r * slope - x / end
    second = slope, (x / end - r * slope * (end + alpha) / alpha) / end
    return value, first, second


def nbd_log_likelihood_with_derivatives(
    phi: Array, x: Array, T: Array, counts: Array
) -> tuple[float, Array, Array]:
    """The limit without dropout (a → 0): log-likelihood of (ln r, ln α) with derivatives.

    The density is that of x purchases at their times, as in the BG/NBD likelihood, so the two
    log-likelihoods compare: Γ(r+x)/Γ(r) · α^r · (α+T)^−(r+x).
    """
    theta = np.exp(phi)
    r, alpha = theta
    levels, n = _histogram(x, counts)
    i = np.arange(levels.max(initial=0))
    value, first, second = _survival(r, alpha, x, T)
    total = float(counts @ value + n @ _upto(levels, np.log(r + i)))
    gradient = np.array([n @ _upto(levels, 1.0 / (r + i)) + counts @ first[0], counts @ first[1]])
    cross = counts @ second[0]
    curvature = -(n @ _upto(levels, 1.0 / (r + i) ** 2))
    hessian = np.array([[curvature, cross], [cross, counts @ second[1]]])
    return (
        total,
        theta * gradient,
        hessian * np.outer(theta, theta) + np.diag(theta * gradient),
    )


def fit_bg_nbd(
    x: Array, t_x: Array, T: Array, counts: Array, *, penalty: float = 0.0
) -> MaximumLikelihoodFit:
    """Fit the BG/NBD model by maximum likelihood.

    Parameters
    ----------
    x, t_x, T : ndarray, shape (n,)
        Frequency, recency and T; distinct rows are quickest.
    counts : ndarray, shape (n,)
        Number of customers with each row.
    penalty : float
        Ridge on the logs of r, α / mean T, a and b (see `maximise`).

    Returns
    -------
    MaximumLikelihoodFit
        Verdict "boundary" where the data show no dropout (then a = 0 and b means nothing), one
        dropout probability for all, an all-or-nothing dropout, or one rate for all.

    Raises
    ------
    CannotSay
        If no customer bought again: then no rate and no dropout can be estimated.
    """
    if not np.any(x > 0):
        raise CannotSay(
            f"None of the {counts.sum():,.0f} customers has bought a second time, so nothing can "
            "be said about when customers come back or leave."
        )
    (x, t_x, T), row = distinct_rows(x, t_x, T)
    n = np.bincount(row, weights=counts).astype(float)
    customers, mean_T = float(n.sum()), float(n @ T / n.sum())
    centre = np.array([0.0, np.log(mean_T), 0.0, 0.0])
    rate = float(n @ x / (n @ T))
    nbd = maximise(
        lambda phi: nbd_log_likelihood_with_derivatives(phi, x, T, n),
        np.array([0.5, 0.5 / rate]),
        NAMES[:2],
        customers,
        penalty=penalty,
        penalty_centre=centre[:2],
    )
    # The limit's estimates are starting values with the right rate; a quarter leave at a purchase.
    # Where that search ends anywhere but at an ordinary maximum there may be a better end elsewhere.
    fits = []
    for spread in _SPREADS:
        fits.append(
            maximise(
                lambda phi: log_likelihood_with_derivatives(phi, x, t_x, T, n),
                np.array([*nbd.parameters, 0.25 * spread, 0.75 * spread]),
                NAMES,
                customers,
                penalty=penalty,
                penalty_centre=centre,
            )
        )
        if fits[-1].verdict == "converged":
            break
    best = max(fits, key=lambda fit: fit.log_likelihood)
    return _named(best, nbd, penalised=penalty > 0.0)


def _named(
    full: MaximumLikelihoodFit, nbd: MaximumLikelihoodFit, *, penalised: bool
) -> MaximumLikelihoodFit:
    """Take the limit without dropout for what it is, and call other limits by their names."""
    _, _, a, b = full.parameters
    invisible = full.log_likelihood < nbd.log_likelihood + _VISIBLE_DROPOUT or a < _NEGLIGIBLE * b
    if invisible and not penalised:
        message = "no dropout is visible: the model is the NBD, in which nobody leaves for good"
        return _named_limit(at_boundary(nbd, NAMES, {"a": 0.0, "b": 1.0}, message))
    return _named_limit(full)


def _named_limit(fit: MaximumLikelihoodFit) -> MaximumLikelihoodFit:
    """Call an estimate that ran to a limit of the model by the limit's name."""
    r, _, a, b = fit.parameters
    limits = [fit.message] if fit.verdict == "boundary" else []
    if a > 0 and a + b > _SAME:
        share = a / (a + b)
        limits.append(f"every customer leaves with the same probability, {share:.3f} a purchase")
    elif a > 0 and a + b < _SPLIT:
        limits.append("customers leave after one purchase or never: dropout is all or nothing")
    if r > _SAME:
        limits.append("every customer buys at the same rate")
    return replace(fit, verdict="boundary", message="; ".join(limits)) if limits else fit
