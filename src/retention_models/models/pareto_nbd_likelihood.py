"""Estimation of the Pareto/NBD model: log-likelihood with exact derivatives, and its maximum.

Formulas, symbols and sources are those of `pareto_nbd`. The likelihood is written as that of the
NBD up to T, times the probability of living until T, times one plus the odds of having left unseen:

    L = Γ(r+x)/Γ(r) · α^r/(α+T)^(r+x) · (β/(β+T))^s · (1 + O(x, t_x, T)).

The odds O are an integral; its derivatives are taken under the integral sign, so they are means and
covariances, over the moment of leaving, of the derivatives of the integrand's log.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from retention_models.languages import phrase, spoken
from retention_models.models import nbd
from retention_models.models.histories import Histories, count_histories
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, at_boundary
from retention_models.models.nbd import dropout_quantiles
from retention_models.models.pareto_nbd_integrals import unseen_departures

Array = NDArray[np.float64]

NAMES = ("r", "alpha", "s", "beta")

# The full model must beat the limit without dropout by this much log-likelihood, or the limit it
# is: s → 0 approaches the limit's likelihood from below, to within rounding.
_VISIBLE_DROPOUT = 1e-3
# Shape of a dropout rate that is the same for everyone.
_ALIKE = 1e4
# A shape beyond the first is the named limit, reached as closely as the likelihood can tell; beyond
# the second it is where the likelihood is flat.
_SAME, _ALMOST_SAME = 1e3, 20.0
# Likewise a scale of the lifetimes below these shares of the mean T: they leave at once.
_AT_ONCE, _ALMOST_AT_ONCE = 1e-6, 1e-3


def log_likelihood_with_derivatives(
    phi: Array, x: Array, t_x: Array, T: Array, counts: Array
) -> tuple[float, Array, Array]:
    """Log-likelihood of (ln r, ln α, ln s, ln β), its gradient and its Hessian; FH section 3."""
    return _evaluate(phi, count_histories(x, t_x, T, counts))


def _evaluate(phi: Array, known: Histories) -> tuple[float, Array, Array]:
    _, _, s, beta = theta = np.exp(phi)
    x, t_x, T, counts = known.rows()
    gradient, pairs = np.zeros(4), np.zeros((4, 4))

    # ln (β/(β+T))^s, which depends on T only.
    cell_T, n = known.times, known.customers_by_end
    lived = -np.log1p(cell_T / beta)
    value = float(s * (n @ lived))
    gradient[2] = n @ lived
    gradient[3] = s * (n @ (cell_T / (beta * (beta + cell_T))))
    pairs[2, 3] = pairs[3, 2] = gradient[3] / s
    pairs[3, 3] = -s * (n @ (cell_T * (2.0 * beta + cell_T) / (beta * (beta + cell_T)) ** 2))

    for rows, y, log_odds in unseen_departures(x, t_x, T, *theta):
        odds_value, odds_gradient, odds_pairs = _log_one_plus_odds(
            theta, x[rows, None], T[rows, None], counts[rows], y, log_odds
        )
        value += odds_value
        gradient += odds_gradient
        pairs += odds_pairs

    gradient = theta * gradient
    hessian = pairs * np.outer(theta, theta) + np.diag(gradient)
    stays = nbd.log_likelihood_with_derivatives(phi[:2], known)
    gradient[:2] += stays[1]
    hessian[:2, :2] += stays[2]
    return value + stays[0], gradient, hessian


def _log_one_plus_odds(
    theta: Array, x: Array, T: Array, counts: Array, y: Array, log_odds: Array
) -> tuple[float, Array, Array]:
    """Σ counts · ln(1 + O) with its first and second derivatives by r, α, s, β.

    With q(y) the log of the integrand and means taken over y in proportion to e^q,
    ∂ ln O = mean ∂q and ∂² ln O = mean (∂²q + ∂q ∂qᵀ) − mean ∂q · mean ∂qᵀ.
    """
    r, alpha, s, beta = theta
    top = log_odds.max(axis=1, keepdims=True)
    weights = np.exp(log_odds - top)
    total = weights.sum(axis=1)
    log_all = top[:, 0] + np.log(total)
    gone = expit(log_all)  # the probability of having left

    left, whole = T - y, 1.0 / (beta + T)
    per_rate, per_life = 1.0 / (alpha + y), 1.0 / (beta + y)
    by_alpha = -left * per_rate / (alpha + T)  # 1/(α+T) − 1/(α+y)
    by_beta = -left * per_life * whole
    scores = np.stack(
        [
            np.log1p(left * per_rate),
            (r + x) * by_alpha,
            1.0 / s + np.log1p(left * per_life),
            s * by_beta - per_life,
        ]
    )
    mass = weights * (counts * gone / total)[:, None]
    mean = (scores * (weights / total[:, None])).sum(axis=2)
    flat = scores.reshape(4, -1)
    # einsum, not @: a product this small is no work for threads, which stall on a busy machine.
    pairs = np.einsum("in,jn->ij", flat * mass.ravel(), flat)
    pairs -= np.einsum("in,jn->ij", mean * (counts * gone**2), mean)
    r_alpha, s_beta = float((mass * by_alpha).sum()), float((mass * by_beta).sum())
    second = np.diag(
        [
            0.0,
            -float((mass * (r + x) * by_alpha * (1.0 / (alpha + T) + per_rate)).sum()),
            -float(mass.sum()) / s**2,
            float((mass * (per_life**2 - s * by_beta * (whole + per_life))).sum()),
        ]
    )
    second[0, 1] = second[1, 0] = r_alpha
    second[2, 3] = second[3, 2] = s_beta
    return float(counts @ np.logaddexp(0.0, log_all)), mean @ (counts * gone), pairs + second


def fit_pareto_nbd(
    x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
) -> MaximumLikelihoodFit:
    """Fit the Pareto/NBD model by maximum likelihood.

    `penalty` is a ridge on the logs of r, α / mean T, s and β / mean T (see `maximise`). The verdict
    is "boundary" where the data show no dropout (then s = 0 and β means nothing), one dropout rate for
    all, a dropout at once or never, or one purchase rate for all. Refused if no customer bought again.
    """
    known = count_histories(x, t_x, T, counts)
    known.require_repeats()
    mean_T = known.mean_end
    stays = nbd.fit_nbd(known, penalty=penalty)
    r, alpha = stays.parameters
    full = nbd.best_fit(
        lambda phi: _evaluate(phi, known),
        [
            # The limit's estimates have the right rate; half leave within a mean T.
            lambda: np.array([r, alpha, 1.0, mean_T]),
            # Many leave at once, and the rate is that of those who came back.
            lambda: np.array([1.0, known.time_between_repeats, 0.1, 1e-3 * mean_T]),
        ],
        NAMES,
        known.customers,
        penalty=penalty,
        penalty_centre=np.array([0.0, np.log(mean_T), 0.0, np.log(mean_T)]),
    )
    if penalty == 0.0 and full.log_likelihood < stays.log_likelihood + _VISIBLE_DROPOUT:
        full = _without_dropout(known, stays)
    return _named_limit(full, mean_T)


def _without_dropout(known: Histories, stays: MaximumLikelihoodFit) -> MaximumLikelihoodFit:
    """The limit without dropout, and how much dropout the data allow all the same."""
    message = phrase("no dropout is visible: the model is the NBD, in which nobody leaves for good")
    fit = at_boundary(stays, NAMES, {"s": 0.0, "beta": 1.0}, message)
    r, alpha = stays.parameters

    def alike(mu: float) -> Array:
        return np.array([r, alpha, _ALIKE, _ALIKE / mu])

    allowed = dropout_quantiles(
        lambda mu: np.array([_evaluate(np.log(alike(each)), known)[0] for each in mu]),
        stays.log_likelihood,
        1e-6 / known.mean_end,
        1e6 / known.mean_end,
    )
    return replace(fit, allowed=np.array([alike(mu) for mu in allowed]))


def _named_limit(fit: MaximumLikelihoodFit, mean_T: float) -> MaximumLikelihoodFit:
    """Call an estimate that ran to a limit of the model by the limit's name."""
    r, _, s, beta = fit.parameters
    unsure = fit.verdict == "not identified"
    same = _ALMOST_SAME if unsure else _SAME
    if s > same:
        message = phrase(
            "every customer leaves at the same rate, {rate} per unit of time",
            rate=spoken().figures(f"{s / beta:.3g}"),
        )
    elif s > 0 and beta < (_ALMOST_AT_ONCE if unsure else _AT_ONCE) * mean_T:
        message = phrase("customers leave right after their first purchase or never")
    elif r > same:
        message = phrase("every customer buys at the same rate")
    else:
        return fit
    return replace(fit, verdict="boundary", message=message)
