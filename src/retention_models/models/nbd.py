"""The NBD model: customers who never leave. The limit that the models with dropout reduce to.

A customer buys as a Poisson process with rate λ ~ Gamma(r, rate α) and never leaves. Fits of the
models with dropout start from this one, and end at it where the data show no dropout.

Source: Ehrenberg (1959), "The pattern of consumer purchases", Applied Statistics 8(1), 26–41.

Where the data show no dropout: how much of it there may be all the same.

At the limit without dropout the likelihood falls as soon as anyone may leave, so a normal
approximation around the estimate says nothing. What the data still allow is told by the likelihood of
a dropout that is the same for everyone, μ, at the limit's estimates of the rates: with a flat prior
its posterior is ∝ L(μ), near an exponential distribution where the shop is large.

Source: Self & Liang (1987), "Asymptotic properties of maximum likelihood estimators and likelihood
ratio tests under nonstandard conditions", JASA 82(398), 605–610, for estimates on a boundary.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retention_models.models.histories import Histories
from retention_models.models.maximum_likelihood import (
    MaximumLikelihoodFit,
    Objective,
    maximise,
)

Array = NDArray[np.float64]

Start = Callable[[], Array]

NAMES = ("r", "alpha")

# A limit reached from elsewhere is another one only if it is higher than rounding and an early stop
# can make it.
_HIGHER = 1e-3
# Steps by which an ordinary maximum is long found: more only go further towards a limit.
_STEPS = 40


def log_likelihood_with_derivatives(phi: Array, known: Histories) -> tuple[float, Array, Array]:
    """Log-likelihood of phi = (ln r, ln α), its gradient and its Hessian.

    The density is that of x purchases at their times: Γ(r+x)/Γ(r) · α^r · (α+T)^−(r+x). The ratio
    of gamma functions is a product of x terms; its log by sums keeps all digits where r and α run
    off together, where differences of log-gammas would make a maximum of rounding errors.
    """
    r, alpha = theta = np.exp(phi)
    steps = r + np.arange(known.reached.size)
    T, customers, bought = known.times, known.customers_by_end, known.purchases_by_end
    stays, waited = alpha + T, np.log1p(T / alpha)
    late = T / (alpha * stays)  # 1/α − 1/(α+T)
    value = float(known.reached @ np.log(steps) - bought @ np.log(stays) - r * (customers @ waited))
    gradient = np.array(
        [
            known.reached @ (1.0 / steps) - customers @ waited,
            r * (customers @ late) - bought @ (1.0 / stays),
        ]
    )
    cross = customers @ late
    bend = bought @ (1.0 / stays**2) - r * (customers @ (late * (1.0 / alpha + 1.0 / stays)))
    hessian = np.array([[-(known.reached @ (1.0 / steps**2)), cross], [cross, bend]])
    return value, theta * gradient, hessian * np.outer(theta, theta) + np.diag(theta * gradient)


def log_likelihoods(phi: Array, known: Histories, logs: Array) -> Array:
    """The value of `log_likelihood_with_derivatives` at several (ln r, ln α), shape (k, 2).

    `logs` are ln(1 + t/α) of the known times, shape (k, m): who asks needs them, too.
    """
    r = np.exp(phi[:, 0])
    steps = np.log(r[:, None] + np.arange(known.reached.size)) @ known.reached
    bought = known.purchases_by_end
    since = logs @ bought + phi[:, 1] * bought.sum()
    return np.asarray(steps - since - r * (logs @ known.customers_by_end))


def fit_nbd(known: Histories, *, penalty: float = 0.0) -> MaximumLikelihoodFit:
    """Fit r and α of the NBD; the penalty is a ridge on the logs of r and α / mean T (`maximise`)."""
    return maximise(
        lambda phi: log_likelihood_with_derivatives(phi, known),
        np.array([0.5, 0.5 / known.mean_rate]),
        NAMES,
        known.customers,
        penalty=penalty,
        penalty_centre=np.array([0.0, np.log(known.mean_end)]),
    )


def best_fit(
    objective: Objective,
    starts: list[Start],
    names: tuple[str, ...],
    customers: float,
    *,
    penalty: float,
    penalty_centre: Array,
) -> MaximumLikelihoodFit:
    """The highest of the maxima reached from `starts`; the search ends at the first ordinary one.

    The likelihood of a model with dropout can have an ordinary maximum or rise towards several of
    its limits, of which one start finds one. Each start gives positive values, (k,), the likeliest
    first.
    """
    best: MaximumLikelihoodFit | None = None
    for start in starts:
        fit = maximise(
            objective,
            start(),
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


_QUANTILES = (np.arange(200) + 0.5) / 200
_NODES = 129
# Log-likelihood lost at the end of the table of μ, beyond which there is no probability.
_LOST = 30.0


def dropout_quantiles(
    log_likelihood: Callable[[Array], Array], limit: float, start: float, largest: float
) -> Array:
    """Quantiles of the dropout μ that the data allow, at 0.0025, 0.0075, …, 0.9975; (200,).

    `log_likelihood` takes several μ, (k,); `limit` is that at μ = 0, `start` a μ well below any that
    matters.
    """
    top = start
    while top < largest and log_likelihood(np.array([top]))[0] > limit - _LOST:
        top = min(4.0 * top, largest)
    # Closest at 0, where the probability is.
    mu = top * np.linspace(0.0, 1.0, _NODES) ** 2
    fallen = np.append(0.0, log_likelihood(mu[1:]) - limit)
    density = np.exp(fallen - fallen.max())
    mass = np.concatenate([[0.0], np.cumsum(np.diff(mu) * (density[1:] + density[:-1]) / 2.0)])
    return np.interp(_QUANTILES, mass / mass[-1], mu)
