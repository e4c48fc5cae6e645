"""Intervals for what depends on estimated parameters: what their doubt alone adds.

The log of the quantity is taken as normal around its estimate (the delta method on the log scale). Its
standard error is found by moving the parameters one standard deviation to either side along the
principal axes of their covariance, which needs two evaluations an axis and no derivative. At the
limit without dropout, what the data allow of dropout widens the side that it moves the quantity to.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from retention_models.models.maximum_likelihood import MaximumLikelihoodFit

Array = NDArray[np.float64]


def log_standard_error(quantity: Callable[[Array], Array], fit: MaximumLikelihoodFit) -> Array:
    """Standard error of the log of a positive quantity, by the doubt of the parameters.

    Parameters
    ----------
    quantity : callable
        Log of the quantity, of the parameters; of any shape.
    fit : MaximumLikelihoodFit

    Returns
    -------
    ndarray
        Of the quantity's shape.

    Examples
    --------
    The log of a parameter has the standard error of that log, exactly:

    >>> from retention_models.models.bg_nbd_likelihood import fit_bg_nbd
    >>> x, t_x, T = np.array([[0, 2, 5, 0, 1, 3], [0, 30, 20, 0, 5, 31], [39] * 6], dtype=float)
    >>> fit = fit_bg_nbd(x, t_x, T)
    >>> se = log_standard_error(lambda theta: np.log(theta[0]), fit)
    >>> round(float(se**2 / fit.log_covariance[0, 0]), 9)
    1.0
    """
    values, axes = np.linalg.eigh(fit.log_covariance)
    variance: Array = np.zeros(())
    for value, axis in zip(values, axes.T, strict=True):
        if value <= 0.0:
            continue  # held fixed by a boundary
        step = np.exp(np.sqrt(value) * axis)
        half = (quantity(fit.parameters * step) - quantity(fit.parameters / step)) / 2.0
        variance = variance + half**2
    return np.asarray(np.sqrt(variance))


def mean_interval(
    quantity: Callable[[Array], Array],
    fit: MaximumLikelihoodFit,
    interval: float,
    further: Array | float = 0.0,
) -> tuple[Array, Array, Array]:
    """A positive quantity and its interval by the doubt of the parameters.

    Parameters
    ----------
    quantity : callable
        Log of the quantity, of the parameters; of any shape.
    fit : MaximumLikelihoodFit
    interval : float
        Level, equal-tailed.
    further : array_like
        Further variance of the quantity's log, such as that of chance.

    Returns
    -------
    value, low, high : ndarray
    """
    log_value = quantity(fit.parameters)
    variance = log_standard_error(quantity, fit) ** 2 + further
    half = ndtri((1.0 + interval) / 2.0) * np.sqrt(variance)
    below = above = half
    if fit.allowed is not None:
        most = fit.allowed[int((1.0 + interval) / 2.0 * len(fit.allowed))]
        moved = quantity(most) - log_value
        below = np.hypot(half, np.minimum(moved, 0.0))
        above = np.hypot(half, np.maximum(moved, 0.0))
    return np.exp(log_value), np.exp(log_value - below), np.exp(log_value + above)
