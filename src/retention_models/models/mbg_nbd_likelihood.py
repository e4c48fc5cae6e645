"""Estimation of the MBG/NBD model: log-likelihood with exact derivatives, and its maximum.

Formulas, symbols and sources are those of `mbg_nbd`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from retention_models.models import nbd
from retention_models.models.bg_nbd_likelihood import fit_beta_dropout
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit

Array = NDArray[np.float64]


def log_likelihood_with_derivatives(
    phi: Array, x: Array, t_x: Array, T: Array, counts: Array
) -> tuple[float, Array, Array]:
    """Log-likelihood of (ln r, ln α, ln a, ln b), its gradient and its Hessian.

    Formula, by customer: the NBD's, plus ln B(a, b+x+1)/B(a, b) for having stayed, plus
    ln(1 + O), where O = a/(b+x) · ((α+T)/(α+t_x))^(r+x) are the odds of having left since. It is
    the BG/NBD's at b + 1, except at x = 0; written anew because it needs no exception there.

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
    r, alpha, a, b = theta = np.exp(phi)
    cell_x, cell_T, n = nbd.adjacent_cells(x, T, counts)
    nbd_value, nbd_gradient, nbd_hessian = nbd.log_likelihood_with_derivatives(
        phi[:2], cell_x, cell_T, n
    )
    stayed_value, stayed_gradient, stayed_hessian = _stayed(a, b, cell_x, n)

    span = T - t_x
    log_odds = np.log(a) - np.log(b + x) + (r + x) * np.log1p(span / (alpha + t_x))
    by_alpha = -span / ((alpha + T) * (alpha + t_x))  # 1/(α+T) − 1/(α+t_x)
    scores = np.stack(
        [
            np.log1p(span / (alpha + t_x)),
            (r + x) * by_alpha,
            np.full_like(span, 1.0 / a),
            -1.0 / (b + x),
        ]
    )
    gone = expit(log_odds)  # the probability of having left
    left = counts * gone
    gradient = scores @ left
    hessian = np.einsum("in,jn->ij", scores * (left * (1.0 - gone)), scores)
    hessian[0, 1] += left @ by_alpha
    hessian[1, 0] = hessian[0, 1]
    hessian[1, 1] -= left @ ((r + x) * by_alpha * (1.0 / (alpha + T) + 1.0 / (alpha + t_x)))
    hessian[2, 2] -= left.sum() / a**2
    hessian[3, 3] += left @ (1.0 / (b + x) ** 2)

    gradient[2:] += stayed_gradient
    hessian[2:, 2:] += stayed_hessian
    gradient = theta * gradient
    hessian = hessian * np.outer(theta, theta) + np.diag(gradient)
    gradient[:2] += nbd_gradient
    hessian[:2, :2] += nbd_hessian
    value = nbd_value + stayed_value + float(counts @ np.logaddexp(0.0, log_odds))
    return value, gradient, hessian


def _stayed(a: float, b: float, x: Array, counts: Array) -> tuple[float, Array, Array]:
    """Σ ln B(a, b+x+1)/B(a, b) with derivatives by a and b.

    The log is Σ_j ln (b+j)/(a+b+j), j = 0..x: having stayed after each of x + 1 purchases.
    """
    reached = np.bincount(x.astype(np.intp), weights=counts)[::-1].cumsum()[::-1]
    stay = b + np.arange(reached.size)
    both = a + stay
    by_a, by_b = -1.0 / both, a / (stay * both)
    by_ab = reached @ by_a**2
    by_bb = -(reached @ (by_b * (1.0 / stay + 1.0 / both)))
    return (
        -float(reached @ np.log1p(a / stay)),
        np.array([reached @ by_a, reached @ by_b]),
        np.array([[by_ab, by_ab], [by_ab, by_bb]]),
    )


def fit_mbg_nbd(
    x: Array, t_x: Array, T: Array, counts: Array, *, penalty: float = 0.0
) -> MaximumLikelihoodFit:
    """Fit the MBG/NBD model by maximum likelihood.

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
    return fit_beta_dropout(
        log_likelihood_with_derivatives,
        x,
        t_x,
        T,
        counts,
        penalty,
        at_once="after their first purchase",
    )
