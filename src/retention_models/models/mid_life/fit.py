"""Estimation of customers of before and newcomers together, and whether the data ask for it.

The log-likelihood of the whole, Poisson in who is seen when, is

    Σ ln(N₀ f₀ + μ f) − N₀ (1 − (α₀/(α₀+C))^r₀) − μ C,

the sum over customers; the last two terms are the expected numbers of customers of before who are seen,
and of newcomers. Where few of one kind are seen its parameters are open, so weak priors on their logs
(standard deviation 2, a factor of 50 to either side) keep them finite.

Whether the data ask for it is judged by the chances of the histories given the day on which each
customer was first seen, Σ ln (N₀ f₀ + μ f)/(N₀ g₀ + μ), g₀ the density of the first purchase in the log
of a customer of before: it is comparable with the plain model's Σ ln f, and does not ask how many came
when.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retention_models.languages import counted, phrase
from retention_models.models.beta_dropout_likelihood import fit_beta_dropout
from retention_models.models.histories import Histories, count_histories
from retention_models.models.history_rows import by_logs, log_likelihood_by_row
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, maximise

Array = NDArray[np.float64]

NAMES = ("r", "alpha", "a", "b", "r0", "alpha0", "a0", "b0", "before", "arrivals")

# Standard deviation of the priors on the logs of all but N₀ and μ.
_PRIOR = 2.0
# Rows at a time.
_BLOCK = 16384
_NEW, _OLD = slice(0, 4), slice(4, 8)


def log_likelihood_with_derivatives(
    phi: Array, rows: tuple[Array, Array, Array, Array], observed: float, first: int
) -> tuple[float, Array, Array]:
    """The whole's log-likelihood by the logs of `NAMES`, its gradient and its Hessian."""
    value, gradient, hessian = _unseen(phi, observed)
    for start in range(0, rows[0].size, _BLOCK):
        x, t_x, T, counts = (column[start : start + _BLOCK] for column in rows)
        last = observed - T + t_x
        f0, g0, h0 = log_likelihood_by_row(
            phi[_OLD], x + 1.0, last, np.full(x.shape, observed), first=0
        )
        f1, g1, h1 = log_likelihood_by_row(phi[_NEW], x, t_x, T, first=first)
        log_old, log_new = phi[8] + f0, phi[9] + f1
        both = np.logaddexp(log_old, log_new)
        value += float(counts @ both)
        old = np.exp(log_old - both)
        new = np.exp(log_new - both)
        slope = np.zeros((x.size, 10))
        slope[:, _NEW], slope[:, _OLD], slope[:, 8], slope[:, 9] = -g1, g0, 1.0, -1.0
        weighted_old, weighted_new = counts * old, counts * new
        gradient[_OLD] += weighted_old @ g0
        gradient[_NEW] += weighted_new @ g1
        gradient[8:] += weighted_old.sum(), weighted_new.sum()
        hessian[_OLD, _OLD] += np.tensordot(weighted_old, h0, 1)
        hessian[_NEW, _NEW] += np.tensordot(weighted_new, h1, 1)
        hessian += slope.T @ ((counts * old * new)[:, None] * slope)
    return value, gradient, hessian


def _unseen(phi: Array, observed: float) -> tuple[float, Array, Array]:
    """−N₀ P(seen) − μ C, with derivatives by the logs."""
    gradient, hessian = np.zeros(10), np.zeros((10, 10))
    (r, alpha), before, coming = np.exp(phi[4:6]), np.exp(phi[8]), np.exp(phi[9]) * observed
    waited = np.log1p(observed / alpha)
    missed = np.exp(-r * waited)
    # ∂/∂r and ∂/∂α of ln(missed), and the second ones.
    by_r, by_alpha = -waited, r * observed / (alpha * (alpha + observed))
    slope = np.array([by_r, by_alpha])
    across = observed / (alpha * (alpha + observed))
    curved = np.array(
        [[0.0, across], [across, r * (1.0 / (alpha + observed) ** 2 - 1.0 / alpha**2)]]
    )
    of_missed = by_logs(
        np.array([r, alpha]), missed, missed * slope, missed * (np.outer(slope, slope) + curved)
    )
    gradient[4:6] = before * of_missed[1]
    hessian[4:6, 4:6] = before * of_missed[2]
    seen = before * (1.0 - missed)
    gradient[8], gradient[9] = -seen, -coming
    hessian[8, 8], hessian[9, 9] = -seen, -coming
    hessian[4:6, 8] = hessian[8, 4:6] = gradient[4:6]
    return -seen - coming, gradient, hessian


def fit_mid_life(
    x: Array,
    t_x: Array,
    T: Array,
    counts: Array | None,
    observed: float,
    *,
    first: int,
    penalty: float = 0.0,
) -> MaximumLikelihoodFit:
    """Fit customers of before and newcomers to a log of length `observed`; `first` is m.

    The log-likelihood published is that given when each was first seen. Refused if no customer bought
    again.
    """
    known = count_histories(x, t_x, T, counts)
    known.require_repeats()
    rows = known.rows()
    plain = fit_beta_dropout(known, first=first, draws=False)
    centre, weight = priors(known, penalty)

    def posterior(phi: Array) -> tuple[float, Array, Array]:
        value, gradient, hessian = log_likelihood_with_derivatives(phi, rows, observed, first)
        away = phi - centre
        value -= float(weight @ away**2)
        return value, gradient - 2.0 * weight * away, hessian - np.diag(2.0 * weight)

    found = [
        maximise(posterior, start, NAMES, known.customers)
        for start in _starts(plain, rows, observed)
    ]
    settled = [fit for fit in found if fit.verdict == "converged"] or found
    best = max(settled, key=lambda fit: fit.log_likelihood)
    return _published(best, rows, observed, first)


def priors(known: Histories, penalty: float) -> tuple[Array, Array]:
    """Centres of the weak priors on the logs of `NAMES`, and half their precisions."""
    centre = np.array([0.0, np.log(known.mean_end), np.log(0.5), np.log(2.0)] * 2 + [0.0, 0.0])
    weight = np.array([1.0] * 8 + [0.0, 0.0]) * (0.5 / _PRIOR**2 + penalty * known.customers)
    return centre, weight


def _starts(
    plain: MaximumLikelihoodFit, rows: tuple[Array, Array, Array, Array], observed: float
) -> list[Array]:
    """Newcomers as often as in the later half; the rest of the earlier half was there before."""
    _, _, T, counts = rows
    late = float(counts[observed / 2.0 > T].sum())
    early = float(counts.sum()) - late
    r, alpha, a, b = plain.parameters
    a, b = (a, b) if 1e-3 < a < 1e3 and 1e-3 < b < 1e3 else (0.5, 2.0)
    arrivals = max(2.0 * late, 1.0) / observed
    before = max(early - late, 1.0)
    same = np.array([r, alpha, a, b])
    regular = np.array([max(1.0, 2.0 * r), alpha, 0.5 * a, 2.0 * b])
    passing = np.array([0.5 * r, alpha, 2.0 * a, b])
    return [
        np.array([*new, *old, n, mu])
        for new, old, n, mu in (
            (same, regular, before, arrivals),
            (passing, same, 0.7 * (early + late), 0.5 * arrivals),
        )
    ]


def given_first_seen(
    phi: Array, rows: tuple[Array, Array, Array, Array], observed: float, first: int
) -> Array:
    """Log-chance of each row's history given the day on which the customer was first seen."""
    x, t_x, T, _ = rows
    whole = np.full(x.shape, observed)
    old = phi[8] + log_likelihood_by_row(phi[_OLD], x + 1.0, whole - T + t_x, whole, first=0)[0]
    new = phi[9] + log_likelihood_by_row(phi[_NEW], x, t_x, T, first=first)[0]
    r, alpha = np.exp(phi[4:6])
    day = observed - T
    log_first = phi[8] + np.log(r) + r * np.log(alpha) - (r + 1.0) * np.log(alpha + day)
    return np.asarray(np.logaddexp(old, new) - np.logaddexp(log_first, phi[9]))


def _published(
    fit: MaximumLikelihoodFit,
    rows: tuple[Array, Array, Array, Array],
    observed: float,
    first: int,
) -> MaximumLikelihoodFit:
    """The fit with a log-likelihood that is comparable with other models', and who is who in words."""
    chances = given_first_seen(np.log(fit.parameters), rows, observed, first)
    return replace(fit, log_likelihood=float(rows[3] @ chances), message=told_of(fit, observed))


def told_of(fit: MaximumLikelihoodFit, observed: float) -> str:
    """How many there are of each kind, in words."""
    if fit.verdict != "converged":
        return fit.message
    missed = (1.0 + observed / fit.parameters[5]) ** -fit.parameters[4]
    return phrase(
        "an ordinary maximum: {before} and {new}",
        before=counted(
            round(fit.parameters[8] * (1.0 - missed)), "customer of before", "customers of before"
        ),
        new=counted(round(fit.parameters[9] * observed), "newcomer"),
    )
