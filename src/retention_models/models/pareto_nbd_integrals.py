"""Chances of n purchases by Pareto/NBD customers who leave within the window.

Symbols are those of `pareto_nbd`; what is wanted is

    J = ∫₀ᵗ u^n (1−u)^r · (β/(β+y))^s · s/(β+y) dy,  u = y/(α+y).

Likely counts share nodes of y, whatever n is. For those far out in the tail the integrand is all
but nothing except at t, or near a peak of its own: over v = ln y it is u^n (1−u)^r w (1−w)^s with
w = y/(β+y), and both u and w are logistic functions of v, whose logs are concave. So it has one peak
and falls ever more steeply on either side of it: the peak is found, followed down to where nothing
is left, and what lies between is integrated, which keeps all digits however small J is.

Integrals over the lifetime of a Pareto/NBD customer, by quadrature that only adds.

Formulas, symbols and sources are those of `pareto_nbd`; nodes are those of `quadrature`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from retention_models.models.special import NEGLIGIBLE, angle, blocks, nodes, unit_nodes

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]

# On a shared panel the integrand may change by this much, log, and still keep all digits; counts that
# would take more panels than these have nodes of their own.
_STEEPEST, _MOST = 16.0, 10
_FEWEST, _WIDTH = 2, 4.0  # panels on either side of the peak, and the widest of them
_HALVINGS, _NEWTON_STEPS = 25, 4


def chance_before_leaving(
    n: Array, t: Array, r: Array, alpha: Array, s: float, beta: Array, log_ways: Array
) -> Array:
    """J times the number of ways, Γ(r+n)/(Γ(r) n!); t and s above 0, arrays that broadcast together.

    >>> one = np.ones(1)
    >>> tiny = 1e-12 * one  # then J is s·t/β
    >>> float(chance_before_leaving(0 * one, tiny, one, one, 2.0, one, 0 * one)[0].round(18))
    2e-12
    """
    scale = np.minimum(alpha, beta)
    theta = angle(np.zeros_like(t), t, scale)
    # Over θ of `quadrature` the count's NBD is nowhere narrower than 1/(2√r), the density of the
    # lifetime nowhere than 1/(2√s); and towards t the integrand rises by `rise` per panel.
    rise = (n * alpha - r * t) / (alpha + t) * 2.0 * theta / np.tanh(theta)
    panels = np.maximum(theta * np.maximum(1.0, np.sqrt(r + s) / 2.0), rise / _STEEPEST)
    panels = np.where(n > 8.0, np.maximum(panels, 2.0), panels)
    shared = panels <= _MOST
    total = np.zeros(shared.shape)
    if shared.any():
        fixed = log_ways + np.log(s)
        for node, weight in zip(
            *unit_nodes(int(np.ceil(max(1.0, panels[shared].max())))), strict=True
        ):
            y = scale * np.sinh(theta * node) ** 2
            dy = weight * theta * scale * np.sinh(2.0 * theta * node)
            left = np.log(dy) - np.log(beta + y) - s * np.log1p(y / beta) - r * np.log1p(y / alpha)
            total += np.exp(fixed + left - n * np.log1p(alpha / y))
    if not shared.all():
        columns = np.broadcast_arrays(n, t, r, alpha, beta, log_ways)
        n, t, r, alpha, beta, log_ways = (column[~shared] for column in columns)
        total[~shared] = np.exp(log_ways + _log_integral(n, t, r, alpha, s, beta))
    return total


def _log_integral(n: Array, t: Array, r: Array, alpha: Array, s: float, beta: Array) -> Array:
    """Log of J for columns of one length, by nodes around the peak of each integrand."""
    rate, life, last = np.log(alpha), np.log(beta), np.log(t)

    def log_integrand(v: Array, row: NDArray[np.intp] | slice = slice(None)) -> Array:
        own = (row, None) if v.ndim == 2 else row
        bought = _log_logistic(n[own], r[own], v - rate[own])
        return np.asarray(bought + _log_logistic(1.0, s, v - life[own]))

    def slope(v: Array) -> Array:
        u, w = expit(v - rate), expit(v - life)
        return np.asarray(n * (1.0 - u) - r * u + (1.0 - w) - s * w)

    # Far to the left the integrand rises for certain.
    rising = np.minimum(np.minimum(rate, life) - np.log(4.0 * (r + s + 1.0)) - 1.0, last - 1.0)
    peak = _root(slope, rising, last)
    top = log_integrand(peak)

    def drop(v: Array) -> Array:
        return log_integrand(v) - top + NEGLIGIBLE

    left = _foot(drop, slope, peak, -NEGLIGIBLE / (n + 1.0))
    right = np.minimum(_foot(drop, slope, peak, NEGLIGIBLE / (r + s)), last)
    total = np.zeros(n.size)
    for start, end in ((left, peak), (peak, right)):
        some = np.flatnonzero(end > start)
        panels = np.maximum(np.ceil((end - start)[some] / _WIDTH), _FEWEST).astype(np.intp)
        for block, needed in blocks(panels):
            rows, (nodes, weights) = some[block], unit_nodes(needed)
            width = (end - start)[rows, None]
            heights = log_integrand(start[rows, None] + width * nodes, rows) - top[rows, None]
            total[rows] += (np.exp(heights) * width) @ weights
    return np.asarray(top + np.log(s * total))


def _log_logistic(up: Array | float, down: Array | float, v: Array) -> Array:
    """Log of u^up (1−u)^down for the logistic function u of v, without cancellation."""
    return (
        np.minimum(v, 0.0) * up
        - np.maximum(v, 0.0) * down
        - (up + down) * np.log1p(np.exp(-np.abs(v)))
    )


def _root(slope: Curve, low: Array, high: Array) -> Array:
    """Where a falling function crosses zero between low and high; high if it does not."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        up = slope(middle) > 0.0
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return high


def _foot(drop: Curve, slope: Curve, peak: Array, reach: Array) -> Array:
    """Where a concave function that falls from the peak has become negative, or a little further."""
    foot = peak + reach
    for _ in range(60):
        above = drop(foot) > 0.0
        if not above.any():
            break
        reach = np.where(above, 2.0 * reach, reach)
        foot = peak + reach
    # From beyond, Newton's steps never pass the zero of a concave function.
    for _ in range(_NEWTON_STEPS):
        foot = foot - drop(foot) / slope(foot)
    return foot


Rows = NDArray[np.intp]

# Log of a multiple that no time exceeds, and that does not overflow.
_LONGEST = 200.0


def unseen_departures(
    x: Array, t_x: Array, T: Array, r: float, alpha: float, s: float, beta: float
) -> Iterator[tuple[Rows, Array, Array]]:
    """Moments y in (t_x, T] at which each customer may have left, and the log-odds of each, by blocks.

    The odds, against being alive at T, of having left between y and y + dy are s/(β+y) ·
    ((α+T)/(α+y))^(r+x) · ((β+T)/(β+y))^s · dy; the quadrature weight dy is in them. A block is its
    rows, (m,), y and log-odds, (m, k).
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
    """∫₀ᴴ e^(−δt) (β/(β+t))^s dt, the expected discounted part of a lifetime within the horizon; (n,).

    δ, the continuous rate, is above 0 where H is infinite and s ≤ 1.
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
