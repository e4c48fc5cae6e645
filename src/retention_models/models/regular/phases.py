"""Purchases counted every k phases: what a customer buys who stands in some phase, by phase.

Phases pass as a Poisson process with rate λ ~ Gamma(r, rate α), every k-th is a purchase, and after
each purchase the customer leaves with probability p ~ Beta(a, b). For one who has passed j < k phases
since the last purchase, λ ~ Gamma(r + j, α), and

    F(n, j) = P(n·k − j phases or more in t) = I_z(n·k − j, r + j),   z = t/(α + t),

so that the count of purchases of whoever never leaves is n or more with probability F(n, j), and of
others with E (1−p)^(n−1) · F(n, j). From j to j + 1, F grows by one term of a negative multinomial
distribution, d(n, j) = Γ(n·k + r)/(Γ(n·k − j) Γ(r + j + 1)) · z^(n·k−j−1) (1 − z)^(r+j): all terms are
positive, and k phases cost one incomplete beta function.

Sums over n end where what is left is bounded below the last digit. Over long windows there are many
terms; there the sum over n is done in closed form, by partial fractions of the renewal density's
transform: with θ = (1−p)^(1/k), ω = e^(2πi/k) and c_l = 1 − θω^l, the density of purchases at t is

    (λ/k) Σ_l (θω^l)^(j+1−k) e^(−λ c_l t),

averaged over λ in closed form and over p by the trapezoidal rule in ln(p/(1−p)).

Sources: Platzer & Reutterer (2016), Marketing Science 35(5), for phases; Cox (1962), Renewal theory,
section 1.4 and chapter 4, for the transform; Trefethen & Weideman (2014), SIAM Review 56(3), for
the rule.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, gammaln

from retention_models.models.histories import distinct_rows
from retention_models.models.special import log_gamma_ratio, unit_nodes

Array = NDArray[np.float64]

# What is left of a sum, relative to its first term, below which it has ended.
_TAIL = 1e-16
# Sums of more terms than this are done in closed form over p; arrays of a block of rows have this size.
_LONG, _BLOCK = 256, 1 << 15
# Weights of phases at a time.
_WEIGHTS = 1 << 18
# e^(−40) is nothing; a step of the trapezoidal rule for functions analytic within π of the line, and
# relative to the width of a normal density.
_NOTHING, _STEP, _STEPS_PER_SD = 40.0, 0.25, 0.5
# Draws of rates and phases after which who is all but gone is drawn otherwise.
_ROUNDS = 12
# Phases whose densities are found from those of the first of them.
_ANCHOR = 24
# Below this chance to stay the closed form loses digits, and a few terms of the sum are all of it.
_STAYS = 0.03
_TERMS_OF_FEW = 12
# Beyond a discount of e^(−45) nothing is left of a purchase.
_DISCOUNTED = 45.0


def phase_weights(k: int, r: Array, alpha: Array, waited: Array) -> Array:
    """P(j phases passed) of customers alive who have waited since the last purchase, shape (n, k).

    Formula: ∝ (r)_j/j! · (waited/α)^j, r that at the last purchase and α that of now.
    """
    steps = np.arange(k - 1.0)
    with np.errstate(divide="ignore"):
        share = np.log(waited / alpha)[:, None]
    logs = np.zeros((r.size, k))
    logs[:, 1:] = np.cumsum(np.log((r[:, None] + steps) / (steps + 1.0)) + share, axis=1)
    logs -= logs.max(axis=1, keepdims=True)
    weights = np.exp(logs)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def blocks_of_weights(
    k: int, r: Array, alpha: Array, waited: Array
) -> Iterator[tuple[slice, Array]]:
    """`phase_weights` of arrays of one shape, flat, so many rows at a time as memory is spared for."""
    columns = [np.ravel(v) for v in (r, alpha, waited)]
    size = max(1, _WEIGHTS // k)
    for first in range(0, columns[0].size, size):
        rows = slice(first, first + size)
        yield rows, phase_weights(k, *(column[rows] for column in columns))


def drawn_phases(
    k: int, r: Array, alpha: Array, waited: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draws of the phases passed by customers alive, and of their rates; arrays of one shape.

    A rate as on the day of the last purchase and phases passed since are drawn together until fewer
    than k have; who is all but gone, for whom that takes too long, from the last phase down.
    """
    shape = r.shape
    r, alpha, waited = (np.ravel(v) for v in (r, alpha, waited))
    phases, rates = np.zeros(r.size), np.empty(r.size)
    left = np.arange(r.size)
    for _ in range(_ROUNDS):
        rates[left] = rng.gamma(r[left], 1.0 / (alpha - waited)[left])
        phases[left] = rng.poisson(rates[left] * waited[left])
        left = left[phases[left] >= k]
    if left.size:
        phases[left] = _drawn_from_the_last(k, r[left], (waited / alpha)[left], rng)
        rates[left] = rng.gamma(r[left] + phases[left], 1.0 / alpha[left])
    return phases.reshape(shape), rates.reshape(shape)


def _drawn_from_the_last(k: int, r: Array, w: Array, rng: np.random.Generator) -> Array:
    """Draws of j < k with weights ∝ (r)_j/j! · w^j, summed from j = k − 1 down."""

    def terms() -> Iterator[tuple[int, Array]]:
        term = np.ones(r.size)
        for j in range(k - 1, -1, -1):
            yield j, term
            term = term * (j / ((r + j - 1.0) * w)) if j else term
            if term.max() < _TAIL:
                return

    total = sum((term for _, term in terms()), np.zeros(r.size))
    place, found, passed = rng.random(r.size) * total, np.zeros(r.size), np.zeros(r.size)
    for j, term in terms():
        found = np.where((passed <= place) & (place < passed + term), float(j), found)
        passed = passed + term
    return found


def reached(k: int, n: Array, z: Array, r: Array) -> Iterator[tuple[Array, Array]]:
    """F(n, j) and ln d(n, j) for j = 0 … k − 1 in turn; n ≥ 1, z in (0, 1); arrays broadcast."""
    needed = n * k
    total = betainc(needed, r, z)
    log_odds = np.log1p(-z) - np.log(z)
    log_step = (
        log_gamma_ratio(r + 1.0, needed - 1.0)
        - gammaln(needed)
        + (needed - 1.0) * np.log(z)
        + r * np.log1p(-z)
    )
    for j in range(k):
        yield total, log_step
        total = total + np.exp(log_step)
        with np.errstate(divide="ignore"):
            log_step = log_step + log_odds + np.log(needed - 1.0 - j) - np.log(r + j + 1.0)


def reached_of_mixture(k: int, n: Array, z: Array, r: Array, weights: Array) -> Array:
    """Σ_j weights_j F(n, j), of arrays that broadcast with n; weights has a last axis of k more."""
    beyond = np.cumsum(weights[..., ::-1], axis=-1)[..., ::-1]
    bought, late = n >= 1.0, z > 0.0
    some, safe = np.where(bought, n, 1.0), np.where(late, z, 0.5)
    total: Array = np.zeros(())
    for j, (first, log_step) in enumerate(reached(k, some, safe, r)):
        if j == 0:
            total = first
        if j + 1 == k:
            break
        total = total + np.exp(log_step) * beyond[..., j + 1]
    return np.asarray(np.where(bought, np.where(late, total, 0.0), 1.0))


def expected_by_phase(
    k: int, t: Array, r: Array, alpha: Array, a: Array, b: Array, *, density: bool = False
) -> Array:
    """Expected purchases in (0, t] (or their density at t) by phase passed, shape (n, k).

    Formula: Σ_n (b)_(n−1)/(a+b)_(n−1) · F(n, j), r that of j = 0.
    """
    result = np.zeros((t.size, k))
    z = t / (alpha + t)
    if density:
        result[z == 0.0, k - 1] = ((r + k - 1.0) / alpha)[z == 0.0]
    terms = _terms_needed(k, z, r)
    terms[z == 0.0] = 0.0
    rows = np.argsort(terms, kind="stable")
    rows = rows[np.searchsorted(terms[rows], 0.5) : np.searchsorted(terms[rows], _LONG + 0.5)]
    start = 0
    while start < rows.size:
        # As many rows as fit with the longest of them, and not much longer than the shortest.
        size = max(1, int(_BLOCK / terms[rows[start]]))
        block = rows[start : start + size]
        n = np.arange(1.0, terms[block[-1]] + 1.0)
        columns = (v[block, None] for v in (z, r, alpha, a, b))
        result[block] = _summed(k, n, *columns, density=density)
        start += size
    long = np.flatnonzero(terms > _LONG)
    if long.size:
        _, customer = distinct_rows(*(v[long] for v in (r, alpha, a, b)))
        for one in range(customer.max() + 1):
            rows = long[customer == one]
            each = (float(v[rows[0]]) for v in (r, alpha, a, b))
            result[rows] = _in_closed_form(k, t[rows], *each, density=density)
    return result


def _terms_needed(k: int, z: Array, r: Array) -> Array:
    """Terms of the sum over n after which less than `_TAIL` of its first one is left.

    The ratio of a term to the one before it moves monotonically to z^k, so what is left of the sum
    is at most that of a geometric one with the larger of the two ratios.
    """
    terms = np.zeros(z.size)
    rows, n, shape = np.flatnonzero(z > 0.0), 2.0, r + k - 1.0
    first = betainc(k, r, z)
    before = betainc(1.0, shape, z)
    while rows.size and n <= _LONG:
        now = betainc(n * k - k + 1.0, shape[rows], z[rows])
        last = betainc((n - 1.0) * k - k + 1.0, shape[rows], z[rows]) if n > 2.0 else before[rows]
        ratio = np.maximum(now / np.maximum(last, 1e-300), z[rows] ** k)
        rest = now * ratio / np.maximum(1.0 - ratio, 1e-12)
        enough = rest <= _TAIL * first[rows]
        terms[rows[enough]] = n
        rows = rows[~enough]
        n = np.ceil(1.3 * n)
    terms[rows] = _LONG + 1.0
    return terms


def _summed(
    k: int, n: Array, z: Array, r: Array, alpha: Array, a: Array, b: Array, *, density: bool
) -> Array:
    """The sum over n by phase: columns of shape (rows, 1) against n, shape (terms,)."""
    before = b + np.maximum(n - 2.0, 0.0)
    stays = np.cumprod(np.where(n > 1.0, before / (a + before), 1.0), axis=1)
    result = np.empty((z.shape[0], k))
    for j, (total, log_step) in enumerate(reached(k, n, z, r)):
        # The density of the phase that completes n purchases is d(n, j) (r + j)(1 − z)/α.
        of_n = np.exp(log_step) * ((r + j) * (1.0 - z) / alpha) if density else total
        result[:, j] = np.einsum("ij,ij->i", of_n, stays)
    return result


def beta_nodes(a: float, b: float) -> tuple[Array, Array, Array]:
    """Chances to leave p, 1 − p and their weights under Beta(a, b), for smooth functions of ln(p/(1−p)).

    Beyond ±40 a function of p or 1 − p is constant: what the rule has there is a geometric series.
    """
    if a == 0.0:
        return np.zeros(1), np.ones(1), np.ones(1)
    centre, sd = np.log(a / b), np.sqrt(1.0 / a + 1.0 / b)
    step = min(_STEP, _STEPS_PER_SD * sd)
    low = max(-_NOTHING, centre - _NOTHING / a - 9.0 * sd)
    high = min(_NOTHING, centre + _NOTHING / b + 9.0 * sd)
    v = np.arange(low, high + step, step)
    log_p, log_q = -np.logaddexp(0.0, -v), -np.logaddexp(0.0, v)
    weights = step * np.exp(a * log_p + b * log_q - betaln(a, b))
    if low == -_NOTHING:
        weights[0] /= -np.expm1(-a * step)
    if high == _NOTHING:
        weights[-1] /= -np.expm1(-b * step)
    return np.exp(log_p), np.exp(log_q), weights / weights.sum()


def _in_closed_form(
    k: int, t: Array, r: float, alpha: float, a: float, b: float, *, density: bool
) -> Array:
    """The sum over n by phase at long times t of one customer, shape (t, k)."""
    p, q, weights = beta_nodes(a, b)
    few = q < _STAYS
    result = np.zeros((t.size, k))
    if few.any():
        n = np.arange(1.0, _TERMS_OF_FEW + 1.0)
        moments = weights[few] @ q[few, None] ** (n - 1.0)
        z = (t / (alpha + t))[:, None]
        for j, (total, log_step) in enumerate(reached(k, n, z, np.asarray(r))):
            of_n = np.exp(log_step) * ((r + j) * (1.0 - z) / alpha) if density else total
            result[:, j] = of_n @ moments
    log_theta, weights = np.log1p(-p[~few]) / k, weights[~few]
    for turn in range(k // 2 + 1):
        # Real at l = 0, where c is small and its logarithm must keep its digits.
        angle = 2j * np.pi * turn / k if turn else 0.0
        root = np.exp(log_theta + angle)
        c = -np.expm1(log_theta) - np.exp(log_theta) * np.expm1(angle)
        # Turns l and k − l are conjugate.
        both = (1.0 if turn in (0, k - turn) else 2.0) * weights
        log_rest = np.log1p(t[:, None] * (c / alpha))
        power, step = root ** (1 - k), np.exp(-log_rest)
        left = np.exp(-(r + 1.0 if density else r) * log_rest)
        for j in range(k):
            if density:
                result[:, j] += (r + j) / (alpha * k) * (left @ (both * power)).real
            elif turn:
                result[:, j] += ((1.0 - left) @ (both * power / c)).real / k
            else:
                # c is 0 for those who never leave.
                never, safe = c == 0.0, np.where(c == 0.0, 1.0, c)
                lost = -np.expm1(-(r + j) * log_rest) / safe
                kept = np.where(never, (r + j) / alpha * t[:, None], lost)
                result[:, j] += kept @ (both * power) / k
            left, power = left * step, power * root
    return result


def discounted_by_phase(
    k: int, horizon: float, rate: float, r: Array, alpha: Array, a: Array, b: Array
) -> Array:
    """Expected purchases in (0, horizon], each times e^(−rate · time), by phase, shape (n, k)."""
    if rate * horizon > _DISCOUNTED:
        result = np.empty((r.size, k))
        for row in range(r.size):
            result[row] = _endless(k, rate, *(float(v[row]) for v in (r, alpha, a, b)))
        return result
    result = np.zeros((r.size, k))
    if horizon == 0.0:
        return result
    terms = _terms_needed(k, horizon / (alpha + horizon), r)
    for row in range(r.size):
        one = tuple(float(v[row]) for v in (r, alpha, a, b))
        t, weights = _panels(k, horizon, *one[:2])
        weights = weights * np.exp(-rate * t)
        if terms[row] > _LONG:
            density = expected_by_phase(
                k, t, *(np.full(t.size, value) for value in one), density=True
            )
            result[row] = weights @ density
        else:
            result[row] = _summed_over_time(k, t, weights, np.arange(1.0, terms[row] + 1.0), *one)
    return result


def _summed_over_time(
    k: int, t: Array, weights: Array, n: Array, r: float, alpha: float, a: float, b: float
) -> Array:
    """Σ_t weights · (density of purchases at t) of one customer by phase, in products of matrices.

    From j to j + 1 the density's terms gain a factor of n and a factor of t.
    """
    before = b + np.maximum(n - 2.0, 0.0)
    log_stays = np.cumsum(np.where(n > 1.0, np.log(before / (a + before)), 0.0))
    log_z, log_rest = np.log(t / (alpha + t)), -np.log1p(t / alpha)
    odds, result = log_rest - log_z, np.empty(k)
    log_ways = log_stays + log_gamma_ratio(np.asarray(r), n * k) - gammaln(n * k)
    for start in range(0, k, _ANCHOR):
        # Each anchor's own first terms, so that powers of the odds stay within the range of floats.
        j = np.arange(start, min(start + _ANCHOR, k))
        logs = log_ways + np.outer(log_z, n * k - 1.0 - start)
        logs += ((r + 1.0 + start) * log_rest)[:, None]
        with np.errstate(divide="ignore"):
            gain = np.log(np.maximum(n * k - 1.0 - j[:, None], 0.0)) - np.log(r + j[:, None])
        by_n = np.exp(np.cumsum(np.concatenate([np.zeros((1, n.size)), gain[:-1]]), axis=0))
        by_t = weights / alpha * np.exp((j - start)[:, None] * odds)
        result[j] = ((by_t @ np.exp(logs)) * by_n).sum(axis=1)
        with np.errstate(divide="ignore"):
            log_ways = log_ways + gain.sum(axis=0)
    return result


def _panels(k: int, horizon: float, r: float, alpha: float) -> tuple[Array, Array]:
    """Nodes and weights on (0, horizon] that resolve the first purchases, and stretch beyond them."""
    gap = k * alpha / (r + k)
    width = min(1.5 * gap / np.sqrt(k), 8.0 * alpha / (r + k))
    # The n-th purchase's time has a variance of about n/k + n²/r squared gaps: at 1.5 or so the
    # density has lost its waves.
    steady = gap * min(1.5 * k, 1.3 * np.sqrt(r + k) + 1.0)
    ends = [0.0]
    while ends[-1] < horizon:
        ends.append(ends[-1] + (width if ends[-1] < steady else max(width, ends[-1] / 2.0)))
    edges = np.minimum(ends, horizon)
    unit, weights = unit_nodes(1)
    lengths = np.diff(edges)[:, None]
    return np.ravel(edges[:-1, None] + lengths * unit), np.ravel(lengths * weights)


def _endless(k: int, rate: float, r: float, alpha: float, a: float, b: float) -> Array:
    """Discounted purchases for good, of one customer by phase.

    Given λ and p they are φ^(k−j)/(1 − (1−p)φ^k), φ = λ/(λ + δ); averaged over both by the
    trapezoidal rule, in ln λ and in ln(p/(1−p)).
    """
    delta = alpha * rate  # with λ in units of 1/α
    high = np.log(r + k + 12.0 * np.sqrt(r + k) + _NOTHING)
    low = np.log(r - 12.0 * np.sqrt(r)) if r > 150.0 else min(np.log(r), np.log(delta), 0.0)
    low = low if r > 150.0 else low - _NOTHING / (r + k) - 6.0
    step = min(0.25, _STEPS_PER_SD / np.sqrt(r + k))
    v = np.arange(low, high + step, step)
    log_phi = -np.log1p(delta * np.exp(-v))
    p, _, weights = beta_nodes(a, b)
    y = np.exp(k * log_phi)
    stays = (weights / (-np.expm1(k * log_phi)[:, None] + y[:, None] * p)).sum(axis=1)
    j = np.arange(k)[:, None]
    shape = r + j
    logs = shape * v - np.exp(v) - gammaln(shape) + (k - j) * log_phi
    return np.asarray(step * (np.exp(logs) @ stays))
