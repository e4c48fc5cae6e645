"""Log-likelihood of each history by the model's parameters and by its two times.

With k phases a purchase (1 in the plain models), m chances to leave before the first repeat purchase,
s = r + k·x, w = (T − t)/(α + T) and S as in `regular.likelihood`, a history's log-likelihood is

    lnΓ(s)/Γ(r) + r ln α − s ln(α+T) + ln B(a, b+x+m)/B(a, b) + ln S + ln(1 + O),
    ln O = s ln((α+T)/(α+t)) + ln a/(b+x+m−1) − ln S.

Its gradient is that of all terms but the last and σ g′, its Hessian theirs and σ g″ + σ(1−σ) g′g′ᵀ, with
g = ln O and σ = O/(1+O).

Sources: Fader, Hardie & Lee (2005), equation (6); for k those of `regular.likelihood`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, gammaln, psi, zeta

from retention_models.models.regular.likelihood import survival_of_phases

Array = NDArray[np.float64]
Derivatives = tuple[Array, Array, Array]

# Below this share of the time observed since the last purchase nothing is lost by taking it for so much.
_NO_TIME = 1e-12
# Places of t and T after the four parameters.
_t, _T = 4, 5


def log_likelihood_by_row(
    phi: Array,
    x: Array,
    t: Array,
    T: Array,
    *,
    first: int,
    k: int = 1,
    by_times: bool = False,
) -> Derivatives:
    """Values (rows,), gradients (rows, 4), Hessians (rows, 4, 4) by ln r, ln α, ln a and ln b.

    With `by_times` they are (rows, 6) and (rows, 6, 6), by t and T too.
    """
    size = 6 if by_times else 4
    theta = np.exp(phi)
    r, alpha, a, b = theta
    s, at_T, at_t = r + k * x, 1.0 / (alpha + T), 1.0 / (alpha + t)
    value, gradient, hessian = _staying(theta, x, s, T, first, size)
    log_sum, of_sum, bend_of_sum = _phases(s, (T - t) * at_T, at_T, k, size)
    able = x + first > 0.0
    before = np.where(able, b + x + first - 1.0, 1.0)
    waited = np.log1p((T - t) * at_t)
    log_odds = np.where(able, s * waited + np.log(a / before) - log_sum, -np.inf)
    slope, bend = -of_sum, -bend_of_sum
    slope[:, 0] += waited
    slope[:, 1] += s * (at_T - at_t)
    slope[:, 2] += 1.0 / a
    slope[:, 3] -= 1.0 / before
    if by_times:
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
    return by_logs(np.concatenate([theta, np.ones(size - 4)]), value, gradient, hessian, 4)


def by_logs(
    theta: Array, value: Array, gradient: Array, hessian: Array, own: int | None = None
) -> tuple[Array, Array, Array]:
    """Derivatives by parameters → by their logs; with `own` the others, from that place on, stay."""
    gradient = gradient * theta
    hessian = hessian * np.outer(theta, theta)
    diagonal = np.arange(theta.size if own is None else own)
    hessian[..., diagonal, diagonal] += gradient[..., diagonal]
    return value, gradient, hessian


def _add(hessian: Array, i: int, j: int, second: Array) -> None:
    """Add a second derivative to both sides of the diagonal, where it is asked for."""
    if max(i, j) >= hessian.shape[1]:
        return
    hessian[:, i, j] += second
    if i != j:
        hessian[:, j, i] += second


def _staying(theta: Array, x: Array, s: Array, T: Array, first: int, size: int) -> Derivatives:
    """The terms of the phases passed and of having stayed, by the parameters themselves, t and T."""
    r, alpha, a, b = theta
    levels, one, place = np.unique(x, return_index=True, return_inverse=True)
    chances, shapes = levels + first, s[one]
    count = gammaln(shapes) - gammaln(r) + betaln(a, b + chances) - betaln(a, b)
    late = 1.0 / (alpha + T)
    value = count[place] + r * np.log(alpha) - s * np.log(alpha + T)
    gradient, hessian = np.zeros((x.size, size)), np.zeros((x.size, size, size))
    gradient[:, 0] = (psi(shapes) - psi(r))[place] + np.log(alpha * late)
    gradient[:, 1] = r / alpha - s * late
    all_of_it = psi(a + b) - psi(a + b + chances)
    gradient[:, 2] = all_of_it[place]
    gradient[:, 3] = (psi(b + chances) - psi(b) + all_of_it)[place]
    if size > _T:
        gradient[:, _T] = -s * late
    # ζ(2, ·) is the second derivative of ln Γ.
    curved = zeta(2.0, a + b) - zeta(2.0, a + b + chances)
    own = zeta(2.0, b + chances) - zeta(2.0, b)
    for i, j, second in (
        (0, 0, (zeta(2.0, shapes) - zeta(2.0, r))[place]),
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


def _phases(s: Array, w: Array, at_T: Array, k: int, size: int) -> Derivatives:
    """The log of S by r, α, t and T; nothing where a purchase is one phase."""
    gradient, hessian = np.zeros((s.size, size)), np.zeros((s.size, size, size))
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
        if i < size:
            gradient[:, i] = by_w * slope
        _add(hessian, 0, i, sw * slope)
    for (i, j), second in twice.items():
        _add(hessian, i, j, ww * of_w[i] * of_w[j] + by_w * second)
    return value, gradient, hessian
