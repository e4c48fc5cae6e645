"""Ratios of gamma functions that keep their digits where the gamma functions are huge."""

from __future__ import annotations

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
