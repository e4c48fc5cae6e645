"""Expected purchases of BG/NBD customers: a power series where it is short, else an integral.

Symbols are those of `bg_nbd`. FHL's form divides by a − 1 and loses all digits near a = 1. Euler's
transformation of its 2F1 takes the pole out: with z = t/(α+t), L = ln(1−z), c = a+b−1, A = c − r,
e = a − 1,

    E = c · (−expm1(e·L)/e) − exp(e·L) · A · z · Σ_j (A+1)_j (e+1)_j / ((c+1)_j (2)_j) · z^j

where −expm1(e·L)/e → −L as e → 0. Where that series is long (z near 1) or its terms cancel, the
integral of `bg_nbd_contour` takes its place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retention_models.models.bg_nbd_contour import share_kept_by
from retention_models.models.bg_nbd_series import euler_series

Array = NDArray[np.float64]

# Beyond these the series is long, or its terms alternate while they grow.
_FAR, _STEEP_A, _STEEP_R = 0.9, 20.0, 3.0
# In less time than this, relative to α, nobody leaves by any digit.
_NO_TIME = 1e-290
# A result this much below the first of its terms has lost five digits of sixteen to their difference.
_LOST = 1e-5


def expected_of_rows(t: Array, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    """Expected purchases in (0, t] of new customers, or of known ones that are alive.

    Parameters
    ----------
    t, r, alpha, a, b : ndarray, shape (n,)
        Lengths of the windows and parameters; a may be a single number, and 0: nobody leaves.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> t, r, alpha, a, b = np.array([[78.0], [0.2425945], [4.4136], [0.79292], [2.4259]])
    >>> expected_of_rows(t, r, alpha, a, b).round(5)
    array([1.85796])
    """
    result = r * t / alpha
    hard = (t > _NO_TIME * alpha) & (a > 0.0)
    short = hard & (t <= _FAR * (alpha + t)) & (r - a - b < _STEEP_R) & (a < _STEEP_A)
    rows = np.flatnonzero(short)
    own = a[rows] if a.ndim else a
    values, safe = _by_series(t[rows], r[rows], alpha[rows], own, b[rows])
    result[rows[safe]] = values[safe]
    hard[rows[safe]] = False
    rows = np.flatnonzero(hard)
    own = np.broadcast_to(a, t.shape)[rows]
    result[rows] *= share_kept_by(t[rows], r[rows], alpha[rows], own, b[rows])
    return result


def _by_series(
    t: Array, r: Array, alpha: Array, a: Array, b: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """Expected purchases by the transformed 2F1, and which of them have kept their digits."""
    z = t / (alpha + t)
    log_rest = -np.log1p(t / alpha)
    c, e = a + b - 1.0, a - 1.0
    A = c - r
    at_one = e == 0.0
    first = c * np.where(at_one, -log_rest, -np.expm1(e * log_rest) / np.where(at_one, 1.0, e))
    values = first - np.exp(e * log_rest) * A * z * euler_series(A, e, c, z)
    return values, values > _LOST * np.abs(first)
