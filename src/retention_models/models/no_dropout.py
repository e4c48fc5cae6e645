"""Where the data show no dropout: how much of it there may be all the same.

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

Array = NDArray[np.float64]

_QUANTILES = (np.arange(200) + 0.5) / 200
_NODES = 129
# Log-likelihood lost at the end of the table of μ, beyond which there is no probability.
_LOST = 30.0


def dropout_quantiles(
    log_likelihood: Callable[[float], float], limit: float, start: float, largest: float
) -> Array:
    """Quantiles of the dropout that the data allow.

    Parameters
    ----------
    log_likelihood : callable
        Of μ above 0.
    limit : float
        The log-likelihood at μ = 0.
    start : float
        A μ well below any that matters.
    largest : float
        The largest possible μ.

    Returns
    -------
    ndarray, shape (200,)
        At the levels 0.0025, 0.0075, …, 0.9975.

    Examples
    --------
    >>> found = dropout_quantiles(lambda mu: -100.0 * mu, 0.0, 1e-6, 1.0)
    >>> bool(abs(np.interp(0.5, _QUANTILES, found) - np.log(2) / 100) < 1e-4)
    True
    """
    top = start
    while top < largest and log_likelihood(top) > limit - _LOST:
        top = min(4.0 * top, largest)
    # Closest at 0, where the probability is.
    mu = top * np.linspace(0.0, 1.0, _NODES) ** 2
    fallen = np.array([0.0, *(log_likelihood(float(each)) - limit for each in mu[1:])])
    density = np.exp(fallen - fallen.max())
    mass = np.concatenate([[0.0], np.cumsum(np.diff(mu) * (density[1:] + density[:-1]) / 2.0)])
    return np.interp(_QUANTILES, mass / mass[-1], mu)
