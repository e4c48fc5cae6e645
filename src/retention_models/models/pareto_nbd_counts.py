"""Chances of n purchases by Pareto/NBD customers who leave within the window.

Symbols are those of `pareto_nbd`; what is wanted is

    J = ∫₀ᵗ u^n (1−u)^r · (β/(β+y))^s · s/(β+y) dy,  u = y/(α+y).

Over v = ln y the integrand is u^n (1−u)^r w (1−w)^s with w = y/(β+y). Both u and w are logistic
functions of v, whose logs are concave. So the integrand has one peak and falls ever more steeply
on either side of it: it is found, followed down to where nothing is left, and integrated between,
which keeps all digits however far out n lies, and however small J is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from retention_models.models.quadrature import NEGLIGIBLE, blocks, unit_nodes

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]

_FEWEST, _WIDTH = 2, 4.0  # panels on either side of the peak, and the widest of them
_HALVINGS, _NEWTON_STEPS = 25, 4


def log_chance_before_leaving(
    n: Array, t: Array, r: Array, alpha: Array, s: float, beta: Array
) -> Array:
    """Log of the integral J above.

    Parameters
    ----------
    n, t, r, alpha, beta : ndarray, shape (k,)
        Numbers of purchases, lengths of the windows (above 0), and parameters.
    s : float
        Parameter, above 0.

    Returns
    -------
    ndarray, shape (k,)

    Examples
    --------
    >>> one = np.ones(1)
    >>> tiny = 1e-12 * one  # then J is s·t/β
    >>> float(np.exp(log_chance_before_leaving(0 * one, tiny, one, one, 2.0, one))[0].round(18))
    2e-12
    """
    rate, life, last = np.log(alpha), np.log(beta), np.log(t)

    def log_integrand(v: Array, row: NDArray[np.intp] | slice = slice(None)) -> Array:
        own = (row, None) if v.ndim == 2 else row
        bought = _log_logistic(n[own], r[own], v - rate[own])
        return np.asarray(bought + _log_logistic(1.0, s, v - life[own]))

    def slope(v: Array) -> Array:
        u, w = expit(v - rate), expit(v - life)
        return np.asarray(n * (1.0 - u) - r * u + (1.0 - w) - s * w)

    # Far to the left the integrand rises for certain.
    rising = np.minimum(np.minimum(rate, life) - np.log(4.0 * (r + s + 1.0)) - 1.0, last - 1.0)
    peak = _root(slope, rising, last)
    top = log_integrand(peak)

    def drop(v: Array) -> Array:
        return log_integrand(v) - top + NEGLIGIBLE

    left = _foot(drop, slope, peak, -NEGLIGIBLE / (n + 1.0))
    right = np.minimum(_foot(drop, slope, peak, NEGLIGIBLE / (r + s)), last)
    total = np.zeros(n.size)
    for start, end in ((left, peak), (peak, right)):
        some = np.flatnonzero(end > start)
        panels = np.maximum(np.ceil((end - start)[some] / _WIDTH), _FEWEST).astype(np.intp)
        for block, needed in blocks(panels):
            rows, (nodes, weights) = some[block], unit_nodes(needed)
            width = (end - start)[rows, None]
            heights = log_integrand(start[rows, None] + width * nodes, rows) - top[rows, None]
            total[rows] += (np.exp(heights) * width) @ weights
    return np.asarray(top + np.log(s * total))


def _log_logistic(up: Array | float, down: Array | float, v: Array) -> Array:
    """Log of u^up (1−u)^down for the logistic function u of v, without cancellation."""
    return (
        np.minimum(v, 0.0) * up
        - np.maximum(v, 0.0) * down
        - (up + down) * np.log1p(np.exp(-np.abs(v)))
    )


def _root(slope: Curve, low: Array, high: Array) -> Array:
    """Where a falling function crosses zero between low and high; high if it does not."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        up = slope(middle) > 0.0
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return high


def _foot(drop: Curve, slope: Curve, peak: Array, reach: Array) -> Array:
    """Where a concave function that falls from the peak has become negative, or a little further."""
    foot = peak + reach
    for _ in range(60):
        above = drop(foot) > 0.0
        if not above.any():
            break
        reach = np.where(above, 2.0 * reach, reach)
        foot = peak + reach
    # From beyond, Newton's steps never pass the zero of a concave function.
    for _ in range(_NEWTON_STEPS):
        foot = foot - drop(foot) / slope(foot)
    return foot
