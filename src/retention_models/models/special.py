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
    """Log of Γ(s + shift)/Γ(s), s > 0; shift ≥ 0, or complex with a modulus far below 200.

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
    """Nodes and weights on (0, 1), (16 · panels,): sixteen on each of `panels` equal panels."""
    nodes, weights = np.polynomial.legendre.leggauss(_PER_PANEL)
    left = np.arange(panels)[:, None]
    return np.ravel((left + (nodes + 1.0) / 2.0) / panels), np.tile(weights / 2.0 / panels, panels)


def angle(start: Array, end: Array, scale: Array) -> Array:
    """The upper end of θ for an integral from `start`, where it changes over `scale`, to `end`; (n,)."""
    return np.asarray(np.arcsinh(np.sqrt(np.maximum(end - start, 0.0) / scale)))


def blocks(panels: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], int]]:
    """Rows that need the same number of panels, with it, in blocks that fit a processor's cache."""
    for needed in np.unique(panels):
        rows = np.flatnonzero(panels == needed)
        size = max(1, _CELLS // (_PER_PANEL * int(needed)))
        for first in range(0, rows.size, size):
            yield rows[first : first + size], int(needed)


def nodes(start: Array, scale: Array, theta: Array, panels: int) -> tuple[Array, Array]:
    """Times y and weights dy, (n, 16 · panels), for integrals from `start`, one per row; theta: `angle`.

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
    """An elementwise function of columns of one length, (n,), block by block."""
    result = np.empty(columns[0].size, dtype=dtype)
    for first in range(0, result.size, _ROWS):
        rows = slice(first, first + _ROWS)
        result[rows] = function(*(column[rows] for column in columns))
    return result
