"""Slow references for the models, by other routes than the package's, and random points to compare at.

Closed forms as published, in 50 digits, a removable pole stepped around at 1e-40; or integration
over what is unseen, whose terms are all positive. Nothing here is imported from the package.

FHL is Fader, Hardie & Lee (2005), Marketing Science 24(2); FH is Fader & Hardie's note 009 (2005) on
the Pareto/NBD and, for spend, note 025 (2013); BDF is Batislam, Denizel & Filiztekin (2007).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import mpmath
import numpy as np
from mpmath import mpf
from scipy.special import betainc, log_expit

DIGITS = 50
_BESIDE = mpf(10) ** -40
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def exact(*values):
    """Floats as they are, in mpmath."""
    return [value if isinstance(value, mpf) else mpf(float(value)) for value in values]


def spread(rng, low, high, size):
    """Log-uniform numbers."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def random_customers(seed, size):
    """Rows (t, x, t_x, T, r, α, third, fourth), with the corners that break formulas among them.

    Parameters are log-uniform in .01–50; a twentieth each has the third at 1, next to 1, the third
    and fourth adding up to 1, less than 1, and nearly 1. A third has x = 0, the rest up to 10,000;
    t_x is 0, T, or between.
    """
    rng = np.random.default_rng(seed)
    r, alpha, a, b = (spread(rng, 0.01, 50.0, size) for _ in range(4))
    corner = rng.integers(0, 20, size)
    a = np.select(
        [corner == 0, corner == 1, corner == 2, corner == 3],
        [
            1.0,
            1.0 + rng.choice([1e-14, -1e-14, 2.3e-16, 1e-9, -1e-6], size),
            rng.uniform(0.01, 0.6, size),
            rng.uniform(0.01, 0.5, size),
        ],
        a,
    )
    a = np.where(corner == 4, np.minimum(a, 0.9), a)
    b = np.select(
        [corner == 2, corner == 3, corner == 4],
        [1.0 - a, rng.uniform(0.01, 0.45, size), 1.0 - a + rng.choice([1e-12, -1e-9, 1e-6], size)],
        b,
    )
    T = np.where(rng.random(size) < 0.02, 0.0, spread(rng, 0.1, 5000.0, size))
    several = np.where(
        rng.random(size) < 0.7, rng.integers(1, 20, size), spread(rng, 1, 10_001, size) // 1
    )
    x = np.where((rng.random(size) < 0.33) | (T == 0.0), 0.0, several)
    share = rng.random(size) ** rng.choice([0.05, 0.3, 1.0], size)
    share = np.select([rng.random(size) < 0.1, rng.random(size) < 0.05], [1.0, 0.0], share)
    t_x = np.where(x > 0, np.minimum(share * T, T), 0.0)
    t = np.where(rng.random(size) < 0.02, 0.0, spread(rng, 0.01, 5000.0, size))
    return [tuple(map(float, row)) for row in zip(t, x, t_x, T, r, alpha, a, b, strict=True)]


def random_count(rng, mean):
    """A number of purchases: few, far beyond the mean, or near it where that is below 3,000."""
    return float(
        rng.choice(
            [
                0,
                1,
                rng.integers(2, 12),
                spread(rng, 1.0, 3000.0, 1)[0] // 1,
                min(3000.0, mean * rng.uniform(0.5, 2.0) // 1),
            ]
        )
    )


def worst(actual, expected, points, *, floor=1e-290):
    """The largest error relative to the expected or to the floor, with the point where it is."""
    actual, expected = np.asarray(actual, float), np.asarray(expected, float)
    error = np.abs(actual - expected) / np.maximum(np.abs(expected), floor)
    error = np.where(np.isnan(error) | np.isnan(actual), np.inf, error)
    at = int(error.argmax())
    return float(error[at]), (points[at], float(actual[at]), float(expected[at]))


def derivatives(function, phi):
    """Gradient and Hessian of a function of k numbers, by differences of 1e-15 in 80 digits."""
    with mpmath.workdps(80):
        step, k = mpf(10) ** -15, len(phi)

        def at(*moves):
            place = [mpf(value) for value in phi]
            for i, sign in moves:
                place[i] += sign * step
            return function(place)

        here, up, down = at(), [at((i, 1)) for i in range(k)], [at((i, -1)) for i in range(k)]
        gradient = np.array([float((up[i] - down[i]) / (2 * step)) for i in range(k)])
        hessian = np.diag([float((up[i] - 2 * here + down[i]) / step**2) for i in range(k)])
        for i in range(k):
            for j in range(i):
                corners = [at((i, p), (j, q)) * p * q for p in (1, -1) for q in (1, -1)]
                hessian[i, j] = hessian[j, i] = float(sum(corners) / (4 * step**2))
    return gradient, hessian


def log_beta(a, b):
    """Log of the beta function."""
    return mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)


def beta_dropout_terms(x, t_x, T, r, alpha, a, b, *, first):
    """Logs of the terms "alive" and "left" (or None) of FHL (6); first=1 for BDF's likelihood."""
    x, t_x, T, r, alpha, a, b = exact(x, t_x, T, r, alpha, a, b)
    front = mpmath.loggamma(r + x) - mpmath.loggamma(r) + r * mpmath.log(alpha) - log_beta(a, b)
    alive = front + log_beta(a, b + x + first) - (r + x) * mpmath.log(alpha + T)
    if x + first == 0:
        return alive, None
    left = front + log_beta(a + 1, b + x + first - 1) - (r + x) * mpmath.log(alpha + t_x)
    return alive, left


def beta_dropout_log_likelihood(*point, first=0):
    """Log-likelihood of one BG/NBD customer, or MBG/NBD customer, as published."""
    with mpmath.workdps(max(DIGITS, mpmath.mp.dps)):
        alive, left = beta_dropout_terms(*point, first=first)
        return alive if left is None else alive + mpmath.log1p(mpmath.exp(left - alive))


def beta_dropout_alive(*point, first=0):
    """P(alive): the likelihood's share of its term "alive"."""
    with mpmath.workdps(DIGITS):
        alive, left = beta_dropout_terms(*point, first=first)
        return mpf(1) if left is None else 1 / (1 + mpmath.exp(left - alive))


def bg_nbd_expected(t, r, alpha, a, b, *, as_published=False):
    """FHL (9); unless as published, with Pfaff's transformation of 2F1, which mpmath sums faster."""
    with mpmath.workdps(100):
        t, r, alpha, a, b = exact(t, r, alpha, a, b)
        a = a + _BESIDE if a == 1 else a
        b = b + _BESIDE if a + b == 1 else b
        c, gone = a + b - 1, t / (alpha + t)
        if as_published:
            rest = (alpha / (alpha + t)) ** r * mpmath.hyp2f1(r, b, c, gone)
        else:
            rest = mpmath.hyp2f1(r, a - 1, c, -t / alpha)
        return c / (a - 1) * (1 - rest)


def bg_nbd_count(n, t, r, alpha, a, b):
    """FHL (8); its sum over j < n is one minus the sum over the rest, which is a 2F1."""
    if t == 0:
        return mpf(n == 0)
    with mpmath.workdps(DIGITS):
        n, t, r, alpha, a, b = exact(n, t, r, alpha, a, b)
        ways = mpmath.loggamma(r + n) - mpmath.loggamma(r) - mpmath.loggamma(n + 1)
        nbd = mpmath.exp(
            ways + r * mpmath.log(alpha / (alpha + t)) + n * mpmath.log(t / (alpha + t))
        )
        chance = mpmath.exp(log_beta(a, b + n) - log_beta(a, b)) * nbd
        if n > 0:
            rest = nbd * mpmath.hyp2f1(n + r, 1, n + 1, t / (alpha + t))
            chance += mpmath.exp(log_beta(a + 1, b + n - 1) - log_beta(a, b)) * rest
        return chance


def bg_nbd_discounted(horizon, rate, r, alpha, a, b):
    """E ∫₀ᴴ λ e^(−(δ+λp)t) dt, by quadrature over t and over p ~ Beta(a, b), λ integrated out.

    Over ln p/(1−p) the trapezoidal rule has nodes until nothing changes any more; from there on to
    either side its terms are geometric series, whose sums go into the outermost nodes.
    """
    if horizon == 0.0:
        return 0.0
    end = min(horizon, 60.0 / rate) if rate > 0.0 else horizon
    step = 0.1
    low, high = -45.0 - np.log(max(1.0, (r + 1.0) * end / alpha, b)), 45.0 + np.log(r + 2.0 + a)
    logit = np.arange(low, high, step)
    log_weight = a * log_expit(logit) + b * log_expit(-logit)
    log_weight[0] -= np.log(-np.expm1(-a * step))
    log_weight[-1] -= np.log(-np.expm1(-b * step))
    weight = np.exp(log_weight - log_weight.max())
    weight, p = weight / weight.sum(), np.exp(log_expit(logit))
    cuts = [0.0]
    while cuts[-1] < end:
        wide = 2.0 * (alpha / (r + 1.0) + cuts[-1])
        cuts.append(min(end, cuts[-1] + (min(wide, 8.0 / rate) if rate > 0.0 else wide)))
    total = 0.0
    for left, right in pairwise(cuts):
        t = (left + right) / 2.0 + (right - left) / 2.0 * _NODES
        buys = np.exp(-(r + 1.0) * np.log1p(np.outer(t / alpha, p))) @ weight
        total += (right - left) / 2.0 * float(_WEIGHTS @ (buys * np.exp(-rate * t)))
    return total * r / alpha


@lru_cache(maxsize=8192)
def pareto_nbd_terms(x, t_x, T, r, alpha, s, beta):
    """The terms "alive" and "left" of the likelihood, by FH's difference of 2F1s; in 80 digits."""
    x, t_x, T, r, alpha, s, beta = exact(x, t_x, T, r, alpha, s, beta)
    larger, apart, total = max(alpha, beta), abs(alpha - beta), r + s + x
    second = s + 1 if alpha >= beta else r + x

    def term(t):
        hyper = mpmath.hyp2f1(total, second, total + 1, apart / (larger + t))
        return hyper / (larger + t) ** total

    alive = (alpha + T) ** -(r + x) * (beta + T) ** -s
    return alive, s / total * (term(t_x) - term(T)) if T > t_x else mpf(0)


def pareto_nbd_log_likelihood(x, t_x, T, r, alpha, s, beta):
    """Log-likelihood of one Pareto/NBD customer."""
    with mpmath.workdps(80):
        alive, left = pareto_nbd_terms(x, t_x, T, r, alpha, s, beta)
        x, r, alpha, s, beta = exact(x, r, alpha, s, beta)
        front = mpmath.loggamma(r + x) - mpmath.loggamma(r)
        return front + r * mpmath.log(alpha) + s * mpmath.log(beta) + mpmath.log(alive + left)


def pareto_nbd_alive(*point):
    """P(alive): the likelihood's share of its term "alive"."""
    with mpmath.workdps(80):
        alive, left = pareto_nbd_terms(*point)
        return alive / (alive + left)


def pareto_nbd_lived(horizon, rate, s, beta):
    """∫₀ᴴ e^(−δt) (β/(β+t))^s dt by incomplete gamma functions, or Tricomi's without an end."""
    with mpmath.workdps(DIGITS + 10):
        rate, s, beta = exact(rate, s, beta)
        if rate == 0:
            s = s + _BESIDE if s == 1 else s
            return beta / (s - 1) * (1 - (beta / (beta + mpf(horizon))) ** (s - 1))
        if np.isinf(horizon):
            return beta * mpmath.hyperu(1, 2 - s, rate * beta)
        s = s + _BESIDE if s == int(s) else s
        begin, end = (mpmath.gammainc(1 - s, rate * (beta + t)) for t in (0, mpf(horizon)))
        return beta**s * mpmath.exp(rate * beta) * rate ** (s - 1) * (begin - end)


def pareto_nbd_count(n, t, r, alpha, s, beta):
    """P(X(t) = n), by the trapezoidal rule over ln y/(t−y), y the moment of leaving."""
    if t == 0.0:
        return float(n == 0)
    logit = np.arange(-60.0, 60.0, 0.008)
    log_y = np.log(t) + log_expit(logit)
    to_rate, to_life = log_y - np.log(alpha), log_y - np.log(beta)
    density = n * log_expit(to_rate) + r * log_expit(-to_rate) + log_expit(-logit)
    density += log_expit(to_life) + s * log_expit(-to_life) + np.log(0.008 * s)
    left = np.logaddexp.reduce(density)
    stays = -r * np.log1p(t / alpha) - n * np.log1p(alpha / t) - s * np.log1p(t / beta)
    with mpmath.workdps(30):
        n, r = exact(n, r)
        ways = float(mpmath.loggamma(r + n) - mpmath.loggamma(r) - mpmath.loggamma(n + 1))
    return float(np.exp(ways + np.logaddexp(left, stays)))


def gamma_gamma_log_likelihood(x, m, p, q, v):
    """FH's density of the mean m of x purchases, on the log scale."""
    with mpmath.workdps(max(DIGITS, mpmath.mp.dps)):
        x, m, p, q, v = exact(x, m, p, q, v)
        front = mpmath.loggamma(p * x + q) - mpmath.loggamma(p * x) - mpmath.loggamma(q)
        front += q * mpmath.log(v) + (p * x - 1) * mpmath.log(m) + p * x * mpmath.log(x)
        return front - (p * x + q) * mpmath.log(v + m * x)


def spend_distribution(s, n, x, m, p, q, v):
    """P(the next n purchases are worth s or less in all), given x purchases of mean value m.

    With ν ~ Gamma(q + p·x, V), V = v + x·m, the sum S of n purchases is Gamma(p·n, rate ν), and
    S/(S + V) ~ Beta(p·n, q + p·x): the distribution function is I_{s/(s+V)}(p·n, q + p·x).
    """
    s, n, x, m = (np.asarray(value, dtype=float) for value in (s, n, x, m))
    scale = v + x * np.where(x > 0, m, 0.0)
    some = n > 0
    return np.where(some, betainc(np.where(some, p * n, 1.0), q + p * x, s / (s + scale)), 1.0)
