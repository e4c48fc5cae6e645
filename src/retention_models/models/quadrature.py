"""Gauss–Legendre nodes for integrals over an unseen time, such as the moment a customer left.

The integrands here are positive, powers of (scale + y), steep at the start and long in the tail.
With

    y = start + scale · sinh²(θ),  θ from 0 to arcsinh(√((end − start)/scale)),

they are smooth in θ: bell-shaped where the power is high, exponential in the tail, and analytic as
long as |Im θ| < π/2. Sixteen nodes on each of a few equal panels then give all digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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
