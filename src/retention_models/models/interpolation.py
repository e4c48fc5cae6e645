"""Functions of x and T for a million customers, by a table over the few x and T there are.

What is expected of a customer that is alive is, for each x, an analytic function of ln(scale + T): its
only singularities lie where scale + T is negative, at a distance of π. Polynomials through Chebyshev
nodes then converge geometrically, and a dozen or two of them stand for hundreds of days.

Source: Trefethen (2013), "Approximation theory and approximation practice", chapter 8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retention_models.models.histories import codes_of
from retention_models.models.special import in_blocks

Array = NDArray[np.float64]

# Digits asked of the interpolation: exp(−36) is 2e-16. More nodes than the second do not pay.
_DIGITS = 36.0
_MOST = 64


def over_cells(
    function: Callable[[Array, Array], Array], x: Array, T: Array, scale: float
) -> Array:
    """A function of x and T, analytic in ln(scale + T), for many customers, (n,); scale may be α."""
    level_of, levels = codes_of(x)
    time_of, times = codes_of(T)
    nodes = _nodes_needed(scale, times)
    if nodes >= min(times.size, _MOST) or levels.size * nodes >= x.size:
        return _directly(function, levels, times, level_of, time_of)
    points, basis = _interpolation(np.log(scale + times), nodes)
    table = function(levels[:, None], np.exp(points) - scale) @ basis.T
    return _looked_up(np.ravel(table), level_of, time_of, times.size)


def over_ratios(function: Callable[[Array], Array], ratios: Array) -> Array:
    """A function of a time relative to a scale, analytic in ln(1 + ratio), at many ratios > 0.

    It gives (levels, k) of (k,): the result is (levels, …).

    >>> ratios = np.linspace(0.1, 2.0, 60).reshape(5, 12)
    >>> found = over_ratios(lambda ratio: np.log1p(ratio)[None], ratios)
    >>> bool(np.allclose(found[0], np.log1p(ratios), rtol=1e-13, atol=0))
    True
    """
    flat = np.ravel(ratios)
    nodes = _nodes_needed(1.0, flat)
    if nodes >= min(flat.size, _MOST):
        values = function(flat)
    else:
        points, basis = _interpolation(np.log1p(flat), nodes)
        values = function(np.expm1(points)) @ basis.T
    return np.asarray(values.reshape(-1, *ratios.shape))


def _interpolation(u: Array, nodes: int) -> tuple[Array, Array]:
    """Chebyshev points over the range of u, and the matrix from values there to values at u."""
    low, high = u.min(), u.max()
    angles = (np.arange(nodes) + 0.5) * np.pi / nodes
    points = np.cos(angles)
    # Barycentric weights of Chebyshev points of the first kind.
    weights = (-1.0) ** np.arange(nodes) * np.sin(angles)
    away = ((2.0 * u - low - high) / (high - low))[:, None] - points
    met = away == 0.0
    basis = weights / np.where(met, 1.0, away)
    basis[met.any(axis=1)] = 0.0
    basis[met] = 1.0
    return (low + high + (high - low) * points) / 2.0, basis / basis.sum(axis=1, keepdims=True)


def _looked_up(table: Array, level_of: NDArray[Any], time_of: NDArray[Any], times: int) -> Array:
    return in_blocks(
        lambda level, time: table.take(level.astype(np.intp) * times + time), level_of, time_of
    )


def _nodes_needed(scale: float, times: Array) -> int:
    """Nodes for which the error is below exp(−_DIGITS): ρ^−nodes, ρ of the largest ellipse."""
    half = float(np.log(scale + times.max()) - np.log(scale + times.min())) / 2.0
    if half == 0.0:
        return times.size
    away = np.pi / half
    return int(np.ceil(_DIGITS / np.log(away + np.hypot(1.0, away)))) + 2


def _directly(
    function: Callable[[Array, Array], Array],
    levels: Array,
    times: Array,
    level_of: NDArray[Any],
    time_of: NDArray[Any],
) -> Array:
    key = level_of.astype(np.intp) * times.size + time_of
    if levels.size * times.size <= 2 * key.size:
        found = np.zeros(levels.size * times.size)
        present = np.zeros(found.size, dtype=bool)
        present[key] = True
        cells = np.flatnonzero(present)
        found[cells] = function(levels[cells // times.size], times[cells % times.size])
        return found[key]
    cells, row = np.unique(key, return_inverse=True)
    return np.asarray(
        function(levels[cells // times.size], times[cells % times.size])[np.ravel(row)]
    )
