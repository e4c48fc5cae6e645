"""Ratios of gamma functions that keep their digits where the gamma functions are huge.

Gauss–Legendre nodes for integrals over an unseen time, such as the moment a customer left.

The integrands here are positive, powers of (scale + y), steep at the start and long in the tail.
With

    y = start + scale · sinh²(θ),  θ from 0 to arcsinh(√((end − start)/scale)),

they are smooth in θ: bell-shaped where the power is high, exponential in the tail, and analytic as
long as |Im θ| < π/2. Sixteen nodes on each of a few equal panels then give all digits.

Long columns a block at a time: what a formula makes on the way stays in a processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, log1p, loggamma

# From here on Stirling's series keeps digits that a difference of log-gammas loses; the first term
# left out is 1/(1260 · 200⁵).
_LARGE = 200.0


def log_gamma_ratio(s: ArrayLike, shift: ArrayLike) -> NDArray[Any]:
    """Log of Γ(s + shift)/Γ(s).

    Parameters
    ----------
    s : array_like
        Above 0.
    shift : array_like
        Real and at least 0, or complex with a modulus far below 200; broadcast with s.

    Returns
    -------
    ndarray
        Complex where the shift is.

    Examples
    --------
    >>> float(log_gamma_ratio(5.0, 3).round(12)), float(np.log(5 * 6 * 7).round(12))
    (5.347107530717, 5.347107530717)
    >>> float(log_gamma_ratio(1e15, 2.0) / np.log(1e15))
    2.0
    """
    s, shift = np.broadcast_arrays(np.asarray(s, dtype=float), np.asarray(shift))
    log_gamma = loggamma if np.iscomplexobj(shift) else gammaln
    result = np.empty(s.shape, dtype=complex if np.iscomplexobj(shift) else float)
    large = s > _LARGE
    low, by = s[~large], shift[~large]
    result[~large] = log_gamma(low + by) - gammaln(low)
    high, by = s[large], shift[large]
    end, growth = high + by, log1p(by / high)
    rest = (1.0 / end - 1.0 / high) / 12.0 - (1.0 / end**3 - 1.0 / high**3) / 360.0
    result[large] = (high - 0.5) * growth - by + by * (np.log(high) + growth) + rest
    return result


Array = NDArray[np.float64]

# exp(−_NEGLIGIBLE) is below the resolution of a float relative to one.
NEGLIGIBLE = 37.0
_PER_PANEL = 16
_CELLS = 1 << 14


@lru_cache(maxsize=64)
def unit_nodes(panels: int) -> tuple[Array, Array]:
    """Nodes and weights on (0, 1): sixteen on each of `panels` equal panels.

    Parameters
    ----------
    panels : int
        Number of panels.

    Returns
    -------
    nodes, weights : ndarray, shape (16 · panels,)

    Examples
    --------
    >>> nodes, weights = unit_nodes(2)
    >>> float((weights * nodes**3).sum().round(12))
    0.25
    """
    nodes, weights = np.polynomial.legendre.leggauss(_PER_PANEL)
    left = np.arange(panels)[:, None]
    return np.ravel((left + (nodes + 1.0) / 2.0) / panels), np.tile(weights / 2.0 / panels, panels)


def angle(start: Array, end: Array, scale: Array) -> Array:
    """The upper end of θ for an integral from `start` to `end`.

    Parameters
    ----------
    start, end, scale : ndarray, shape (n,)
        Ends of the integral, and the distance over which the integrand changes at its start.

    Returns
    -------
    ndarray, shape (n,)
    """
    return np.asarray(np.arcsinh(np.sqrt(np.maximum(end - start, 0.0) / scale)))


def blocks(panels: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], int]]:
    """Rows that need the same number of panels, in blocks that fit a processor's cache.

    Parameters
    ----------
    panels : ndarray of int, shape (n,)
        Panels that each row needs.

    Yields
    ------
    rows : ndarray of int
    panels : int
    """
    for needed in np.unique(panels):
        rows = np.flatnonzero(panels == needed)
        size = max(1, _CELLS // (_PER_PANEL * int(needed)))
        for first in range(0, rows.size, size):
            yield rows[first : first + size], int(needed)


def nodes(start: Array, scale: Array, theta: Array, panels: int) -> tuple[Array, Array]:
    """Times y and their weights dy for integrals from `start`, one per row.

    Parameters
    ----------
    start, scale, theta : ndarray, shape (n,)
        Start and scale of each integral, and its `angle`.
    panels : int
        Number of panels.

    Returns
    -------
    y, dy : ndarray, shape (n, 16 · panels)

    Examples
    --------
    >>> start, scale = np.array([1.0]), np.array([1.0])
    >>> y, dy = nodes(start, scale, angle(start, np.array([10.0]), scale), 1)
    >>> float((dy / y).sum().round(12)), float(np.log(10.0).round(12))
    (2.302585092994, 2.302585092994)
    """
    unit, weights = unit_nodes(panels)
    at = theta[:, None] * unit
    y = start[:, None] + scale[:, None] * np.sinh(at) ** 2
    return y, (scale * theta)[:, None] * np.sinh(2.0 * at) * weights


# Measured: half as many rows cost more calls, twice as many miss the cache; threads do not pay, since
# calls this short wait for one another.
_ROWS = 65536


def in_blocks(
    function: Callable[..., Any], *columns: NDArray[Any], dtype: Any = np.float64
) -> NDArray[Any]:
    """An elementwise function of columns of one length.

    Parameters
    ----------
    function : callable
        Of blocks of the columns; gives a block of the result.
    *columns : ndarray, shape (n,)
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> in_blocks(lambda x, y: x + y, np.arange(3.0), np.ones(3))
    array([1., 2., 3.])
    """
    result = np.empty(columns[0].size, dtype=dtype)
    for first in range(0, result.size, _ROWS):
        rows = slice(first, first + _ROWS)
        result[rows] = function(*(column[rows] for column in columns))
    return result
