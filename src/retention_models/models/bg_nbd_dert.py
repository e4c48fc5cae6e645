"""Discounted expected residual transactions of BG/NBD customers over an endless horizon.

Symbols are those of `bg_nbd`. A customer that is alive and has purchase rate λ and dropout
probability p leaves at rate λp, so buys at rate λ e^(−λpt) at time t from now. Discounted at δ,

    DERT = P(alive) · E ∫₀^∞ e^(−δt) λ e^(−λpt) dt = P(alive) · E[λ / (δ + λp)],

over λ ~ Gamma(r+x, α+T) and p ~ Beta(a, b+x). With y = λp/δ, Mellin's integral

    1/(1+y) = 1/(2πi) ∫ π/sin(πξ) · y^(−ξ) dξ,  Re ξ between 0 and 1,

turns the expectation into moments of λ and of p, which are ratios of gamma functions. What is left
is one integral along a line, whose integrand is analytic and falls like e^(−π|Im ξ|): there the
trapezoidal rule converges geometrically.

Sources
-------
FHL : Fader, Hardie & Lee (2005), "RFM and CLV: using iso-value curves for customer base
analysis", Journal of Marketing Research 42(4), 415–430, defines DERT, for the Pareto/NBD.
TW : Trefethen & Weideman (2014), "The exponentially convergent trapezoidal rule", SIAM Review
56(3), 385–458.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import loggamma

from retention_models.errors import SettingsError
from retention_models.models.bg_nbd import probability_alive

Array = NDArray[np.float64]

# Poles are at least a quarter away from the line: the rule's error is exp(−2π · ¼ / step), 1e-17,
# and what lies beyond the last node is exp(−π · 13), 2e-18.
_STEP = 0.04
_HEIGHTS = np.arange(0.0, 13.0, _STEP)
_LEFT = -0.25
_BLOCK = 512


def discounted_expected_residual_transactions(
    rate: float,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> Array:
    """Expected purchases in (T, ∞), each discounted by exp(−rate · waiting time).

    Parameters
    ----------
    rate : float
        Continuous discount rate δ per unit of T, above 0.
    x, t_x, T : array_like
        Frequency, recency and T; broadcast together.
    r, alpha, a, b : float
        Model parameters; a = 0 is the NBD, (r+x)/(α+T)/δ.

    Returns
    -------
    ndarray

    Raises
    ------
    SettingsError
        If the rate is not above 0: without discounting the sum is infinite where a ≤ 1.

    Examples
    --------
    >>> p = (0.2425945, 4.4136, 0.79292, 2.42590)
    >>> float(discounted_expected_residual_transactions(0.0027, 2, 30.43, 38.86, *p).round(6))
    5.156369
    """
    if not rate > 0.0:
        raise SettingsError(f"rate: expected a discount rate above 0 per unit of T; got {rate:g}.")
    x, t_x, T = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, t_x, T)))
    forever = (r + x) / (alpha + T) / rate
    if a == 0.0:
        return np.asarray(forever)
    kept = _share_kept(rate, np.ravel(x), np.ravel(T), r, alpha, a, b).reshape(x.shape)
    return np.asarray(probability_alive(x, t_x, T, r, alpha, a, b) * forever * kept)


def _share_kept(
    rate: float, x: Array, T: Array, r: float, alpha: float, a: float, b: float
) -> Array:
    """Discounted purchases of an alive customer relative to one that never leaves.

    The line runs between the poles at 0 and at min(1, a). Where these are too close, or little is
    lost by leaving, it runs left of 0, whose residue is the 1 of a customer that never leaves.
    """
    typical_y = a / (a + b + x) * (r + x) / (alpha + T) / rate
    left = (typical_y < 1.0) | (a < 0.5)
    kept = np.empty(x.size)
    for real, group in ((_LEFT, left), (min(1.0, a) / 2.0, ~left)):
        rows = np.flatnonzero(group)
        xi: NDArray[np.complex128] = np.asarray(real + 1j * _HEIGHTS, dtype=np.complex128)
        levels, level_of = np.unique(x[rows], return_inverse=True)
        moments = _log_moments(xi, r + levels[:, None], a, b + levels[:, None])
        weights = np.where(_HEIGHTS == 0.0, 0.5, 1.0) * _STEP  # both halves of the line
        for first in range(0, rows.size, _BLOCK):
            block = slice(first, first + _BLOCK)
            scale = np.log(rate * (alpha + T[rows[block]]))[:, None]
            values = np.exp(moments[level_of[block]] + xi * scale).real
            kept[rows[block]] = values @ weights + (1.0 if real < 0.0 else 0.0)
    return kept


def _log_moments(
    xi: NDArray[np.complex128], r: Array, a: float, b: Array
) -> NDArray[np.complex128]:
    """Log of 1/sin(πξ) · Γ(r+1−ξ)/Γ(r+1) · Γ(a−ξ)/Γ(a) · Γ(a+b)/Γ(a+b−ξ)."""
    return np.asarray(
        -np.log(np.sin(np.pi * xi))
        + loggamma(r + 1.0 - xi)
        - loggamma(r + 1.0)
        + loggamma(a - xi)
        - loggamma(a)
        + loggamma(a + b)
        - loggamma(a + b - xi)
    )
