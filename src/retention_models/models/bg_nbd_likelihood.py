"""Estimation of the BG/NBD model: log-likelihood with exact derivatives, and its maximum.

Formulas and symbols are those of `bg_nbd`; FHL is Fader, Hardie & Lee (2005).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from retention_models.models import nbd
from retention_models.models.bg_nbd import NAMES
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, at_boundary

Array = NDArray[np.float64]
LogLikelihood = Callable[[Array, Array, Array, Array, Array], tuple[float, Array, Array]]

# The full model must beat the limit without dropout by this much log-likelihood, or the limit it
# is: a → 0 approaches the limit's likelihood from below, to within rounding.
_VISIBLE_DROPOUT = 1e-3
# A chance to leave of one in a million purchases cannot be told from none either.
_NEGLIGIBLE = 1e-6
# Sums and shapes beyond these are the named limits, reached as closely as the likelihood can tell.
_SAME, _SPLIT = 1e3, 1e-3
# Likewise where the likelihood is flat.
_ALMOST_SAME, _ALMOST_SPLIT = 20.0, 0.05


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
    return fit_beta_dropout(
        log_likelihood_with_derivatives, x, t_x, T, counts, penalty, at_once="after one purchase"
    )


def fit_beta_dropout(
    log_likelihood: LogLikelihood,
    x: Array,
    t_x: Array,
    T: Array,
    counts: Array,
    penalty: float,
    *,
    at_once: str,
) -> MaximumLikelihoodFit:
    """Fit a model of gamma rates and beta dropout, BG/NBD or MBG/NBD, and name its limits.

    Parameters
    ----------
    log_likelihood : callable
        Of log-parameters, x, t_x, T and counts; with derivatives.
    x, t_x, T, counts, penalty
        As for `fit_bg_nbd`.
    at_once : str
        When the model lets customers leave first, for the message.

    Returns
    -------
    MaximumLikelihoodFit
    """
    x, t_x, T, n = nbd.distinct_histories(x, t_x, T, counts)
    stays = nbd.fit_nbd(x, T, n, penalty=penalty)
    r, alpha = stays.parameters
    repeat = n * (x > 0)
    full = nbd.best_fit(
        lambda phi: log_likelihood(phi, x, t_x, T, n),
        [
            # The limit's estimates have the right rate; a quarter leave at a purchase.
            np.array([r, alpha, 0.75, 2.25]),
            # Some leave at once and most never, and the rate is that of those who came back.
            np.array([1.0, float(repeat @ T / (repeat @ x)), 0.05, 0.1]),
            # Everyone is much the same.
            np.array([r, alpha, 10.0, 30.0]),
        ],
        NAMES,
        float(n.sum()),
        penalty=penalty,
        penalty_centre=np.array([0.0, np.log(float(n @ T / n.sum())), 0.0, 0.0]),
    )
    return _named(full, stays, at_once, penalised=penalty > 0.0)


def _named(
    full: MaximumLikelihoodFit, stays: MaximumLikelihoodFit, at_once: str, *, penalised: bool
) -> MaximumLikelihoodFit:
    """Take the limit without dropout for what it is, and call other limits by their names."""
    _, _, a, b = full.parameters
    invisible = full.log_likelihood < stays.log_likelihood + _VISIBLE_DROPOUT or a < _NEGLIGIBLE * b
    if invisible and not penalised:
        message = "no dropout is visible: the model is the NBD, in which nobody leaves for good"
        full = at_boundary(stays, NAMES, {"a": 0.0, "b": 1.0}, message)
    return _named_limit(full, at_once)


def _named_limit(fit: MaximumLikelihoodFit, at_once: str) -> MaximumLikelihoodFit:
    """Call an estimate that ran to a limit of the model by the limit's name."""
    r, _, a, b = fit.parameters
    flat = fit.verdict == "not identified"
    same, split = (_ALMOST_SAME, _ALMOST_SPLIT) if flat else (_SAME, _SPLIT)
    limits = [fit.message] if fit.verdict == "boundary" else []
    if a > 0 and a + b > same:
        share = a / (a + b)
        limits.append(f"every customer leaves with the same probability, {share:.3f} a purchase")
    elif a > 0 and a + b < split:
        limits.append(f"customers leave {at_once} or never: dropout is all or nothing")
    if r > same:
        limits.append("every customer buys at the same rate")
    return replace(fit, verdict="boundary", message="; ".join(limits)) if limits else fit
