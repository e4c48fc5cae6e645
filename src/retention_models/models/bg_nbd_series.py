"""Sums behind the BG/NBD expectation: Euler's series, and the sum over the chances to buy n times.

Symbols and formulas are those of `bg_nbd.expected_purchases`, which tells when to use which.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

Array = NDArray[np.float64]

# Elements at a time: what is computed on them stays in a processor's cache.
_BLOCK = 2048


def rows_of(values: Array, rows: NDArray[Any]) -> Array:
    """Some rows of an array; a single number is every row's.

    Examples
    --------
    >>> rows_of(np.array([1.0, 2.0]), np.array([False, True])).tolist(), rows_of(np.array(3.0), 0)
    ([2.0], array(3.))
    """
    return values[rows] if values.ndim else values


def sum_of_chances(z: Array, r: Array, a: Array, b: Array) -> Array:
    """Σ_n P(X ≥ n) = Σ_n I_z(n, r) · (b)_{n−1}/(a+b)_{n−1}: positive terms, which cannot cancel.

    A customer reaches an nth purchase if the Poisson process makes it (I_z, a negative binomial tail)
    and dropout has spared the n − 1 before it.

    Parameters
    ----------
    z, r, b : ndarray
        t/(α+t) and parameters, of one shape.
    a : ndarray
        Parameter, of that shape or a single number.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> one = np.ones(1)
    >>> sum_of_chances(0.5 * one, one, np.array(0.0), one).round(12)  # nobody leaves: z/(1−z)
    array([1.])
    """
    shape = z.shape
    z, r, b = (np.ravel(v) for v in (z, r, b))
    a = np.ravel(a) if a.ndim else a
    total, spared = np.zeros_like(z), np.ones_like(z)
    active = np.flatnonzero(z > 0)
    n = 1.0
    while active.size:
        chance = spared[active] * betainc(n, r[active], z[active])
        total[active] += chance
        spared[active] *= (b[active] + n - 1.0) / (rows_of(a, active) + b[active] + n - 1.0)
        active = active[chance > 1e-17 * total[active] * (1.0 - z[active])]
        n += 1.0
    return total.reshape(shape)


def euler_series(A: Array, e: Array, c: Array, z: Array) -> Array:
    """Σ_j (A+1)_j (e+1)_j / ((c+1)_j (2)_j) · z^j, until every term is negligible.

    Parameters
    ----------
    A, c, z : ndarray
        Of one shape; 0 ≤ z < 1.
    e : ndarray
        Of that shape or a single number.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> one = np.ones(1)
    >>> euler_series(0.0 * one, np.array(1.0), 0.0 * one, 0.5 * one).round(12)  # Σ z^j
    array([2.])
    """
    shape = z.shape
    A, c, z = (np.ravel(v) for v in (A, c, z))
    e = np.ravel(e) if e.ndim else e
    total = np.empty_like(z)
    # The number of terms grows with z: those of like z go together.
    order = np.argsort(z) if z.size > _BLOCK else np.arange(z.size)
    for first in range(0, z.size, _BLOCK):
        rows = order[first : first + _BLOCK]
        total[rows] = _sum_series(A[rows], rows_of(e, rows), c[rows], z[rows])
    return total.reshape(shape)


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
