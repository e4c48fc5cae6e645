"""The series of the BG/NBD expectation.

Symbols and formulas are those of `bg_nbd_expectation`, which tells where it serves.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Elements at a time: what is computed on them stays in a processor's cache.
_BLOCK = 2048


def euler_series(A: Array, e: Array, c: Array, z: Array) -> Array:
    """Σ_j (A+1)_j (e+1)_j / ((c+1)_j (2)_j) · z^j, until every term is negligible.

    Parameters
    ----------
    A, e, c, z : ndarray, shape (n,)
        With 0 ≤ z < 1; e may be a single number.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> one = np.ones(1)
    >>> euler_series(0.0 * one, np.array(1.0), 0.0 * one, 0.5 * one).round(12)  # Σ z^j
    array([2.])
    """
    total = np.empty_like(z)
    # The number of terms grows with z: those of like z go together.
    order = np.argsort(z) if z.size > _BLOCK else np.arange(z.size)
    for first in range(0, z.size, _BLOCK):
        rows = order[first : first + _BLOCK]
        own = e[rows] if e.ndim else e
        total[rows] = _sum_series(A[rows], own, c[rows], z[rows])
    return total


def _sum_series(A: Array, e: Array, c: Array, z: Array) -> Array:
    """A block of `euler_series`; A and c are used up."""
    total, term, ratio = np.ones_like(z), np.ones_like(z), np.zeros_like(z)
    enough = 1e-17 * (1.0 - z)
    for j in itertools.count():
        A += 1.0
        c += 1.0
        np.multiply(A, z, out=ratio)
        ratio /= c
        ratio *= (e + 1.0 + j) / (2.0 + j)
        term *= ratio
        total += term
        # Terms may grow before they shrink; stop only where the ratio is already below one.
        if j % 8 == 7:
            small = np.abs(term) <= enough * np.abs(total)
            if np.all(small & (np.abs(ratio) < 1.0)):
                return total
    raise AssertionError("the series has no end")
