"""What parameters may be where the data leave them open: draws of their posterior under weak priors.

In a short history the likelihood of r, α, a and b runs to a limit of the model, such as customers who
leave after one purchase or never, or is flat; a normal distribution around its maximum then tells of one
of many possible futures. The logs of r, a and b are given priors as wide as shops of all kinds: their
centres .7, .6 and 2.5 are amid published estimates (CDNOW .24, .79, 2.43; grocery 1.5, .3, 6), their
deviations 1.25, 1 and 1 a factor of 12 and 7 to either side. α has none, for every shop tells its rate.
Narrower priors hold too few of the shops drawn from these (docs/forecasts.md, “Too short to say”).
The posterior is sampled by importance, from a t distribution around its mode whose centre and spread
follow what was drawn.

Source: Kloek & van Dijk (1978), "Bayesian estimates of equation system parameters", Econometrica 46(1),
1–19; the proposal that adapts: Cappé, Guillin, Marin & Robert (2004), "Population Monte Carlo", Journal
of Computational and Graphical Statistics 13(4), 907–929.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retention_models.models.maximum_likelihood import (
    Ascent,
    MaximumLikelihoodFit,
    Objective,
    ascend,
)

Array = NDArray[np.float64]

_CENTRE = np.log([0.7, 1.0, 0.6, 2.5])
_PRECISION = np.diag([1.25**-2, 0.0, 1.0, 1.0])
# A log-parameter known no better than to a factor of five, at 90%, is open.
_OPEN = 1.0
# Draws, at most so many times, until they are worth so many; and how many are kept.
_DRAWN, _ROUNDS, _WORTH, _KEPT = 600, 4, 120.0, 200
_FREEDOM = 6.0
_SEED = 19780101  # Kloek & van Dijk; any fixed number repeats a fit exactly


def is_open(fit: MaximumLikelihoodFit) -> bool:
    """Whether a normal distribution around the maximum does not tell what the parameters may be."""
    if fit.verdict in ("boundary", "not identified"):
        return True
    return bool(np.diag(fit.log_covariance).max() > _OPEN**2)


def with_posterior(
    fit: MaximumLikelihoodFit,
    log_likelihood: Objective,
    heights: Callable[[Array], Array],
    rate: float,
) -> MaximumLikelihoodFit:
    """The fit by r, α, a, b, which are open (`is_open`), with draws of what they may be.

    `log_likelihood` takes log-parameters, `heights` several of them, shape (k, 4), and gives its values
    alone; `rate` is repeat purchases per customer and unit of time.
    """

    def objective(phi: Array) -> tuple[float, Array, Array]:
        value, gradient, hessian = log_likelihood(phi)
        off = _PRECISION @ (phi - _CENTRE)
        return value - float((phi - _CENTRE) @ off) / 2.0, gradient - off, hessian - _PRECISION

    def densities(phi: Array) -> Array:
        off = phi - _CENTRE
        return heights(phi) - (off @ _PRECISION * off).sum(axis=1) / 2.0

    usual = _CENTRE.copy()
    usual[1] = usual[0] - np.log(rate)
    # Where few buy very often and most never again a search from the usual r can run away.
    own = np.append(np.log(np.maximum(fit.parameters[:2], 1e-12)), _CENTRE[2:])
    for start in (usual, own):
        top = ascend(objective, start, last_step=False)
        if np.isfinite(top.value) and np.isfinite(top.hessian).all():
            draws = _draws(densities, top)
            if draws is not None:
                return replace(fit, posterior=np.exp(draws))
    return fit


def _draws(densities: Callable[[Array], Array], top: Ascent) -> Array | None:
    """Draws of log-parameters, each as likely as the others; None where the search found no top."""
    values, axes = np.linalg.eigh(-top.hessian)
    if values.min() <= 0.0:
        return None
    centre, root = top.phi, axes / np.sqrt(values)
    k = centre.size
    rng = np.random.default_rng(_SEED)
    tails = np.sqrt(_FREEDOM / rng.chisquare(_FREEDOM, (_DRAWN, 1)))
    standard = rng.standard_normal((_DRAWN, k)) * tails
    of_proposal = -(_FREEDOM + k) / 2.0 * np.log1p((standard**2).sum(axis=1) / _FREEDOM)
    for _ in range(_ROUNDS):
        drawn = centre + standard @ root.T
        logs = densities(drawn) - top.value - of_proposal
        weights = np.exp(logs - np.nanmax(logs))
        weights = np.where(np.isfinite(weights), weights, 0.0) / np.nansum(weights)
        if 1.0 / (weights**2).sum() >= _WORTH:
            break
        # A few draws that have nearly all the weight still tell which way to go.
        flat = np.sqrt(weights) / np.sqrt(weights).sum()
        centre = flat @ drawn
        spread = (drawn - centre).T @ (flat[:, None] * (drawn - centre))
        values, axes = np.linalg.eigh(spread)
        root = axes * np.sqrt(np.maximum(values, 1e-12))
    places = np.searchsorted(np.cumsum(weights), (np.arange(_KEPT) + 0.5) / _KEPT)
    return np.asarray(drawn[np.minimum(places, weights.size - 1)])


def centred(fit: MaximumLikelihoodFit) -> MaximumLikelihoodFit:
    """A fit whose estimates are the centre of what its open parameters may be; others as they are.

    The centre is the mean of the draws' logs: forecasts of whole shops at it lie within a twentieth of
    the median of their draws'.
    """
    if fit.posterior is None or fit.verdict == "shrunk":
        return fit
    logs = np.log(fit.posterior)
    return replace(
        fit,
        parameters=np.exp(logs.mean(axis=0)),
        log_covariance=np.cov(logs.T),
        verdict="shrunk",
    )
