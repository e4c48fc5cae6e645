"""Discounted expected residual transactions of BG/NBD customers over an endless horizon.

Symbols are those of `bg_nbd`. A customer that is alive and has purchase rate λ and dropout
probability p leaves at rate λp, so buys at rate λ e^(−λpt) at time t from now. Discounted at δ,

    DERT = P(alive) · E ∫₀^∞ e^(−δt) λ e^(−λpt) dt = P(alive) · E[λ / (δ + λp)],

over λ ~ Gamma(r+x, α+T) and p ~ Beta(a, b+x). See `bg_nbd_contour` for how it is taken.

Source: Fader, Hardie & Lee (2005), "RFM and CLV: using iso-value curves for customer base
analysis", Journal of Marketing Research 42(4), 415–430, define it for the Pareto/NBD, as DET.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retention_models.models.bg_nbd import discounted_expected_purchases

Array = NDArray[np.float64]


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
    return discounted_expected_purchases(np.inf, rate, x, t_x, T, r, alpha, a, b)
