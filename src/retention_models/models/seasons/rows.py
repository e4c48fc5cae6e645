"""Log-likelihood of each history by the model's parameters and by its two times, and what β makes of it.

With k phases a purchase (1 in the plain models), m chances to leave before the first repeat purchase,
s = r + k·x, w = (T − t)/(α + T) and S as in `regular.likelihood`, a history's log-likelihood is

    lnΓ(s)/Γ(r) + r ln α − s ln(α+T) + ln B(a, b+x+m)/B(a, b) + ln S + ln(1 + O),
    ln O = s ln((α+T)/(α+t)) + ln a/(b+x+m−1) − ln S.

Under a season t and T are differences of operational ages A(·), whose derivatives by β are known
(`likelihood.Ages`): the chain rule does the rest, row by row, for whatever mixes such histories.

Sources: those of `likelihood` and `regular.likelihood`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, gammaln, polygamma, psi

from retention_models.models.regular.likelihood import survival_of_phases
from retention_models.models.seasons.likelihood import Ages

Array = NDArray[np.float64]
Derivatives = tuple[Array, Array, Array]

# Below this share of the time observed since the last purchase nothing is lost by taking it for so much.
_NO_TIME = 1e-12
# Places of t and T after the four parameters.
_t, _T = 4, 5


def log_likelihood_by_row(
    phi: Array, x: Array, t: Array, T: Array, *, first: int, k: int = 1
) -> Derivatives:
    """Values (rows,), gradients (rows, 6), Hessians (rows, 6, 6) by ln r, ln α, ln a, ln b, t and T."""
    theta = np.exp(phi)
    r, alpha, a, b = theta
    s, at_T, at_t = r + k * x, 1.0 / (alpha + T), 1.0 / (alpha + t)
    value, gradient, hessian = _staying(theta, x, s, T, first)
    log_sum, of_sum, bend_of_sum = _phases(s, (T - t) * at_T, at_T, k)
    able = x + first > 0.0
    before = np.where(able, b + x + first - 1.0, 1.0)
    waited = np.log1p((T - t) * at_t)
    log_odds = np.where(able, s * waited + np.log(a / before) - log_sum, -np.inf)
    slope, bend = -of_sum, -bend_of_sum
    slope[:, 0] += waited
    slope[:, 1] += s * (at_T - at_t)
    slope[:, 2] += 1.0 / a
    slope[:, 3] -= 1.0 / before
    slope[:, _t] -= s * at_t
    slope[:, _T] += s * at_T
    bend[:, 2, 2] -= 1.0 / a**2
    bend[:, 3, 3] += 1.0 / before**2
    for i, j, second in (
        (0, 1, at_T - at_t),
        (0, _t, -at_t),
        (0, _T, at_T),
        (1, 1, s * (at_t**2 - at_T**2)),
        (1, _t, s * at_t**2),
        (1, _T, -s * at_T**2),
        (_t, _t, s * at_t**2),
        (_T, _T, -s * at_T**2),
    ):
        _add(bend, i, j, second)
    left = expit(log_odds)
    value = value + log_sum + np.logaddexp(0.0, log_odds)
    gradient += of_sum + left[:, None] * slope
    hessian += bend_of_sum + left[:, None, None] * bend
    hessian += (left * (1.0 - left))[:, None, None] * slope[:, :, None] * slope[:, None, :]
    scale = np.concatenate([theta, [1.0, 1.0]])
    gradient *= scale
    hessian *= np.outer(scale, scale)
    own = np.arange(4)
    hessian[:, own, own] += gradient[:, :4]
    return value, gradient, hessian


def _add(hessian: Array, i: int, j: int, second: Array) -> None:
    """Add a second derivative to both sides of the diagonal."""
    hessian[:, i, j] += second
    if i != j:
        hessian[:, j, i] += second


def _staying(theta: Array, x: Array, s: Array, T: Array, first: int) -> Derivatives:
    """The terms of the phases passed and of having stayed, by the parameters themselves, t and T."""
    r, alpha, a, b = theta
    levels, place = np.unique(x, return_inverse=True)
    chances, shapes = levels + first, s[np.unique(place, return_index=True)[1]]
    count = gammaln(shapes) - gammaln(r) + betaln(a, b + chances) - betaln(a, b)
    late = 1.0 / (alpha + T)
    value = count[place] + r * np.log(alpha) - s * np.log(alpha + T)
    gradient, hessian = np.zeros((x.size, 6)), np.zeros((x.size, 6, 6))
    gradient[:, 0] = (psi(shapes) - psi(r))[place] + np.log(alpha * late)
    gradient[:, 1] = r / alpha - s * late
    all_of_it = psi(a + b) - psi(a + b + chances)
    gradient[:, 2] = all_of_it[place]
    gradient[:, 3] = (psi(b + chances) - psi(b) + all_of_it)[place]
    gradient[:, _T] = -s * late
    curved = polygamma(1, a + b) - polygamma(1, a + b + chances)
    own = polygamma(1, b + chances) - polygamma(1, b)
    for i, j, second in (
        (0, 0, (polygamma(1, shapes) - polygamma(1, r))[place]),
        (0, 1, 1.0 / alpha - late),
        (0, _T, -late),
        (1, 1, s * late**2 - r / alpha**2),
        (1, _T, s * late**2),
        (_T, _T, s * late**2),
        (2, 2, curved[place]),
        (2, 3, curved[place]),
        (3, 3, (curved + own)[place]),
    ):
        _add(hessian, i, j, second)
    return value, gradient, hessian


def _phases(s: Array, w: Array, at_T: Array, k: int) -> Derivatives:
    """The log of S by r, α, t and T; nothing where a purchase is one phase."""
    gradient, hessian = np.zeros((s.size, 6)), np.zeros((s.size, 6, 6))
    if k == 1:
        return np.zeros(s.size), gradient, hessian
    w = np.maximum(w, _NO_TIME)
    value, by_s, by_w, ss, sw, ww = survival_of_phases(s, w, k)
    by_w, sw, ww = by_w / w, sw / w, ww / w**2
    rest = 1.0 - w
    of_w = {1: -w * at_T, _t: -at_T, _T: rest * at_T}
    twice = {
        (1, 1): 2.0 * w * at_T**2,
        (1, _t): at_T**2,
        (1, _T): (2.0 * w - 1.0) * at_T**2,
        (_t, _t): np.zeros(s.size),
        (_t, _T): at_T**2,
        (_T, _T): -2.0 * rest * at_T**2,
    }
    gradient[:, 0] = by_s
    hessian[:, 0, 0] = ss
    for i, slope in of_w.items():
        gradient[:, i] = by_w * slope
        _add(hessian, 0, i, sw * slope)
    for (i, j), second in twice.items():
        _add(hessian, i, j, ww * of_w[i] * of_w[j] + by_w * second)
    return value, gradient, hessian


@dataclass(frozen=True, slots=True)
class Times:
    """The times t and T of some rows: differences of operational ages, with their slopes by β.

    `t`, `T`, shape (rows,); `slopes_last`, `slopes_end`, shape (rows, terms).
    """

    t: Array
    T: Array
    slopes_last: Array
    slopes_end: Array

    def chained(self, found: Derivatives) -> tuple[Array, Array]:
        """Gradients (rows, 4 + terms) by parameters and β, and the slopes of t and T for `squares`."""
        _, gradient, _ = found
        by_season = gradient[:, [_t]] * self.slopes_last + gradient[:, [_T]] * self.slopes_end
        return np.concatenate([gradient[:, :4], by_season], axis=1), by_season

    def squares(self, weights: Array, found: Derivatives) -> Array:
        """Σ weights · Hessian by parameters and β, without the times' own second derivatives."""
        _, _, hessian = found
        n = 4 + self.slopes_last.shape[1]
        total = np.zeros((n, n))
        total[:4, :4] = np.tensordot(weights, hessian[:, :4, :4], 1)
        weighted = weights[:, None] * hessian[:, :4, _t], weights[:, None] * hessian[:, :4, _T]
        total[:4, 4:] = weighted[0].T @ self.slopes_last + weighted[1].T @ self.slopes_end
        total[4:, :4] = total[:4, 4:].T
        cross = self.slopes_last.T @ ((weights * hessian[:, _t, _T])[:, None] * self.slopes_end)
        total[4:, 4:] = (
            self.slopes_last.T @ ((weights * hessian[:, _t, _t])[:, None] * self.slopes_last)
            + self.slopes_end.T @ ((weights * hessian[:, _T, _T])[:, None] * self.slopes_end)
            + cross
            + cross.T
        )
        return total


def since_first(found: Ages, since: NDArray[np.intp], end: NDArray[np.intp]) -> Times:
    """Times of rows with a time since the last purchase and one since the first, by their places."""
    T, silent = found.at[end], found.at[since]
    return Times(T - silent, T, found.slopes[end] - found.slopes[since], found.slopes[end])
