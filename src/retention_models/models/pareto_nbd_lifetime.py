"""Integrals over the lifetime of a Pareto/NBD customer, by quadrature that only adds.

Formulas, symbols and sources are those of `pareto_nbd`; nodes are those of `quadrature`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from retention_models.models.quadrature import NEGLIGIBLE, angle, blocks, nodes

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

# Log of a multiple that no time exceeds, and that does not overflow.
_LONGEST = 200.0


def unseen_departures(
    x: Array, t_x: Array, T: Array, r: float, alpha: float, s: float, beta: float
) -> Iterator[tuple[Rows, Array, Array]]:
    """Moments y in (t_x, T] at which each customer may have left, and the odds of each.

    The odds, against being alive at T, of having left between y and y + dy are
    s/(β+y) · ((α+T)/(α+y))^(r+x) · ((β+T)/(β+y))^s · dy.

    Parameters
    ----------
    x, t_x, T : ndarray, shape (n,)
        Frequency, recency and T.
    r, alpha, s, beta : float
        Model parameters, s > 0.

    Yields
    ------
    rows : ndarray of int, shape (m,)
        Rows of the block; together the blocks are all the rows.
    y : ndarray, shape (m, k)
    log_odds : ndarray, shape (m, k)
        Including the quadrature weight dy: their sum on the plain scale is the odds of having left.
    """
    # Beyond `end` the integrand is below exp(−NEGLIGIBLE) of its value at t_x.
    by_rate = (alpha + t_x) * np.expm1(np.minimum(NEGLIGIBLE / (r + x), _LONGEST))
    by_lifetime = (beta + t_x) * np.expm1(min(NEGLIGIBLE / s, _LONGEST))
    end = t_x + np.minimum(T - t_x, np.minimum(by_rate, by_lifetime))
    scale = min(alpha, beta) + t_x
    theta = angle(t_x, end, scale)
    drop = (r + x) * np.log1p((end - t_x) / (alpha + t_x)) + (s + 1.0) * np.log1p(
        (end - t_x) / (beta + t_x)
    )
    needed = np.ceil(np.maximum(theta / 1.5, np.sqrt(drop) / 4.0))
    for rows, panels in blocks(np.maximum(needed, 1.0).astype(np.intp)):
        y, dy = nodes(t_x[rows], scale[rows], theta[rows], panels)
        left = T[rows, None] - y
        log_odds = (
            # No time to leave where t_x = T; log of the smallest number is as good as −inf.
            np.log(np.maximum(dy, 1e-300))
            + np.log(s)
            - np.log(beta + y)
            + (r + x[rows, None]) * np.log1p(left / (alpha + y))
            + s * np.log1p(left / (beta + y))
        )
        yield rows, y, log_odds


def discounted_lifetime(horizon: float, rate: float, s: float, beta: Array) -> Array:
    """∫₀ᴴ e^(−δt) (β/(β+t))^s dt, the expected discounted part of a lifetime within the horizon.

    Parameters
    ----------
    horizon : float
        H, or infinity.
    rate : float
        Continuous discount rate δ, above 0 where the horizon is infinite and s ≤ 1.
    s : float
        Shape of the dropout rate, at least 0.
    beta : ndarray, shape (n,)
        Its rates.

    Returns
    -------
    ndarray, shape (n,)
    """
    end = np.full(beta.size, horizon)
    if rate > 0.0:
        end = np.minimum(end, NEGLIGIBLE / rate)
    if s > 1.0:
        end = np.minimum(end, beta * np.expm1(min(NEGLIGIBLE / (s - 1.0), _LONGEST)))
    zero = np.zeros(beta.size)
    theta = angle(zero, end, beta)
    drop = s * np.log1p(end / beta) + rate * end
    needed = np.ceil(np.maximum(theta, np.sqrt(drop) / 4.0))
    lived = np.empty(beta.size)
    for rows, panels in blocks(np.maximum(needed, 1.0).astype(np.intp)):
        y, dy = nodes(zero[rows], beta[rows], theta[rows], panels)
        lived[rows] = (dy * np.exp(-rate * y - s * np.log1p(y / beta[rows, None]))).sum(axis=1)
    return lived
