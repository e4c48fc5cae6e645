"""Estimation of the BG/NBD model: log-likelihood with exact derivatives, and its maximum.

Formulas and symbols are those of `bg_nbd`; FHL is Fader, Hardie & Lee (2005).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, expit, gammaln, polygamma

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
# Sums and shapes beyond these are the named limits, reached as closely as the likelihood can tell.
_SAME, _SPLIT = 1e3, 1e-3


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
    customers = counts.sum()

    # Terms of x alone, over its histogram: ln Γ(r+x)/Γ(r) + r ln α + ln B(a, b+x)/B(a, b).
    levels, level_of_row = np.unique(x, return_inverse=True)
    n = np.bincount(level_of_row, weights=counts)
    value = float(
        n @ (gammaln(r + levels) - gammaln(r))
        + customers * r * np.log(alpha)
        + n @ (gammaln(b + levels) - gammaln(b) - gammaln(a + b + levels) + gammaln(a + b))
    )
    psi_ab = digamma(a + b) - digamma(a + b + levels)
    psi1_ab = polygamma(1, a + b) - polygamma(1, a + b + levels)
    gradient[0] = n @ (digamma(r + levels) - digamma(r)) + customers * np.log(alpha)
    gradient[1] = customers * r / alpha
    gradient[2] = n @ psi_ab
    gradient[3] = n @ (psi_ab + digamma(b + levels) - digamma(b))
    pairs[0, 0] = n @ (polygamma(1, r + levels) - polygamma(1, r))
    pairs[0, 1] = customers / alpha
    pairs[1, 1] = -customers * r / alpha**2
    pairs[2, 2] = pairs[2, 3] = n @ psi1_ab
    pairs[3, 3] = n @ (psi1_ab + polygamma(1, b + levels) - polygamma(1, b))

    # ln of the sum over "still alive" (u) and "left at the last purchase" (w, only for x > 0).
    stays, left = alpha + T, alpha + t_x
    repeat = x > 0
    before = np.where(repeat, b + x - 1.0, 1.0)
    u = -(r + x) * np.log(stays)
    w = np.where(repeat, np.log(a) - np.log(before) - (r + x) * np.log(left), -np.inf)
    value += float(counts @ np.logaddexp(u, w))
    share = expit(w - u)  # posterior probability of having left
    zero = np.zeros_like(u)
    du = np.stack([-np.log(stays), -(r + x) / stays, zero, zero])
    dw = np.stack([-np.log(left), -(r + x) / left, zero + 1.0 / a, -1.0 / before])
    gradient += (counts * (1.0 - share)) @ du.T + (counts * share) @ dw.T
    alive, gone = counts * (1.0 - share), counts * share
    pairs[0, 1] -= alive @ (1.0 / stays) + gone @ (1.0 / left)
    pairs[1, 1] += alive @ ((r + x) / stays**2) + gone @ ((r + x) / left**2)
    pairs[2, 2] -= gone.sum() / a**2
    pairs[3, 3] += gone @ (1.0 / before**2)
    apart = dw - du
    hessian = np.triu(pairs) + np.triu(pairs, 1).T
    hessian += (apart * (counts * share * (1.0 - share))) @ apart.T
    return (
        value,
        theta * gradient,
        hessian * np.outer(theta, theta) + np.diag(theta * gradient),
    )


def nbd_log_likelihood_with_derivatives(
    phi: Array, x: Array, T: Array, counts: Array
) -> tuple[float, Array, Array]:
    """The limit without dropout (a → 0): log-likelihood of (ln r, ln α) with derivatives.

    The density is that of x purchases at their times, as in the BG/NBD likelihood, so the two
    log-likelihoods compare: Γ(r+x)/Γ(r) · α^r · (α+T)^−(r+x).
    """
    theta = np.exp(phi)
    r, alpha = theta
    stays = alpha + T
    levels, level_of_row = np.unique(x, return_inverse=True)
    n = np.bincount(np.ravel(level_of_row), weights=counts).astype(float)
    customers = counts.sum()
    value = float(
        n @ (gammaln(r + levels) - gammaln(r))
        + customers * r * np.log(alpha)
        - counts @ ((r + x) * np.log(stays))
    )
    gradient = np.array(
        [
            n @ (digamma(r + levels) - digamma(r))
            + customers * np.log(alpha)
            - counts @ np.log(stays),
            customers * r / alpha - counts @ ((r + x) / stays),
        ]
    )
    cross = customers / alpha - counts @ (1.0 / stays)
    hessian = np.array(
        [
            [n @ (polygamma(1, r + levels) - polygamma(1, r)), cross],
            [cross, counts @ ((r + x) / stays**2) - customers * r / alpha**2],
        ]
    )
    return (
        value,
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
    full = maximise(
        lambda phi: log_likelihood_with_derivatives(phi, x, t_x, T, n),
        np.array([nbd.parameters[0], nbd.parameters[1], 0.75, 2.25]),
        NAMES,
        customers,
        penalty=penalty,
        penalty_centre=centre,
    )
    if penalty == 0.0 and full.log_likelihood < nbd.log_likelihood + _VISIBLE_DROPOUT:
        message = "no dropout is visible: the model is the NBD, in which nobody leaves for good"
        return _named_limit(at_boundary(nbd, NAMES, {"a": 0.0, "b": 1.0}, message))
    return _named_limit(full)


def _named_limit(fit: MaximumLikelihoodFit) -> MaximumLikelihoodFit:
    """Call an estimate that ran to a limit of the model by the limit's name."""
    r, _, a, b = fit.parameters
    if a > 0 and a + b > _SAME:
        message = f"every customer leaves with the same probability, {a / (a + b):.3f} a purchase"
    elif a > 0 and a + b < _SPLIT:
        message = "customers leave after one purchase or never: dropout is all or nothing"
    elif r > _SAME:
        message = "every customer buys at the same rate"
    else:
        return fit
    return replace(fit, verdict="boundary", message=message)
