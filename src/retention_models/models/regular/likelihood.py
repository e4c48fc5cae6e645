"""The likelihood of the models of regular buyers, BG/CNBD-k and MBG/CNBD-k, with its derivatives.

Let m be 0 for the BG and 1 for the MBG variant, and s = r + k·x. The k·x phases of a customer's x repeat
purchases have the likelihood of the NBD; up to what depends on the single gaps, which is added once for
the whole log, a customer's is that, times B(a, b+x+m)/B(a, b), times S · (1 + O), where

    S = Σ_{j<k} (s)_j/j! · w^j,   w = (T − t_x)/(α + T),
    O = a/(b+x−1+m) · ((α+T)/(α+t_x))^s / S.

S tells that no more than k − 1 phases have passed since t_x, and O are the odds, against being alive at
T, of having left. With k = 1, S is 1 and this is the likelihood of `beta_dropout_likelihood`.

Source: Platzer & Reutterer (2016), Marketing Science 35(5), 779–799, for the Pareto/GGG's gaps;
Reutterer, Platzer & Schröder (2021), International Journal of Research in Marketing 38(1), 194–215, for
(M)BG/CNBD-k.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincc

from retention_models.models import nbd
from retention_models.models.beta_dropout_likelihood import of_having_stayed
from retention_models.models.histories import Histories

Array = NDArray[np.float64]

_BLOCK = 8192
# Sums that come near the largest float are kept relative to this.
_HUGE = 1e200
# Phases from which on it pays to leave out rows with less than this chance to be alive.
_MANY, _GONE = 8, 1e-20


def log_likelihood_with_derivatives(
    phi: Array, known: Histories, phases: Histories, *, k: int, first: int, every: int = 1
) -> tuple[float, Array, Array]:
    """Log-likelihood of the logs of r, α, a, b, or of r, α alone where nobody leaves; its derivatives.

    `phases` are `in_phases` of the histories; `first` is m; `every` is as in `beta_dropout_likelihood`.
    The part of the gaps, (k−1)·Σ ln gap − Σ x·ln Γ(k), is not in it.
    """
    theta = np.exp(phi)
    value, gradient, hessian = _of_rows(theta, known, k, first, every)
    if theta.size > 2:
        a, b = theta[2:]
        some, slope, bend = of_having_stayed(known, a, b, first)
        value += some
        gradient[2:] += slope
        hessian[2:, 2:] += bend
    gradient *= theta
    hessian = hessian * np.outer(theta, theta) + np.diag(gradient)
    stays_value, stays_gradient, stays_hessian = nbd.log_likelihood_with_derivatives(
        phi[:2], phases
    )
    gradient[:2] += stays_gradient
    hessian[:2, :2] += stays_hessian
    return value + stays_value, gradient, hessian


def _of_rows(
    theta: Array, known: Histories, k: int, first: int, every: int
) -> tuple[float, Array, Array]:
    """Σ counts · (ln S + ln(1 + O)) with its derivatives by r, α, and a, b where they are given."""
    size = theta.size
    value, gradient, hessian = 0.0, np.zeros(size), np.zeros((size, size))
    for start in range(0, known.x.size, _BLOCK * every):
        rows = slice(start, start + _BLOCK * every, every)
        some, slope, bend = _of_block(theta, known, rows, k, first)
        value += some
        gradient += slope
        hessian += bend
    return every * value, every * gradient, every * hessian


def _of_block(
    theta: Array, known: Histories, rows: slice, k: int, first: int
) -> tuple[float, Array, Array]:
    """`_of_rows` of some rows: with L = ln S and g = ln O, sums of L′ + σ g′ and their derivatives."""
    r, alpha = theta[:2]
    x, counts = known.x[rows], known.counts[rows]
    last, end = known.times[known.last[rows]], known.times[known.end[rows]]
    s, at_end, at_last = r + k * x, 1.0 / (alpha + end), 1.0 / (alpha + last)
    late = (end - last) * at_end
    gone = np.zeros(x.size, dtype=bool)
    if theta.size > 2 and k >= _MANY:
        # Of whoever has surely left S cancels out.
        odds = theta[2] / np.maximum(theta[3] + x - 1.0 + first, 1e-300)
        gone = (x + first > 0) & (betaincc(k, s, late) < _GONE * np.minimum(odds, 1.0))
    log_sum, by_s, by_w, ss, sw, ww = _survival_of(s, late, k, ~gone)
    # By r and α: dw/dα is −w/(α+T).
    slope_r, slope_alpha = by_s, -at_end * by_w
    bend_rr, bend_ra, bend_aa = ss, -at_end * sw, at_end**2 * (ww + 2.0 * by_w)
    size = theta.size
    if size == 2:
        gradient = np.array([counts @ slope_r, counts @ slope_alpha])
        cross = counts @ bend_ra
        hessian = np.array([[counts @ bend_rr, cross], [cross, counts @ bend_aa]])
        return float(counts @ log_sum), gradient, hessian
    a, b = theta[2:]
    chance = x + first > 0
    before = np.where(chance, b + x - 1.0 + first, 1.0)
    waited, gap = -np.log1p(-late), (last - end) * at_end * at_last
    log_odds = np.where(chance, s * waited + np.log(a / before) - log_sum, -np.inf)
    small = np.exp(-np.abs(log_odds))
    value = float(counts @ (log_sum + np.maximum(log_odds, 0.0) + np.log1p(small)))
    share = np.where(log_odds >= 0.0, 1.0, small) / (1.0 + small)
    left = counts * share
    unsure = left * (1.0 - share)
    by = np.stack(
        [waited - slope_r, s * gap - slope_alpha, np.full(x.size, 1.0 / a), -1.0 / before]
    )
    gradient = by @ left
    gradient[:2] += counts @ slope_r, counts @ slope_alpha
    hessian = (unsure * by) @ by.T
    stays = counts - left
    hessian[0, 0] += stays @ bend_rr
    cross = stays @ bend_ra + left @ gap
    hessian[0, 1] += cross
    hessian[1, 0] += cross
    hessian[1, 1] += stays @ bend_aa - left @ (s * gap * (at_end + at_last))
    hessian[2, 2] -= left.sum() / a**2
    hessian[3, 3] += left @ (1.0 / before**2)
    return value, gradient, hessian


def _survival_of(s: Array, w: Array, k: int, rows: NDArray[np.bool_]) -> Array:
    """`survival_of_phases` of some rows, and zeros, shape (6, n)."""
    if rows.all():
        return np.stack(survival_of_phases(s, w, k))
    found = np.zeros((6, s.size))
    found[:, rows] = survival_of_phases(s[rows], w[rows], k)
    return found


def survival_of_phases(
    s: Array, w: Array, k: int
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """L = ln S, and L_s, w·L_w, L_ss, w·L_sw, w²·L_ww of each row."""
    term, by_s, bend_s = np.ones(s.size), np.zeros(s.size), np.zeros(s.size)
    total, log_scale = np.ones(s.size), np.zeros(s.size)
    sums = np.zeros((5, s.size))  # of term times h, h² − g, j, j(j − 1), j·h
    for j in range(1, k):
        step = 1.0 / (s + (j - 1.0))
        by_s += step
        bend_s += step * step
        term = term * (w * ((s + (j - 1.0)) / j))
        of_s = term * by_s
        total += term
        sums[0] += of_s
        sums[1] += of_s * by_s - term * bend_s
        sums[2] += j * term
        sums[3] += (j * (j - 1.0)) * term
        sums[4] += j * of_s
        large = total > _HUGE
        if large.any():
            for column in (term, total, *sums):
                column[large] /= _HUGE
            log_scale[large] += np.log(_HUGE)
    first, second, by_w, bend_w, cross = sums / total
    return (
        np.log(total) + log_scale,
        first,
        by_w,
        second - first**2,
        cross - by_w * first,
        bend_w - by_w**2,
    )
