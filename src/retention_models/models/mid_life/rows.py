"""Log-likelihood of every distinct history under the BG/NBD or MBG/NBD, with derivatives by row.

With m = 0 and m = 1 for the two, k = x + m chances to leave, g = ln O the log-odds of having left since
t_x (`beta_dropout_likelihood`) and s = O/(1+O), a history's log-likelihood by (r, α, a, b) is

    lnΓ(r+x)/Γ(r) + r ln α − (r+x) ln(α+T) + ln B(a, b+k)/B(a, b) + ln(1+O),

its gradient that of the first four terms and s g′, its Hessian theirs and s g″ + s(1−s) g′g′ᵀ.

Source: Fader, Hardie & Lee (2005), equation (6).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, gammaln, polygamma, psi

Array = NDArray[np.float64]


def log_likelihood_by_row(
    phi: Array, x: Array, t_x: Array, T: Array, *, first: int
) -> tuple[Array, Array, Array]:
    """Values (rows,), gradients (rows, 4) and Hessians (rows, 4, 4) by (ln r, ln α, ln a, ln b)."""
    theta = np.exp(phi)
    r, alpha, a, b = theta
    k = x + first
    value, gradient, hessian = _staying(theta, x, T, k)
    able = k > 0.0
    waited = np.log((alpha + T) / (alpha + t_x))
    gap = 1.0 / (alpha + T) - 1.0 / (alpha + t_x)
    before = np.where(able, b + k - 1.0, 1.0)
    log_odds = np.where(able, (r + x) * waited + np.log(a / before), -np.inf)
    left = expit(log_odds)
    value += np.logaddexp(0.0, log_odds)
    slope = np.stack([waited, (r + x) * gap, np.full(x.shape, 1.0 / a), -1.0 / before], axis=1)
    gradient += left[:, None] * slope
    hessian += (left * (1.0 - left))[:, None, None] * slope[:, :, None] * slope[:, None, :]
    hessian[:, 0, 1] += left * gap
    hessian[:, 1, 0] += left * gap
    hessian[:, 1, 1] -= left * (r + x) * gap * (1.0 / (alpha + T) + 1.0 / (alpha + t_x))
    hessian[:, 2, 2] -= left / a**2
    hessian[:, 3, 3] += left / before**2
    return by_logs(theta, value, gradient, hessian)


def by_logs(
    theta: Array, value: Array, gradient: Array, hessian: Array
) -> tuple[Array, Array, Array]:
    """Derivatives by parameters → by their logs."""
    gradient = gradient * theta
    hessian = hessian * np.outer(theta, theta)
    diagonal = np.arange(theta.size)
    hessian[..., diagonal, diagonal] += gradient
    return value, gradient, hessian


def _staying(theta: Array, x: Array, T: Array, k: Array) -> tuple[Array, Array, Array]:
    """The first four terms: the NBD's, and of having stayed k times."""
    r, alpha, a, b = theta
    levels, place = np.unique(x, return_inverse=True)
    chances = levels + (k[0] - x[0] if x.size else 0.0)
    count = gammaln(r + levels) - gammaln(r) + betaln(a, b + chances) - betaln(a, b)
    value = count[place] + r * np.log(alpha) - (r + x) * np.log(alpha + T)
    gradient, hessian = np.zeros((x.size, 4)), np.zeros((x.size, 4, 4))
    gradient[:, 0] = (psi(r + levels) - psi(r))[place] + np.log(alpha / (alpha + T))
    gradient[:, 1] = r / alpha - (r + x) / (alpha + T)
    all_of_it = psi(a + b) - psi(a + b + chances)
    gradient[:, 2] = all_of_it[place]
    gradient[:, 3] = (psi(b + chances) - psi(b) + all_of_it)[place]
    hessian[:, 0, 0] = (polygamma(1, r + levels) - polygamma(1, r))[place]
    hessian[:, 0, 1] = hessian[:, 1, 0] = 1.0 / alpha - 1.0 / (alpha + T)
    hessian[:, 1, 1] = (r + x) / (alpha + T) ** 2 - r / alpha**2
    curved = polygamma(1, a + b) - polygamma(1, a + b + chances)
    hessian[:, 2, 2] = hessian[:, 2, 3] = hessian[:, 3, 2] = curved[place]
    own = polygamma(1, b + chances) - polygamma(1, b)
    hessian[:, 3, 3] = (curved + own)[place]
    return value, gradient, hessian
