"""Purchases of BG/NBD customers over long or discounted windows, as an integral along a line.

Symbols are those of `bg_nbd`. A customer with purchase rate λ and dropout probability p leaves at
rate λp, so buys at rate λ e^(−λpt) at time t. Relative to the rate r/α of one that never leaves,
the mean over λ ~ Gamma(r, α) and p ~ Beta(a, b) is an inverse Mellin transform,

    f(t) = 2F1(r+1, a; a+b; −t/α) = 1/(2πi) ∫ Γ(ξ) M(ξ) (t/α)^(−ξ) dξ,
    M(ξ) = Γ(r+1−ξ)/Γ(r+1) · Γ(a−ξ)/Γ(a) · Γ(a+b)/Γ(a+b−ξ),

along a line with Re ξ between 0 and min(1, a); left of 0, where the residue 1 is added, it is the
part that is lost by leaving. A window asks for the mean of f in it, weighted by e^(−δt), which
changes the factor of ξ alone. The integrand is analytic and falls like e^(−π|Im ξ|/2): there the
trapezoidal rule converges geometrically, whatever the length of the window.

Source: Trefethen & Weideman (2014), "The exponentially convergent trapezoidal rule", SIAM Review
56(3), 385–458, for the rule; the transform is Barnes' integral of 2F1.

Expected purchases of BG/NBD customers: a power series where it is short, else an integral.

Symbols are those of `bg_nbd`. FHL's form divides by a − 1 and loses all digits near a = 1. Euler's
transformation of its 2F1 takes the pole out: with z = t/(α+t), L = ln(1−z), c = a+b−1, A = c − r,
e = a − 1,

    E = c · (−expm1(e·L)/e) − exp(e·L) · A · z · Σ_j (A+1)_j (e+1)_j / ((c+1)_j (2)_j) · z^j

where −expm1(e·L)/e → −L as e → 0. Where that series is long (z near 1) or its terms cancel, the
integral of `bg_nbd_contour` takes its place.

The series of the BG/NBD expectation.

Symbols and formulas are those of `bg_nbd_expectation`, which tells where it serves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from retention_models.models.special import log_gamma_ratio

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

# What lies beyond the last node is exp(−π/2 · 26), 2e-18. With a pole at distance d from the line,
# the rule's error is exp(−2π d/step), 1e-17 at this step.
_HEIGHT = 26.0
_STEP_PER_DISTANCE = 0.16
# Lines run at multiples of 1/64, so that customers of like a share theirs.
_LINES = 64.0
_BLOCK = 512


def share_kept(window: float, rate: float, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    """Discounted purchases within a window, relative to those of a customer that never leaves; (n,).

    ∫₀ᴴ e^(−δt) f(t) dt / ∫₀ᴴ e^(−δt) dt, H the window, δ its continuous rate, above 0 where H is
    infinite; parameters are of customers who are alive, a > 0.
    """
    # Beyond 60/δ nothing is left to discount.
    if np.isinf(window) or rate * window > 60.0:
        return _integrals(np.log(alpha * rate), lambda xi: gamma(1.0 - xi), r, a, b)
    h = rate * window

    def mean_power(xi: Complex) -> Complex:
        return _incomplete(xi, h) / _incomplete(np.zeros(1, dtype=complex), h)

    return _integrals(np.log(alpha / window), mean_power, r, a, b)


def share_kept_by(t: Array, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    """Purchases within (0, t] relative to those of a customer that never leaves; (n,), t and a > 0."""
    return _integrals(np.log(alpha / t), lambda xi: 1.0 / (1.0 - xi), r, a, b)


def _incomplete(xi: Complex, h: float) -> Complex:
    """∫₀¹ e^(−hu) u^(−ξ) du by Kummer's series e^(−h) Σ h^k / (1−ξ)_{k+1}."""
    term = np.exp(-h) / (1.0 - xi)
    total, k = term.copy(), 1.0
    while k < h or float(np.abs(term).max()) > 1e-18 * np.exp(-h):
        term = term * h / (1.0 - xi + k)
        total += term
        k += 1.0
    return np.asarray(total)


def _integrals(
    log_scale: Array, factor: Callable[[Complex], Complex], r: Array, a: Array, b: Array
) -> Array:
    """1/(2πi) ∫ Γ(ξ) M(ξ) e^(ξ · log_scale) factor(ξ) dξ, plus 1 left of 0; by rows.

    The result falls like e^(log_scale · min(1, a)) where customers leave early, and like a constant
    where they hardly leave. The line runs close to the exponent, or terms cancel; but not too close
    to the poles at 0 and min(1, a), or it takes many nodes.
    """
    leaving = np.log(a / (a + b) * r) - log_scale  # how many times one typically leaves, log
    pole = np.minimum(1.0, a)
    early = np.where(a >= 0.1, np.maximum(pole / 2.0, pole - 0.25), -0.25)
    between = np.where(a >= 0.5, pole / 2.0, -0.25)
    line = np.where(leaving > 7.0, early, np.where(leaving > 0.0, between, -0.5))
    line = np.floor(line * _LINES) / _LINES
    result = np.empty(r.size)
    for real in np.unique(line):
        rows = np.flatnonzero(line == real)
        distance = min(real, float((pole[rows] - real).min())) if real > 0.0 else -real
        xi, weights = _nodes(real, distance, factor)
        sums = _sums(xi, weights, log_scale[rows], r[rows], a[rows], b[rows])
        result[rows] = sums + (1.0 if real < 0.0 else 0.0)
    return result


def _nodes(
    real: float, distance: float, factor: Callable[[Complex], Complex]
) -> tuple[Complex, Complex]:
    """Points ξ on the upper half of the line, whose lower half is its conjugate, and weights."""
    step = _STEP_PER_DISTANCE * distance
    heights = np.arange(0.0, _HEIGHT, step)
    xi: Complex = np.asarray(real + 1j * heights, dtype=np.complex128)
    weights = factor(xi) * gamma(xi) * (step / np.pi)
    weights[0] /= 2.0
    return xi, weights


def _sums(xi: Complex, weights: Complex, log_scale: Array, r: Array, a: Array, b: Array) -> Array:
    """Σ weights · M(ξ) · e^(ξ · log_scale), by rows; those of equal r, a, b share M."""
    order = np.lexsort((b, a, r))
    turn = np.exp(1j * (xi[1] - xi[0]).imag * log_scale)
    result = np.empty(r.size)
    for start in range(0, r.size, _BLOCK):
        rows = order[start : start + _BLOCK]
        shapes = np.stack([r[rows], a[rows], b[rows]])
        first = np.any(shapes[:, 1:] != shapes[:, :-1], axis=0)
        level = np.concatenate([[0], np.cumsum(first)])
        each = shapes[:, np.concatenate([[True], first]), None]
        moments = weights * np.exp(_log_moments(xi, *each))
        turns = np.repeat(turn[rows, None], xi.size, axis=1)
        turns[:, 0] = 1.0
        np.multiply.accumulate(turns, axis=1, out=turns)
        result[rows] = np.einsum("ij,ij->i", moments[level], turns).real
    return np.asarray(np.exp(xi[0].real * log_scale) * result)


def _log_moments(xi: Complex, r: Array, a: Array, b: Array) -> Complex:
    """Log of M(ξ)."""
    return np.asarray(
        log_gamma_ratio(r + 1.0, -xi) + log_gamma_ratio(a, -xi) - log_gamma_ratio(a + b, -xi)
    )


# Elements, and terms of each, at a time: few calls, on what stays in a processor's cache.
_SERIES_BLOCK, _TERMS = 1024, 24
_ORDER = np.arange(1.0, _TERMS + 1.0)[:, None]


def euler_series(A: Array, e: Array, c: Array, z: Array) -> Array:
    """Σ_j (A+1)_j (e+1)_j / ((c+1)_j (2)_j) · z^j, until every term is negligible; (n,), 0 ≤ z < 1.

    >>> one = np.ones(1)
    >>> euler_series(0.0 * one, np.array(1.0), 0.0 * one, 0.5 * one).round(12)  # Σ z^j
    array([2.])
    """
    total = np.empty_like(z)
    # The number of terms grows with z: those of like z go together, the longest first.
    order = np.argsort(-z)
    for first in range(0, z.size, _SERIES_BLOCK):
        rows = order[first : first + _SERIES_BLOCK]
        own = e[rows] if e.ndim else e
        total[rows] = _sum_series(A[rows], own, c[rows], z[rows])
    return total


def _sum_series(A: Array, e: Array, c: Array, z: Array) -> Array:
    """A block of `euler_series`, z decreasing; rows at its end drop out as their series end."""
    found = total = np.ones_like(z)
    last, enough = np.ones_like(z), 1e-17 * (1.0 - z)
    for start in itertools.count(0, _TERMS):
        j = start + _ORDER
        terms = A + j
        terms *= (e + j) / (1.0 + j)
        terms /= c + j
        terms *= z
        ratio = np.abs(terms[-1])
        terms[0] *= last
        np.multiply.accumulate(terms, axis=0, out=terms)
        total += terms.sum(axis=0)
        last = terms[-1]
        # Terms may grow before they shrink; stop only where the ratio is already below one.
        left = np.flatnonzero((np.abs(last) > enough * np.abs(total)) | (ratio >= 1.0))
        if not left.size:
            return found
        some = slice(int(left[-1]) + 1)
        A, c, z, total, last, enough = (v[some] for v in (A, c, z, total, last, enough))
        e = e[some] if e.ndim else e
    raise AssertionError("the series has no end")


def _runs(*columns: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First rows of runs of equal ones, and each row's run; a column may be one number for all.

    Customers of before of one x differ in recency alone, which is nothing to their future.
    """
    begins = np.zeros(columns[0].size, dtype=bool)
    begins[:1] = True
    for column in columns:
        if column.ndim:
            begins[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(begins), np.cumsum(begins) - 1


# Beyond these the series is long, or its terms alternate while they grow.
_FAR, _STEEP_A, _STEEP_R = 0.9, 20.0, 3.0
# In less time than this, relative to α, nobody leaves by any digit.
_NO_TIME = 1e-290
# A result this much below the first of its terms has lost five digits of sixteen to their difference.
_LOST = 1e-5


def expected_of_rows(t: Array, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    """Expected purchases in (0, t] of the new, or the known and alive; (n,); a = 0: nobody leaves."""
    first, run = _runs(t, r, alpha, a, b)
    t, r, alpha, b = t[first], r[first], alpha[first], b[first]
    return _of_runs(t, r, alpha, a[first] if a.ndim else a, b)[run]


def _of_runs(t: Array, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    """The same of rows that differ."""
    result = r * t / alpha
    hard = (t > _NO_TIME * alpha) & (a > 0.0)
    short = hard & (t <= _FAR * (alpha + t)) & (r - a - b < _STEEP_R) & (a < _STEEP_A)
    rows = np.flatnonzero(short)
    own = a[rows] if a.ndim else a
    values, safe = _by_series(t[rows], r[rows], alpha[rows], own, b[rows])
    result[rows[safe]] = values[safe]
    hard[rows[safe]] = False
    rows = np.flatnonzero(hard)
    own = np.broadcast_to(a, t.shape)[rows]
    result[rows] *= share_kept_by(t[rows], r[rows], alpha[rows], own, b[rows])
    return result


def _by_series(
    t: Array, r: Array, alpha: Array, a: Array, b: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """Expected purchases by the transformed 2F1, and which of them have kept their digits."""
    z = t / (alpha + t)
    log_rest = -np.log1p(t / alpha)
    c, e = a + b - 1.0, a - 1.0
    A = c - r
    at_one = e == 0.0
    first = c * np.where(at_one, -log_rest, -np.expm1(e * log_rest) / np.where(at_one, 1.0, e))
    values = first - np.exp(e * log_rest) * A * z * euler_series(A, e, c, z)
    return values, values > _LOST * np.abs(first)


# Terms of a series of positive terms, about, and the log of its sum, beyond which it is long.
_MOST_TERMS, _MOST_LOG = 2000.0, 600.0


def stays_by_series(r: Array, a: Array, b: Array, ratio: Array) -> tuple[Array, NDArray[np.bool_]]:
    """2F1(r, a; a+b; −u), and of which rows a series tells it; (n,).

    (1+u)^(−a) 2F1(a, a+b−r; a+b; w), w = u/(1+u), is short: of a known customer a+b−r is what it is of a
    new one. Where it is far below 0 that loses digits, and (1+u)^(−r) 2F1(r, b; a+b; w), of positive
    terms only, has them.
    """
    starts, run = _runs(r, a, b, ratio)
    r, a, b, ratio = r[starts], a[starts], b[starts], ratio[starts]
    found, z, log_scale = np.ones_like(ratio), ratio / (1.0 + ratio), np.log1p(ratio)
    e = a + b - r
    short = (z <= _FAR) & (e > -_STEEP_R) & (a < _STEEP_A)
    few = ((r + 5.0) * (1.0 + ratio) <= _MOST_TERMS) & (r * log_scale <= _MOST_LOG)
    for some, first, second in ((short, a, e), (~short & few, r, b)):
        A, B, c = first[some], second[some], a[some] + b[some]
        total = 1.0 + A * B / c * z[some] * euler_series(A, B, c, z[some])
        found[some] = np.exp(-A * log_scale[some]) * total
    return found[run], (short | few)[run]
