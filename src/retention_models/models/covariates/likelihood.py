"""Log-likelihood of the BG/NBD model with static covariates, with exact derivatives.

Customer i has covariates z_i, known from the start and constant, and the BG/NBD parameters

    r,  α_i = α0 · exp(−γ1'z_i),  a_i = a0 · exp(γ2'z_i),  b_i = b0 · exp(γ3'z_i).

Coordinates are φ = (ln r, ln α0, ln a0, ln b0, γ1, γ2, γ3): none has a bound, and ln r, ln α_i,
ln a_i, ln b_i are linear in them. So derivatives are taken by these four and carried over to φ.

Source: Fader & Hardie (2007), "Incorporating time-invariant covariates into the Pareto/NBD and
BG/NBD models", note 019. The likelihood of one customer is (6) of Fader, Hardie & Lee (2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from retention_models.models.histories import distinct_rows

Array = NDArray[np.float64]
Whole = NDArray[np.intp]

# A customer whose parameter's log is beyond ± this is at a limit of the model in every digit.
LARGEST_LOG = 40.0
_PAIRS = np.triu_indices(4)  # second derivatives by (ln r, ln α, ln a, ln b), each pair once


@dataclass(frozen=True, slots=True)
class CovariateHistories:
    """Distinct histories, (n,), in g blocks of customers with the same covariates.

    `purchase`, `purchase_block`, `reached`, (m,): for each block and each j below its largest x: j,
    the block, and the number of its customers with more than j repeat purchases.
    """

    x: Array
    t_x: Array
    T: Array
    counts: Array  # customers with each row
    block: Whole
    first: Whole  # (g,), first row of each block
    Z: Array  # (g, k)
    purchase: Array
    purchase_block: Whole
    reached: Array


def covariate_histories(
    x: Array, t_x: Array, T: Array, counts: Array, Z: Array
) -> CovariateHistories:
    """Distinct histories of customers, in blocks of the same covariates Z, (n, k)."""
    columns, place = distinct_rows(*Z.T, x, T, t_x)
    x, T, t_x = columns[-3:]
    _, block = distinct_rows(*columns[:-3])
    counts = np.bincount(place, weights=counts).astype(float)
    first = np.flatnonzero(np.diff(block, prepend=-1))
    Z = np.stack([column[first] for column in columns[:-3]], axis=1)
    most = np.maximum.reduceat(x, first).astype(np.intp)  # slots for j = 0 … most − 1, by block
    end = np.cumsum(most)
    slot = (end - most)[block] + x.astype(np.intp) - 1
    last = np.bincount(slot[x > 0], weights=counts[x > 0], minlength=int(end[-1]))
    onwards = np.concatenate([last[::-1].cumsum()[::-1], [0.0]])
    return CovariateHistories(
        x=x,
        t_x=t_x,
        T=T,
        counts=counts,
        block=block,
        first=first,
        Z=Z,
        purchase=np.arange(end[-1], dtype=float) - np.repeat(end - most, most),
        purchase_block=np.repeat(np.arange(first.size), most),
        reached=onwards[:-1] - np.repeat(onwards[end], most),
    )


def log_likelihood_with_derivatives(
    phi: Array, histories: CovariateHistories
) -> tuple[float, Array, Array]:
    """Log-likelihood of phi = (ln r, ln α0, ln a0, ln b0, γ1, γ2, γ3), its gradient and its Hessian.

    phi is of shape (4 + 3k,), γ the k covariates' coefficients on α, on a and on b. The value is
    −inf where the log of a customer's parameter is beyond `LARGEST_LOG`.
    """
    logs = log_parameters(phi, histories.Z)
    if np.abs(logs).max() > LARGEST_LOG:
        return -np.inf, np.zeros(phi.size), np.zeros((phi.size, phi.size))
    value, first, second = _ended(logs, histories)
    for part in (_rates(float(phi[0]), histories), _stayed(logs, histories)):
        value += part[0]
        first += part[1]
        second += part[2]
    full = np.empty((4, 4, first.shape[1]))
    full[_PAIRS] = full[_PAIRS[::-1]] = second
    return value, *_by_phi(first, full, histories.Z)


def nbd_log_likelihood_with_derivatives(
    phi: Array, histories: CovariateHistories
) -> tuple[float, Array, Array]:
    """The same without dropout, a → 0: of (ln r, ln α0, γ1), (2 + k,), with gradient and Hessian."""
    h = histories
    log_alpha = phi[1] - h.Z @ phi[2:]
    if max(abs(phi[0]), np.abs(log_alpha).max()) > LARGEST_LOG:
        return -np.inf, np.zeros(phi.size), np.zeros((phi.size, phi.size))
    log_likelihood, slopes, bends = _silent(float(phi[0]), log_alpha[h.block], h.x, h.T)
    value, first, second = _rates(float(phi[0]), h)
    value += float(h.counts @ log_likelihood)
    first = first[:2] + np.add.reduceat(h.counts * slopes, h.first, axis=1)
    rr, rp, pp = np.add.reduceat(h.counts * bends, h.first, axis=1)
    full = np.array([[second[0] + rr, rp], [rp, pp]])
    return value, *_by_phi(first, full, h.Z)


def log_parameters(phi: Array, Z: Array) -> Array:
    """Logs of r, α, a, b, shape (4, n), of customers with covariates Z, (n, k); phi as above.

    >>> log_parameters(np.array([0.0, 1.0, 2.0, 3.0, 0.1, 0.2, 0.3]), np.ones((1, 1))).round(2).T
    array([[0. , 0.9, 2.2, 3.3]])
    """
    on_alpha, on_a, on_b = phi[4:].reshape(3, -1)
    effects = np.stack([0.0 * on_a, -on_alpha, on_a, on_b])
    return np.asarray(phi[:4, None] + effects @ Z.T)


def _rates(log_r: float, h: CovariateHistories) -> tuple[float, Array, Array]:
    """Σ ln (r)_x = Σ_j n_j ln(r + j), of r alone: booked on the first block."""
    r = np.exp(log_r)
    later = r + h.purchase
    first, second = np.zeros((4, h.first.size)), np.zeros((10, h.first.size))
    first[0, 0] = h.reached @ (r / later)
    second[0, 0] = h.reached @ (r * h.purchase / later**2)
    return float(h.reached @ np.log(later)), first, second


def _stayed(logs: Array, h: CovariateHistories) -> tuple[float, Array, Array]:
    """Σ ln (b)_x/(a+b)_x = −Σ_j n_j ln(1 + a/(b+j)), by block."""
    a, b = np.exp(logs[2:])[:, h.purchase_block]
    stay = b + h.purchase
    both = a + stay
    by_b = a * b / (stay * both)

    def summed(terms: Array) -> Array:
        sums = np.bincount(h.purchase_block, weights=h.reached * terms, minlength=h.first.size)
        return sums.astype(float)

    first, second = np.zeros((4, h.first.size)), np.zeros((10, h.first.size))
    first[2], first[3] = -summed(a / both), summed(by_b)
    second[7] = -summed(a * stay / both**2)
    second[8] = summed(a * b / both**2)
    second[9] = summed(by_b * (1.0 - b / stay - b / both))
    return -float(h.reached @ np.log1p(a / stay)), first, second


def _ended(logs: Array, h: CovariateHistories) -> tuple[float, Array, Array]:
    """Σ ln(e^u + e^w), still alive or left at the last purchase, with r ln α taken in; by block."""
    _, log_alpha, log_a, log_b = logs[:, h.block]
    log_r, b = float(logs[0, 0]), np.exp(log_b)
    repeat = h.x > 0
    before = np.where(repeat, b + (h.x - 1.0), 1.0)  # b itself at x = 1, however small
    u, du, ddu = _silent(log_r, log_alpha, h.x, h.T)
    w, dw, ddw = _silent(log_r, log_alpha, h.x, h.t_x)
    w = np.where(repeat, w + log_a - np.log(before), -np.inf)
    gone = expit(w - u)  # posterior probability of having left
    alive, left = h.counts * (1.0 - gone), h.counts * gone
    share = b / before
    apart = np.stack([*(dw - du), np.ones_like(u), -share])
    first = np.stack([*(du * alive + dw * left), left, -left * share])
    i, j = _PAIRS
    second = apart[i] * apart[j] * (left * (1.0 - gone))
    second[[0, 1, 4]] += ddu * alive + ddw * left
    second[9] -= left * share * (h.x - 1.0) / before
    return (
        float(h.counts @ np.logaddexp(u, w)),
        np.add.reduceat(first, h.first, axis=1),
        np.add.reduceat(second, h.first, axis=1),
    )


def _silent(log_r: float, log_alpha: Array, x: Array, t: Array) -> tuple[Array, Array, Array]:
    """−r ln(1 + t/α) − x ln(α + t); derivatives by ln r, ln α; by their pairs (r, r), (r, α), (α, α)."""
    r, alpha = np.exp(log_r), np.exp(log_alpha)
    end = alpha + t
    by_r = -r * np.log1p(t / alpha)
    by_alpha = (r * t - x * alpha) / end
    bends = np.stack([by_r, r * t / end, -(r + x) * (alpha / end) * (t / end)])
    return by_r - x * np.log(end), np.stack([by_r, by_alpha]), bends


def _by_phi(first: Array, second: Array, Z: Array) -> tuple[Array, Array]:
    """Carry derivatives by each block's ln r and p logs, (1 + p, g), over to φ.

    By ln r, and by intercept and coefficients of each log in turn, they are sums over the blocks;
    then the intercepts go before the coefficients, and γ1 takes its minus sign.
    """
    logs, k = first.shape[0] - 1, Z.shape[1]
    X = np.concatenate([np.ones((Z.shape[0], 1)), Z], axis=1)
    gradient = np.concatenate([[first[0].sum()], (first[1:] @ X).ravel()])
    hessian = np.empty((gradient.size, gradient.size))
    hessian[0, 0] = second[0, 0].sum()
    hessian[0, 1:] = hessian[1:, 0] = (second[0, 1:] @ X).ravel()
    hessian[1:, 1:] = np.block(
        [[X.T @ (bend[:, None] * X) for bend in row[1:]] for row in second[1:]]
    )
    intercepts = 1 + np.arange(logs) * (k + 1)
    coefficients = (intercepts[:, None] + 1 + np.arange(k)).ravel()
    order = np.concatenate([[0], intercepts, coefficients])
    sign = np.ones(order.size)
    sign[1 + logs : 1 + logs + k] = -1.0
    return sign * gradient[order], np.outer(sign, sign) * hessian[np.ix_(order, order)]
